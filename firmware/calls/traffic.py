"""`Traffic`: which legs are on lines to the outside now, and who began how many calls within the last hour.

What ends a leg needs not tell: a leg that is over, or that nobody holds any more, does not count.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from firmware.calls.leg import Leg
from firmware.calls.outside import Line

HOUR = 3600.0
MOST_WINDOWS = 10_000
"""Extensions and lines remembered at once; beyond, those that made no call within the hour are forgotten."""


@dataclass(frozen=True, slots=True)
class Use:
    """A leg on a line: who pays for it ("" for calls that came in), and whether it calls for help."""

    line: str
    payer: str
    help: bool = False


class Traffic:
    """The ledger of calls outside. `now` returns monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._uses: WeakKeyDictionary[Leg, Use] = WeakKeyDictionary()
        self._begun: dict[str, deque[float]] = {}

    def came(self, leg: Leg, line: str) -> None:
        """Note a call from outside."""
        self._uses[leg] = Use(line, "")

    def begins(self, payer: str) -> None:
        """Note that somebody begins a call outside, whatever lines it will be tried on."""
        self._stamp(payer, self._now())

    def went(self, leg: Leg, line: str, payer: str) -> None:
        """Note a leg that goes out."""
        self._uses[leg] = Use(line, payer)
        self._stamp(f"line {line}", self._now())

    def calls_help(self, leg: Leg, line: str) -> None:
        """Note a call for help: it counts for nobody's caps, and never makes way."""
        self._uses[leg] = Use(line, "", help=True)

    def on(self, line: str) -> int:
        """Return how many calls a line carries now."""
        return sum(use.line == line for _, use in self._living())

    def of(self, payer: str) -> int:
        """Return how many calls outside somebody has now."""
        return sum(use.payer == payer for _, use in self._living())

    def hourly(self, payer: str) -> int:
        """Return how many calls outside somebody began within the last hour."""
        return self._recent(payer)

    def line_hourly(self, line: str) -> int:
        """Return how many calls went out on a line within the last hour."""
        return self._recent(f"line {line}")

    def room(self, line: Line) -> bool:
        """Tell whether a line carries less than it can."""
        return self.on(line.name) < line.most

    def youngest(self, line: str) -> Leg | None:
        """Return the leg that makes way first when help needs this line.

        Calls that went out before those that came in: the one who calls back may be who sends help.
        """
        order = enumerate(self._living())  # they are kept in the order in which they began
        found = [
            (use.payer == "", -place, leg) for place, (leg, use) in order if use.line == line and not use.help
        ]
        return min(found)[2] if found else None

    def forget(self, payer: str | None = None) -> None:
        """Begin the count of the hour anew, for one or for all."""
        if payer is None:
            self._begun.clear()
        else:
            self._begun.pop(payer, None)

    def _living(self) -> Iterator[tuple[Leg, Use]]:
        return ((leg, use) for leg, use in list(self._uses.items()) if not leg.over)

    def _stamp(self, who: str, now: float) -> None:
        if len(self._begun) >= MOST_WINDOWS and who not in self._begun:
            for each in [each for each, stamps in self._begun.items() if stamps[-1] <= now - HOUR]:
                del self._begun[each]
        self._begun.setdefault(who, deque(maxlen=MOST_WINDOWS)).append(now)

    def _recent(self, who: str) -> int:
        stamps = self._begun.get(who)
        if stamps is None:
            return 0
        horizon = self._now() - HOUR
        while stamps and stamps[0] <= horizon:
            stamps.popleft()
        if not stamps:
            del self._begun[who]
        return len(stamps)
