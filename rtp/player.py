"""Sound from files: prompts one after the other, music over and over.

The box's own format is a small part of WAV: RIFF, one chunk `fmt ` with one channel of 8000, 16000 or 48000
Hz and format 1 (16-bit samples, little-endian), 6 (A-law) or 7 (mu-law), then one chunk `data`; chunks of
other names before it are skipped; whatever its length says, the end of the bytes is the end (a length is
unknown while a recording is made). Sox writes it: `sox in.flac -c 1 -r 8000 -e mu-law out.wav`.

Bytes come from a source that is handed in: `read(n)` returns at most n, b"" at the end and None while there
are none yet; `rewind()` starts over, False when it cannot.
"""

from __future__ import annotations

import sys
from collections import deque
from struct import Struct

from rtp.audio import audioop
from rtp.codec import FRAME
from rtp.rates import Converter

RATES = frozenset({8000, 16000, 48000})
PCM, ALAW, ULAW = 1, 6, 7  # format codes of WAV
READ = 4096  # bytes asked for at once
MOST_HEAD = 65536  # bytes before the samples
CLIPS = 64  # clips in one list
_SWAP = sys.byteorder == "big"
_RIFF = Struct("<4sI4s")
_CHUNK = Struct("<4sI")
_FMT = Struct("<HHIIHH")


class ClipError(Exception):
    """What was to be played is not of the box's format."""


class Source:
    """Where the bytes of a clip come from."""

    __slots__ = ()

    def read(self, size: int) -> bytes | None:
        """Return at most `size` bytes, b"" at the end, None while there are none yet."""
        raise NotImplementedError

    def rewind(self) -> bool:
        """Start over; False when it cannot."""
        raise NotImplementedError

    def close(self) -> None:
        """Nobody reads it any more."""
        raise NotImplementedError


class Clip:
    """One file: reads its head, gives samples."""

    __slots__ = ("_bytes", "_format", "_source", "over", "rate")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bytes = b""
        self._format = 0
        self.rate = 0
        self.over = False

    def samples(self, size: int) -> bytes:
        """Return at most `size` bytes of 16-bit samples of `rate` Hz, b"" where none are there (any more).

        Raises ClipError.
        """
        if not self.rate and not self._head():
            return b""
        width = 2 if self._format == PCM else 1
        want = size // 2 * width
        while len(self._bytes) < want and self._fill():
            pass
        raw, self._bytes = self._bytes[:want], self._bytes[want:]
        if width == 2 and len(raw) % 2:
            raw, self._bytes = raw[:-1], raw[-1:] + self._bytes
        if self._format == ALAW:
            return audioop.alaw2lin(raw, 2)
        if self._format == ULAW:
            return audioop.ulaw2lin(raw, 2)
        return audioop.byteswap(raw, 2) if _SWAP else raw

    def rewind(self) -> bool:
        """Start over; False when the source cannot."""
        if not self._source.rewind():
            return False
        self._bytes, self.rate, self.over = b"", 0, False
        return True

    def close(self) -> None:
        """Give the source back."""
        self.over = True
        self._source.close()

    def _fill(self) -> bool:
        if self.over:
            return False
        more = self._source.read(READ)
        if more is None:
            return False
        self.over = not more
        self._bytes += more
        return not self.over

    def _head(self) -> bool:
        """Read as far as the samples; False while bytes are missing."""
        at = 0
        while True:
            found = _samples(self._bytes)
            if found is not None:
                at, self._format, self.rate = found
                self._bytes = self._bytes[at:]
                return True
            if len(self._bytes) > MOST_HEAD or self.over:
                raise ClipError("no sound in the box's format")
            if not self._fill():
                if self.over:
                    raise ClipError("no sound in the box's format")
                return False


def _samples(data: bytes) -> tuple[int, int, int] | None:
    """Return where the samples begin, their format and rate; None while the head is not whole."""
    if len(data) < _RIFF.size:
        return None
    riff, _, wave = _RIFF.unpack_from(data)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise ClipError("no WAV file")
    at, kind, rate = _RIFF.size, 0, 0
    while at + _CHUNK.size <= len(data):
        name, length = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data":
            if not kind:
                raise ClipError("sound before its format")
            return at, kind, rate
        if name == b"fmt ":
            if at + _FMT.size > len(data):
                return None
            kind, channels, rate, _, _, bits = _FMT.unpack_from(data, at)
            if channels != 1 or rate not in RATES or (kind, bits) not in {(PCM, 16), (ALAW, 8), (ULAW, 8)}:
                raise ClipError("sound of another format than the box's")
        at += length + length % 2
        if at > MOST_HEAD:
            raise ClipError("too much before the sound")
    return None


class Player:
    """Plays clips one after the other without a gap, again and again if `loop`.

    `token` is whoever asked's; `failed` tells that a clip was left out because it could not be read.
    """

    __slots__ = ("_clips", "_kept", "_loop", "_rate", "_up", "failed", "token")

    def __init__(self, clips: list[Clip], *, loop: bool = False, token: int = 0) -> None:
        self._clips = deque(clips[:CLIPS])
        self._loop = loop
        self._kept = b""  # samples at the rate wanted
        self._rate = 0
        self._up = Converter()
        self.token = token
        self.failed = False

    def close(self) -> None:
        """Play no more."""
        while self._clips:
            self._clips.popleft().close()

    def take(self, rate: int) -> bytes | None:
        """Return 20 ms of samples of `rate` Hz; None at the end."""
        need = rate // FRAME * 2
        if rate != self._rate:
            self._rate, self._kept = rate, b""
        turns = 2 * len(self._clips) + 2  # an empty clip must not hold us
        while len(self._kept) < need and self._clips and turns:
            turns -= 1
            clip = self._clips[0]
            try:
                raw = clip.samples((clip.rate or rate) // FRAME * 2)
            except ClipError:
                self.failed = True
                self._clips.popleft().close()
                continue
            if raw:
                self._kept += self._up(raw, clip.rate, rate)
                turns += 1
            elif clip.over:
                self._clips.popleft()
                if self._loop and clip.rewind():
                    self._clips.append(clip)
                else:
                    clip.close()
            else:  # its bytes are not there yet: silence
                break
        if not self._kept and not self._clips:
            return None
        frame, self._kept = self._kept[:need], self._kept[need:]
        return frame + bytes(need - len(frame))
