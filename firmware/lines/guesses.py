"""Slows down who guesses secrets, and nobody else.

Only a wrong answer to a nonce that was made for its very source is counted, so nobody can look guilty by a
forged address. After a small burst a source gets less than one try a minute; what comes in between is
challenged as ever, but not judged; who has all tries again is forgotten. Three things
keep honest phones out of this: a right answer costs nothing;
a user who has been right from a source has tries of his own there; and where he was right last, address and
port alike, he is always judged, until he is wrong.
"""

from __future__ import annotations

from typing import Final

from sip.flow import network

BURST: Final = 5
SECONDS_PER_TRY: Final = 75.0
LIMIT: Final = 4096
"""Sources with wrong answers, and users with right ones, that are remembered."""

Key = tuple[str, str]


class Guesses:
    """Counts wrong answers. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._tries: dict[Key, tuple[float, float]] = {}  # (tries left, when that was true)
        self._proven: dict[Key, int] = {}  # the port a user was last right from; 0: was wrong since
        self.counted = 0
        """Wrong answers so far."""

    def may_try(self, host: str, port: int, user: str, now: float) -> bool:
        """Whether credentials of `user` from there are to be judged."""
        self._forget_rested(now)
        if not self._tries:
            return True
        key = (network(host), user)
        if self._proven.get(key) == port:
            return True
        return self._left(self._key(key), now) >= 1

    def suspect(self) -> bool:
        """Whether anybody has been wrong lately; if not, nobody need be looked at."""
        return bool(self._tries)

    def right(self, host: str, port: int, user: str) -> None:
        """Note a right answer."""
        key = (network(host), user)
        if self._proven.get(key) != port:
            self._proven.pop(key, None)
            if len(self._proven) >= LIMIT:
                del self._proven[next(iter(self._proven))]
            self._proven[key] = port

    def wrong(self, host: str, port: int, user: str, now: float) -> bool:
        """Note a wrong answer; tell whether it was the last try for now."""
        self.counted += 1
        self._forget_rested(now)
        whole = (network(host), user)
        if self._proven.get(whole) == port:
            self._proven[whole] = 0
        key = self._key(whole)
        left = max(0.0, self._left(key, now) - 1)
        self._tries.pop(key, None)
        if len(self._tries) >= LIMIT:
            self._forget(now)
        self._tries[key] = (left, now)
        return left < 1

    def _key(self, key: Key) -> Key:
        return key if key in self._proven else (key[0], "")

    def _left(self, key: Key, now: float) -> float:
        left, then = self._tries.get(key, (float(BURST), now))
        return min(float(BURST), left + (now - then) / SECONDS_PER_TRY)

    def _forget_rested(self, now: float) -> None:
        """Drop whoever was wrong so long ago that all tries are back; they stand in the order of that."""
        while self._tries:
            oldest = next(iter(self._tries))
            if self._tries[oldest][1] > now - BURST * SECONDS_PER_TRY:
                return
            del self._tries[oldest]

    def _forget(self, now: float) -> None:
        """Drop who has all tries again, or else whoever was wrong the longest time ago."""
        rested = [key for key in self._tries if self._left(key, now) >= BURST]
        for key in rested or [next(iter(self._tries))]:
            del self._tries[key]
