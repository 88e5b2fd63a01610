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
    if name == "Description":
        from sip.sdp import SessionDescription

        return SessionDescription
    if name in {"MediaError", "NoPorts", "NotAcceptable"}:
        from firmware.media import errors

        return getattr(errors, name)
    if name in {"Bridge", "Media", "Place"}:
        from firmware.media import bridge, media, place

        return {"Bridge": bridge.Bridge, "Media": media.Media, "Place": place.Place}[name]
    if name in {"Offers", "Side"}:
        from firmware.media import offers, side

        return offers.Offers if name == "Offers" else side.Side
    if name in {"File", "Prompt", "Sound", "Tone"}:
        from firmware.media import sounds

        return getattr(sounds, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
