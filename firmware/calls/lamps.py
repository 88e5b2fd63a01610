"""Lamps: which extensions ring or talk, for phones that show it on a key."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

GATHER_SECONDS = 0.05
"""Changes that come together are told together; a lamp follows within half a second."""


class Lamp(Enum):
    """How far one call of an extension is; the values are the states of RFC 4235 3.7.1."""

    TRYING = "trying"
    EARLY = "early"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Light:
    """One call of an extension: its random id, how far it is, and whether the extension made it.

    `dialog` is what a Replaces header needs to pick up a call that rings (see `Leg.dialog`).
    """

    call: str
    lamp: Lamp
    initiator: bool
    dialog: tuple[str, str, str] | None = None


class Lamps:
    """Gathers whose calls changed and tells `listener` their extension ids, soon."""

    __slots__ = ("_changed", "_timer", "listener")

    def __init__(self) -> None:
        self.listener: Callable[[frozenset[str]], None] | None = None
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, extensions: Iterable[str | None]) -> None:
        """Note that calls of these may have changed."""
        if self.listener is None:
            return
        self._changed.update(extension for extension in extensions if extension is not None)
        if self._timer is None and self._changed:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._timer = None
        changed, self._changed = frozenset(self._changed), set()
        if self.listener is not None:
            self.listener(changed)
