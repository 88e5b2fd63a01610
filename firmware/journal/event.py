"""Typed events: a declared kind and fields that cannot carry personal data by accident."""

import os
from dataclasses import dataclass
from enum import Enum, IntEnum

from firmware.labels import Personal

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


class Level(IntEnum):
    """How much attention an event asks for."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ALARM = 3


class Word(str):
    """A fixed word out of our own source, such as "UDP": made from a literal, never from input.

    A test reads the source tree for any other use.
    """

    __slots__ = ()


class Fault:
    """An exception as the log may know it: type, place in our code, errno; never its text."""

    __slots__ = ("_text",)

    def __init__(self, error: BaseException) -> None:
        others = 0
        while isinstance(error, BaseExceptionGroup):
            others += len(error.exceptions) - 1
            error = error.exceptions[0]
        where, ours = "?", False
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            path = code.co_filename
            mine = path.startswith(_ROOT) and not path.startswith(_LIBRARY) and "site-packages" not in path
            if mine or not ours:  # the last frame of ours names the place better than the library it called
                name = path.removeprefix(_ROOT) if mine else os.path.basename(path)
                where, ours = f"{name}:{trace.tb_lineno} {code.co_name}", mine
            trace = trace.tb_next
        number = (
            f" errno {error.errno}" if isinstance(error, OSError) and isinstance(error.errno, int) else ""
        )
        more = f" and {others} more" if others else ""
        self._text = f"{type(error).__name__}{number} at {where}{more}"

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


Field = int | float | Enum | Word | Personal | Fault | None
"""What an event may carry: measured quantities, enums, fixed words, masked personal data, faults.

A number somebody dialled is never an int here: it is Personal("num", ...). A plain str is refused by the type
checker, and printed as "(refused)" where it slips through."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of event, a module constant: dotted name, readable line with {fields}, level."""

    name: str
    text: str
    level: Level = Level.INFO


def show(value: object) -> str:
    """Print one field; whatever is no `Field` is refused."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Word | Personal | Fault):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if value is None or isinstance(value, int):
        return "-" if value is None else str(value)
    return REFUSED


REFUSED = "(refused)"
