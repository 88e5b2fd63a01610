"""Takers: who picks up a call that rings for others, and comes to terms with its caller.

Somebody who picks up calls in with an offer of their own, while the caller's offer is out already. So they
are answered at once without media, and a re-INVITE brings them the caller's offer; what they answer to that
is the answer of a phone that rang. Until then the others ring on, and a taker who fails has changed nothing.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Answered, Ended, Leg, Refused
from firmware.media import Description, NotAcceptable

if TYPE_CHECKING:
    from firmware.calls.call import Seeker

MOST = 8
"""Takers of one call at a time."""


class Takers:
    """Those who want one ringing call."""

    __slots__ = ("_bridge", "_call", "_coming", "fault", "offered")

    def __init__(self, call: "Seeker", bridge: Bridge) -> None:
        self._call = call
        self._bridge = bridge
        self._coming: dict[Leg, asyncio.Task[None]] = {}
        self.offered: dict[Leg, Description] = {}
        """What those who have come to terms were offered."""
        self.fault: BaseException | None = None
        """What went wrong on our side; it is the call's."""

    def __contains__(self, leg: Leg) -> bool:
        return leg in self._coming

    def __len__(self) -> int:
        return len(self._coming)

    def come(self, newcomer: Leg) -> None:
        """Let somebody try."""
        if len(self._coming) >= MOST:
            newcomer.hangup(Cause.BUSY)
            return
        task = asyncio.get_running_loop().create_task(self._agree(newcomer))
        self._coming[newcomer] = task
        task.add_done_callback(partial(self._done, newcomer))

    def gone(self, leg: Leg) -> None:
        """Note that a taker has hung up."""
        task = self._coming.pop(leg, None)
        if task is not None:
            task.cancel()

    def close(self, winner: Leg | None) -> None:
        """Send away all but the one who has the call."""
        coming, self._coming = self._coming, {}
        for leg, task in coming.items():
            task.cancel()
            if leg is not winner:
                leg.hangup(Cause.ANSWERED_ELSEWHERE)

    async def _agree(self, newcomer: Leg) -> None:
        caller, bridge, place = self._call.caller, self._bridge, self._call.place
        try:
            if newcomer.description is None:
                raise Refused(Cause.NOT_ACCEPTABLE)
            newcomer.answer(bridge.pause(place, newcomer.description))
            if caller.description is None:
                answer = await newcomer.ask()
            else:
                self.offered[newcomer] = offer = bridge.offer("caller", caller.description)
                answer = await newcomer.offer(offer)
        except NotAcceptable:
            self._failed(newcomer, Cause.NOT_ACCEPTABLE)
        except Refused as refusal:
            self._failed(newcomer, refusal.cause)
        else:
            self._call.deliver(newcomer, Answered(answer))

    def _failed(self, newcomer: Leg, cause: Cause) -> None:
        newcomer.hangup(cause)
        self._call.deliver(newcomer, Ended(cause, far=False))

    def _done(self, newcomer: Leg, task: asyncio.Task[None]) -> None:
        """Take what a task raised out of it; nobody waits for the task itself."""
        try:
            self.fault = task.exception() or self.fault
        except asyncio.CancelledError:
            if newcomer in self._coming:  # not by us
                self.fault = asyncio.CancelledError()
        if self.fault is not None and newcomer in self._coming:
            self._failed(newcomer, Cause.FAILED)
