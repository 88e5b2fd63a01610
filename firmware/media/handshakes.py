"""What the media process needs to shake hands (DTLS-SRTP), what comes of it, and keys over its restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from firmware.media.secure import remasked
from rtp import control
from rtp.link import Link

if TYPE_CHECKING:
    from firmware.media.certificate import Certificate
    from rtp.plan import Plan


Wish = Literal["off", "browsers", "always"]
"""Who is offered DTLS-SRTP: nobody (and no offer of it is taken), phones over WebSocket, every phone."""


class Handshakes:
    """Our certificate for the life of the process; none where the site wants no handshakes."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self._certificate: Certificate | None = None
        if wish != "off":
            from firmware.media.certificate import Certificate

            self._certificate = Certificate.make()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the certificate, b"": there is none."""
        return self._certificate.digest if self._certificate is not None else b""

    def introduce(self, send: Callable[[bytes], object]) -> None:
        """Tell a new media process before anything else, when there is room for it."""
        made = self._certificate
        if made is not None:
            for datagram in control.encode([control.Identity(made.key, made.certificate)]):
                send(datagram)


def keep(plan: Plan, message: control.Keyed) -> None:
    """Keep the keys of a handshake with its row, if that is still about the same association.

    The media process has them already; the next one is to go on with them.
    """
    row = plan.get(message.port)
    if row is not None and row.link and Link.parse(row.link).association == message.association:
        plan.put(row.replace(srtp=message.keys))


def renew(plan: Plan) -> None:
    """Change what SSRCs all keys are used with: a new media process has not counted under them."""
    for row in plan.snapshot():
        if row.srtp:
            plan.put(row.replace(srtp=remasked(row.srtp)))
