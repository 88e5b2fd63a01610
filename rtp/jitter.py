"""The jitter buffer: packets in as they come, frames out as they are needed.

It holds packets just long enough that nearly none comes too late. How long, it learns from the packets:
each comes some time before it is needed, and while the least of these times is needlessly long, a frame is
left out (in silence or in place of a lost one if there is such a moment soon); when the buffer runs dry or
packets come too late, one is put in. Nothing here reads a clock: `now` is in seconds of the caller's.

Of one stream only: after a change of SSRC the caller makes a new buffer or calls `reset`.
"""

from __future__ import annotations

LEAST = 0.04  # seconds a first packet waits
LONGEST = 0.2  # seconds of sound that are held at most
WINDOW = 2.0  # seconds after which it is judged whether less would do
PATIENCE = 5  # frames concealed in a row; after them silence
SPACING = 5  # frames between two that are left out
JUMP = 1.0  # seconds off its place that make a packet another stream's
MAX_DROPOUT = 3000  # RFC 3550 A.1, in sequence numbers
MOST = 128  # packets, whatever their length
LATE = 2  # packets too late in a window that make the buffer longer
PLAYED = 64  # sequence numbers that are remembered after their place was passed
_MASK = (1 << PLAYED) - 1


class Lost:
    """The one value LOST: a frame is needed now that is not there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "LOST"


LOST = Lost()


class JitterBuffer:
    """The packets of one stream with an RTP clock of `clock` Hz.

    `take` is called once for every frame that is to be played; a frame is what one packet carries, `span`
    ticks (20 ms until the packets show another length). `adaptive=False` is for modems: the delay of LEAST
    never changes. Counters: `late`, `doubled`, `lost`, `stretched` (frames put in), `dropped` (left out),
    `restarts`.
    """

    __slots__ = (
        "_adaptive",
        "_at",
        "_came",
        "_clock",
        "_fresh",
        "_last",
        "_late",
        "_least",
        "_longest",
        "_low",
        "_missed",
        "_newest",
        "_newest_time",
        "_next",
        "_packets",
        "_playing",
        "_since",
        "_spaced",
        "_started",
        "_strange",
        "_surplus",
        "_window",
        "_wish",
        "doubled",
        "dropped",
        "late",
        "lost",
        "restarts",
        "span",
        "stretched",
    )

    def __init__(
        self, clock: int, *, least: float = LEAST, longest: float = LONGEST, adaptive: bool = True
    ) -> None:
        self._clock = clock
        self._least = round(least * clock)
        self._longest = round(longest * clock)
        self._adaptive = adaptive
        self.late = self.doubled = self.lost = self.stretched = self.dropped = self.restarts = 0
        self.span = clock // 50
        self.reset()

    def reset(self) -> None:
        """Forget the stream, keep the counters: the next packet begins another one."""
        self._packets: dict[int, tuple[int, bytes]] = {}  # sequence: timestamp, payload; both never wrap
        self._started = self._playing = False
        self._newest = self._newest_time = 0  # of the packet highest in sequence
        self._next = 0  # sequence number to be played
        self._at = 0  # timestamp to be played
        self._missed = 0  # frames concealed in a row
        self._since = 0  # of them, those that waited for a packet: the timestamp did not go on
        self._came = 0  # a bit for each of the PLAYED numbers before the next: it came
        self._fresh = True  # nothing was played yet
        self._strange = -1
        self._last = 0.0  # when a frame was taken
        self._wish = 0  # ticks of the last difference between packets in sequence
        self._surplus = 0  # frames to leave out
        self._spaced = 0
        self._window = 0.0
        self._low = -1
        self._late = 0

    @property
    def held(self) -> float:
        """Seconds of sound that are waiting."""
        return max(0, self._newest_time + self.span - self._at) / self._clock if self._packets else 0.0

    @property
    def following(self) -> bytes:
        """After LOST the payload that comes next, if it is there (in Opus with a copy of what is lost)."""
        return self._packets.get(self._next, (0, b""))[1]

    def put(self, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Take in one packet as it came, with its 16 bit sequence number and 32 bit timestamp."""
        if not self._started:
            self._begin(sequence, timestamp, now)
        number = self._newest + ((sequence - self._newest + 0x8000 & 0xFFFF) - 0x8000)
        time = self._newest_time + ((timestamp - self._newest_time + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        early = time - self._at - min(self.span, max(0, round((now - self._last) * self._clock)))
        if abs(early) > JUMP * self._clock + self._longest or abs(number - self._newest) > MAX_DROPOUT:
            if self._playing and sequence != self._strange:  # one packet alone does not end what plays
                self._strange = sequence + 1 & 0xFFFF
                return
            self.restarts += 1
            self._begin(sequence, timestamp, now)
            number, time, early = sequence, timestamp, self._least
        if number in self._packets:
            self.doubled += 1
            return
        if number < self._next and not (self._fresh and time >= self._at):
            self._too_late(number)
            return
        self._strange = -1
        if not self._playing and not self._packets and early < 0:  # after silence, later than all before
            self._at = time - min(self._longest // 2, self._least - early)
        self._learn(number, time)
        if number < self._next:  # only before anything was played
            self._came >>= self._next - number
            self._next = number
        self._packets[number] = (time, payload)
        if self._low < 0 or early < self._low:
            self._low = max(0, early)
        self._bound()

    def take(self, now: float) -> bytes | Lost | None:
        """Return the payload to play now, LOST to conceal one, or None for silence."""
        self._last = now
        if not self._started:
            return None
        self._judge(now)
        if not self._packets:
            return self._dry()
        head = self._next if self._next in self._packets else min(self._packets)
        time, payload = self._packets[head]
        missing = head - self._next
        if missing and self._since:  # what was waited for is lost: the waiting has already stood for it
            passed = min(self._since, missing)
            self._since -= passed
            self.stretched -= passed
            self._pass(passed)
            self._at += passed * self.span
            self.lost += passed
            missing -= passed
        if self._surplus and (missing or time - self._at >= self.span or not self._spaced):
            return self._leave_out(now, head, missing)
        self._spaced = max(0, self._spaced - 1)
        if (
            self._late >= LATE
            and self._adaptive
            and self._playing
            and self.held * self._clock < self._longest
        ):
            self._late = 0
            self.stretched += 1
            return LOST
        if time - self._at > self.span // 2:
            return self._gap(missing)
        self.lost += missing
        self._pop(head)
        self._playing = True
        self._fresh = False
        self._missed = self._since = 0
        return payload

    def _begin(self, sequence: int, timestamp: int, now: float) -> None:
        self.reset()
        self._started = True
        self._newest = self._next = sequence
        self._newest_time = timestamp
        self._at = timestamp - self._least
        self._last = self._window = now

    def _learn(self, number: int, time: int) -> None:
        """Follow the newest packet, and see how long packets are."""
        if number == self._newest + 1:
            difference = time - self._newest_time
            if difference == self._wish and 0 < difference <= self._clock // 8:
                self.span = difference
            self._wish = difference
        if number >= self._newest:
            self._newest, self._newest_time = number, time

    def _pass(self, count: int) -> None:
        """Go on by `count` sequence numbers that never came."""
        self._next += count
        self._came = self._came << count & _MASK

    def _pop(self, number: int) -> None:
        """Take out a packet; what is before it is passed."""
        time = self._packets.pop(number)[0]
        self._pass(number + 1 - self._next)
        self._came |= 1
        self._at = time + self.span

    def _too_late(self, number: int) -> None:
        """Count a packet whose place was passed: it was played from there, or there was nothing."""
        bit = 1 << min(self._next - 1 - number, PLAYED)
        if self._came & bit:
            self.doubled += 1
            return
        self._came |= bit & _MASK
        self.late += 1
        self._late += 1
        self._low = 0

    def _bound(self) -> None:
        while (
            len(self._packets) > MOST
            or self._newest_time + self.span - self._at > self._longest + self._least
        ):
            oldest = min(self._packets)
            if len(self._packets) == 1:
                self._at = max(self._at, self._packets[oldest][0] - self._longest)
                return
            self._pop(oldest)
            self.dropped += 1

    def _judge(self, now: float) -> None:
        """See at the end of a window how many frames less would have been enough."""
        if now - self._window < WINDOW:
            return
        if self._adaptive and self._low > 0:
            self._surplus = max(0, (self._low - (self._least + self.span) // 2) // self.span)
        self._window = now
        self._low = -1
        self._late = 0

    def _leave_out(self, now: float, head: int, missing: int) -> bytes | Lost | None:
        self._surplus -= 1
        self._spaced = SPACING
        self.dropped += 1
        if missing or self._packets[head][0] - self._at >= self.span:
            if missing:
                self._pass(1)
                self.lost += 1
            self._at += self.span
        elif len(self._packets) > 1:
            self._pop(head)
        else:
            self.dropped -= 1
        return self.take(now)

    def _dry(self) -> Lost | None:
        """Answer a need when nothing is there."""
        if not self._playing:
            self._at += self.span
            return None
        self._missed += 1
        if self._missed > PATIENCE:  # no lateness but silence: time went on
            self._playing = False
            self._at += (self._since + 1) * self.span
            self.stretched -= self._since
            self._missed = self._since = 0
            return None
        if self._adaptive:
            self._since += 1
            self.stretched += 1
        else:
            self._at += self.span
        return LOST

    def _gap(self, missing: int) -> Lost | None:
        """Answer when what is there is for later: in between packets were lost, or it was silent."""
        self._at += self.span
        if not missing or not self._playing:
            self._playing = self._playing and missing > 0
            return None
        self.lost += 1
        self._pass(1)
        self._missed += 1
        return LOST if self._missed <= PATIENCE else None
