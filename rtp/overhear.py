"""What the two ends of a relayed call tell each other in RTCP, read as it passes.

Between two phones the box is in the middle of the way: the sender report of one passes here, later the
other's report about it with the time it lay there. What is left of the time between is the way from the box
to that other phone and back (RFC 3550 section 6.4.1, seen from the middle).
"""

from __future__ import annotations

from rtp.packet import PacketError
from rtp.report import TICKS, Report, read
from rtp.rtcp import Header
from rtp.xr import metrics

STAMPS = 4  # sender reports remembered until they are answered
LONGEST = 10.0  # seconds; a longer way there and back is not believed
_MASK32 = 0xFFFFFFFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.report import Block


class Overheard:
    """What one far end said about what it hears.

    reports: how many. far_lost: packets lost on the whole way to it. far_jitter: units of the RTP clock.
    round_trip: microseconds from here to it and back, 0: not known. far_discard: 1/256 that came too late for
    it to play; far_delay: milliseconds within it (both RFC 3611, 0: not said).
    """

    __slots__ = ("_stamps", "far_delay", "far_discard", "far_jitter", "far_lost", "reports", "round_trip")

    def __init__(self) -> None:
        self.reports = self.far_lost = self.far_jitter = 0
        self.round_trip = self.far_discard = self.far_delay = 0
        self._stamps: list[
            tuple[int, float]
        ] = []  # of its sender reports: middle of the NTP time, when it passed

    def take(self, compound: bytes, other: Overheard | None, now: float) -> None:
        """Read a compound of this end on its way to `other`; one that cannot be read says nothing."""
        try:
            parts = list(read(compound))
            found = [one for part in parts if isinstance(part, Header) for one in metrics(part)]
        except PacketError:
            return
        for part in parts:
            if isinstance(part, Report):
                if part.ntp is not None:
                    self._stamps = [*self._stamps[1 - STAMPS :], (part.ntp >> 16 & _MASK32, now)]
                for block in part.blocks[:1]:  # a call has one stream each way
                    self._hear(block, other, now)
        for one in found[:1]:
            self.far_discard, self.far_delay = one.discard, one.end_delay

    def passed(self, stamp: int) -> float | None:
        """Return when the sender report with this middle of its NTP time passed on its way from here."""
        return next((at for known, at in self._stamps if known == stamp), None)

    def _hear(self, block: Block, other: Overheard | None, now: float) -> None:
        self.reports += 1
        self.far_lost, self.far_jitter = max(0, block.lost), block.jitter
        if other is None or not block.last:
            return
        passed = other.passed(block.last)
        if passed is not None:
            trip = now - passed - block.delay / TICKS
            if 0 <= trip <= LONGEST:
                self.round_trip = max(1, int(trip * 1e6))
