"""`Leg` over a SIP session: descriptions for bytes, events for the listener's calls, causes for statuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from firmware.calls.cause import Cause
from firmware.calls.leg import (
    Answered,
    EarlyMedia,
    Ended,
    Leg,
    Party,
    Referred,
    Refused,
    Reoffer,
    Ringing,
)
from firmware.lines.identity import NOBODY, Headers
from firmware.lines.sip_referral import SipReferral
from firmware.lines.status import GOODBYES, cause_of_end, cause_of_status
from firmware.media import Description, Offers
from sip.errors import BadMessage, LocalError
from sip.listener import End
from sip.sdp import SessionDescription
from sip.session import Session
from sip.transfer import Referral, Replaces
from sip.uac import UacSession
from sip.uas import UasSession

REFUSALS: Final = {Cause.NOT_ACCEPTABLE: 488, Cause.GLARE: 491}
"""Statuses that refuse a change, the session stays; any other cause is 500, never 408 or 481 (14.1)."""

Now = Callable[[], float]


class SipLeg(Leg):
    """What legs have in common whoever asked for the session. It listens to its session."""

    __slots__ = (
        "_ack_due", "_answer", "_asked", "_asking", "_now", "_session", "_up", "assured", "find",
        "proved",
    )  # fmt: skip

    def __init__(
        self,
        leg_id: str,
        party: Party,
        now: Now,
        *,
        dialled: str = "",
        description: Description | None = None,
    ) -> None:
        super().__init__(leg_id, party, dialled=dialled, description=description)
        self._now = now
        self._session: Session | None = None
        self._answer: asyncio.Future[Description] | None = None  # to the offer we made
        self._asked = False  # the far end waits for our offer
        self._asking = False  # we wait for the far end's
        self._ack_due = False  # the far end's offer came in a 2xx
        self.find: Callable[[Replaces], Leg | None] | None = None
        """How to find the leg of another session of ours, for attended transfer."""
        self.assured: Callable[[Party], Headers] | None = None
        """What the far end is told of who it talks with; None: nothing."""
        self._up = False  # the call was answered
        self.proved = True
        """Whether its far end showed who it is; False for a call for help that is let in without that."""

    @property
    def device(self) -> str:
        """The address its messages come from."""
        return "" if self._session is None else self._session.remote_host

    # -- what the box wants ------------------------------------------------------------------------

    def ring(self) -> None:
        """Do nothing: only a caller can be told that it rings."""

    def early_media(self, answer: Description) -> None:
        """Do nothing: only a caller can be given early media."""

    def answer(self, answer: Description) -> None:
        """Do nothing: only a caller can be answered."""

    def faces(self, party: Party) -> None:
        """Note who is at the other end; answers, re-INVITEs and UPDATEs say so from now on."""
        session = self._session
        if session is None or self.assured is None:
            return
        known = session.asserted or session.state == "confirmed"
        # Whoever was shown somebody must not go on showing them.
        session.asserted = self.assured(party) or (NOBODY if known else ())

    def show(self) -> None:
        """Send an UPDATE, to a far end that knows it."""
        if self._session is not None and self.assured is not None and not self.over:
            self._session.inform(self._now())

    async def offer(self, offer: Description) -> Description:
        """Make an offer: by a re-INVITE, or as the answer to a far end that asks for one."""
        session = self._session
        if self.over or session is None or self._answer is not None:
            raise Refused(Cause.GLARE if session is not None and not self.over else Cause.FAILED)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._send_offer(session, bytes(offer))
            return await self._answer
        except LocalError:
            raise Refused(Cause.GLARE) from None
        finally:
            self._answer = None

    async def ask(self) -> Description:
        """Ask the far end for an offer by a re-INVITE without one."""
        session = self._session
        if self.over or session is None or self._answer is not None or self._asked:
            raise Refused(Cause.GLARE if session is not None and not self.over else Cause.FAILED)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            session.reoffer(None, self._now())
            self._asking = True
            return await self._answer
        except LocalError:
            raise Refused(Cause.GLARE) from None
        except asyncio.CancelledError:
            if self._ack_due:
                self._ack_due = False
                session.ack(session.said, self._now())
            raise
        finally:
            self._answer = None

    def accept(self, answer: Description) -> None:
        """Answer the far end's offer, one in its answer to an INVITE without offer included."""
        if self._session is None or self.over:
            return
        if self._ack_due:
            self._ack_due = False
            self._session.ack(bytes(answer), self._now())
        else:
            self._session.accept_offer(bytes(answer), self._now())

    def refuse(self, cause: Cause) -> None:
        """Refuse the far end's offer, or to make one."""
        if self._session is not None and not self.over:
            self._asked = False
            headers = GOODBYES[cause].headers
            self._session.refuse_offer(self._now(), REFUSALS.get(cause, 500), headers)

    def send_hangup(self, cause: Cause) -> None:
        """End the session: BYE, CANCEL or a final answer."""
        if self._session is not None:
            goodbye = GOODBYES[cause]
            self._session.hangup(self._now(), goodbye.status, goodbye.headers)

    def _send_offer(self, session: Session, offer: bytes) -> None:
        if self._asked:
            self._asked = False
            session.accept_offer(offer, self._now())
        else:
            session.reoffer(offer, self._now())

    # -- what the session tells (sip.listener.SessionListener) -------------------------------------

    def progress(self, _: Session, status: int, sdp: bytes | None) -> None:
        """Do nothing: only a callee makes progress."""

    def answered(self, session: Session, sdp: bytes | None) -> None:
        """Do nothing: only a callee answers."""

    def pracked(self, _: Session, answer: bytes) -> None:
        """Do nothing: the box offers nothing before it answers."""

    def acked(self, _: Session, sdp: bytes | None) -> None:
        """Take the answer to the offer we made in a 2xx."""
        if sdp is not None:
            self._answer_came(sdp)

    def offered(self, session: Session, offer: bytes | None) -> None:
        """Pass on that the far end wants a change."""
        description = None
        if offer is not None:
            description = read(offer)
            if description is None:
                session.refuse_offer(self._now(), 488)
                return
        self._asked = offer is None
        self.emit(Reoffer(description))

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        """Take the answer to our re-INVITE, or the offer it asked for."""
        asking, self._asking = self._asking, False
        if not asking:
            self._answer_came(answer or b"")
            return
        description = read(answer or b"")
        if description is not None and self._answer is not None and not self._answer.done():
            self._ack_due = True
            self._answer.set_result(description)
        else:
            session.ack(session.said, self._now())
            self._offer_failed(Cause.NOT_ACCEPTABLE)

    def refused(self, _: Session, status: int) -> None:
        """Take the refusal of our re-INVITE."""
        self._asking = False
        self._offer_failed(cause_of_status(status))

    def referred(self, _: Session, referral: Referral) -> None:
        """Pass on a transfer; who did not show who they are, or talks to nobody yet, cannot ask for one."""
        if self.party.extension is None or not self.proved or not self._up or self.over:
            referral.refuse(403)
            return
        consulted = None
        now = self._now()
        referral.accept(now)
        if referral.replaces is not None:
            consulted = None if self.find is None else self.find(referral.replaces)
            if consulted is None or consulted.party.extension != self.party.extension:
                referral.notify(481, now)
                return
        self.emit(Referred(SipReferral(referral, consulted, self._now)))

    def ended(self, _: Session, end: End) -> None:
        """Pass on that the session is over."""
        cause = cause_of_end(end, answered=self._up)
        self._session = None
        self._offer_failed(cause)
        self.emit(Ended(cause, end.far))

    def _answer_came(self, sdp: bytes) -> None:
        description = read(sdp)
        if description is None:
            self._offer_failed(Cause.NOT_ACCEPTABLE)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(description)

    def _offer_failed(self, cause: Cause) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Refused(cause))


class IncomingLeg(SipLeg):
    """A phone that calls."""

    __slots__ = ("_invited",)

    def __init__(
        self,
        leg_id: str,
        party: Party,
        now: Now,
        session: UasSession,
        *,
        dialled: str,
        description: Description | None,
    ) -> None:
        super().__init__(leg_id, party, now, dialled=dialled, description=description)
        self._session = self._invited = session
        self._asked = description is None
        session.listener = self

    def ring(self) -> None:
        """Send 180."""
        if not self.over:
            self._invited.ring(self._now())

    def early_media(self, answer: Description) -> None:
        """Send 183 with the description."""
        if not self.over:
            self._invited.ring(self._now(), 183, bytes(answer))

    def answer(self, answer: Description) -> None:
        """Send 200 with the answer."""
        if not self.over:
            self._up = True
            sdp = bytes(answer)
            settled = self._invited.settled
            self._invited.accept(sdp, self._now())
            if settled is not None and settled != sdp:
                # Its early media was described for good, the phone that answered is another: offer that anew.
                self.emit(Reoffer(None))

    def _send_offer(self, session: Session, offer: bytes) -> None:
        if self._up:
            super()._send_offer(session, offer)
        else:
            self._up, self._asked = True, False
            self._invited.accept(offer, self._now())


_OTHERWISE = frozenset({415, 488, 606})
"""Not this session, but perhaps another: RFC 3261 21.4.13, 21.4.26, 21.6.4."""


class OutgoingLeg(SipLeg):
    """A phone that is called. `calling` gives it the session it listens to."""

    __slots__ = ("_offers", "_ringing")

    def __init__(self, leg_id: str, party: Party, now: Now, *, offers: Offers | None) -> None:
        super().__init__(leg_id, party, now)
        self._offers = offers
        self.invited = None if offers is None else offers.another()
        self._ack_due = offers is None
        self._ringing: UacSession | None = None

    def calling(self, session: UacSession) -> None:
        """Take the session as soon as there is one."""
        self._session = self._ringing = session

    def other_form(self, end: End) -> bool:
        """Tell whether the call is to be made again, with another offer as this one was not acceptable."""
        gone = self._up or self.over or end.status not in _OTHERWISE
        if self._offers is None or self.invited is None or gone:
            return False
        other = self._offers.instead(self.invited)
        self.invited = other or self.invited
        return other is not None

    @property
    def dialog(self) -> tuple[str, str, str] | None:
        """Call-ID and tags while it rings: what a Replaces header needs (RFC 3891)."""
        session = self._ringing
        if session is None or self._up or self.over or not session.rung:
            return None
        return session.call_id, session.from_tag, session.rung

    def progress(self, _: Session, status: int, sdp: bytes | None) -> None:
        """Pass on that it rings, or its early media."""
        description = None if sdp is None else read(sdp)
        if description is not None:
            self.emit(EarlyMedia(description))
        elif status == 180:
            self.emit(Ringing())

    def answered(self, session: Session, sdp: bytes | None) -> None:
        """Pass on the answer."""
        self._up = True
        description = read(sdp or b"")
        if description is not None:
            self.emit(Answered(description))
            return
        goodbye = GOODBYES[Cause.NOT_ACCEPTABLE]
        self.emit(Ended(Cause.NOT_ACCEPTABLE))
        session.hangup(self._now(), goodbye.status, goodbye.headers)


def read(sdp: bytes) -> SessionDescription | None:
    """Return a session description, None for one that cannot be read."""
    try:
        return SessionDescription.parse(sdp)
    except BadMessage:
        return None
