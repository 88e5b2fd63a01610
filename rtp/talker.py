"""The processed side of one end: packets in, PCM to the room; PCM from the room, packets out.

In: jitter buffer, decoder. Out: encoder, and an RTP stream of our own: SSRC, first sequence number and first
timestamp are random (RFC 3550 5.1); the timestamp goes on over silence, and the first packet after it carries
the marker (RFC 3551 4.1). A frame is 20 ms of signed 16-bit samples in the machine's order.

Telephone-events (RFC 4733) come out as digits once each: known by their timestamp, told with the first packet
and again with their length when they ended. Going out, a digit takes the place of the sound while it lasts;
its last packet is sent three times.
"""

from __future__ import annotations

import os
from collections import deque

from rtp import codec as codecs
from rtp.codec import FRAME
from rtp.dtmf import DIGITS, EventReceiver, EventSender
from rtp.jitter import JitterBuffer
from rtp.packet import EVENT_SIZE, HEADER
from rtp.seat import EVENT, NAMES, Seat

WAITING = 64  # digits heard that nobody took yet; more are dropped
FADED = 0.15  # seconds without a packet after which an event is over, though its end was lost
_END = 0x80
_EVENTS = DIGITS + "!"  # by their codes
_MASK32 = 0xFFFFFFFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.codec import Codec


class Talker:
    """One party's audio. `digits` holds (event, milliseconds) for the room; 0: it began."""

    __slots__ = (
        "_buffer", "_clock", "_decoder", "_due", "_encoder", "_event", "_event_type", "_heard",
        "_hears", "_length", "_marker", "_pcm", "_receiver", "_sender", "_sequence", "_source",
        "_speaks", "_ssrc", "_type", "digits", "rate",
    )  # fmt: skip

    def __init__(self, seat: Seat) -> None:
        self.digits: deque[tuple[int, int]] = deque()
        self._speaks: tuple[int, int, int] | None = None
        self._encoder: Codec | None = None
        self._decoder: Codec | None = None
        self._buffer: JitterBuffer | None = None
        self._heard = -1  # payload type being decoded
        self._source = -1  # SSRC being decoded
        self._event = -1  # telephone-event under way
        self._pcm = b""
        self._length = 0
        self._due = 0.0
        self.follow(seat)

    def follow(self, seat: Seat) -> None:
        """Take a seat, new or changed; a stream goes on unless its clock is another. Raises CodecError."""
        [audio] = [one for one in seat.speaks if one[1] != EVENT]
        before = self._speaks
        if before != audio:
            encoder = codecs.make(NAMES[audio[1]], audio[2])
            if self._encoder is not None:
                self._encoder.close()
            self._encoder, self._speaks = encoder, audio
            self.rate = encoder.rate
            if before is None or before[2] != audio[2]:  # RFC 3550 5.2: another clock is another source
                self._ssrc = int.from_bytes(os.urandom(4), "big")
                self._sequence = int.from_bytes(os.urandom(2), "big")
                self._clock = int.from_bytes(os.urandom(4), "big")
                self._sender = EventSender(audio[2])
                self._receiver = EventReceiver(audio[2])
            self._marker = True
        self._type = audio[0]
        self._event_type = next((one[0] for one in seat.speaks if one[1] == EVENT), -1)
        self._hears = {kind: (code, clock) for kind, code, clock in seat.hears}
        if self._heard not in self._hears:
            self._heard = -1

    def close(self) -> None:
        """Give the codecs back."""
        for one in (self._encoder, self._decoder):
            if one is not None:
                one.close()

    # -- in

    def put(self, kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, now: float) -> bool:
        """Take one packet of payload type `kind`; False when that is none of this seat."""
        known = self._hears.get(kind)
        if known is None:
            return False
        if known[0] == EVENT:
            self._put_event(timestamp, payload, now)
            return True
        if kind != self._heard or self._decoder is None:
            try:
                decoder = codecs.make(NAMES[known[0]], known[1])
            except codecs.CodecError:
                return False
            if self._decoder is not None:
                self._decoder.close()
            self._decoder, self._heard, self._buffer, self._pcm = decoder, kind, None, b""
        if self._buffer is None or ssrc != self._source:
            self._buffer, self._source = JitterBuffer(known[1]), ssrc
        self._buffer.put(sequence, timestamp, payload, now)
        return True

    def take(self, now: float) -> bytes | None:
        """Return the next 20 ms heard, at `hearing` Hz; None while the far end says nothing."""
        if self._event >= 0 and now >= self._due:
            self._finish()
        if self._buffer is None or self._decoder is None:
            return None
        need = self._decoder.rate // FRAME * 2
        while len(self._pcm) < need:  # a packet need not be 20 ms long
            sound = self._next(self._buffer, self._decoder, now)
            if not sound:
                break
            self._pcm += sound
        if not self._pcm:
            return None
        frame, self._pcm = self._pcm[:need], self._pcm[need:]
        return frame + bytes(need - len(frame))

    @staticmethod
    def _next(buffer: JitterBuffer, decoder: Codec, now: float) -> bytes:
        payload = buffer.take(now)
        if isinstance(payload, bytes):
            return decoder.decode(payload)
        if payload is None:
            return b""
        samples = buffer.span * decoder.rate // decoder.clock
        following = buffer.following
        return decoder.recover(following, samples) if following else decoder.lost(samples)

    @property
    def hearing(self) -> int:
        """Sampling rate of what `take` returns."""
        return self.rate if self._decoder is None else self._decoder.rate

    def _put_event(self, timestamp: int, payload: bytes, now: float) -> None:
        digit = self._receiver.hear(timestamp, payload)
        if digit:
            if self._event >= 0:
                self._finish()
            self._event, self._length = _EVENTS.index(digit), 0
            self._tell(self._event, 0)
        if self._event >= 0 and len(payload) >= EVENT_SIZE:
            self._length = max(self._length, self._receiver.duration)
            self._due = now + FADED
            if payload[1] & _END:
                self._finish()

    def _finish(self) -> None:
        clock = self._speaks[2] if self._speaks else 8000
        self._tell(self._event, max(1, self._length * 1000 // clock))
        self._event = -1

    def _tell(self, event: int, length: int) -> None:
        if len(self.digits) < WAITING:
            self.digits.append((event, length))

    # -- out

    def press(self, event: int, length: float) -> bool:
        """Send an event of `length` seconds; False if the far end takes none, or too many wait."""
        if self._event_type < 0 or event >= len(_EVENTS):
            return False
        return bool(self._sender.send(_EVENTS[event], length))

    def encode(self, frame: bytes) -> bytes:
        """Return the payload of one frame of `rate` Hz."""
        assert self._encoder is not None  # noqa: S101  # follow() made it
        return self._encoder.encode(frame)

    @property
    def shares(self) -> str:
        """Name of the format if a payload made for another stream of it serves here too, else ""."""
        name = self._encoder.name if self._encoder is not None else ""
        return f"{name}/{self.rate}" if name in {"pcmu", "pcma", "l16"} else ""

    @property
    def occupied(self) -> bool:
        """Whether a digit is being sent: then no sound is wanted."""
        return self._sender.busy

    def say(self, payload: bytes | None) -> list[bytes]:
        """Go on by 20 ms and return what to send in them: the payload, a digit's packets, or nothing."""
        assert self._speaks is not None  # noqa: S101
        step = self._speaks[2] // FRAME
        packets: list[bytes] = []
        if self.occupied:
            event = self._sender.packet(self._clock)
            if event is not None:
                marker, began, body = event
                packets = [self._packet(self._event_type | (0x80 if marker else 0), began, body)]
        elif payload is not None:
            packets = [self._packet(self._type | (0x80 if self._marker else 0), self._clock, payload)]
        self._marker = not packets or self.occupied
        self._clock = (self._clock + step) & _MASK32
        return packets

    def skip(self, frames: int) -> None:
        """Let time pass that nobody could fill."""
        assert self._speaks is not None  # noqa: S101
        self._clock = (self._clock + frames * (self._speaks[2] // FRAME)) & _MASK32
        self._marker = True

    def _packet(self, second: int, timestamp: int, payload: bytes) -> bytes:
        head = HEADER.pack(0x80, second, self._sequence, timestamp, self._ssrc)
        self._sequence = (self._sequence + 1) & 0xFFFF
        return head + payload
