"""Comfort noise (RFC 3389): the first octet says how loud the far room is; white noise stands for it.

The spectrum that may follow is not used and not sent; RFC 3389, section 3, leaves both to the implementation.
"""

from __future__ import annotations

from array import array
from math import log10

from rtp.audio import audioop
from rtp.codec import Codec

QUIET = 127  # -dBov: no noise at all
OVERLOAD = 32767  # 0 dBov: the loudest square wave
_UNIFORM = 32768 / 3**0.5  # the loudness of the noise that is kept
_SAMPLES = 4001  # prime, so that frames of 20 ms take 80 seconds to come again

_noise = b""


def _white() -> bytes:
    global _noise  # noqa: PLW0603  # made once, when first needed
    if not _noise:
        value, values = 1, array("h")
        for _ in range(_SAMPLES):
            value = (value * 1664525 + 1013904223) & 0xFFFFFFFF
            values.append((value >> 16) - 32768)
        _noise = values.tobytes()
    return _noise


class ComfortNoise(Codec):
    """Payload type 13. `decode` gives 20 ms of noise and `lost` more of it, until something else is heard."""

    __slots__ = ("_at", "_level")
    name = "cn"
    clock = rate = 8000

    def __init__(self) -> None:
        self._level = QUIET
        self._at = 0

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload that describes this noise: its loudness."""
        loudness = audioop.rms(pcm, 2)
        return bytes((min(QUIET, round(20 * log10(OVERLOAD / loudness))) if loudness else QUIET,))

    def decode(self, payload: bytes) -> bytes:
        """Take the loudness from a payload and return 20 ms of noise."""
        if payload:
            self._level = min(payload[0] & 0x7F, QUIET)
        return self.lost(160)

    def lost(self, samples: int) -> bytes:
        """Return more noise: a sender describes it seldom."""
        if self._level == QUIET:
            return bytes(samples * 2)
        noise = _white()
        size = samples * 2
        start = self._at
        sound = (noise * ((start + size) // len(noise) + 1))[start : start + size]
        self._at = (start + size) % len(noise)
        return audioop.mul(sound, 2, OVERLOAD * 10 ** (-self._level / 20) / _UNIFORM)
