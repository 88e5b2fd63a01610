"""Recordings: both directions of one party, left what it said and right what it heard.

The recorder writes into a sink that is handed in: `write(data)` takes what it has room for and says how
much. Behind it stands whoever encrypts, before anything reaches a disk; the media process refuses a sink
that is a file. What is written is WAV with two channels (A-law, or 16-bit samples for more than 8 kHz) and
an unknown length, as a pipe has none: the sizes say 0xFFFFFFFF, which readers take as "to the end". A sink
that falls behind is waited for, bounded; after that whole frames are left out and counted.
"""

from __future__ import annotations

import sys
from struct import Struct

from rtp.audio import audioop
from rtp.codec import FRAME
from rtp.player import ALAW, PCM

WAITING = 320_000  # bytes kept for a slow sink: 20 s of A-law
CHUNK = 3200  # bytes written at once: 0.2 s of A-law
_UNKNOWN = 0xFFFFFFFF
_HEAD = Struct("<4sI4s4sIHHIIHH4sI")


class Sink:
    """Where a recording goes: its reader encrypts."""

    __slots__ = ()

    def write(self, data: bytes) -> int:
        """Take bytes, return how many; 0 while there is no room, -1 when nobody reads any more."""
        raise NotImplementedError

    def close(self) -> None:
        """Say that this was all."""
        raise NotImplementedError


def head(rate: int) -> bytes:
    """Return the head of a recording of `rate` Hz."""
    kind, width = (ALAW, 1) if rate == 8000 else (PCM, 2)
    size = 2 * width
    return _HEAD.pack(
        *(b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", 16, kind, 2, rate),
        *(rate * size, size, 8 * width, b"data", _UNKNOWN),
    )


class Recorder:
    """One recording. `left_out` counts frames the sink had no room for; `broken`: nobody reads any more."""

    __slots__ = ("_rate", "_sink", "_waiting", "broken", "left_out", "token")

    def __init__(self, sink: Sink, token: int = 0) -> None:
        self._sink = sink
        self._rate = 0
        self._waiting = bytearray()
        self.token = token
        self.left_out = 0
        self.broken = False

    def put(self, said: bytes | None, heard: bytes | None, rate: int) -> None:
        """Take 20 ms of both directions, None for silence; the first frame decides the rate."""
        if self.broken:
            return
        if not self._rate:
            self._rate = rate
            self._waiting += head(rate)
        silence = bytes(rate // FRAME * 2)
        left, right = audioop.tostereo(said or silence, 2, 1, 0), audioop.tostereo(heard or silence, 2, 0, 1)
        both = audioop.add(left, right, 2)
        if rate != self._rate:  # somebody with another format came in: the recording stays what it began as
            both, _ = audioop.ratecv(both, 2, 2, rate, self._rate, None)
        if self._rate == 8000:
            both = audioop.lin2alaw(both, 2)
        elif sys.byteorder == "big":
            both = audioop.byteswap(both, 2)
        if len(self._waiting) > WAITING:
            self.left_out += 1
        else:
            self._waiting += both
        if len(self._waiting) >= CHUNK:
            self.flush()

    def close(self) -> None:
        """End it; what the sink still has no room for is lost, and counted as one more frame left out."""
        self.flush()
        self.left_out += bool(self._waiting)
        self._sink.close()

    def flush(self) -> None:
        """Write what waits, as far as there is room."""
        while self._waiting and not self.broken:
            taken = self._sink.write(bytes(self._waiting[:65536]))
            if taken < 0:
                self.broken = True
            elif taken == 0:
                return
            else:
                del self._waiting[:taken]
