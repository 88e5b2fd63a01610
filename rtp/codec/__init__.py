"""Codecs: `make("pcmu", 8000)` gives one for one stream in both directions.

PCM is signed 16 bit, native-endian, mono. A codec remembers its stream (predictors, what concealment
continues), so each end of a call has its own. Libraries outside Python are opened when a codec that needs
them is first made.
"""

from __future__ import annotations

FRAME = 50  # frames a second: all audio moves in 20 ms
_KNOWN = (
    ("pcmu", 8000),
    ("pcma", 8000),
    ("g722", 8000),
    ("opus", 48000),
    ("l16", 8000),
    ("l16", 16000),
    ("l16", 48000),
    ("cn", 8000),
)


class CodecError(Exception):
    """No such codec, its library is not installed, or it refused; `why` is one line for an operator."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Codec:
    """What every codec does.

    `name` is the encoding name of SDP in lower case (RFC 8866, 6.6), `clock` the rate of its RTP timestamps
    and `rate` that of its PCM, both in Hz; they differ for G.722 (RFC 3551, 4.5.2) and can for Opus (RFC
    7587, 4.1).
    """

    __slots__ = ()
    name: str
    clock: int
    rate: int

    def encode(self, pcm: bytes) -> bytes:
        """Return the payload of 20 ms of PCM (of any length, where frames have none in the codec)."""
        raise NotImplementedError

    def decode(self, payload: bytes) -> bytes:
        """Return the PCM of one payload; what is none of this codec gives concealed or no sound, no error."""
        raise NotImplementedError

    def lost(self, samples: int) -> bytes:
        """Return `samples` of PCM in place of what did not arrive."""
        raise NotImplementedError

    def recover(self, following: bytes, samples: int) -> bytes:
        """Return what did not arrive, when the payload after it has: Opus may carry a copy of it there."""
        del following
        return self.lost(samples)

    def close(self) -> None:
        """Free what the codec holds; it is not used again."""


def make(name: str, clock: int, rate: int = 0) -> Codec:
    """Return a new codec by its name and clock as in SDP; raises CodecError.

    `rate` chooses the sound's rate where the codec leaves a choice: Opus, 8000, 16000 (if 0) or 48000.
    """
    name = name.lower()
    if (name, clock) not in _KNOWN:
        raise CodecError(f"no codec {name[:20]!r} with a clock of {clock} Hz")
    if name == "opus":
        from rtp.codec.opus import Opus

        return Opus(rate or 16000)
    if name == "g722":
        from rtp.codec.g722 import G722

        return G722()
    if name == "l16":
        from rtp.codec.l16 import L16

        return L16(clock)
    if name == "cn":
        from rtp.codec.cn import ComfortNoise

        return ComfortNoise()
    from rtp.codec.g711 import Pcma, Pcmu

    return Pcmu() if name == "pcmu" else Pcma()


def available() -> frozenset[tuple[str, int]]:
    """Return name and clock of every codec that `make` makes on this machine."""
    return frozenset(one for one in _KNOWN if one[0] not in {"g722", "opus"} or _works(*one))


def _works(name: str, clock: int) -> bool:
    try:
        make(name, clock).close()
    except CodecError:
        return False
    return True
