"""Media of calls: offers and answers become rows of the forwarding plan.

Nothing is imported until it is asked for: `firmware.media.worker` must be usable before asyncio is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.media.bridge import Bridge, Side
    from firmware.media.errors import MediaError, NoPorts, NotAcceptable
    from firmware.media.media import Media
    from sip.sdp import SessionDescription as Description

__all__ = ["Bridge", "Description", "Media", "MediaError", "NoPorts", "NotAcceptable", "Side"]


def __getattr__(name: str) -> object:
    if name == "Description":
        from sip.sdp import SessionDescription

        return SessionDescription
    if name in {"MediaError", "NoPorts", "NotAcceptable"}:
        from firmware.media import errors

        return getattr(errors, name)
    if name in {"Bridge", "Side"}:
        from firmware.media import bridge

        return getattr(bridge, name)
    if name == "Media":
        from firmware.media.media import Media

        return Media
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
