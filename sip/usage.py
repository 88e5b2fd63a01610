"""What every usage of a dialog by INVITE stands on: requests within it, 2xx until their ACK, and its end.

`sip.session` adds what changes a session while it lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sip.acks import Acks
from sip.core import Core
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.errors import LocalError
from sip.listener import DEAF, End, SessionListener
from sip.message import Request, Response
from sip.transaction import T1, T2, Transaction

if TYPE_CHECKING:
    from sip.dialog import Dialog
    from sip.flow import Flow
    from sip.session import Session
    from sip.session_timer import SessionTimer
    from sip.timers import Timer


class Unacked:
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


class Change(NamedTuple):
    """A re-offer of ours; `refresh`: it changes nothing and nobody waits for its answer."""

    offer: bytes | None
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


class Usage:
    """What a `Session` is apart from its changes, which `sip.session` adds."""

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
        "_referrals",
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
        self._unacked: Unacked | None = None
        self._reoffer: Change | None = None
        self._waiting: Change | None = None  # for a refresh to be over
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
        self._referrals = 0
        self.call_id = call_id
        self.state = "early"
        self.listener: SessionListener = DEAF
        self.credentials: Credentials | None = None
        self.identity: object = None
        self.data: Any = None
        core.sessions[key] = cast("Session", self)

    @property
    def answering(self) -> bool:
        """Whether the session is accepted and only its 2xx has to wait for a PRACK."""
        return False

    @property
    def flow(self) -> Flow:
        """The path requests to the far end take now."""
        return self._there.flow

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

    @property
    def said(self) -> bytes:
        """Our newest description that stands, b"" when there is none yet."""
        return self._said

    def knows(self, remote_tag: str) -> bool:
        """Whether the far end of this dialog has that tag."""
        return self._with(remote_tag) is not None

    def _with(self, remote_tag: str) -> Dialog | None:
        """Return our dialog with that far end, if there is one."""
        dialog = self._dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    # -- 2xx of ours ------------------------------------------------------------------------------

    def _2xx_headers(self) -> Headers:
        core = self._core
        return (
            ("Contact", core.contact(self._there.flow)),
            ("Allow", core.allow),
            ("Supported", ", ".join(core.supported)),
        )

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

    def _lost(self, status: int, response: Response | None, now: float) -> None:
        """End a session the far end knows nothing of any more (12.2.1.2)."""
        why = "transport" if status == 503 else "timeout"
        if status != 481:
            self._leave(now, ())
        self._finish(End(status, "", far=True, why=why, response=response), now)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()

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
        listener.ended(cast("Session", self), end)

    def _forget(self) -> None:
        self._core.sessions.pop(self._key, None)
