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

_HOMES = {
    "Bridge": "firmware.media.bridge",
    "Side": "firmware.media.bridge",
    "Media": "firmware.media.media",
    "MediaError": "firmware.media.errors",
    "NoPorts": "firmware.media.errors",
    "NotAcceptable": "firmware.media.errors",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "Description":
        return import_module("sip.sdp").SessionDescription
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
