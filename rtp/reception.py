"""What arrived of one RTP stream: loss by RFC 3550 A.1 and A.3, jitter by A.8, in whole numbers."""

from __future__ import annotations

MAX_DROPOUT = 3000  # A.1: a forward jump that is still the same stream
MAX_MISORDER = 100  # A.1: a step back that is still the same stream
_NONE = -1


class Reception:
    """Counters of the stream that one far end sends; they go on over a change of SSRC."""

    __slots__ = ("_bad", "_base", "_cycles", "_earlier", "_jitter", "_last", "_ssrc", "_transit", "received")

    def __init__(self) -> None:
        self.received = 0
        self._earlier = 0  # packets expected of streams before this one
        self._ssrc = _NONE
        self._base = self._cycles = self._last = 0
        self._bad = _NONE
        self._transit = 0
        self._jitter = 0  # scaled by 16

    def update(self, ssrc: int, sequence: int, timestamp: int, arrival: int) -> None:
        """Count one packet; `arrival` is the time of arrival in units of the RTP clock."""
        if ssrc != self._ssrc:
            self._restart(ssrc, sequence)
            self._transit = (arrival - timestamp) & 0xFFFFFFFF
        else:
            ahead = (sequence - self._last) & 0xFFFF
            if ahead < MAX_DROPOUT:
                if sequence < self._last:
                    self._cycles += 0x10000
                self._last = sequence
            elif ahead <= 0x10000 - MAX_MISORDER:
                # A.1: a large jump counts only when two packets in sequence follow it
                if sequence != self._bad:
                    self._bad = (sequence + 1) & 0xFFFF
                    self.received += 1
                    self._earlier += 1
                    return
                self._restart(ssrc, sequence)
            transit = (arrival - timestamp) & 0xFFFFFFFF
            change = (transit - self._transit) & 0xFFFFFFFF
            self._transit = transit
            if change >= 0x80000000:
                change = 0x100000000 - change
            self._jitter += change - ((self._jitter + 8) >> 4)  # A.8
        self.received += 1

    def pause(self) -> None:
        """Let what comes meanwhile be counted elsewhere: the next packet begins anew, nothing is missed."""
        if self._ssrc != _NONE:
            self._earlier = self.expected
            self._ssrc = _NONE

    def _restart(self, ssrc: int, sequence: int) -> None:
        if self._ssrc != _NONE:
            self._earlier += self._cycles + self._last - self._base + 1
        self._ssrc = ssrc
        self._base = self._last = sequence
        self._cycles = 0
        self._bad = _NONE
        self._jitter = 0

    @property
    def expected(self) -> int:
        """Packets that should have come, by their sequence numbers."""
        if self._ssrc == _NONE:
            return self._earlier
        return self._earlier + self._cycles + self._last - self._base + 1

    @property
    def highest(self) -> int:
        """The extended highest sequence number of the stream that comes now (RFC 3550 6.4.1)."""
        return (self._cycles + self._last) & 0xFFFFFFFF

    @property
    def lost(self) -> int:
        """Packets missing; duplicates never make it negative."""
        return max(0, self.expected - self.received)

    @property
    def jitter(self) -> int:
        """Interarrival jitter in units of the RTP clock (RFC 3550 section 6.4.1)."""
        return self._jitter >> 4
