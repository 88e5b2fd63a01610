"""RTCP of a stream that ends at the box: reports made when they are due, the far end's read.

The intervals are those of RFC 3550 section 6.2 and A.7 for a session of two: at least five seconds, half of
that at the beginning, spread from half to one and a half. NTP times count from when the reporter was made,
which RFC 3550 section 6.4.1 allows and which tells nobody how our clock stands; CNAMEs are random (RFC 7022).
"""

from __future__ import annotations

import os

from rtp.packet import PacketError
from rtp.reception import Reception
from rtp.report import TICKS, Block, Goodbye, Names, Report, read
from rtp.rtcp import Header
from rtp.xr import metrics

LEAST = 5.0  # seconds between two reports (6.2)
COMPENSATION = 2.71828 - 1.5  # A.7: reconsideration would make the mean interval too short
SHARE = 500.0  # octets a second for RTCP: 5 % of a G.711 call with its headers
HEADERS = 28  # octets of IPv4 and UDP, which count (6.2)
MEMBERS = 2  # of a call as one of its ends sees it
_MASK32 = 0xFFFFFFFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rtp.xr import VoipMetrics


def chance() -> float:
    """Return a random number from 0 to 1, below 1."""
    return int.from_bytes(os.urandom(4), "big") / 0x100000000


class Reporter:
    """One stream of ours and the one that answers it. `clock`: Hz of both; `now`: monotonic seconds.

    What the far end said of us: `fraction` lost (1/256, since its report before), `lost`, `jitter` (units of
    the RTP clock), `round_trip` in seconds, `metrics`; None before. `left`: it said goodbye.
    """

    __slots__ = (
        "_began", "_chance", "_clock", "_expected", "_far", "_heard", "_initial", "_last", "_name", "_ntp",
        "_octets", "_packets", "_received", "_reception", "_sent_at", "_size", "_stamp", "_stamped", "due",
        "fraction", "jitter", "left", "lost", "metrics", "round_trip", "ssrc",
    )  # fmt: skip

    def __init__(self, ssrc: int, clock: int, now: float, random: Callable[[], float] = chance) -> None:
        self.ssrc = ssrc
        self.fraction = self.lost = self.jitter = 0
        self.round_trip: float | None = None
        self.metrics: VoipMetrics | None = None
        self.left = False
        self._clock = clock
        self._chance = random
        self._began = now
        self._name = os.urandom(9).hex()
        self._packets = self._octets = 0
        self._stamp, self._stamped = 0, now  # an RTP timestamp of ours and when it was
        self._sent_at = -1.0  # when a packet was sent last
        self._reception = Reception()
        self._far = -1  # SSRC of who is heard
        self._expected = self._received = 0  # at the report before
        self._ntp, self._heard = 0, 0.0  # of their newest sender report: middle of its NTP time, when it came
        self._initial = True
        self._size = 100.0  # average octets of a compound, headers too
        self._last = now
        self.due = now + self._interval()

    # -- streams

    def sent(self, timestamp: int, octets: int, now: float) -> None:
        """Count a packet of ours with so much payload."""
        self._packets += 1
        self._octets += octets
        self._stamp, self._stamped, self._sent_at = timestamp, now, now

    def heard(self, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """Count a packet of theirs."""
        if ssrc != self._far:
            self._far, self._reception, self._ntp = ssrc, Reception(), 0
            self._expected = self._received = 0
        self._reception.update(ssrc, sequence, timestamp, int(now * self._clock))

    # -- reports

    def poll(self, now: float) -> bytes | None:
        """Return a compound to send if one is due, and set when the next is (A.7, reconsidered)."""
        if now < self.due:
            return None
        interval = self._interval()
        if self._last + interval > now:
            self.due = self._last + interval
            return None
        self._initial = False
        compound = self.make(now)
        self._last, self.due = now, now + self._interval()
        self._size += (len(compound) + HEADERS - self._size) / 16
        return compound

    def make(self, now: float) -> bytes:
        """Return a report on both streams, with our name."""
        blocks = (self._block(now),) if self._far >= 0 else ()
        report = Report(self.ssrc, blocks)
        if now - self._sent_at <= 2 * LEAST and self._packets:  # 6.4: sent since the last report but one
            report.ntp = int((now - self._began) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
            report.timestamp = (self._stamp + int((now - self._stamped) * self._clock)) & _MASK32
            report.packets, report.octets = self._packets & _MASK32, self._octets & _MASK32
        return bytes(report) + bytes(Names({self.ssrc: self._name}))

    def goodbye(self, now: float) -> bytes:
        """Return the last compound of our stream (6.6)."""
        return self.make(now) + bytes(Goodbye((self.ssrc,)))

    def take(self, compound: bytes, now: float) -> bool:
        """Read a compound of theirs; False when it cannot be read, and then nothing of it counts."""
        try:
            parts = list(read(compound))
            found = [one for part in parts if isinstance(part, Header) for one in metrics(part)]
        except PacketError:
            return False
        self._size += (len(compound) + HEADERS - self._size) / 16
        for part in parts:
            if isinstance(part, Report):
                if part.ntp is not None and part.ssrc == self._far:
                    self._ntp, self._heard = part.ntp >> 16 & _MASK32, now
                for block in part.blocks:
                    if block.ssrc == self.ssrc:
                        self._learn(block, now)
            elif isinstance(part, Goodbye) and self._far in part.sources:
                self.left = True
        self.metrics = next((one for one in found if one.ssrc == self.ssrc), self.metrics)
        return True

    def _learn(self, block: Block, now: float) -> None:
        self.fraction, self.lost, self.jitter = block.fraction, block.lost, block.jitter
        if block.last:
            at = int((now - self._began) * TICKS) & _MASK32
            trip = (at - block.last - block.delay) & _MASK32
            if trip < 0x80000000:  # A.8's arithmetic: else it is negative, by clocks that differ
                self.round_trip = trip / TICKS

    def _block(self, now: float) -> Block:
        reception = self._reception
        expected, received = reception.expected, reception.received
        wanted, came = expected - self._expected, received - self._received
        self._expected, self._received = expected, received
        fraction = ((wanted - came) << 8) // wanted if wanted > came else 0  # A.3
        delay = int((now - self._heard) * TICKS) & _MASK32 if self._ntp else 0
        return Block(
            self._far,
            min(255, fraction),
            expected - received,
            reception.highest,
            reception.jitter,
            self._ntp,
            delay,
        )

    def _interval(self) -> float:
        least = LEAST / 2 if self._initial else LEAST
        return max(least, MEMBERS * self._size / SHARE) * (self._chance() + 0.5) / COMPENSATION
