"""DTMF: as named events in RTP (RFC 4733), and as sound (ITU-T Q.23, Q.24).

Found in sound it is by `rtp.spandsp.DtmfDetector`.
"""

from __future__ import annotations

from collections import deque

from rtp.audio import audioop
from rtp.tones import second

DIGITS = "0123456789*#ABCD"  # in the order of their event codes (RFC 4733, 3.2)
_EVENTS = DIGITS + "!"  # 16 is hook flash
VOLUME = 10  # -dBm0
ENDS = 3  # times the last packet is sent (RFC 4733, 2.5.1.4)
SEGMENT = 0xFFFF  # ticks; a longer event goes on in another one (2.5.1.3)
SHORTEST, LONGEST = 0.04, 30.0  # seconds of a digit that is sent
WAITING = 64  # digits

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_PAD = "123A456B789C*0#D"
LOW, HIGH = -9.0, -7.0  # dBm0: the higher frequency a little louder, as lines weaken it


class EventSender:
    """Digits out as telephone events at one RTP clock; `packet` is asked once for every 20 ms.

    Either whole digits (`send`), or a key that is held (`press`, `release`).
    """

    __slots__ = (
        "_begun",
        "_code",
        "_ends",
        "_gap",
        "_held",
        "_left",
        "_pause",
        "_queue",
        "_span",
        "_spent",
        "_time",
    )

    def __init__(self, clock: int = 8000, *, pause: float = 0.06) -> None:
        """`pause`: seconds of silence after each digit."""
        self._span = clock // 50
        self._pause = max(1, round(pause * 50))  # all in packets of 20 ms
        self._queue: deque[tuple[int, int]] = deque()
        self._code = -1
        self._left = self._ends = self._gap = 0
        self._spent = self._time = 0
        self._begun = self._held = False

    @property
    def busy(self) -> bool:
        """Whether a digit is being sent or waits."""
        return self._code >= 0 or self._gap > 0 or bool(self._queue)

    def send(self, digits: str, length: float = 0.1) -> int:
        """Queue digits (0-9 * # A-D, ! for hook flash) of `length` seconds; return how many were taken."""
        packets = max(2, round(min(max(length, SHORTEST), LONGEST) * 50))
        taken = 0
        for digit in digits.upper():
            code = _EVENTS.find(digit)
            if code >= 0 and len(self._queue) < WAITING:
                self._queue.append((code, packets))
                taken += 1
        return taken

    def press(self, digit: str) -> None:
        """Begin a digit that lasts until `release`, after those that wait; at most LONGEST seconds."""
        if self.send(digit[:1], LONGEST):
            self._held = True

    def release(self) -> None:
        """End the digit that is held; one that has not begun yet is sent short."""
        if self._held:
            self._held = False
            if self._queue:
                self._queue[-1] = (self._queue[-1][0], 2)
            elif self._code >= 0 and not self._ends:
                self._left = min(self._left, 1 if self._spent else 2)

    def packet(self, timestamp: int) -> tuple[bool, int, bytes] | None:
        """Return marker, timestamp and payload of the packet to send instead of sound now, or None.

        `timestamp` is the one sound would have now.
        """
        if self._code < 0:
            if self._gap:
                self._gap -= 1
                return None
            if not self._queue:
                return None
            self._code, self._left = self._queue.popleft()
            self._time, self._spent, self._begun = timestamp, 0, True
        if self._ends:  # again, unchanged
            self._ends -= 1
            payload = self._payload(last=True)
            if not self._ends:
                self._code = -1
                self._gap = self._pause
            return False, self._time, payload
        marker, self._begun = self._begun, False
        if self._spent + self._span > SEGMENT:
            self._time = self._time + self._spent & 0xFFFFFFFF
            self._spent = 0
        self._spent += self._span
        self._left -= 1
        if self._left <= 0:
            self._ends = ENDS - 1
        return marker, self._time, self._payload(last=self._left <= 0)

    def _payload(self, *, last: bool) -> bytes:
        return bytes((self._code, last << 7 | VOLUME)) + self._spent.to_bytes(2, "big")


class EventReceiver:
    """Telephone events in: each digit once, however many of its packets are lost or come twice."""

    __slots__ = ("_code", "_ended", "_reach", "_span", "_start", "duration")

    def __init__(self, clock: int = 8000) -> None:
        self._span = clock // 50
        self._code = -1
        self._start = 0  # of the first segment
        self._reach = 0  # ticks from there to where the event got
        self._ended = True
        self.duration = 0  # ticks of the last digit, as far as is known

    def hear(self, timestamp: int, payload: bytes) -> str:
        """Take one packet; return the digit (! is hook flash) that begins with it, or nothing."""
        if len(payload) < 4:
            return ""
        code, ended, length = payload[0], payload[1] >> 7, payload[2] << 8 | payload[3]
        if code >= len(_EVENTS):
            return ""
        since = (timestamp - self._start + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if self._code >= 0 and -SEGMENT * 2 < since <= 0:
            if since == 0 and code == self._code:  # goes on, ends, or comes again
                self._go_on(length, ended)
                return ""
            if since < 0:
                return ""  # of an event before, late
        # A segment of a long event joins what was before; some phones give every packet its own timestamp.
        if code == self._code and 0 < since < self._reach + (0 if self._ended else self._span + 1):
            self._go_on(since + length, ended)
            return ""
        self._code, self._start, self._reach = code, timestamp, 0
        self._ended = False
        self.duration = 0
        self._go_on(length, ended)
        return _EVENTS[code]

    def _go_on(self, reach: int, ended: int) -> None:
        self._reach = max(self._reach, reach)
        self.duration = self._reach
        self._ended = self._ended or bool(ended)


def sound(digits: str, rate: int = 8000, *, length: float = 0.1, pause: float = 0.1) -> bytes:
    """Return the tones of digits as PCM, a pause after each; what is no digit is left out."""
    pieces = []
    for digit in digits.upper():
        place = _PAD.find(digit)
        if place < 0:
            continue
        low = second((_ROWS[place // 4],), rate, LOW)
        high = second((_COLUMNS[place % 4],), rate, HIGH)
        pieces.append(_both(low, high, round(rate * min(max(length, SHORTEST), LONGEST))))
        pieces.append(bytes(round(rate * pause) * 2))
    return b"".join(pieces)


def _both(low: bytes, high: bytes, samples: int) -> bytes:
    whole = audioop.add(low, high, 2)
    return (whole * (samples * 2 // len(whole) + 1))[: samples * 2]
