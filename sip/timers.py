"""Deadlines without a clock: a heap for what is mostly cancelled, a queue per delay for what always expires.

Nothing here sleeps. The owner asks `next_deadline()`, waits by its own means and calls `run(now)`. `wake`
is told whenever a deadline appears that is earlier than everything announced before, so that one outer
timer suffices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

Callback = Callable[[float], None]

_COMPACT_ABOVE = 256
_NEVER = float("inf")


class Timer:
    """The handle of one pending callback; `cancel` it through `Timers.cancel`."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callback) -> None:
        self.when = when
        self.callback: Callback | None = callback


class Timers:
    """All deadlines of one stack. `now` is seconds on any clock that does not go back."""

    __slots__ = ("_announced", "_cancelled", "_heap", "_lingering", "_order", "wake")

    def __init__(self, wake: Callable[[float], None] | None = None) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._cancelled = 0
        self._lingering: dict[float, deque[tuple[float, Callable[[Any], None], Any]]] = {}
        self._announced = _NEVER
        self.wake = wake

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled + sum(map(len, self._lingering.values()))

    def after(self, delay: float, callback: Callback, now: float) -> Timer:
        """Call `callback(now)` once `delay` seconds have passed, unless cancelled before."""
        timer = Timer(now + delay, callback)
        heappush(self._heap, (timer.when, next(self._order), timer))
        if timer.when < self._announced:
            self._announce(timer.when)
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget `timer` and let go of its callback; cancelling twice or after it ran does nothing."""
        if timer.callback is None:
            return
        timer.callback = None
        self._cancelled += 1
        if self._cancelled > _COMPACT_ABOVE and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapify(self._heap)
            self._cancelled = 0

    def linger(self, delay: float, callback: Callable[[Any], None], subject: Any, now: float) -> None:
        """Call `callback(subject)` after `delay`, for good: cheap where nobody ever cancels.

        Entries of one delay expire in the order they came, so a queue is sorted by itself. Use few distinct
        delays.
        """
        queue = self._lingering.get(delay)
        if queue is None:
            queue = self._lingering[delay] = deque()
        when = now + delay
        queue.append((when, callback, subject))
        if when < self._announced:
            self._announce(when)

    def next_deadline(self) -> float | None:
        """Return when `run` has work next, or None when nothing is pending."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heappop(heap)
            self._cancelled -= 1
        deadline = heap[0][0] if heap else _NEVER
        for queue in self._lingering.values():
            if queue and queue[0][0] < deadline:
                deadline = queue[0][0]
        self._announced = deadline
        return None if deadline == _NEVER else deadline

    def run(self, now: float) -> None:
        """Call back everything due at `now`, earliest first; what that sets for `now` waits."""
        heap = self._heap
        newest = next(self._order)
        while heap and heap[0][0] <= now and heap[0][1] < newest:
            timer = heappop(heap)[2]
            callback = timer.callback
            if callback is None:
                self._cancelled -= 1
                continue
            timer.callback = None
            callback(now)
            heap = self._heap
        for queue in self._lingering.values():
            while queue and queue[0][0] <= now:
                _, expire, subject = queue.popleft()
                expire(subject)

    def _announce(self, when: float) -> None:
        self._announced = when
        if self.wake is not None:
            self.wake(when)
