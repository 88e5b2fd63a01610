"""On which line of a TOML text each key stands.

`tomllib` says what a document means, not where. This index walks the same text once more and notes the line
of every table, key and array element. It expects a text `tomllib` accepted, decides nothing itself, and a
test holds it to naming exactly the paths `tomllib` found.
"""

from bisect import bisect_right
from typing import Final

from provisioning.site_check import Path

_BARE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_SPACE: Final = " \t"


def line_index(text: str) -> dict[Path, int]:
    """Map each path of a valid TOML document, such as ("listener", 1, "port"), to its line, from 1."""
    return _Walk(text).document()


class _Walk:
    """One pass over a document; `_at` is the next character to read."""

    __slots__ = ("_at", "_breaks", "_lines", "_tables", "_text")

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n") + "\n"
        self._at = 0
        self._breaks = [i for i, character in enumerate(self._text) if character == "\n"]
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # arrays of tables: how many tables so far

    def document(self) -> dict[Path, int]:
        here: Path = ()
        end = len(self._text)
        while True:
            self._blank()
            if self._at >= end:
                return self._lines
            if self._text.startswith("[[", self._at):
                here = self._header(2)
            elif self._text[self._at] == "[":
                here = self._header(1)
            else:
                self._pair(here)

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1

    def _blank(self) -> None:
        """Skip white space, line ends and comments."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t\n":
                self._at += 1
            elif character == "#":
                self._at = self._text.index("\n", self._at)
            else:
                return

    def _header(self, brackets: int) -> Path:
        line = self._line()
        self._at += brackets
        names = self._key()
        self._at += brackets
        path: Path = ()
        for name in names[:-1]:
            path = (*path, name)
            self._lines.setdefault(path, line)
            if path in self._tables:  # [a.b] below [[a]] speaks of the newest a
                path = (*path, self._tables[path] - 1)
        path = (*path, names[-1])
        if brackets == 1:
            self._lines[path] = line
            return path
        self._lines.setdefault(path, line)
        number = self._tables.get(path, 0)
        self._tables[path] = number + 1
        path = (*path, number)
        self._lines[path] = line
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for name in self._key():
            path = (*path, name)
            self._lines.setdefault(path, line)
        self._at += 1  # =
        self._value(path)

    def _key(self) -> list[str]:
        """Read a dotted key up to what follows it: `=` or `]`."""
        names = []
        while True:
            self._spaces()
            start = self._at
            if self._text[start] in "\"'":
                self._string()
                names.append(_unquoted(self._text[start : self._at]))
            else:
                while self._text[self._at] in _BARE:
                    self._at += 1
                names.append(self._text[start : self._at])
            self._spaces()
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _spaces(self) -> None:
        while self._text[self._at] in _SPACE:
            self._at += 1

    def _value(self, path: Path) -> None:
        self._spaces()
        character = self._text[self._at]
        if character in "\"'":
            self._string()
        elif character == "[":
            self._array(path)
        elif character == "{":
            self._inline(path)
        else:  # number, date, true, false
            while self._text[self._at] not in ",]}#\n":
                self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._blank()
            if self._text[self._at] == "]":
                self._at += 1
                return
            element = (*path, number)
            self._lines[element] = self._line()
            self._value(element)
            number += 1
            self._blank()
            if self._text[self._at] == ",":
                self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._blank()
            if self._text[self._at] == "}":
                self._at += 1
                return
            self._pair(path)
            self._blank()
            if self._text[self._at] == ",":
                self._at += 1

    def _string(self) -> None:
        quote = self._text[self._at]
        long = quote * 3
        if self._text.startswith(long, self._at):
            self._at = self._closing(long, self._at + 3) + 3
            while self._text[self._at] == quote:  # up to two quotes may stand before the closing three
                self._at += 1
        else:
            self._at = self._closing(quote, self._at + 1) + 1

    def _closing(self, mark: str, at: int) -> int:
        escapes = mark[0] == '"'
        while not self._text.startswith(mark, at):
            at += 2 if escapes and self._text[at] == "\\" else 1
        return at


def _unquoted(quoted: str) -> str:
    if quoted[0] == "'" or "\\" not in quoted:
        return quoted[1:-1]
    import tomllib

    name: str = tomllib.loads("k=" + quoted)["k"]
    return name
