"""G.722 at 64 kbit/s through libspandsp.

Its RTP clock is 8000 though it carries 16,000 samples a second (RFC 3551, 4.5.2).
"""

from __future__ import annotations

from rtp.codec import Codec
from rtp.conceal import Conceal
from rtp.spandsp import G722Decoder, G722Encoder


class G722(Codec):
    """Payload type 9. Each direction's half is made when it is first used."""

    __slots__ = ("_conceal", "_decoder", "_encoder")
    name = "g722"
    clock = 8000
    rate = 16000

    def __init__(self) -> None:
        """Raise CodecError where the library is not installed."""
        self._decoder = G722Decoder()
        self._encoder: G722Encoder | None = None
        self._conceal = Conceal(16000)

    def encode(self, pcm: bytes) -> bytes:
        """Return one octet for every two samples."""
        if self._encoder is None:
            self._encoder = G722Encoder()
        return self._encoder.encode(pcm)

    def decode(self, payload: bytes) -> bytes:
        """Return two samples for every octet."""
        return self._conceal.heard(self._decoder.decode(payload))

    def lost(self, samples: int) -> bytes:
        """Return PCM that stands for `samples` lost ones."""
        return self._conceal.lost(samples)

    def close(self) -> None:
        """Free the library's states."""
        self._decoder.close()
        if self._encoder is not None:
            self._encoder.close()
