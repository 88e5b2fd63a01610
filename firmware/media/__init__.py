"""Media of calls: offers and answers become rows of the forwarding plan.

Nothing is imported until it is asked for: `firmware.media.worker` must be usable before asyncio is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.media.bridge import Bridge
    from firmware.media.errors import MediaError, NoPorts, NotAcceptable
    from firmware.media.media import Media
    from firmware.media.offers import Offers
    from firmware.media.side import Side
    from sip.sdp import SessionDescription as Description

__all__ = ["Bridge", "Description", "Media", "MediaError", "NoPorts", "NotAcceptable", "Offers", "Side"]


def __getattr__(name: str) -> object:
    if name == "Description":
        from sip.sdp import SessionDescription

        return SessionDescription
    if name in {"MediaError", "NoPorts", "NotAcceptable"}:
        from firmware.media import errors

        return getattr(errors, name)
    if name == "Bridge":
        from firmware.media.bridge import Bridge

        return Bridge
    if name == "Offers":
        from firmware.media.offers import Offers

        return Offers
    if name == "Side":
        from firmware.media.side import Side

        return Side
    if name == "Media":
        from firmware.media.media import Media

        return Media
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
