"""L16: PCM in network byte order (RFC 3551, 4.5.11), mono."""

from __future__ import annotations

import sys

from rtp.audio import audioop
from rtp.codec import Codec
from rtp.conceal import Conceal

_SWAP = sys.byteorder == "little"


class L16(Codec):
    """Uncompressed; `clock` is its sampling rate."""

    __slots__ = ("_conceal", "clock", "rate")
    name = "l16"

    def __init__(self, clock: int) -> None:
        self.clock = self.rate = clock
        self._conceal = Conceal(clock)

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload of any length of PCM."""
        return audioop.byteswap(pcm, 2) if _SWAP else pcm

    def decode(self, payload: bytes) -> bytes:
        """Return the PCM of a payload."""
        whole = payload[: len(payload) & ~1]  # half a sample at the end is nobody's
        return self._conceal.heard(audioop.byteswap(whole, 2) if _SWAP else whole)

    def lost(self, samples: int) -> bytes:
        """Return PCM that stands for `samples` lost ones."""
        return self._conceal.lost(samples)
