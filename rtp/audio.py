"""The C library for PCM that Python brings: `from rtp.audio import audioop`.

Python 3.13 no longer brings it; the package audioop-lts carries the same module on. Nothing else here
imports it, so that its warning of that is silenced in one place.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["audioop", "louder"]


def louder(pcm: bytes, decibel: float) -> bytes:
    """Return PCM made louder (or softer, below 0); what is too loud then is cut at the limit."""
    return audioop.mul(pcm, 2, 10 ** (decibel / 20)) if decibel else pcm
