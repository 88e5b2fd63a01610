"""The INVITE usage of a dialog (RFC 3261 13, 14, 15): what both sides of a session have in common.

A session is a plain object: requests and responses are methods, what happens is told to its listener at
once. It ends exactly once, and `ended` is the last thing a listener hears. `sip.uas` and `sip.uac` add how
a session begins; what we want to change in it is in `sip.change`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sip.change import Changes
from sip.core import SDP, Core, sdp_of
from sip.credentials import Headers
from sip.errors import LocalError
from sip.layer import reply_flow
from sip.listener import DEAF, End, SessionListener
from sip.message import Request, Response
from sip.session_timer import too_short
from sip.transaction import Transaction
from sip.transfer import Referral, ReferTo
from sip.unacked import Unacked

if TYPE_CHECKING:
    from sip.flow import Flow


class Session(Changes):
    """One session. `state` is "early", "confirmed" or "ended"; `data` is the listener's until then."""

    __slots__ = (
        "_bye",
        "_incoming",
        "_key",
        "_leaving",
        "_referrals",
        "_unacked",
        "call_id",
        "data",
        "identity",
        "listener",
    )

    def __init__(self, core: Core, key: str, call_id: str, *, owns_call_id: bool) -> None:
        """Take a place in the core's table of sessions; `key` is Call-ID and our tag."""
        super().__init__(core, owns_call_id=owns_call_id)
        self._key = key
        self._incoming: tuple[Transaction, Request] | None = None
        self._unacked: Unacked | None = None
        self._bye: Headers | None = None
        self._leaving = False
        self._referrals = 0
        self.call_id = call_id
        self.listener: SessionListener = DEAF
        self.identity: object = None
        self.data: Any = None
        core.sessions[key] = self

    # -- for the owner -----------------------------------------------------------------------------

    @property
    def remote_host(self) -> str:
        """The address the far end was last heard from, "" before there is a dialog."""
        return "" if self._dialog is None else self._dialog.flow.remote[0]

    def hangup(self, now: float, status: int = 480, headers: Headers = (), reason: str | None = None) -> None:
        """End the session in whatever way fits its state; on an ended one do nothing.

        `status` and `reason` matter only to an incoming INVITE without a final answer; `headers` (Reason,
        RFC 3326) go on the BYE, the CANCEL or the answer.
        """
        if self.state == "ended":
            return
        early = self.state == "early"
        self._leave(now, headers, status, reason)
        end = (
            End(status, reason or "", far=False, why="cancelled")
            if early
            else End(200, "", far=False, why="bye")
        )
        self._finish(end, now)

    def accept_offer(self, sdp: bytes, now: float) -> None:
        """Answer what `offered` told with 200 and `sdp`: the answer, or our offer if it was offered None."""
        incoming = self._incoming
        if incoming is None:
            if self.state == "ended":
                return
            raise LocalError("there is no offer to accept")
        self._incoming = None
        transaction, request = incoming
        self._there.refresh(request)
        offer = sdp_of(request)
        self._describe(sdp, offer)
        self._send_2xx(transaction, request, sdp, now)
        self._try_reoffer(now)

    def refuse_offer(self, now: float, status: int = 488, headers: Headers = ()) -> None:
        """Refuse what `offered` told; the session goes on as before."""
        incoming = self._incoming
        if incoming is None:
            if self.state == "ended":
                return
            raise LocalError("there is no offer to refuse")
        self._incoming = None
        self._core.reply(*incoming, status, now, headers=headers)
        self._try_reoffer(now)

    # -- for the stack -----------------------------------------------------------------------------

    def receive(self, request: Request, transaction: Transaction, flow: Flow, now: float) -> None:
        """Take a request of the far end within the dialog; ACK and CANCEL come elsewhere."""
        dialog = self._there
        if not dialog.in_order(request):
            self._core.count("request out of order")
            self._core.reply(transaction, request, 500, now)
            return
        dialog.flow = reply_flow(request, flow)
        if request.method == "BYE":
            self._core.reply(transaction, request, 200, now)
            self._on_bye(now)
        elif self.state == "ended":
            self._core.reply(transaction, request, 481, now)
        elif request.method == "PRACK":
            self._on_prack(request, transaction, now)
        elif request.method == "REFER":
            self._on_refer(request, transaction, now)
        else:
            self._on_offer(request, transaction, now)

    def acknowledge(self, request: Request, now: float) -> None:
        """Take the ACK to a 2xx of ours."""
        unacked = self._unacked
        if unacked is None or unacked.cseq != request.cseq_number:
            self._core.count("stray ack")
            return
        self._stop_repeating()
        if self._bye is not None:
            self._send_bye(now, self._bye)
            return
        answer = sdp_of(request)
        if not unacked.wants_answer:
            answer = None
        elif answer is None:
            self._core.count("ack without answer")
            self._leave(now, ())
            self._finish(End(400, "No answer in ACK", far=True, why="protocol"), now)
            return
        self.listener.acked(self, answer)
        self._try_reoffer(now)

    def _on_prack(self, request: Request, transaction: Transaction, now: float) -> None:
        """Take a PRACK; only who answers an INVITE can have caused one (RFC 3262 3)."""
        self._core.count("prack of nothing")
        self._core.reply(transaction, request, 481, now)

    # -- transfers the far end wants (RFC 3515) ----------------------------------------------------

    def _on_refer(self, request: Request, transaction: Transaction, now: float) -> None:
        core = self._core
        target = ReferTo.of(request)
        if isinstance(target, int):
            core.reply(transaction, request, target, now)
            return
        if self.state != "confirmed":
            core.reply(transaction, request, 603, now)
            return
        # 2.4.6: the first needs no id, every further one has its CSeq as id.
        self._referrals += 1
        event = "refer" if self._referrals == 1 else f"refer;id={request.cseq_number}"

        def reply(status: int, headers: Headers) -> None:
            contact = (("Contact", core.contact(self._there.flow)),) if status < 300 else ()
            core.reply(transaction, request, status, now, headers=(*contact, *headers))

        silent = (request.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"
        referral = Referral(target, event, silent=silent, reply=reply, notify=self._notify)
        self.listener.referred(self, referral)
        if not referral.answered:
            referral.refuse(603)

    def _notify(self, referral: Referral, headers: Headers, body: bytes, now: float) -> None:
        """Send the NOTIFY of a referral; the far end may have hung up already, and hear it all the same."""

        def answered(_: Transaction, status: int, response: Response | None, now: float) -> None:
            del response, now
            if status >= 300:
                referral.stop()

        contact = (("Contact", self._core.contact(self._there.flow)),)
        self._send("NOTIFY", now, answered, (*contact, *headers), body, aside=True)

    # -- changes the far end wants -----------------------------------------------------------------

    def _on_offer(self, request: Request, transaction: Transaction, now: float) -> None:
        """Take a re-INVITE or UPDATE (14.2, RFC 3311 5.2)."""
        core = self._core
        invite = request.method == "INVITE"
        offer = sdp_of(request)
        self._note_updates(request)
        shortest = core.config.shortest_session
        if too_short(request, shortest):
            core.count("session interval too short")
            core.reply(transaction, request, 422, now, headers=(("Min-SE", str(shortest)),))
            return
        if not invite and offer is None:
            self._there.refresh(request)
            headers = (*self._2xx_headers(), *self._grant(request, now))
            core.reply(transaction, request, 200, now, headers=headers)
            return
        unacked = self._unacked
        if self.state == "early" or self._incoming is not None or (unacked and unacked.wants_answer):
            core.count("request before the last was answered")
            core.reply(transaction, request, 500, now, headers=(("Retry-After", str(core.below(11))),))
            return
        if self._sending is not None or self._acks is not None:
            core.count("glare")
            core.reply(transaction, request, 491, now)
            return
        # A new INVITE says that our 2xx to the last one has arrived, only its ACK has not.
        self._stop_repeating()
        replied = self._replied
        if replied is not None and offer == replied[0] and "Session-Expires" in request:
            # A refresh of the session timer changes nothing (RFC 4028 7.4), so nobody need be asked.
            self._there.refresh(request)
            self._send_2xx(transaction, request, replied[1], now)
            return
        if invite:
            core.reply(transaction, request, 100, now)
        self._incoming = (transaction, request)
        self.listener.offered(self, offer)

    def _send_2xx(
        self, transaction: Transaction, request: Request, sdp: bytes, now: float, headers: Headers = ()
    ) -> None:
        described = (("Content-Type", SDP),) if sdp else ()
        headers = (*self._2xx_headers(), *self.asserted, *described, *self._grant(request, now), *headers)
        tag = self._there.local_tag
        data = self._core.reply(transaction, request, 200, now, tag=tag, headers=headers, body=sdp)
        if request.method != "INVITE":
            return
        wants_answer = bool(sdp) and sdp_of(request) is None
        self._unacked = Unacked(
            self._core, request.cseq_number, data, transaction.flow, wants_answer=wants_answer
        )
        self._unacked.begin(self._never_acked, now)

    def _never_acked(self, now: float) -> None:
        self._stop_repeating()
        self._core.count("no ack")
        if self._bye is not None:
            self._send_bye(now, self._bye)
            return
        self._leave(now, ())
        self._finish(End(408, "No ACK", far=True, why="timeout"), now)

    def _stop_repeating(self) -> None:
        unacked, self._unacked = self._unacked, None
        if unacked is not None:
            unacked.stop()

    # -- what changes of ours need to know ----------------------------------------------------------

    def _occupied(self) -> bool:
        return self._incoming is not None or self._unacked is not None

    def _tell_reoffered(self, answer: bytes | None) -> None:
        self.listener.reoffered(self, answer)

    def _tell_refused(self, status: int) -> None:
        self.listener.refused(self, status)

    # -- the end -----------------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        """Give up a far end nobody has heard of (10)."""
        self._core.count("session expired")
        self._leave(now, ())
        self._finish(End(408, "Session expired", far=True, why="timeout"), now)

    def _lost(self, status: int, response: Response | None, now: float) -> None:
        """End a session the far end knows nothing of any more (12.2.1.2)."""
        why = "transport" if status == 503 else "timeout"
        if status != 481:
            self._leave(now, ())
        self._finish(End(status, "", far=True, why=why, response=response), now)

    def _on_bye(self, now: float) -> None:
        """Note that the far end hung up; its BYE is answered already."""
        self._bye = None
        self._stop_repeating()
        if self.state == "ended":
            self._forget()
            return
        self._finish(End(200, "", far=True, why="bye"), now)

    def _leave(self, now: float, headers: Headers, status: int = 0, reason: str | None = None) -> None:
        """Send BYE, or remember to: a callee must not before the ACK has come (15)."""
        del status, reason  # a confirmed session has had its final answer
        self._leaving = True
        self._ack_anyway()
        if self._unacked is None:
            self._send_bye(now, headers)
        else:
            self._bye = headers

    def _ack_anyway(self) -> None:
        """Acknowledge a 2xx whose offer is not answered any more: one that accepts nothing is no better."""
        acks, self._acks = self._acks, None
        if acks is not None:
            acks.send(self._there, self._there.remote_tag)

    def _send_bye(self, now: float, headers: Headers) -> None:
        self._bye = None
        self._send("BYE", now, self._on_bye_answer, headers, aside=True)

    def _on_bye_answer(self, _: Transaction, status: int, response: Response | None, now: float) -> None:
        del status, response, now
        self._forget()

    def _finish(self, end: End, now: float) -> None:
        """Become ended and say so; the table keeps the session while its BYE or CANCEL is open."""
        self.state = "ended"
        if self._retry is not None:
            self._core.timers.cancel(self._retry)
        # The limit of a re-offer on its way stays: whoever answered BYE need not answer that any more.
        self._retry = self._reoffer = self._waiting = None
        self._stop_timer()
        self._timer = None
        self._ack_anyway()
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            self._core.reply(*incoming, 487, now)
        if not self._leaving:
            self._forget()
        listener, self.listener = self.listener, DEAF
        self.data = None
        listener.ended(self, end)

    def _forget(self) -> None:
        self._core.sessions.pop(self._key, None)
