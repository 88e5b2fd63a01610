"""The INVITE usage of a dialog (RFC 3261 13, 14, 15): what both sides of a session have in common.

A session is a plain object: requests and responses are methods, what happens is told to its listener at
once. It ends exactly once, and `ended` is the last thing a listener hears. `sip.uas` and `sip.uac` add how
a session begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from sip.acks import Acks
from sip.core import SDP, sdp_of
from sip.credentials import Headers
from sip.errors import LocalError
from sip.layer import reply_flow
from sip.listener import End
from sip.message import Message, Request, Response
from sip.session_timer import SessionExpires, SessionTimer, grant, min_se, too_short
from sip.transaction import LIFETIME, T1, Transaction
from sip.transfer import Referral, ReferTo
from sip.usage import Change, Unacked, Usage

if TYPE_CHECKING:
    from sip.flow import Flow

_GLARE_TRIES: Final = 5


class Session(Usage):
    """One session. `state` is "early", "confirmed" or "ended"; `data` is the listener's until then."""

    __slots__ = ()

    # -- for the owner -----------------------------------------------------------------------------

    def reoffer(self, offer: bytes | None, now: float, *, update: bool = False) -> None:
        """Offer a change by re-INVITE, or UPDATE; `reoffered` or `refused` follows. One at a time.

        With None a re-INVITE asks the far end for an offer: `reoffered` brings it, and `ack` answers it.
        Waits by itself for a change of the far end to be done with, and tries again after 491 (14.1).
        """
        if self.state == "early" and not self.answering:
            raise LocalError("no re-offer before the session is answered")
        if self.state == "ended":
            return
        change = Change(offer, update)
        if self._reoffer is not None and self._reoffer.refresh and self._waiting is None:
            self._waiting = change
            return
        if self._reoffer is not None:
            raise LocalError("a re-offer is under way already")
        self._begin(change, now)

    def _begin(self, change: Change | None, now: float) -> None:
        self._reoffer = change
        self._tries = 0
        self._try_reoffer(now)

    def ack(self, answer: bytes, now: float) -> None:
        """Send the ACK with our answer to the offer a 2xx brought; only after an INVITE without one."""
        acks, self._acks = self._acks, None
        if acks is None:
            if self.state == "ended":
                return
            raise LocalError("there is no offer to answer in an ACK")
        self._describe(answer)
        acks.send(self._there, self._there.remote_tag, answer)
        self._try_reoffer(now)

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
        headers = (*self._2xx_headers(), *described, *self._grant(request, now), *headers)
        tag = self._there.local_tag
        data = self._core.reply(transaction, request, 200, now, tag=tag, headers=headers, body=sdp)
        if request.method != "INVITE":
            return
        wants_answer = bool(sdp) and sdp_of(request) is None
        unacked = Unacked(request.cseq_number, data, transaction.flow, wants_answer=wants_answer)
        self._unacked = unacked
        timers = self._core.timers
        unacked.repeat = timers.after(T1, self._repeat_2xx, now)
        unacked.limit = timers.after(LIFETIME, self._never_acked, now)

    # -- the session timer (RFC 4028) --------------------------------------------------------------

    def _note_updates(self, message: Message) -> None:
        if "Allow" in message:
            self._far_updates = "UPDATE" in message.values("Allow")

    def _describe(self, sdp: bytes, offer: bytes | None = None) -> None:
        """Note what stands now: our description, and the offer it answers, if it does."""
        if sdp:
            self._said = sdp
            self._replied = None if offer is None else (offer, sdp)

    def _grant(self, request: Request, now: float) -> Headers:
        """Say in a 2xx of ours how long the session lasts, and let the time run."""
        timer, config = self._timer, self._core.config
        granted = grant(
            request,
            usual=config.session_seconds,
            shortest=config.shortest_session,
            ours=timer.ours if timer is not None and timer.seconds else None,
        )
        if granted is None:
            self._stop_timer()
            return ()
        self._run_timer(granted.seconds, now, ours=granted.refresher == "uas")
        lines: Headers = (("Session-Expires", str(granted)),)
        # 9: who must refresh must know how.
        return lines if granted.refresher == "uas" else (*lines, ("Require", "timer"))

    def _agree(self, response: Response, now: float) -> None:
        """Take from a 2xx of the far end how long the session lasts (7.2)."""
        granted = SessionExpires.of(response)
        if granted is None:
            self._stop_timer()
        else:
            self._run_timer(max(granted.seconds, 1), now, ours=granted.refresher != "uas")

    def _run_timer(self, seconds: int, now: float, *, ours: bool) -> None:
        if self._timer is None:
            self._timer = SessionTimer(self._core.timers, self._refresh, self._expire)
        self._timer.start(seconds, now, ours=ours)

    def _refresh(self, now: float) -> None:
        """Tell the far end that we are there: by UPDATE if it knows that, else by saying the same again."""
        timer = self._timer
        if timer is None or self.state != "confirmed":
            return
        if self._far_updates:
            headers = (*self._2xx_headers(), *timer.headers())
            self._send("UPDATE", now, self._on_refreshed, headers, aside=True)
        elif self._reoffer is None:
            self._begin(Change(self._said, update=False, refresh=True), now)
        # else a change of ours is under way, and that refreshes the session as well

    def _on_refreshed(self, _: Transaction, status: int, response: Response | None, now: float) -> None:
        timer = self._timer
        if self.state != "confirmed" or timer is None:
            return
        if response is not None and status < 300:
            self._there.refresh(response)
            self._agree(response, now)
        elif response is not None and status == 422 and timer.raise_to(min_se(response)):
            self._refresh(now)
        elif status in {408, 481} or response is None:
            self._lost(status, response, now)
        else:
            self._far_updates = self._far_updates and status not in {405, 501}
            timer.again(now)

    def _expire(self, now: float) -> None:
        """Give up a far end nobody has heard of (10)."""
        self._core.count("session expired")
        self._leave(now, ())
        self._finish(End(408, "Session expired", far=True, why="timeout"), now)

    # -- changes we want ---------------------------------------------------------------------------

    def _try_reoffer(self, now: float) -> None:
        busy = self._incoming or self._unacked or self._acks or self._sending or self._retry
        if self._reoffer is None or busy or self.state != "confirmed":
            return
        change = self._reoffer
        timer = () if self._timer is None else self._timer.headers()
        described = () if change.offer is None else (("Content-Type", SDP),)
        headers = (*self._2xx_headers(), *timer, *described)
        method = "UPDATE" if change.update else "INVITE"
        self._send(method, now, self._on_reoffer_answer, headers, change.offer or b"")
        self._reoffer_limit = self._core.timers.after(LIFETIME, self._reoffer_timeout, now)

    def _on_reoffer_answer(
        self, transaction: Transaction, status: int, response: Response | None, now: float
    ) -> None:
        ours = self._reoffer_over()
        change = self._reoffer
        if response is not None and status < 300:
            self._there.refresh(response)
            if response.cseq_method == "INVITE":
                acks = Acks.take_over(self._core, transaction)
                acks.dialog(response)
                if ours and change is not None and change.offer is None and sdp_of(response) is not None:
                    self._acks = acks
                else:
                    acks.send(self._there, response.to_tag)
            if ours and change is not None:
                self._reoffer_accepted(change, response, now)
        elif ours and change is not None:
            self._reoffer_refused(change, status, response, now)

    def _reoffer_accepted(self, change: Change, response: Response, now: float) -> None:
        self._note_updates(response)
        if self._timer is not None and self._timer.seconds:
            self._agree(response, now)
        if change.offer is None and self._acks is None:
            self._core.count("2xx without sdp")
            self._over_with(change, now, partial(self._tell_refused, 488))
            return
        if not change.refresh:
            self._describe(change.offer or b"")
        self._over_with(change, now, partial(self._tell_reoffered, sdp_of(response)))

    def _reoffer_refused(self, change: Change, status: int, response: Response | None, now: float) -> None:
        timer = self._timer
        if status == 491 and self._tries < _GLARE_TRIES:
            self._tries += 1
            # 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in units of 10 ms.
            wait = (210 + self._core.below(191) if self._owns_call_id else self._core.below(201)) / 100
            self._retry = self._core.timers.after(wait, self._reoffer_again, now)
        elif status in {408, 481} or response is None:
            self._lost(status, response, now)
        elif status == 422 and timer is not None and timer.raise_to(min_se(response)):
            self._try_reoffer(now)
        else:
            if change.refresh and timer is not None:
                timer.again(now)
            self._over_with(change, now, partial(self._tell_refused, status))

    def _over_with(self, change: Change, now: float, tell: Callable[[], None]) -> None:
        """Go on after a change of ours: tell how it ended unless it was a refresh, then what waited."""
        self._reoffer, waiting, self._waiting = None, self._waiting, None
        if not change.refresh:
            tell()
        if waiting is not None and self.state == "confirmed":
            self._begin(waiting, now)
        else:
            self._try_reoffer(now)

    def _tell_reoffered(self, answer: bytes | None) -> None:
        self.listener.reoffered(self, answer)

    def _tell_refused(self, status: int) -> None:
        self.listener.refused(self, status)

    def _reoffer_again(self, now: float) -> None:
        self._retry = None
        self._try_reoffer(now)

    def _reoffer_timeout(self, now: float) -> None:
        transaction = self._sending
        if transaction is not None:
            self._core.layer.abandon(transaction, now)
            if self._reoffer_over():
                self._lost(408, None, now)

    def _reoffer_over(self) -> bool:
        """Note that no re-offer is on its way; False when it no longer matters to anybody."""
        self._sending = None
        if self._reoffer_limit is not None:
            self._core.timers.cancel(self._reoffer_limit)
            self._reoffer_limit = None
        return self._reoffer is not None and self.state == "confirmed"
