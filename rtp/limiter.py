"""Sums of frames that never clip.

Samples are added with 32 bits, of which 6 are room for up to 64 full-scale voices. Where the sum would
leave the 16 bits of a sample it is turned down as a whole, at once and block by block, and up again slowly:
a wave keeps its shape, where cutting it off would crackle.
"""

from __future__ import annotations

from rtp.audio import audioop

HEADROOM = 64  # voices
CEILING = 32766.0 / 32768.0  # shifting right rounds down: a step is left for it
BLOCK = 8  # blocks of 2.5 ms in a frame, each with its own gain
RECOVER = 1.02  # how much louder from block to block: 8 % in a frame
_SHIFT = 1.0 / HEADROOM
_MOST = (1 << 31) // HEADROOM  # one voice at full scale, in a sum


def widen(frame: bytes, gain: float = 1.0) -> bytes:
    """Return 16-bit samples as a summand."""
    return audioop.mul(audioop.lin2lin(frame, 2, 4), 4, gain * _SHIFT)


def add(one: bytes, other: bytes) -> bytes:
    """Return the sum of two sums."""
    return audioop.add(one, other, 4)


def without(total: bytes, one: bytes) -> bytes:
    """Return a sum less one of its summands."""
    return audioop.add(total, audioop.mul(one, 4, -1.0), 4)


class Limiter:
    """Brings the sums of one stream back to 16 bits; remembers how far it is turned down."""

    __slots__ = ("gain",)

    def __init__(self) -> None:
        self.gain = 1.0

    def narrow(self, total: bytes) -> bytes:
        """Return a sum as 16-bit samples, no louder than they can be."""
        if self.gain >= 1.0 and audioop.max(total, 4) <= _MOST * CEILING:
            return audioop.lin2lin(audioop.mul(total, 4, HEADROOM), 4, 2)
        size = max(4, len(total) // BLOCK // 4 * 4)
        blocks = []
        for at in range(0, len(total), size):
            block = total[at : at + size]
            peak = audioop.max(block, 4)
            allowed = _MOST * CEILING / peak if peak else 1.0
            self.gain = min(self.gain * RECOVER, allowed, 1.0)
            blocks.append(audioop.lin2lin(audioop.mul(block, 4, HEADROOM * self.gain), 4, 2))
        return b"".join(blocks)
