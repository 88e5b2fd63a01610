"""How a session begins that we ask for (RFC 3261 13.2)."""

from __future__ import annotations

from typing import Final

from sip.acks import Acks
from sip.core import SDP, Core, sdp_of
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.dialog import Dialog
from sip.errors import LocalError
from sip.flow import Flow
from sip.layer import reply_flow
from sip.listener import End, SessionListener
from sip.message import Request, Response
from sip.reliable import TAG, Early, RAck, rseq_of
from sip.session import Session
from sip.session_timer import min_se
from sip.timers import Timer
from sip.transaction import LIFETIME, Transaction, make_cancel

_FORKS: Final = 12


class UacSession(Session):
    """An outgoing INVITE and what becomes of it. Made by `Stack.invite`."""

    __slots__ = (
        "_callee",
        "_caller",
        "_cancel",
        "_early",
        "_flow",
        "_giving_up",
        "_headers",
        "_interval",
        "_invite",
        "_minimum",
        "_offer",
        "_reliable",
        "_target",
        "rung",
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
        reliable: bool = True,
    ) -> None:
        """Take the Request-URI and what the INVITE says; `begin` sends it."""
        tag, call_id = core.tag(), core.random(16).hex()
        super().__init__(core, f"{call_id} {tag}", call_id, owns_call_id=True)
        self._target = target
        self._flow = flow
        self._caller = f"{caller};tag={tag}"
        self._callee = callee
        self._offer = offer
        self._interval = core.config.session_seconds
        self._minimum = 0
        self._headers = headers
        self._reliable = reliable
        self._early: dict[str, Early] = {}
        self._invite: Transaction | None = None
        self._cancel: Headers | None = None
        self._giving_up: Timer | None = None
        self.rung = ""
        """The far end's tag in the latest provisional answer: that of the dialog that rings."""
        self.listener = listener
        self.credentials = credentials

    @property
    def from_tag(self) -> str:
        """Our tag."""
        return self._caller.rpartition(";tag=")[2]

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
            ("Supported", ", ".join(tag for tag in core.supported if self._reliable or tag != TAG)),
            *self._headers,
            *extra,
        ]
        if self._interval:
            headers.append(("Session-Expires", str(self._interval)))
        if self._minimum:
            headers.append(("Min-SE", str(self._minimum)))
        if self._offer is not None:
            headers.append(("Content-Type", SDP))
        request = Request.new("INVITE", self._target, headers, self._offer or b"")
        self._invite = core.layer.call(request, self._flow, self._on_invite, now)

    @property
    def heard(self) -> bool:
        """Whether the far end has said anything to the INVITE yet, be it 100 or a challenge."""
        invite = self._invite
        first = invite is not None and invite.request is not None and invite.request.cseq_number == 1
        return not first or invite is None or invite.state != "calling"

    @property
    def owes_prack(self) -> bool:
        """Whether a reliable provisional answer brought an offer that `prack` has to answer."""
        return any(early.owed for early in self._early.values())

    def prack(self, answer: bytes, now: float) -> None:
        """Answer the offer of a reliable provisional answer; of several forks the first that asked."""
        for early in self._early.values():
            rack, early.owed = early.owed, None
            if rack is not None:
                if self.state == "early":
                    self._describe(answer)
                    self._send_prack(early.dialog, rack, answer, now)
                return
        if self.state != "ended":
            raise LocalError("there is no offer to answer in a PRACK")

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
        elif response.status > 100 and self._in_order(transaction, response, now):
            self.rung = response.to_tag
            self.listener.progress(self, response.status, sdp_of(response))

    def _in_order(self, transaction: Transaction, response: Response, now: float) -> bool:
        """Acknowledge a reliable provisional answer; False for a repeat or one that came too early."""
        rseq = rseq_of(response) if self._reliable else None
        request = transaction.request
        if rseq is None or request is None:
            return True
        early = self._early.get(response.to_tag)
        if early is None:
            if len(self._early) >= _FORKS:
                self._core.count("too many forks")
                return False
            cseq = request.cseq_number
            local = (self._caller, request.from_tag)
            early = Early(Dialog.of_client(local, cseq, self._target, response, self._flow), rseq)
            self._early[response.to_tag] = early
        elif rseq != early.rseq + 1:
            self._core.count("1xx out of order")
            return False
        early.rseq = rseq
        rack = RAck(rseq, request.cseq_number, "INVITE")
        sdp = sdp_of(response)
        first, early.sdp = early.sdp is None, early.sdp or sdp
        if self._offer is None and first and sdp is not None:
            early.owed = rack
        else:
            self._send_prack(early.dialog, rack, b"", now)
        return True

    def _send_prack(
        self, dialog: Dialog, rack: RAck, answer: bytes, now: float, extra: Headers = (), tries: int = 0
    ) -> None:
        headers: Headers = (("RAck", str(rack)), *extra)
        if answer:
            headers = (*headers, ("Content-Type", SDP))
        request = dialog.request("PRACK", self._core.via(dialog.flow), headers, answer)

        def answered(
            transaction: Transaction, event: str, message: Request | Response | None, now: float
        ) -> None:
            del event
            # Lost or refused, a PRACK changes nothing here: the far end gives the INVITE its final answer.
            if isinstance(message, Response) and message.status >= 300:
                again = authorized((), self.credentials, message, transaction.request)
                if again is not None and tries < TRIES:
                    self._send_prack(dialog, rack, answer, now, again, tries + 1)
                else:
                    self._core.count("prack refused")

        self._core.layer.call(request, dialog.flow, answered, now)

    def means(self, remote_tag: str) -> bool:
        """Whether somebody who names that tag of the far end means this session, even while it rings."""
        return self.knows(remote_tag) or (self.state == "early" and remote_tag == self.rung != "")

    def _with(self, remote_tag: str) -> Dialog | None:
        early = self._early.get(remote_tag) if self._dialog is None else None
        return super()._with(remote_tag) if early is None else early.dialog

    def receive(self, request: Request, transaction: Transaction, flow: Flow, now: float) -> None:
        """Take a request within the dialog; before the answer that can only be an UPDATE (RFC 3311 5.1)."""
        dialog = self._with(request.from_tag)
        if self._dialog is not None or dialog is None:
            super().receive(request, transaction, flow, now)
            return
        core = self._core
        if not dialog.in_order(request):
            core.count("request out of order")
            core.reply(transaction, request, 500, now)
        elif self.state == "ended" or request.method != "UPDATE":
            core.reply(transaction, request, 481, now)
        elif sdp_of(request) is None:
            dialog.flow = reply_flow(request, flow)
            dialog.refresh(request)
            core.reply(transaction, request, 200, now, headers=(("Contact", core.contact(dialog.flow)),))
        else:
            core.count("request before the last was answered")
            core.reply(transaction, request, 500, now, headers=(("Retry-After", str(core.below(11))),))

    def _on_accepted(self, transaction: Transaction, response: Response, now: float) -> None:
        acks = Acks.take_over(self._core, transaction)
        acks.cseqs = {tag: early.dialog.local_cseq for tag, early in self._early.items()}
        self._dialog = acks.dialog(response)
        early = self._early.get(response.to_tag)
        if early is not None:
            self._dialog.remote_cseq = early.dialog.remote_cseq
        self._early = {}
        self._invite = None
        offerless = self._offer is None
        self._describe(self._offer or b"")
        self._offer = None
        if self.state == "ended":
            # It crossed our CANCEL: the session stands, so it is acknowledged and ended (9.1, 15).
            acks.send(self._dialog, response.to_tag)
            self._stop_waiting()
            self._send_bye(now, self._cancel or ())
            return
        self.state = "confirmed"
        self._note_updates(response)
        self._agree(response, now)
        sdp = sdp_of(response)
        settled = early is not None and early.sdp is not None and early.owed is None
        if early is not None and settled:
            # RFC 3261 13.2.1: the first description that came for certain is the one; others are ignored.
            sdp = None if offerless else early.sdp
            acks.send(self._dialog, response.to_tag)
            self.listener.answered(self, sdp)
            return
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
        if self.state == "early" and request is not None and response.status == 422 and not self._minimum:
            # RFC 4028 7.3: once more with what the far end bears; it may challenge that again.
            self._minimum = min_se(response)
            self._interval = max(self._interval, self._minimum)
            self.begin(now, (), request.cseq_number + 1)
            return
        tries = TRIES + 2 if self._minimum else TRIES
        if self.state == "early" and request is not None and request.cseq_number <= tries:
            extra = authorized((), self.credentials, response, request)
            if extra is not None:
                self.begin(now, extra, request.cseq_number + 1)
                return
        self._over(End(response.status, response.reason, far=True, why="rejected", response=response), now)

    # -- the end -----------------------------------------------------------------------------------

    def _leave(self, now: float, headers: Headers, status: int = 0, reason: str | None = None) -> None:
        if self.state != "early":
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
