"""What is left of an INVITE of ours once a 2xx came (RFC 3261 13.2.2.4).

Repeats of the 2xx get the same ACK; a 2xx of another fork gets an ACK and a BYE. This takes the place of
the session as the transaction's owner until timer M, and holds nothing of the call but these bytes.
"""

from __future__ import annotations

from typing import Final

from sip.core import SDP, Core
from sip.dialog import Dialog
from sip.errors import LocalError
from sip.flow import Flow
from sip.message import Request, Response
from sip.transaction import Transaction

_FORKS: Final = 12


def _ignore(_: Transaction, event: str, message: Request | Response | None, now: float) -> None:
    """Own a BYE nobody waits for."""
    del event, message, now


class Acks:
    """The owner of an INVITE client transaction in its Accepted state."""

    __slots__ = ("_auth", "_core", "_cseq", "_flow", "_local", "_sent", "_uri", "cseqs")

    def __init__(self, core: Core, request: Request, flow: Flow) -> None:
        """Keep of the INVITE what an ACK needs."""
        self._core = core
        self._flow = flow
        self._cseq = request.cseq_number
        self._uri = request.uri
        self._local = (request.get("From") or "", request.from_tag)
        # The ACK carries the credentials of the INVITE (22.1), since nobody could challenge it.
        self._auth = tuple(
            (name, value) for name in ("Authorization", "Proxy-Authorization") for value in request.all(name)
        )
        self._sent: dict[str, tuple[Flow, bytes] | None] = {}
        self.cseqs: dict[str, int] = {}
        """The last CSeq each fork has seen, where that is not the INVITE's: it had a PRACK before its 2xx."""

    @classmethod
    def take_over(cls, core: Core, transaction: Transaction) -> Acks:
        """Become the owner of `transaction`, which has just had its first 2xx."""
        if transaction.request is None:
            raise LocalError("the INVITE is gone already")
        acks = cls(core, transaction.request, transaction.flow)
        transaction.owner = acks
        return acks

    def dialog(self, response: Response) -> Dialog:
        """Return the dialog the 2xx makes, and expect its ACK."""
        self._sent[response.to_tag] = None
        dialog = Dialog.of_client(self._local, self._cseq, self._uri, response, self._flow)
        dialog.local_cseq = self.cseqs.get(response.to_tag, self._cseq)
        return dialog

    def send(self, dialog: Dialog, tag: str, answer: bytes = b"") -> None:
        """Send the ACK of the fork `tag`, with `answer` when its 2xx held the offer."""
        headers = (*self._auth, ("Content-Type", SDP)) if answer else self._auth
        ack = dialog.request("ACK", self._core.via(dialog.flow), headers, answer, cseq=self._cseq)
        sent = self._sent[tag] = (self._core.layer.living(dialog.flow), bytes(ack))
        self._core.send(*sent)

    def __call__(self, _: Transaction, event: str, message: Request | Response | None, now: float, /) -> None:
        """Hear of one more 2xx."""
        if event != "response" or not isinstance(message, Response):
            return
        tag = message.to_tag
        if tag in self._sent:
            sent = self._sent[tag]
            if sent is not None:
                self._core.send(*sent)
            return
        if len(self._sent) >= _FORKS:
            self._core.count("too many forks")
            return
        self._core.count("extra fork")
        dialog = self.dialog(message)
        self.send(dialog, tag)
        bye = dialog.request("BYE", self._core.via(dialog.flow))
        self._core.layer.call(bye, dialog.flow, _ignore, now)
