"""The header fields of a message as raw lines, in order, with a dictionary of their values.

Lines are kept as they came, folds and all; the dictionary holds unfolded values under canonical names.
Edits touch only the lines they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sip.errors import BadMessage, LocalError
from sip.grammar import split_commas
from sip.headers import COMMA, KEYS, canonical

MAX_HEADERS = 256
MAX_HEADER = 8192
"""Characters of one header field, folds included."""
MAX_FOLDS = 16

_unfold = re.compile(r"[ \t]*+\r\n[ \t]++").sub


class Fields:
    """Raw header fields; names are taken in any case and in compact form."""

    __slots__ = ("_first", "_lines", "_more", "_typed")

    def __init__(self, lines: list[str]) -> None:
        """Take raw lines; they can be read once `index` has filed them."""
        self._lines = lines
        self._first: dict[str, str] = {}
        self._more: dict[str, list[str]] = {}
        self._typed: dict[str, object] = {}  # values made of these lines, for subclasses

    # -- reading ---------------------------------------------------------------------------------------

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All header fields in order: the name as written, the value as written (folds and all)."""
        pairs = []
        for line in self._lines:
            name, _, value = line.partition(":")
            pairs.append((name.rstrip(" \t"), value.strip(" \t")))
        return pairs

    def get(self, name: str) -> str | None:
        """Give the first raw value of a header, unfolded, or None."""
        return self._first.get(KEYS.get(name) or canonical(name))

    def all(self, name: str) -> list[str]:
        """Give every raw value of a header, unfolded, one for each line."""
        key = canonical(name)
        more = self._more.get(key)
        if more is not None:
            return list(more)
        first = self._first.get(key)
        return [] if first is None else [first]

    def values(self, name: str) -> list[str]:
        """Give every element of a header: like `all`, and split at commas where the header is a list."""
        key = canonical(name)
        if key not in COMMA:
            return self.all(key)
        return [element for value in self.all(key) for element in split_commas(value)]

    def missing(self, names: Iterable[str]) -> str:
        """Give the first of these canonical names whose header is absent or empty, "" when none is."""
        first = self._first
        for name in names:
            if not first.get(name):
                return name
        return ""

    @property
    def repeated(self) -> list[str]:
        """Canonical names of the headers that stand on more than one line."""
        return list(self._more)

    def __contains__(self, name: str) -> bool:
        return canonical(name) in self._first

    def index(self, lines: list[str]) -> str:
        """File every line of a message under its canonical name; say what is wrong with them, if anything."""
        first, fault = self._first, ""
        known = KEYS.get
        for line in lines:
            name, _, value = line.partition(":")
            key = known(name) or canonical(name)
            if not key or not (value or line[-1:] == ":"):
                fault = "a line without a header name"
            elif key in first:
                self._file(key, value.strip(" \t"))
            else:
                first[key] = value.strip(" \t")
        return fault

    def index_folded(self, lines: list[str]) -> str:
        """Do as `index` after joining continuation lines to the header they belong to (RFC 3261 7.3.1)."""
        folded: list[list[str]] = []
        for line in lines:
            if line[:1] in {" ", "\t"} and folded:
                folded[-1].append(line)
            else:
                folded.append([line])
        raw = ["\r\n".join(parts) for parts in folded]
        if len(raw) > MAX_HEADERS:
            raise BadMessage("framing", "too many headers")
        if max(map(len, folded)) > MAX_FOLDS + 1 or max(map(len, raw)) > MAX_HEADER:
            raise BadMessage("framing", "a header is too long or folded too often")
        self._lines = raw
        self._first.clear()
        self._more.clear()
        return self.index([_unfold(" ", line) for line in raw])

    # -- edits ---------------------------------------------------------------------------------------

    def add(self, name: str, value: str) -> None:
        """Append a header field."""
        key = checked(name, value)
        self._lines.append(f"{_spelling(name, key)}: {value}")
        self._file(key, value)
        self._typed.clear()

    def prepend(self, name: str, value: str) -> None:
        """Put a header field above all others (Via, Route, Record-Route)."""
        key = checked(name, value)
        self._lines.insert(0, f"{_spelling(name, key)}: {value}")
        self._reindex(key)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one, where the first one stood, else at the end."""
        key = checked(name, value)
        line = f"{_spelling(name, key)}: {value}"
        places = self._places(key)
        if places:
            self._lines[places[0]] = line
            for place in reversed(places[1:]):
                del self._lines[place]
        else:
            self._lines.append(line)
        self._first[key] = value
        self._more.pop(key, None)
        self._typed.clear()

    def replace_first(self, name: str, value: str) -> None:
        """Replace the first element of a header, e.g. the top Via; what follows it stays as it came."""
        key = checked(name, value)
        old = self._first.get(key)
        if old is None:
            raise LocalError("there is no such header to replace")
        if "," in old and key in COMMA:
            value = ", ".join([value, *split_commas(old)[1:]])
        for place, line in enumerate(self._lines):
            if canonical(line.partition(":")[0]) == key:
                self._lines[place] = f"{_spelling(name, key)}: {value}"
                break
        self._first[key] = value
        if key in self._more:
            self._more[key][0] = value
        self._typed.clear()

    def remove(self, name: str) -> None:
        """Remove all fields of this name, if any."""
        key = canonical(name)
        for place in reversed(self._places(key)):
            del self._lines[place]
        self._first.pop(key, None)
        self._more.pop(key, None)
        self._typed.clear()

    # -- inside ----------------------------------------------------------------------------------------

    def _file(self, key: str, value: str) -> None:
        first = self._first
        if key not in first:
            first[key] = value
        elif key in self._more:
            self._more[key].append(value)
        else:
            self._more[key] = [first[key], value]

    def _places(self, key: str) -> list[int]:
        if key not in self._first:
            return []
        return [at for at, line in enumerate(self._lines) if canonical(line.partition(":")[0]) == key]

    def _reindex(self, key: str) -> None:
        """File one header anew after its lines have moved."""
        self._first.pop(key, None)
        self._more.pop(key, None)
        self._typed.clear()
        for line in self._lines:
            name, _, value = line.partition(":")
            if canonical(name) == key:
                self._file(key, _unfold(" ", value).strip(" \t"))


def header_line(name: str, value: str) -> str:
    """Write a header of ours; LocalError when it would break the message apart."""
    return f"{_spelling(name, checked(name, value))}: {value}"


def checked(name: str, value: str) -> str:
    """Refuse a header of ours that would break the message apart; give its canonical name."""
    key = canonical(name)
    if not key or "\r" in value or "\n" in value:
        raise LocalError("a header name or value that would break the message")
    return key


def _spelling(name: str, key: str) -> str:
    """Give the spelling to write: canonical for headers we know, else the caller's."""
    return key if key in KEYS else name
