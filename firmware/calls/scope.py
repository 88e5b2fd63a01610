"""`Scope`: owns legs and hears them, one deque and one future for all of them."""

import asyncio
from collections import deque

from firmware.calls.cause import Cause
from firmware.calls.leg import Leg, LegEvent


class Scope:
    """The owner of legs. A leg has exactly one; what is still owned when the scope closes is hung up."""

    __slots__ = ("_closed", "_events", "_legs", "_waiter")

    def __init__(self) -> None:
        self._legs: list[Leg] = []
        self._events: deque[tuple[Leg, LegEvent]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed: Cause | None = None

    def adopt(self, leg: Leg) -> None:
        """Take a leg over, from its former scope if it has one, with the events nobody has seen yet."""
        if self._closed is not None:
            leg.hangup(self._closed)
            return
        if isinstance(leg.owner, Scope):
            leg.owner.part(leg)
        self._legs.append(leg)
        leg.owned_by(self)

    def part(self, leg: Leg) -> None:
        """Let go of a leg without hanging it up; only its next owner's `adopt` calls this."""
        self._legs.remove(leg)
        leg.disowned([event for owned, event in self._events if owned is leg])
        self._events = deque(pair for pair in self._events if pair[0] is not leg)

    def deliver(self, leg: Leg, event: LegEvent) -> None:
        """Take an event of one of our legs and wake whoever waits in `event`."""
        self._events.append((leg, event))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def event(self) -> tuple[Leg, LegEvent]:
        """Return the next event and the leg it happened on. For one waiter: the flow of this scope."""
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._events.popleft()

    def close(self, cause: Cause) -> list[Exception]:
        """Hang up every leg we own and let go of all. Returns what went wrong: no leg keeps another alive."""
        self._closed = cause
        faults: list[Exception] = []
        for leg in self._legs:
            try:
                leg.hangup(cause)
            except Exception as fault:  # noqa: BLE001 - the other legs are hung up whatever this one does
                faults.append(fault)
            leg.disowned(())
        self._legs.clear()
        self._events.clear()
        return faults
