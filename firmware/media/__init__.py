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
    from firmware.media.place import Place
    from firmware.media.side import Side
    from firmware.media.sounds import File, Prompt, Sound, Tone
    from sip.sdp import SessionDescription as Description

__all__ = [
    "Bridge", "Description", "File", "Media", "MediaError", "NoPorts", "NotAcceptable", "Offers", "Place",
    "Prompt", "Side", "Sound", "Tone",
]  # fmt: skip


def __getattr__(name: str) -> object:
    found: object
    if name == "Description":
        from sip.sdp import SessionDescription

        found = SessionDescription
    elif name in {"MediaError", "NoPorts", "NotAcceptable"}:
        from firmware.media import errors

        found = getattr(errors, name)
    elif name == "Bridge":
        from firmware.media.bridge import Bridge

        found = Bridge
    elif name == "Offers":
        from firmware.media.offers import Offers

        found = Offers
    elif name == "Side":
        from firmware.media.side import Side

        found = Side
    elif name == "Media":
        from firmware.media.media import Media

        found = Media
    elif name == "Place":
        from firmware.media.place import Place

        found = Place
    elif name in {"File", "Prompt", "Sound", "Tone"}:
        from firmware.media import sounds

        found = getattr(sounds, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found
