"""A 2xx to INVITE repeats until its ACK, on every transport (RFC 3261 13.3.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip.transaction import LIFETIME, T1, T2

if TYPE_CHECKING:
    from sip.core import Core
    from sip.flow import Flow
    from sip.timers import Callback, Timer


class Unacked:
    """One such answer: `cseq` is its INVITE's, `wants_answer` says that its ACK must bring one."""

    __slots__ = ("_core", "_data", "_flow", "_interval", "_limit", "_repeat", "cseq", "wants_answer")

    def __init__(self, core: Core, cseq: int, data: bytes, flow: Flow, *, wants_answer: bool) -> None:
        self._core = core
        self._data = data
        self._flow = flow
        self._interval = T1
        self._repeat: Timer | None = None
        self._limit: Timer | None = None
        self.cseq = cseq
        self.wants_answer = wants_answer

    def begin(self, never: Callback, now: float) -> None:
        """Repeat from now on; `never(now)` is called when no ACK came in 64*T1."""
        self._repeat = self._core.timers.after(T1, self._again, now)
        self._limit = self._core.timers.after(LIFETIME, never, now)

    def stop(self) -> None:
        """Repeat no more."""
        for timer in (self._repeat, self._limit):
            if timer is not None:
                self._core.timers.cancel(timer)
        self._repeat = self._limit = None

    def _again(self, now: float) -> None:
        self._interval = min(2 * self._interval, T2)
        self._repeat = self._core.timers.after(self._interval, self._again, now)
        self._core.send(self._flow, self._data)
