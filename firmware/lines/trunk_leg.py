"""A call out over a trunk: one leg, whichever of the carrier's servers takes it in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from firmware.calls.cause import Cause
from firmware.calls.leg import Ended, Party
from firmware.lines.sip_leg import Now, OutgoingLeg
from firmware.lines.trunk_status import line_cause, may_try_next
from firmware.media import Offers
from sip.listener import DEAF, End
from sip.locate import Target
from sip.session import Session
from sip.uac import UacSession

MOST_TRIES: Final = 4
"""Servers of one carrier that one call tries."""

Invite = Callable[["TrunkLeg", Target], UacSession]
Told = Callable[[Target, bool], None]


class TrunkLeg(OutgoingLeg):
    """Tries one server after the other until one says more than that it cannot; then it is as any leg.

    `invite` sends the INVITE, the same each time. `silence` is how many seconds a server may say nothing at
    all. `told` hears of each server whether it answered.
    """

    __slots__ = ("_heard", "_invite", "_silence", "_target", "_targets", "_told", "_watch")

    def __init__(
        self,
        leg_id: str,
        party: Party,
        now: Now,
        *,
        offers: Offers | None,
        invite: Invite,
        silence: float,
        told: Told,
    ) -> None:
        super().__init__(leg_id, party, now, offers=offers)
        self._invite = invite
        self._silence = silence
        self._told = told
        self._targets: list[Target] = []
        self._target: Target | None = None
        self._heard = False  # somebody beyond the carrier's first server was found
        self._watch: asyncio.TimerHandle | None = None

    def through(self, targets: Sequence[Target]) -> None:
        """Begin with the first of these; the leg ends with NO_LINE when all have failed."""
        self._targets = list(targets[:MOST_TRIES])
        if not self._next():
            self._fail(Cause.NO_LINE)

    def send_hangup(self, cause: Cause) -> None:
        """End the session, or the search for a server."""
        self._quiet()
        self._targets, self._target = [], None
        super().send_hangup(cause)

    # -- what the session tells

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        """Pass it on; from here on there is nothing to be tried elsewhere."""
        self._found()
        if status >= 180:
            self._heard = True
        super().progress(session, status, sdp)

    def answered(self, session: Session, sdp: bytes | None) -> None:
        """Pass on the answer."""
        self._found()
        super().answered(session, sdp)

    def ended(self, session: Session, end: End) -> None:
        """Try the next server where this one failed, or pass on why the call ended."""
        self._quiet()
        if self._up:
            super().ended(session, end)
            return
        failed = may_try_next(end)
        target = self._target
        if target is not None:
            self._told(target, end.why == "rejected" and end.status != 503)
        if failed and not self._heard and self._next():
            return
        if end.why == "rejected" and target is not None and self.other_form(end):
            self._targets.insert(0, target)
            self._next()
            return
        self._fail(line_cause(end, rang=self._heard), far=end.far)

    # -- inside

    def _next(self) -> bool:
        if self.over or not self._targets:
            return False
        self._target = self._targets.pop(0)
        session = self._invite(self, self._target)
        self.calling(session)
        self._watch = asyncio.get_running_loop().call_later(self._silence, self._silent, session)
        return True

    def _found(self) -> None:
        if self._target is not None:
            self._told(self._target, True)
            self._target = None
        self._quiet()

    def _quiet(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _silent(self, session: UacSession) -> None:
        """Give up a server that has not even said 100, long before timer B would (RFC 3261 17.1.1.2)."""
        self._watch = None
        if session.heard:
            return
        self._session = None
        session.listener = DEAF
        session.hangup(self._now())
        self.ended(session, End(408, "", far=True, why="timeout"))

    def _fail(self, cause: Cause, *, far: bool = True) -> None:
        self._session = None
        self._targets = []
        self._quiet()
        self.emit(Ended(cause, far))
