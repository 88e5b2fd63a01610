"""How a session begins that the far end asked for (RFC 3261 13.3)."""

from __future__ import annotations

from collections import deque
from typing import Final

from sip.core import SDP, Core, sdp_of
from sip.credentials import Headers
from sip.dialog import Dialog
from sip.flow import Flow
from sip.layer import reply_flow
from sip.listener import End
from sip.message import Request, Response
from sip.reliable import QUEUE, TAG, Pending, RAck, listed
from sip.session import Session
from sip.timers import Timer
from sip.transaction import LIFETIME, T1, Transaction

_REMIND: Final = 60.0
"""Seconds after which a provisional answer goes out again, so that no proxy gives up (13.3.1.1)."""


class UasSession(Session):
    """An incoming INVITE and what becomes of it.

    `request` is the INVITE until its final answer; `offer` its SDP, None when it had none. On an ended
    session `ring`, `accept` and `reject` do nothing: a CANCEL may always come first.
    """

    __slots__ = (
        "_accepting", "_invite_cseq", "_pending", "_queue", "_reminder", "_rseq", "_status", "_transaction",
        "offer", "replaces", "request", "settled",
    )  # fmt: skip

    def __init__(self, core: Core, request: Request, flow: Flow) -> None:
        """Make the session of `request`; `begin` sets it going."""
        tag = core.tag()
        super().__init__(core, f"{request.call_id} {tag}", request.call_id, owns_call_id=False)
        self._note_updates(request)
        self._dialog = Dialog.of_server(request, tag, core.below(2**16), reply_flow(request, flow))
        self._transaction: Transaction | None = None
        self._reminder: Timer | None = None
        self._invite_cseq = request.cseq_number
        self._rseq = 0
        self._status = 180
        self._pending: Pending | None = None
        self._queue: deque[tuple[int, bytes | None]] = deque()
        self._accepting: tuple[bytes, Headers] | None = None
        self.settled: bytes | None = None
        """What a reliable provisional answer described for good; the 2xx will not describe anything again."""
        self.replaces: Session | None = None
        """The confirmed session whose place this one is to take (RFC 3891)."""
        self.request: Request | None = request
        self.offer = sdp_of(request)

    def begin(self, key: str, flow: Flow, now: float) -> None:
        """Make the server transaction and send 100 (17.2.1)."""
        request = self.request
        if request is not None:
            self._transaction = self._core.layer.serve(request, key, flow, self._on_transaction, now)
            self._core.reply(self._transaction, request, 100, now)

    @property
    def tag(self) -> str:
        """Our tag; CANCEL is answered with it too (9.2)."""
        return self._there.local_tag

    # -- for the owner -----------------------------------------------------------------------------

    def ring(self, now: float, status: int = 180, sdp: bytes | None = None) -> None:
        """Send a provisional answer above 100, with early media if `sdp` is given.

        It is sent reliably (RFC 3262) to who requires that, and with a description to who supports it: early
        media that is lost would be a silent call. After an INVITE without an offer a reliable description is
        an offer of ours, `pracked` brings its answer.
        """
        request = self.request
        if self.state != "early" or request is None or self._accepting is not None:
            return
        self._status = status
        if self.settled is not None:
            sdp = None
        required = listed(request, "Require")
        if not required and (sdp is None or not listed(request, "Supported")):
            self._send_1xx(status, sdp, now)
        elif sdp is None and self.offer is None and self.settled is None:
            # The first reliable answer to an INVITE without an offer must hold one (RFC 3262 5); 100 is out.
            self._core.count("nothing to offer reliably")
        elif self._pending is None:
            self._send_reliably(status, sdp, now)
        elif len(self._queue) < QUEUE:
            self._queue.append((status, sdp))
        else:
            self._core.count("too many provisional answers")

    def accept(self, sdp: bytes, now: float, headers: Headers = ()) -> None:
        """Answer with 200 and `sdp`: the answer, or our offer to an INVITE without one. `acked` follows.

        Waits by itself for the PRACK of a description (RFC 3262 3). Where a reliable answer has `settled`
        the session, `sdp` is left out.
        """
        transaction, request = self._transaction, self.request
        if self.state != "early" or transaction is None or request is None:
            return
        if self._pending is not None and self._pending.described:
            self._accepting = (sdp, headers)
            return
        self._answered()
        self.state = "confirmed"
        self._describe(self.settled or sdp, self.offer)
        if self.settled is not None:
            sdp = b""
        self._send_2xx(transaction, request, sdp, now, (*headers, *self._record_route(request)))

    @property
    def answering(self) -> bool:
        """Whether the session is accepted and only its 2xx has to wait for a PRACK."""
        return self._accepting is not None and self.state == "early"

    def reject(self, status: int, now: float, reason: str | None = None, headers: Headers = ()) -> None:
        """Refuse the INVITE with a final answer; on an accepted session do nothing."""
        if self.state == "early":
            self.hangup(now, status, headers, reason)

    # -- for the stack -----------------------------------------------------------------------------

    def cancel(self, now: float) -> None:
        """Take the far end's CANCEL, which is answered already; without effect after a final answer (9.2)."""
        if self.state == "early":
            self._leave(now, (), 487)
            self._finish(End(487, "", far=True, why="cancelled"), now)

    def _on_prack(self, request: Request, transaction: Transaction, now: float) -> None:
        pending, core = self._pending, self._core
        rack = RAck.of(request)
        if rack is None:
            core.reply(transaction, request, 400, now)
            return
        if pending is None or rack != (pending.rseq, self._invite_cseq, "INVITE"):
            super()._on_prack(request, transaction, now)
            return
        self._stop_pending(pending)
        self._pending = None
        sdp = sdp_of(request)
        if pending.offers and sdp is None:
            core.count("prack without answer")
            core.reply(transaction, request, 400, now)
            if self.state == "early":
                self._leave(now, (), 400)
                self._finish(End(400, "No answer in PRACK", far=True, why="protocol"), now)
            return
        if sdp is not None and not pending.offers:
            # A further offer may be refused; what it acknowledges is acknowledged all the same.
            core.count("offer in prack")
            core.reply(transaction, request, 488, now)
        else:
            core.reply(transaction, request, 200, now)
        if pending.offers and sdp is not None:
            self.listener.pracked(self, sdp)
        self._go_on(now)

    # -- inside ------------------------------------------------------------------------------------

    def _send_1xx(self, status: int, sdp: bytes | None, now: float, more: Headers = ()) -> bytes:
        transaction, request = self._transaction, self.request
        if transaction is None or request is None:
            return b""
        contact = ("Contact", self._core.contact(self.flow))
        headers: Headers = (contact, *more, *self.asserted, *self._record_route(request))
        if sdp is not None:
            headers = (*headers, ("Content-Type", SDP))
        data = self._core.reply(
            transaction, request, status, now, tag=self.tag, headers=headers, body=sdp or b""
        )
        self._remind(now)
        return data

    def _send_reliably(self, status: int, sdp: bytes | None, now: float) -> None:
        self._rseq = self._rseq + 1 if self._rseq else 1 + self._core.below(2**16)
        offers = sdp is not None and self.offer is None
        # Contact and Allow: the far end may use the dialog, UPDATE included, from now on.
        more = (("Require", TAG), ("RSeq", str(self._rseq)), ("Allow", self._core.allow))
        data = self._send_1xx(status, sdp, now, more)
        if sdp is not None:
            self.settled = sdp
        pending = self._pending = Pending(self._rseq, data, described=sdp is not None, offers=offers)
        pending.repeat = self._core.timers.after(T1, self._repeat_1xx, now)
        pending.limit = self._core.timers.after(LIFETIME, self._never_pracked, now)

    def _repeat_1xx(self, now: float) -> None:
        pending, transaction = self._pending, self._transaction
        if pending is not None and transaction is not None:
            pending.interval *= 2
            pending.repeat = self._core.timers.after(pending.interval, self._repeat_1xx, now)
            self._core.send(transaction.flow, pending.data)

    def _never_pracked(self, now: float) -> None:
        """Give up a caller who did not acknowledge (RFC 3262 3)."""
        self._core.count("no prack")
        if self.state == "early":
            self._leave(now, (), 504)
            self._finish(End(408, "No PRACK", far=True, why="timeout"), now)

    def _stop_pending(self, pending: Pending) -> None:
        for timer in (pending.repeat, pending.limit):
            if timer is not None:
                self._core.timers.cancel(timer)

    def _go_on(self, now: float) -> None:
        """Do what waited for a PRACK: the 2xx before anything else."""
        if self.state != "early" or self._pending is not None:
            return
        if self._accepting is not None:
            accepting, self._accepting = self._accepting, None
            self.accept(accepting[0], now, accepting[1])
        elif self._queue:
            status, sdp = self._queue.popleft()
            self._send_reliably(status, sdp if self.settled is None else None, now)

    @staticmethod
    def _record_route(request: Request) -> Headers:
        """12.1.1: what makes a dialog carries the Record-Route of its own request, never another's."""
        return tuple(("Record-Route", value) for value in request.all("Record-Route"))

    def _leave(self, now: float, headers: Headers, status: int = 0, reason: str | None = None) -> None:
        transaction, request = self._transaction, self.request
        if self.state != "early" or transaction is None or request is None:
            super()._leave(now, headers)
            return
        self._answered()
        self._core.reply(transaction, request, status, now, tag=self.tag, headers=headers, reason=reason)

    def _on_bye(self, now: float) -> None:
        if self.state == "early":
            # 15.1.2: a BYE ends an INVITE that still waits, too.
            self._leave(now, (), 487)
        super()._on_bye(now)

    def _answered(self) -> None:
        """Let go of what only an unanswered INVITE needs."""
        self._transaction = self.request = None
        self._queue.clear()
        self._accepting = self.replaces = None
        if self._pending is not None:
            # It is not repeated after a final answer, but its PRACK may still come (RFC 3262 3).
            self._stop_pending(self._pending)
        if self._reminder is not None:
            self._core.timers.cancel(self._reminder)
            self._reminder = None

    def _remind(self, now: float) -> None:
        if self._reminder is not None:
            self._core.timers.cancel(self._reminder)
        self._reminder = self._core.timers.after(_REMIND, self._on_reminder, now)

    def _on_reminder(self, now: float) -> None:
        if self._transaction is None:
            return
        if self._rseq:
            self._remind(now)
            self.ring(now, self._status)  # what is acknowledged must not be said again
        else:
            self._core.send(self._transaction.flow, self._transaction.last)
            self._remind(now)

    def say_once(self) -> None:
        """Send a refusal once instead of until its ACK: nobody has proved to be where it goes.

        Whoever repeats the INVITE still gets it again, one for one.
        """
        if self._transaction is not None:
            self._transaction.reliable = True

    def _on_transaction(
        self, transaction: Transaction, event: str, message: Request | Response | None, now: float
    ) -> None:
        """Hear that the INVITE's flow is gone."""
        del transaction, message
        if event == "error" and self.state == "early":
            self._answered()
            self._finish(End(503, "", far=True, why="transport"), now)
