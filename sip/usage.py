"""What every usage of a dialog has (RFC 5057): the dialog, and requests of ours within it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sip.core import Core
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.errors import LocalError
from sip.message import Request, Response
from sip.transaction import Transaction

if TYPE_CHECKING:
    from sip.dialog import Dialog
    from sip.flow import Flow


class _Sent(NamedTuple):
    """A request of ours within the dialog, as far as it is needed to send it again with credentials."""

    method: str
    headers: Headers
    body: bytes
    done: Callable[[Transaction, int, Response | None, float], None]
    tries: int
    aside: bool


class DialogUsage:
    """A dialog in use, early ones without a dialog included."""

    __slots__ = ("_core", "_dialog", "_sending", "credentials")

    def __init__(self, core: Core) -> None:
        """Begin without a dialog."""
        self._core = core
        self._dialog: Dialog | None = None
        self._sending: Transaction | None = None
        self.credentials: Credentials | None = None

    @property
    def flow(self) -> Flow:
        """The path requests to the far end take now."""
        return self._there.flow

    def knows(self, remote_tag: str) -> bool:
        """Whether the far end of this dialog has that tag."""
        return self._with(remote_tag) is not None

    def means(self, remote_tag: str) -> bool:
        """Whether somebody who names that tag of the far end means this session."""
        return self.knows(remote_tag)

    def _with(self, remote_tag: str) -> Dialog | None:
        """Return our dialog with that far end, if there is one."""
        dialog = self._dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    @property
    def _there(self) -> Dialog:
        if self._dialog is None:
            raise LocalError("the session has no dialog yet")
        return self._dialog

    def _2xx_headers(self) -> Headers:
        core = self._core
        return (
            ("Contact", core.contact(self._there.flow)),
            ("Allow", core.allow),
            ("Supported", ", ".join(core.supported)),
        )

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
