"""The INVITE usage of a dialog (RFC 3261 13, 14, 15): what both sides of a session have in common.

A session is a plain object: requests and responses are methods, what happens is told to its listener at
once. It ends exactly once, and `ended` is the last thing a listener hears. `sip.uas` and `sip.uac` add how
a session begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sip.acks import Acks
from sip.core import SDP, Core, sdp_of
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.errors import LocalError
from sip.layer import reply_flow
from sip.listener import DEAF, End, SessionListener
from sip.message import Message, Request, Response
from sip.session_timer import SessionExpires, SessionTimer, grant, min_se, too_short
from sip.transaction import LIFETIME, T1, T2, Transaction

if TYPE_CHECKING:
    from sip.dialog import Dialog
    from sip.flow import Flow
    from sip.timers import Timer

_GLARE_TRIES: Final = 5


class _Unacked:
    """A 2xx to INVITE that repeats until its ACK, on every transport (13.3.1.4)."""

    __slots__ = ("cseq", "data", "flow", "interval", "limit", "repeat", "wants_answer")

    def __init__(self, cseq: int, data: bytes, flow: Flow, *, wants_answer: bool) -> None:
        self.cseq = cseq
        self.data = data
        self.flow = flow
        self.wants_answer = wants_answer
        self.interval = T1
        self.repeat: Timer | None = None
        self.limit: Timer | None = None


class _Change(NamedTuple):
    """A re-offer of ours; `refresh`: it changes nothing and nobody waits for its answer."""

    offer: bytes
    update: bool
    refresh: bool = False


class _Sent(NamedTuple):
    """A request of ours within the dialog, as far as it is needed to send it again with credentials."""

    method: str
    headers: Headers
    body: bytes
    done: Callable[[Transaction, int, Response | None, float], None]
    tries: int
    aside: bool


class Session:
    """One session. `state` is "early", "confirmed" or "ended"; `data` is the listener's until then."""

    __slots__ = (
        "_acks",
        "_bye",
        "_core",
        "_dialog",
        "_far_updates",
        "_incoming",
        "_key",
        "_leaving",
        "_owns_call_id",
        "_reoffer",
        "_reoffer_limit",
        "_replied",
        "_retry",
        "_said",
        "_sending",
        "_timer",
        "_tries",
        "_unacked",
        "_waiting",
        "call_id",
        "credentials",
        "data",
        "identity",
        "listener",
        "state",
    )

    def __init__(self, core: Core, key: str, call_id: str, *, owns_call_id: bool) -> None:
        """Take a place in the core's table of sessions; `key` is Call-ID and our tag."""
        self._core = core
        self._key = key
        self._owns_call_id = owns_call_id
        self._dialog: Dialog | None = None
        self._incoming: tuple[Transaction, Request] | None = None
        self._unacked: _Unacked | None = None
        self._reoffer: _Change | None = None
        self._waiting: _Change | None = None  # for a refresh to be over
        self._timer: SessionTimer | None = None
        self._far_updates = False  # the far end said that it knows UPDATE
        self._said = b""  # our newest description that stands
        self._replied: tuple[bytes, bytes] | None = None  # the far end's newest offer and our answer to it
        self._sending: Transaction | None = None
        self._reoffer_limit: Timer | None = None
        self._retry: Timer | None = None
        self._tries = 0
        self._acks: Acks | None = None
        self._bye: Headers | None = None
        self._leaving = False
        self.call_id = call_id
        self.state = "early"
        self.listener: SessionListener = DEAF
        self.credentials: Credentials | None = None
        self.identity: object = None
        self.data: Any = None
        core.sessions[key] = self

    @property
    def answering(self) -> bool:
        """Whether the session is accepted and only its 2xx has to wait for a PRACK."""
        return False

    @property
    def flow(self) -> Flow:
        """The path requests to the far end take now."""
        return self._there.flow

    # -- for the owner -----------------------------------------------------------------------------

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

    def reoffer(self, offer: bytes, now: float, *, update: bool = False) -> None:
        """Offer a change by re-INVITE, or UPDATE; `reoffered` or `refused` follows. One at a time.

        Waits by itself for a change of the far end to be done with, and tries again after 491 (14.1).
        """
        if self.state == "early" and not self.answering:
            raise LocalError("no re-offer before the session is answered")
        if self.state == "ended":
            return
        change = _Change(offer, update)
        if self._reoffer is not None and self._reoffer.refresh and self._waiting is None:
            self._waiting = change
            return
        if self._reoffer is not None:
            raise LocalError("a re-offer is under way already")
        self._begin(change, now)

    def _begin(self, change: _Change | None, now: float) -> None:
        self._reoffer = change
        self._tries = 0
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

    def knows(self, remote_tag: str) -> bool:
        """Whether the far end of this dialog has that tag."""
        return self._with(remote_tag) is not None

    def _with(self, remote_tag: str) -> Dialog | None:
        """Return our dialog with that far end, if there is one."""
        dialog = self._dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

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

    def _2xx_headers(self) -> Headers:
        core = self._core
        return (
            ("Contact", core.contact(self._there.flow)),
            ("Allow", core.allow),
            ("Supported", ", ".join(core.supported)),
        )

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
        unacked = _Unacked(request.cseq_number, data, transaction.flow, wants_answer=wants_answer)
        self._unacked = unacked
        timers = self._core.timers
        unacked.repeat = timers.after(T1, self._repeat_2xx, now)
        unacked.limit = timers.after(LIFETIME, self._never_acked, now)

    def _repeat_2xx(self, now: float) -> None:
        unacked = self._unacked
        if unacked is not None:
            unacked.interval = min(2 * unacked.interval, T2)
            unacked.repeat = self._core.timers.after(unacked.interval, self._repeat_2xx, now)
            self._core.send(unacked.flow, unacked.data)

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
            for timer in (unacked.repeat, unacked.limit):
                if timer is not None:
                    self._core.timers.cancel(timer)

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

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def _refresh(self, now: float) -> None:
        """Tell the far end that we are there: by UPDATE if it knows that, else by saying the same again."""
        timer = self._timer
        if timer is None or self.state != "confirmed":
            return
        if self._far_updates:
            headers = (*self._2xx_headers(), *timer.headers())
            self._send("UPDATE", now, self._on_refreshed, headers, aside=True)
        elif self._reoffer is None:
            self._begin(_Change(self._said, update=False, refresh=True), now)
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
        headers = (*self._2xx_headers(), *timer, ("Content-Type", SDP))
        method = "UPDATE" if change.update else "INVITE"
        self._send(method, now, self._on_reoffer_answer, headers, change.offer)
        self._reoffer_limit = self._core.timers.after(LIFETIME, self._reoffer_timeout, now)

    def _on_reoffer_answer(
        self, transaction: Transaction, status: int, response: Response | None, now: float
    ) -> None:
        ours = self._reoffer_over()
        change, timer = self._reoffer, self._timer
        if response is not None and status < 300:
            self._there.refresh(response)
            if response.cseq_method == "INVITE":
                Acks.take_over(self._core, transaction).send(self._there, response.to_tag)
            if ours and change is not None:
                self._note_updates(response)
                if timer is not None and timer.seconds:
                    self._agree(response, now)
                if not change.refresh:
                    self._describe(change.offer)
                self._over_with(change, now, partial(self._tell_reoffered, sdp_of(response)))
        elif not ours or change is None:
            return
        elif status == 491 and self._tries < _GLARE_TRIES:
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

    def _over_with(self, change: _Change, now: float, tell: Callable[[], None]) -> None:
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

    def _lost(self, status: int, response: Response | None, now: float) -> None:
        """End a session the far end knows nothing of any more (12.2.1.2)."""
        why = "transport" if status == 503 else "timeout"
        if status != 481:
            self._leave(now, ())
        self._finish(End(status, "", far=True, why=why, response=response), now)

    # -- requests of ours within the dialog --------------------------------------------------------

    def _send(
        self,
        method: str,
        now: float,
        done: Callable[[Transaction, int, Response | None, float], None],
        headers: Headers = (),
        body: bytes = b"",
        *,
        tries: int = 0,
        aside: bool = False,
    ) -> None:
        """Send a request; `aside`: it is no change of the session, so nothing waits for its answer."""
        dialog = self._there
        sent = _Sent(method, headers, body, done, tries, aside)
        request = dialog.request(method, self._core.via(dialog.flow), headers, body)
        transaction = self._core.layer.call(request, dialog.flow, partial(self._on_response, sent), now)
        if not aside:
            self._sending = transaction

    def _on_response(
        self,
        sent: _Sent,
        transaction: Transaction,
        event: str,
        message: Request | Response | None,
        now: float,
    ) -> None:
        response = message if isinstance(message, Response) else None
        if response is not None and response.status < 200:
            return
        status = response.status if response is not None else 408 if event == "timeout" else 503
        if response is not None and sent.tries < TRIES:
            headers = authorized(sent.headers, self.credentials, response, transaction.request)
            if headers is not None:
                self._send(
                    sent.method, now, sent.done, headers, sent.body, tries=sent.tries + 1, aside=sent.aside
                )
                return
        sent.done(transaction, status, response, now)

    # -- the end -----------------------------------------------------------------------------------

    @property
    def _there(self) -> Dialog:
        if self._dialog is None:
            raise LocalError("the session has no dialog yet")
        return self._dialog

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
        if self._unacked is None:
            self._send_bye(now, headers)
        else:
            self._bye = headers

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
