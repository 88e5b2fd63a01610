"""Reading typed values out of a parsed TOML table, noting every fault instead of stopping at the first.

A fault names file, line, key, what is wrong and what would be right, in one line. Reading goes on with a
harmless value after a fault, so that one run shows all of them; whoever reads must ask `faults` before using
the values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Path = tuple[str | int, ...]
"""How to reach a value from the root: keys, and positions in arrays counted from 0."""

_SHOWN: Final = 40  # characters of a wrong value repeated to its writer


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file: where it stands (line 0: anywhere), what it is, what would be right."""

    file: str
    line: int
    key: str
    why: str
    right: str

    def __str__(self) -> str:
        line = f"{self.line}:" if self.line else ""
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{line}{key} {self.why}; {self.right}"


class SiteError(Exception):
    """A file that cannot be used; `faults` are all of them in the order of their lines, str() one line each.

    `file`, `line`, `key`, `why` and `right` are those of the first.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(map(str, self.faults)))
        first = self.faults[0]
        self.file, self.line, self.key, self.why, self.right = (
            first.file,
            first.line,
            first.key,
            first.why,
            first.right,
        )


class Document:
    """The text of a TOML document and the faults found in it; lines are looked up when one is found."""

    __slots__ = ("_file", "_lines", "_text", "faults")

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._lines: dict[Path, int] | None = None
        self.faults: list[Fault] = []

    def fault(self, path: Path, why: str, right: str) -> None:
        """Note a fault at a path, or at the nearest table around it when the path was never written."""
        if self._lines is None:
            from provisioning.site_lines import line_index

            try:
                self._lines = line_index(self._text)
            except RecursionError:  # nested as deeply as tomllib itself just bears
                self._lines = {}
        written = path
        while written and written not in self._lines:
            written = written[:-1]
        self.faults.append(Fault(self._file, self._lines.get(written, 1), spelled(path), why, right))


def spelled(path: Path) -> str:
    """Write a path the way people name it: `listener[2].port`, elements counted from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = (
                part
                if part.replace("_", "").replace("-", "").isalnum() and part.isascii()
                else repr(part)[:_SHOWN]
            )
            text += f".{name}" if text else name
    return text


def shown(value: object) -> str:
    """Repeat a value in a message: safe for a terminal and short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def nearest(name: str, known: list[str]) -> str | None:
    """Return the known word a misspelled one was probably meant to be."""
    from difflib import get_close_matches

    matches = get_close_matches(name, known, 1, 0.6)
    return matches[0] if matches else None


class Table:
    """One TOML table being read; every key read is remembered, `close` reports those nobody asked for."""

    __slots__ = ("_asked", "_document", "_path", "_values")

    def __init__(self, document: Document, path: Path, values: dict[str, object]) -> None:
        self._document = document
        self._path = path
        self._values = values
        self._asked: list[str] = []

    def fault(self, key: str, why: str, right: str) -> None:
        """Note a fault at one of this table's keys."""
        self._document.fault((*self._path, key), why, right)

    def has(self, key: str) -> bool:
        """Tell whether the key is written at all."""
        return key in self._values

    def text(self, key: str, right: str, accept: Callable[[str], bool], default: str | None = None) -> str:
        """Read a text that `accept` likes; `right` completes "write ..."."""
        value = self._value(key, right, default)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault(key, f"{shown(value)} is not a text", f"write {right} in double quotes")
            return ""
        if not accept(value):
            self.fault(key, f"{shown(value)} is not accepted", f"write {right}")
        return value

    def choice(self, key: str, words: list[str], default: str | None = None) -> str:
        """Read one of a few words."""
        right = "one of " + ", ".join(words)
        value = self._value(key, right, default)
        if value is None:
            return words[0]
        if not isinstance(value, str) or value not in words:
            guess = nearest(value, words) if isinstance(value, str) else None
            hint = f' (did you mean "{guess}"?)' if guess else ""
            self.fault(key, f"{shown(value)} is not a choice", f"write {right}{hint}")
            return words[0]
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Read a whole number from low to high."""
        right = f"a whole number from {low} to {high}"
        value = self._value(key, right, default)
        if value is None:
            return low
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(key, f"{shown(value)} is not a whole number", f"write {right} without quotes")
            return low
        if not low <= value <= high:
            self.fault(key, f"{shown(value)} is out of range", f"write {right}")
            return low
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Read a number, whole or with decimals, from low to high."""
        right = f"a number from {low:g} to {high:g}"
        value = self._value(key, right, default)
        if value is None:
            return low
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fault(key, f"{shown(value)} is not a number", f"write {right} without quotes")
            return low
        if not low <= value <= high:  # nan is refused, too
            self.fault(key, f"{shown(value)} is out of range", f"write {right}")
            return low
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._value(key, "true or false", default)
        if not isinstance(value, bool):
            self.fault(key, f"{shown(value)} is neither true nor false", "write true or false without quotes")
            return default
        return value

    def texts(
        self,
        key: str,
        right: str,
        accept: Callable[[str], bool],
        default: tuple[str, ...] | None = None,
        *,
        empty: bool = False,
    ) -> tuple[str, ...]:
        """Read a list of texts, each of which `accept` likes; at least one unless it may be `empty`."""
        value = self._value(key, f"a list of {right}", None if default is None else list(default))
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fault(key, f"{shown(value)} is not a list", f"write a list of {right} in square brackets")
            return ()
        if not value and not empty:
            self.fault(key, "the list is empty", f"write at least one of {right}")
        for number, element in enumerate(value):
            if not isinstance(element, str) or not accept(element):
                path = (*self._path, key, number)
                self._document.fault(
                    path, f"{shown(element)} is not accepted", f"write {right} in double quotes"
                )
        return tuple(element for element in value if isinstance(element, str))

    def table(self, key: str, *, required: bool = False) -> "Table":
        """Read a table below this one; an absent one reads as empty."""
        self._asked.append(key)
        value = self._values.get(key)
        if value is None and required:
            self.fault(
                key, "the table is missing", f"add a line [{spelled((*self._path, key))}] and its keys"
            )
        if value is not None and not isinstance(value, dict):
            self.fault(
                key, f"{shown(value)} is not a table", f"write [{key}] on a line of its own, its keys below"
            )
            value = None
        return Table(self._document, (*self._path, key), value or {})

    def tables(self, key: str, most: int, *, required: bool = True) -> list["Table"]:
        """Read an array of one to `most` tables, of none where it is not required."""
        self._asked.append(key)
        value = self._values.get(key)
        if value is None and not required:
            return []
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(element, dict) for element in value)
        ):
            why = (
                f"there is no {key}"
                if value is None or value == []
                else f"{shown(value)} is not an array of tables"
            )
            self.fault(key, why, f"write [[{key}]] with double brackets on a line of its own, its keys below")
            return []
        if len(value) > most:
            self.fault(key, f"{len(value)} of them are too many", f"keep at most {most}")
            return []
        return [Table(self._document, (*self._path, key, i), element) for i, element in enumerate(value)]

    def close(self) -> None:
        """Report every key that is written here but means nothing."""
        free = [name for name in self._asked if name not in self._values]
        for key in self._values:
            if key not in self._asked:
                guess = nearest(key, free or self._asked)
                known = ", ".join(self._asked)
                right = f'did you mean "{guess}"?' if guess else f"known here: {known}"
                self.fault(key, "unknown key", right)

    def _value(self, key: str, right: str, default: object) -> object:
        self._asked.append(key)
        value = self._values.get(key, default)
        if value is None:
            self.fault(key, "missing", f"add it: {right}")
        return value
