"""G.711: PCMU and PCMA (RFC 3551, 4.5.14)."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from rtp.audio import audioop
from rtp.codec import Codec
from rtp.conceal import Conceal


def _nearest(these: bytes, those: bytes) -> bytes:
    """For each value the index of the nearest one in `those`."""
    levels = sorted((level, code) for code, level in enumerate(array("h", those)))
    codes = []
    for level in array("h", these):
        at = bisect_left(levels, (level, 0))
        codes.append(min((abs(near - level), code) for near, code in levels[max(0, at - 1) : at + 1])[1])
    return bytes(codes)


_ULAW, _ALAW = audioop.ulaw2lin(bytes(range(256)), 2), audioop.alaw2lin(bytes(range(256)), 2)
ULAW_TO_ALAW = _nearest(_ULAW, _ALAW)  # payload.translate(ULAW_TO_ALAW)
ALAW_TO_ULAW = _nearest(_ALAW, _ULAW)


class _G711(Codec):
    __slots__ = ("_conceal",)
    clock = rate = 8000

    def __init__(self) -> None:
        self._conceal = Conceal(8000)

    def lost(self, samples: int) -> bytes:
        """Return PCM that stands for `samples` lost ones."""
        return self._conceal.lost(samples)


class Pcmu(_G711):
    """Mu-law, payload type 0."""

    __slots__ = ()
    name = "pcmu"

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload of any length of PCM."""
        return audioop.lin2ulaw(pcm, 2)

    def decode(self, payload: bytes) -> bytes:
        """Return the PCM of a payload."""
        return self._conceal.heard(audioop.ulaw2lin(payload, 2))


class Pcma(_G711):
    """A-law, payload type 8."""

    __slots__ = ()
    name = "pcma"

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload of any length of PCM."""
        return audioop.lin2alaw(pcm, 2)

    def decode(self, payload: bytes) -> bytes:
        """Return the PCM of a payload."""
        return self._conceal.heard(audioop.alaw2lin(payload, 2))
