"""When to rest between two turns of the loop.

With some dozens of calls nearly every packet costs a wake-up of its own, which is dearer than relaying it. A
rest of a millisecond gathers a handful. It is taken only while it pays: after many turns that followed close
on one another, until a rest gathers few, and not when the last turn left something to do. With hundreds of
calls the rest grows: the thicker the traffic, the more is saved by leaving core and caches to others.
"""

from __future__ import annotations

QUICK = 8  # turns in a row that followed close on another
CROWD = 4  # datagrams in a turn that make a rest worth while; turns are close within rest / CROWD
STEP = 12  # datagrams in a turn for each further `rest` of the next rest
LONGEST = 4  # times `rest`: a fifth of the 20 ms between two packets of a stream


class Pace:
    """Rests of `rest` to LONGEST * `rest` seconds, 0 for never."""

    __slots__ = ("_behind", "_last", "_quick", "_rest", "_times")

    def __init__(self, rest: float) -> None:
        self._rest = rest
        self._quick = 0
        self._times = 1
        self._behind = False
        self._last = 0.0

    @property
    def rest(self) -> float:
        """Seconds to rest before the next turn."""
        return self._rest * self._times if self._quick >= QUICK and not self._behind else 0.0

    def turned(self, now: float, taken: int, most: int) -> None:
        """Note a turn that took `taken` of at most `most` datagrams."""
        close = now - self._last < self._rest / CROWD
        self._last = now
        self._behind = taken >= most
        self._times = min(LONGEST, 1 + taken // STEP)
        if self._quick >= QUICK:
            if taken < CROWD:
                self._quick = 0
        else:
            self._quick = self._quick + 1 if close else 0
