"""Opus, mono, through libopus (BSD licence, Debian's libopus0), called by ctypes (RFC 6716, RFC 7587).

The RTP clock is 48,000 whatever the sound's rate; encoder and decoder make the samples the box works with, so
that nothing is resampled. Packets may carry a coarse copy of the one before (in-band FEC), which `recover`
reads.
"""

from __future__ import annotations

import ctypes

from rtp.codec import Codec, CodecError

LIBRARY = "libopus.so.0"
RATES = {8000: 16000, 16000: 24000, 48000: 32000}  # samples a second: bits a second
COMPLEXITY = 5  # of 10: a third less work than 10 for what speech hardly shows
LOSS = 10  # per cent the encoder expects, which makes it send the copies
LONGEST = 120  # ms in one packet (RFC 6716, 2.1.4)
_VOIP = 2048  # opus_defines.h, as these:
_BITRATE, _COMPLEXITY, _FEC, _LOSS = 4002, 4010, 4012, 4014
_MOST = 1275  # octets of one frame (RFC 6716, 3.2.1)

_opened: ctypes.CDLL | None = None


def library() -> ctypes.CDLL:
    """Open libopus once; raises CodecError where it is not installed."""
    global _opened  # noqa: PLW0603  # a library is opened once a process
    if _opened is None:
        try:
            lib = ctypes.CDLL(LIBRARY)
        except OSError:
            raise CodecError(f"{LIBRARY} is not installed: apt-get install libopus0") from None
        state, data, whole = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        error = ctypes.POINTER(ctypes.c_int)
        lib.opus_encoder_create.restype = lib.opus_decoder_create.restype = state
        lib.opus_encoder_create.argtypes = [whole, whole, whole, error]
        lib.opus_decoder_create.argtypes = [whole, whole, error]
        lib.opus_encoder_ctl.argtypes = [state, whole]  # and one value, typed at the call
        lib.opus_encode.argtypes = [state, data, whole, state, ctypes.c_int32]
        lib.opus_encode.restype = ctypes.c_int32
        lib.opus_decode.argtypes = [state, data, ctypes.c_int32, state, whole, whole]
        lib.opus_encoder_destroy.argtypes = lib.opus_decoder_destroy.argtypes = [state]
        lib.opus_encoder_destroy.restype = lib.opus_decoder_destroy.restype = None
        _opened = lib
    return _opened


class Opus(Codec):
    """For sound at `rate` (8000, 16000 or 48000). Each direction's half is made when it is first used."""

    __slots__ = ("_decoder", "_encoder", "_lib", "_room", "rate")
    name = "opus"
    clock = 48000

    def __init__(self, rate: int = 16000) -> None:
        """Raise CodecError where the library is not installed or has no such rate."""
        self._encoder: int | None = None
        self._decoder: int | None = None
        self._lib = library()
        if rate not in RATES:
            raise CodecError(f"Opus has no sound at {rate} Hz here: 8000, 16000 or 48000")
        self.rate = rate
        self._room = ctypes.create_string_buffer(rate * LONGEST // 1000 * 2)

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload of 20 ms of PCM; raises CodecError for another length."""
        if len(pcm) != self.rate // 50 * 2:
            raise CodecError(f"Opus encodes 20 ms at a time, not {len(pcm)} octets")
        if self._encoder is None:
            error = ctypes.c_int()
            self._encoder = self._lib.opus_encoder_create(self.rate, 1, _VOIP, ctypes.byref(error))
            if error.value:
                raise CodecError(f"{LIBRARY} makes no encoder: error {error.value}")
            wishes = ((_BITRATE, RATES[self.rate]), (_COMPLEXITY, COMPLEXITY), (_FEC, 1), (_LOSS, LOSS))
            for wish, value in wishes:
                self._lib.opus_encoder_ctl(self._encoder, wish, ctypes.c_int32(value))
        size = self._lib.opus_encode(
            self._encoder, pcm, len(pcm) // 2, self._room, min(_MOST, len(self._room))
        )
        if size < 0:
            raise CodecError(f"{LIBRARY} does not encode: error {size}")
        return self._room.raw[:size]

    def decode(self, payload: bytes) -> bytes:
        """Return the PCM of one payload of up to 120 ms; what is no Opus is concealed as 20 ms lost."""
        if not payload:
            return self.lost(self.rate // 50)
        count = self._decode(payload, len(self._room) // 2, 0)
        return self._room.raw[: count * 2] if count > 0 else self.lost(self.rate // 50)

    def lost(self, samples: int) -> bytes:
        """Return PCM that stands for `samples` lost ones: the library's own concealment."""
        return self._stand_in(None, samples)

    def recover(self, following: bytes, samples: int) -> bytes:
        """Return the lost samples from the copy in the packet after them, or concealed where it has none."""
        return self._stand_in(following or None, samples)

    def close(self) -> None:
        """Free the library's states."""
        encoder, self._encoder = self._encoder, None
        decoder, self._decoder = self._decoder, None
        if encoder:
            self._lib.opus_encoder_destroy(encoder)
        if decoder:
            self._lib.opus_decoder_destroy(decoder)

    def __del__(self) -> None:
        self.close()

    def _stand_in(self, following: bytes | None, samples: int) -> bytes:
        step = self.rate // 400  # the library knows multiples of 2.5 ms
        asked = min(-(-samples // step) * step, len(self._room) // 2)
        count = max(0, self._decode(following, asked, 1 if following else 0)) if asked else 0
        return self._room.raw[: min(count, samples) * 2] + bytes(2 * max(0, samples - count))

    def _decode(self, payload: bytes | None, samples: int, copy: int) -> int:
        if self._decoder is None:
            error = ctypes.c_int()
            self._decoder = self._lib.opus_decoder_create(self.rate, 1, ctypes.byref(error))
            if error.value:
                raise CodecError(f"{LIBRARY} makes no decoder: error {error.value}")
        size = len(payload) if payload else 0
        count: int = self._lib.opus_decode(self._decoder, payload, size, self._room, samples, copy)
        return count
