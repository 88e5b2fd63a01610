"""Who hears what happens on a session, and why one ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from sip.message import Response
    from sip.session import Session


class End(NamedTuple):
    """Why a session is over.

    `why` is "rejected" (a final answer refused it: `status`), "cancelled", "bye", "timeout" (408),
    "transport" (503) or "protocol" (the far end broke the rules). `far` tells whether the far end ended it;
    `response` is what refused it.
    """

    status: int
    reason: str
    far: bool
    why: str
    response: Response | None = None


class SessionListener(Protocol):
    """Who hears what happens on a session. Calls are synchronous and may use the session again at once."""

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        """UAC: a provisional answer above 100, perhaps with early media.

        After an offerless INVITE the description is an offer, and `prack` is due, if `session.owes_prack`.
        """

    def answered(self, session: Session, sdp: bytes | None) -> None:
        """UAC: a 2xx. Its ACK is out, but after an offerless INVITE `sdp` is an offer and `ack` is due.

        `sdp` is None when an offer in a reliable provisional answer has been answered by `prack` already.
        """

    def pracked(self, session: Session, answer: bytes) -> None:
        """UAS: the PRACK of the offer we made in a reliable provisional answer came with its answer."""

    def acked(self, session: Session, sdp: bytes | None) -> None:
        """UAS: the ACK to our 2xx came; `sdp` is the answer when the 2xx held an offer."""

    def offered(self, session: Session, offer: bytes | None) -> None:
        """Call `accept_offer` or `refuse_offer`: the far end wants a change. None: it wants our offer."""

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        """Our `reoffer` was accepted."""

    def refused(self, session: Session, status: int) -> None:
        """Our `reoffer` was refused; the session is as it was (14.1)."""

    def ended(self, session: Session, end: End) -> None:
        """Hear that the session is over; the last call."""


class Deaf:
    """The listener of a session nobody listens to."""

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        """Do nothing."""

    def answered(self, session: Session, sdp: bytes | None) -> None:
        """Do nothing."""

    def pracked(self, session: Session, answer: bytes) -> None:
        """Do nothing."""

    def acked(self, session: Session, sdp: bytes | None) -> None:
        """Do nothing."""

    def offered(self, session: Session, offer: bytes | None) -> None:
        """Do nothing."""

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        """Do nothing."""

    def refused(self, session: Session, status: int) -> None:
        """Do nothing."""

    def ended(self, session: Session, end: End) -> None:
        """Do nothing."""


DEAF: Final = Deaf()
