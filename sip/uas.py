"""How a session begins that the far end asked for (RFC 3261 13.3)."""

from __future__ import annotations

from typing import Final

from sip.core import SDP, Core, sdp_of
from sip.credentials import Headers
from sip.dialog import Dialog
from sip.flow import Flow
from sip.layer import reply_flow
from sip.listener import End
from sip.message import Request, Response
from sip.session import Session
from sip.timers import Timer
from sip.transaction import Transaction

_REMIND: Final = 60.0
"""Seconds after which a provisional answer goes out again, so that no proxy gives up (13.3.1.1)."""


class UasSession(Session):
    """An incoming INVITE and what becomes of it.

    `request` is the INVITE until its final answer; `offer` its SDP, None when it had none. On an ended
    session `ring`, `accept` and `reject` do nothing: a CANCEL may always come first.
    """

    __slots__ = ("_reminder", "_transaction", "offer", "request")

    def __init__(self, core: Core, request: Request, flow: Flow) -> None:
        """Make the session of `request`; `begin` sets it going."""
        tag = core.tag()
        super().__init__(core, f"{request.call_id} {tag}", request.call_id, owns_call_id=False)
        self._dialog = Dialog.of_server(request, tag, core.below(2**16), reply_flow(request, flow))
        self._transaction: Transaction | None = None
        self._reminder: Timer | None = None
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
        """Send a provisional answer above 100, with early media if `sdp` is given."""
        if self.state != "early" or self._transaction is None or self.request is None:
            return
        headers: Headers = (
            ("Contact", self._core.contact(self.flow)),
            *self._record_route(self.request),
        )
        if sdp is not None:
            headers = (*headers, ("Content-Type", SDP))
        self._core.reply(
            self._transaction, self.request, status, now, tag=self.tag, headers=headers, body=sdp or b""
        )
        self._remind(now)

    def accept(self, sdp: bytes, now: float, headers: Headers = ()) -> None:
        """Answer with 200 and `sdp`: the answer, or our offer to an INVITE without one. `acked` follows."""
        transaction, request = self._transaction, self.request
        if self.state != "early" or transaction is None or request is None:
            return
        self._answered()
        self.state = "confirmed"
        self._send_2xx(transaction, request, sdp, now, (*headers, *self._record_route(request)))

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

    # -- inside ------------------------------------------------------------------------------------

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
        if self._reminder is not None:
            self._core.timers.cancel(self._reminder)
            self._reminder = None

    def _remind(self, now: float) -> None:
        if self._reminder is not None:
            self._core.timers.cancel(self._reminder)
        self._reminder = self._core.timers.after(_REMIND, self._on_reminder, now)

    def _on_reminder(self, now: float) -> None:
        if self._transaction is not None:
            self._core.send(self._transaction.flow, self._transaction.last)
            self._remind(now)

    def _on_transaction(
        self, transaction: Transaction, event: str, message: Request | Response | None, now: float
    ) -> None:
        """Hear that the INVITE's flow is gone."""
        del transaction, message
        if event == "error" and self.state == "early":
            self._answered()
            self._finish(End(503, "", far=True, why="transport"), now)
