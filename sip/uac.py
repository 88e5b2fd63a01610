"""How a session begins that we ask for (RFC 3261 13.2)."""

from __future__ import annotations

from sip.acks import Acks
from sip.core import SDP, Core, sdp_of
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.errors import LocalError
from sip.flow import Flow
from sip.listener import End, SessionListener
from sip.message import Request, Response
from sip.session import Session
from sip.timers import Timer
from sip.transaction import LIFETIME, Transaction, make_cancel


class UacSession(Session):
    """An outgoing INVITE and what becomes of it. Made by `Stack.invite`."""

    __slots__ = (
        "_callee",
        "_caller",
        "_cancel",
        "_flow",
        "_giving_up",
        "_headers",
        "_invite",
        "_offer",
        "_target",
    )

    def __init__(
        self,
        core: Core,
        target: str,
        flow: Flow,
        *,
        caller: str,
        callee: str,
        offer: bytes | None,
        listener: SessionListener,
        headers: Headers,
        credentials: Credentials | None,
    ) -> None:
        """Take the Request-URI and what the INVITE says; `begin` sends it."""
        tag, call_id = core.tag(), core.random(16).hex()
        super().__init__(core, f"{call_id} {tag}", call_id, owns_call_id=True)
        self._target = target
        self._flow = flow
        self._caller = f"{caller};tag={tag}"
        self._callee = callee
        self._offer = offer
        self._headers = headers
        self._invite: Transaction | None = None
        self._cancel: Headers | None = None
        self._giving_up: Timer | None = None
        self.listener = listener
        self.credentials = credentials

    @property
    def flow(self) -> Flow:
        """The path requests to the far end take now."""
        return self._flow if self._dialog is None else self._dialog.flow

    def begin(self, now: float, extra: Headers = (), cseq: int = 1) -> None:
        """Send the INVITE."""
        core = self._core
        headers = [
            ("Via", core.via(self._flow)),
            ("Max-Forwards", "70"),
            ("From", self._caller),
            ("To", self._callee),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} INVITE"),
            ("Contact", core.contact(self._flow)),
            ("Allow", core.allow),
            *self._headers,
            *extra,
        ]
        if self._offer is not None:
            headers.append(("Content-Type", SDP))
        request = Request.new("INVITE", self._target, headers, self._offer or b"")
        self._invite = core.layer.call(request, self._flow, self._on_invite, now)

    def ack(self, answer: bytes, now: float) -> None:
        """Send the ACK with our answer to the offer `answered` told; only after an offerless INVITE."""
        acks, self._acks = self._acks, None
        if acks is None:
            if self.state == "ended":
                return
            raise LocalError("there is no offer to answer in an ACK")
        acks.send(self._there, self._there.remote_tag, answer)
        self._try_reoffer(now)

    # -- the answers to the INVITE -----------------------------------------------------------------

    def _on_invite(
        self, transaction: Transaction, event: str, message: Request | Response | None, now: float
    ) -> None:
        if not isinstance(message, Response):
            status, why = (408, "timeout") if event == "timeout" else (503, "transport")
            self._over(End(status, "", far=True, why=why), now)
        elif message.status < 200:
            self._on_provisional(transaction, message, now)
        elif message.status < 300:
            self._on_accepted(transaction, message, now)
        else:
            self._on_rejected(transaction, message, now)

    def _on_provisional(self, transaction: Transaction, response: Response, now: float) -> None:
        if self._cancel is not None:
            if self._giving_up is None:
                self._send_cancel(transaction, now)
        elif response.status > 100:
            self.listener.progress(self, response.status, sdp_of(response))

    def _on_accepted(self, transaction: Transaction, response: Response, now: float) -> None:
        acks = Acks.take_over(self._core, transaction)
        self._dialog = acks.dialog(response)
        self._invite = None
        offerless, self._offer = self._offer is None, None
        if self.state == "ended":
            # It crossed our CANCEL: the session stands, so it is acknowledged and ended (9.1, 15).
            acks.send(self._dialog, response.to_tag)
            self._stop_waiting()
            self._send_bye(now, self._cancel or ())
            return
        self.state = "confirmed"
        sdp = sdp_of(response)
        if offerless and sdp is not None:
            self._acks = acks
        else:
            acks.send(self._dialog, response.to_tag)
        if sdp is None:
            # 13.2.1: whichever way round, the 2xx holds the offer or the answer.
            self._core.count("2xx without sdp")
            self._leave(now, ())
            self._finish(End(488, "No SDP in 2xx", far=True, why="protocol", response=response), now)
            return
        self.listener.answered(self, sdp)

    def _on_rejected(self, transaction: Transaction, response: Response, now: float) -> None:
        request = transaction.request
        if self.state == "early" and request is not None and request.cseq_number <= TRIES:
            extra = authorized((), self.credentials, response, request)
            if extra is not None:
                self.begin(now, extra, request.cseq_number + 1)
                return
        self._over(End(response.status, response.reason, far=True, why="rejected", response=response), now)

    # -- the end -----------------------------------------------------------------------------------

    def _leave(self, now: float, headers: Headers, status: int = 0, reason: str | None = None) -> None:
        if self.state != "early":
            if self._acks is not None:
                # The 2xx still wants its ACK; an answer that accepts nothing would be no better than none.
                self._acks.send(self._there, self._there.remote_tag)
                self._acks = None
            super()._leave(now, headers, status, reason)
            return
        self._leaving = True
        self._cancel = headers
        if self._invite is not None and self._invite.state == "proceeding":
            self._send_cancel(self._invite, now)

    def _send_cancel(self, transaction: Transaction, now: float) -> None:
        """Send CANCEL, of which there was none before a provisional answer (9.1)."""
        request = transaction.request
        if request is None:
            return
        cancel = make_cancel(request)
        for name, value in self._cancel or ():
            cancel.add(name, value)
        self._giving_up = self._core.timers.after(LIFETIME, self._give_up, now)
        self._core.layer.call(cancel, transaction.flow, self._on_cancel_answer, now)

    def _on_cancel_answer(
        self, transaction: Transaction, event: str, message: Request | Response | None, now: float
    ) -> None:
        """Whatever CANCEL is answered, the INVITE's own answer decides."""

    def _give_up(self, now: float) -> None:
        """9.1: no final answer in 64*T1 after CANCEL is as good as one."""
        self._giving_up = None
        if self._invite is not None:
            self._core.layer.abandon(self._invite, now)
        self._over(End(408, "", far=True, why="timeout"), now)

    def _over(self, end: End, now: float) -> None:
        """Take the last word on the INVITE, unless a hang-up of ours was first to end the session."""
        self._invite = None
        self._leaving = False
        self._stop_waiting()
        if self.state == "ended":
            self._forget()
        else:
            self._finish(end, now)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._core.timers.cancel(self._giving_up)
            self._giving_up = None
