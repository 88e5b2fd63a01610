"""What the box refused by itself, why, in plain words, and how somebody takes that back.

Kept in memory, the last MOST of them and for a week: the journal and the records outlive it. The same matter
of the same extension or line is one entry, however often a phone tries again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MOST: Final = 200
WEEK: Final = 7 * 86400.0
LIFTED: Final = 12 * 3600.0
"""Seconds that a lock taken back stays away."""


class Matter(Enum):
    """What was decided on."""

    HOURS = "hours"  # a call off hours
    MONEY = "money"  # the day's money is spent
    CALLS = "calls"  # too many calls at once, or within the hour


@dataclass(slots=True)
class Decision:
    """One of them. `who` is an extension's id or a line's purse; `first` and `last` are unix seconds."""

    number: int
    matter: Matter
    who: str = field(repr=False)
    why: str = field(repr=False)
    first: float = 0.0
    last: float = 0.0
    times: int = 0
    undone: bool = False


class Decisions:
    """All of them, by number. `wall` and `now` are the clock's."""

    def __init__(self, wall: Callable[[], float], now: Callable[[], float]) -> None:
        self._wall = wall
        self._now = now
        self._next = 1
        self._all: dict[int, Decision] = {}
        self._lifted: dict[str, float] = {}

    def note(self, matter: Matter, who: str, why: str) -> None:
        """Write one down."""
        wall = self._wall()
        self._forget(wall)
        for one in self._all.values():
            if (one.matter, one.who, one.undone) == (matter, who, False) and wall - one.first < LIFTED:
                one.why, one.last, one.times = why, wall, one.times + 1
                return
        self._all[self._next] = Decision(self._next, matter, who, why, wall, wall, 1)
        self._next += 1
        while len(self._all) > MOST:
            del self._all[next(iter(self._all))]

    def list(self) -> list[Decision]:
        """Return those of the last week, newest first."""
        self._forget(self._wall())
        return list(self._all.values())[::-1]

    def take_back(self, number: int) -> Decision | None:
        """Take one back and return it; None if there is none. Whoever counts must be told to forget."""
        found = self._all.get(number)
        if found is not None:
            found.undone = True
            if found.matter is Matter.HOURS:
                now = self._now()
                self._lifted = {who: until for who, until in self._lifted.items() if until > now}
                self._lifted[found.who] = now + LIFTED
        return found

    def lifted(self, who: str) -> bool:
        """Tell whether the lock off hours was taken back for somebody."""
        return self._lifted.get(who, 0.0) > self._now()

    def _forget(self, wall: float) -> None:
        for one in [each for each in self._all.values() if each.last < wall - WEEK]:
            del self._all[one.number]
