"""The local RTP ports of the media process: which are free, and which rest after a call."""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet
from math import ceil


class Ports:
    """All ports there are. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self._all: set[int] = set()
        self._free: deque[tuple[float, int]] = deque()  # (from when it may be used, port), sorted by itself

    def __bool__(self) -> bool:
        return bool(self._all)

    def renew(self, bound: set[int], used: AbstractSet[int]) -> set[int]:
        """Take over what a media process has bound; return what is gone. Calls have the ports in `used`."""
        gained, missing = bound - self._all, self._all - bound
        self._all = bound
        self._free = deque((since, port) for since, port in self._free if port not in missing)
        self._free.extendleft((0.0, port) for port in sorted(gained - used, reverse=True))
        return missing

    def take(self, now: float, *, urgent: bool) -> tuple[int, int] | None:
        """Take two ports, `urgent`: also such as should rest; None if there are none."""
        if len(self._free) < 2 or (self._free[1][0] > now and not urgent):
            return None
        return self._free.popleft()[1], self._free.popleft()[1]

    def give(self, port: int, since: float) -> None:
        """Give a port back that may be used again from a moment on."""
        if port in self._all:
            self._free.append((since, port))

    def ready(self, now: float) -> int:
        """Count the ports that may be used now."""
        return sum(since <= now for since, _ in self._free)

    def crowded(self, share: float, now: float) -> bool:
        """Tell whether more than this share is in use or rests; costs the same with any number of ports."""
        spare = ceil(len(self._all) * (1.0 - share))
        return bool(spare) and (len(self._free) < spare or self._free[spare - 1][0] > now)
