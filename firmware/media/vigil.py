"""Watching the media process: that it answers at all, and what it has counted so far.

Every BEAT it is asked for some of the rows, so that each is heard of every ROUND seconds; if it ends, no more
than that of its counting is lost. One that is alive but says nothing beat after beat hangs: `hung` is called.
Beats are counted, not seconds: if it is we who come late, it has had as many chances to speak.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from firmware.media.tally import Tally

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from rtp.control import Statistics

BEAT = 0.25  # seconds between two questions while there are calls
IDLE = 5.0  # without calls
ROUND = 5.0  # seconds until every row was asked for
STRIKES = 12  # beats without a word


class Vigil:
    """`ask(ports)` sends questions for their rows, or for what the process did if there are none."""

    def __init__(self, ask: Callable[[list[int]], None], hung: Callable[[], None]) -> None:
        self._ask = ask
        self._hung = hung
        self._tallies: dict[int, Tally] = {}
        self._turns: deque[tuple[int, ...]] = deque()  # the ports of each bridge, next to be asked for first
        self._credit = 0.0
        self._spoke = True
        self._strikes = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the process there is now."""
        self._loop = loop
        self._spoke, self._strikes = True, 0
        self._wait()

    def end(self) -> None:
        """Watch nothing, there is none; what it said last is kept."""
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        for tally in self._tallies.values():
            tally.lost()

    def follow(self, ports: tuple[int, ...]) -> None:
        """Count from nothing for a new bridge."""
        self._tallies.update((port, Tally()) for port in ports)
        self._turns.append(ports)
        if len(self._turns) == 1:
            self._wait()

    def leave(self, ports: tuple[int, ...]) -> dict[int, Tally]:
        """Forget a bridge; return what was known of it."""
        if ports in self._turns:
            self._turns.remove(ports)
        return {port: self._tallies.pop(port) for port in ports}

    def spoke(self) -> None:
        """Note that the process said something."""
        self._spoke = True

    def saw(self, told: Statistics) -> Statistics:
        """Take a row's statistics; return them with what earlier processes saw."""
        tally = self._tallies.get(told.port)
        return told if tally is None else tally.take(told)

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            busy = self._turns or self._strikes
            self._timer = self._loop.call_later(BEAT if busy else IDLE, self._beat)

    def _beat(self) -> None:
        self._strikes = 0 if self._spoke else self._strikes + 1
        if self._strikes > STRIKES:
            self._hung()
            return
        self._spoke = False
        self._credit += len(self._turns) * BEAT / ROUND
        ports: list[int] = []
        while self._credit >= 1 and self._turns:
            self._credit -= 1
            ports += self._turns[0]
            self._turns.rotate(-1)
        self._ask(ports)
        self._wait()
