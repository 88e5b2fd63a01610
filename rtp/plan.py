"""The forwarding plan: what to do with a packet, in plain numbers.

Signalling edits the plan, the media process follows it. A row is one end of a call: a local port, the far end
expected there, how its true source is learned, and the partner row to which its packets go. The authoritative
plan lives with signalling; a media process that starts anew is filled from `snapshot()`.
Two rows forward to each other only if each names the other as its partner: a port that was given to another
call can never receive this call's audio.
"""

from __future__ import annotations

import struct
from struct import Struct

from rtp.keys import sound
from rtp.link import sound as linked

# How the far end's true source is learned.
CLOSED = 0  # not at all: not answered yet
EXACT = 1  # it is the address and port of the description
HOST = 2  # the first valid source with the description's address, any port
ANY = 3  # the first valid source; one with another address than described must send two packets in sequence

# Direction as agreed, seen from the far end (RFC 3264): bit 0 it sends, bit 1 it receives.
INACTIVE, SENDONLY, RECVONLY, SENDRECV = 0, 1, 2, 3

NO_EVENT = 255
MAX_PAYLOADS = 32
MAX_CLOCK = 192_000
MAX_SEAT = 255
_SIZES = frozenset({0, 4, 16})  # octets of no address, IPv4, IPv6
_CHECKED = (
    *("port", "partner, rtp or rtcp", "host or source", "learning", "direction", "clock", "silence", "event"),
    *("window or budget", "payloads", "seat", "keys", "link"),
)
_FIXED = Struct("!HHHHBBBBIIHIHBBBBBB16s16s")


class PlanError(Exception):
    """A row that cannot be, or one too many."""


class Row:
    """One end of a call.

    port: local RTP port, even; RTCP is at port + 1. partner: port of the row to forward to, 0: none.
    host: packed IP address of the description, empty if unknown; rtp, rtcp: the ports there.
    learning: CLOSED, EXACT, HOST or ANY. window: number of the learning window; another number than before
    forgets the learned source and opens learning again.
    source: (packed address, port) learned in this window, None before.
    direction: INACTIVE to SENDRECV, see above. mux: RTCP on the RTP port (RFC 5761).
    event: payload type of telephone-event, NO_EVENT if none. clock: RTP clock in Hz, for jitter.
    silence: seconds without a packet until it is reported, 0: never.
    budget: number of the destination's egress budget, 0: none.
    seat: a place in a room (`bytes(rtp.seat.Seat)`) where packets go instead of to a partner; b"": relayed.
    srtp: keys, if this end decrypts and encrypts (`bytes(rtp.keys.Keys)`); b"": packets pass as they are.
    link: how the far end proves who it is (`bytes(rtp.link.Link)`) before it is heard or sent anything; b"":
    not at all.
    payloads: (from, to) pairs of payload types rewritten on the way to the partner; others pass unchanged.
    """

    __slots__ = (
        "budget",
        "clock",
        "direction",
        "event",
        "host",
        "learning",
        "link",
        "mux",
        "partner",
        "payloads",
        "port",
        "rtcp",
        "rtp",
        "seat",
        "silence",
        "source",
        "srtp",
        "window",
    )

    def __init__(
        self,
        port: int,
        *,
        partner: int = 0,
        host: bytes = b"",
        rtp: int = 0,
        rtcp: int = 0,
        learning: int = CLOSED,
        window: int = 0,
        source: tuple[bytes, int] | None = None,
        direction: int = INACTIVE,
        mux: bool = False,
        event: int = NO_EVENT,
        clock: int = 8000,
        silence: int = 0,
        budget: int = 0,
        payloads: tuple[tuple[int, int], ...] = (),
        seat: bytes = b"",
        srtp: bytes = b"",
        link: bytes = b"",
    ) -> None:
        self.port = port
        self.partner = partner
        self.host = host
        self.rtp = rtp
        self.rtcp = rtcp
        self.learning = learning
        self.window = window
        self.source = source
        self.direction = direction
        self.mux = mux
        self.event = event
        self.clock = clock
        self.silence = silence
        self.budget = budget
        self.payloads = payloads
        self.seat = seat
        self.srtp = srtp
        self.link = link

    def payload_table(self) -> bytes | None:
        """Return what becomes of the second byte of an RTP packet, marker included; None: nothing."""
        if not self.payloads:
            return None
        table = bytearray(range(256))
        for one, other in self.payloads:
            table[one], table[one | 128] = other, other | 128
        return bytes(table)

    def replace(self, **changes: object) -> Row:
        """Return a copy with some fields changed."""
        row = Row.__new__(Row)
        for name in Row.__slots__:
            setattr(row, name, getattr(self, name))
        for name, value in changes.items():  # a name that is no slot is refused, values are by check()
            setattr(row, name, value)
        return row

    def check(self) -> Row:
        """Return self; raises PlanError when a field is out of its range."""
        good = (
            0 < self.port < 0xFFFF and self.port % 2 == 0 and self.port != self.partner,
            0 <= self.partner <= 0xFFFF and 0 <= self.rtp <= 0xFFFF and 0 <= self.rtcp <= 0xFFFF,
            len(self.host) in _SIZES and (self.source is None or len(self.source[0]) in _SIZES),
            CLOSED <= self.learning <= ANY,
            INACTIVE <= self.direction <= SENDRECV,
            0 < self.clock <= MAX_CLOCK,
            0 <= self.silence <= 0xFFFF,
            0 <= self.event <= NO_EVENT,
            0 <= self.window <= 0xFFFFFFFF and 0 <= self.budget <= 0xFFFFFFFF,
            not self.payloads
            or (len(self.payloads) <= MAX_PAYLOADS and all(0 <= p < 128 for p in sum(self.payloads, ()))),
            len(self.seat) <= MAX_SEAT and not (self.seat and self.partner),
            not self.srtp or sound(self.srtp),
            not self.link or linked(self.link),
        )
        if all(good):
            return self
        raise PlanError(f"row of port {self.port}: {_CHECKED[good.index(False)]} out of range")

    def __bytes__(self) -> bytes:
        source, source_port = self.source or (b"", 0)
        fixed = _FIXED.pack(
            self.port,
            self.partner,
            self.rtp,
            self.rtcp,
            self.learning,
            self.direction,
            self.mux,
            self.event,
            self.window,
            self.clock,
            self.silence,
            self.budget,
            source_port,
            len(self.host),
            len(source),
            len(self.payloads),
            len(self.seat),
            len(self.srtp),
            len(self.link),
            self.host,
            source,
        )
        return fixed + bytes(p for pair in self.payloads for p in pair) + self.seat + self.srtp + self.link

    @classmethod
    def parse(cls, data: bytes) -> Row:
        """Read what `bytes(row)` wrote; raises PlanError."""
        try:
            fields = _FIXED.unpack_from(data)
        except struct.error:
            raise PlanError("row is cut short") from None
        port, partner, rtp, rtcp, learning, direction, mux, event, window, clock, silence, budget = fields[
            :12
        ]
        source_port, host_size, source_size, count, seat, srtp, link, host, source = fields[12:]
        pairs = data[_FIXED.size : _FIXED.size + 2 * count]
        keys = _FIXED.size + 2 * count + seat
        if len(data) != keys + srtp + link:
            raise PlanError("row has a wrong length")
        return cls(
            port,
            partner=partner,
            host=host[:host_size],
            rtp=rtp,
            rtcp=rtcp,
            learning=learning,
            window=window,
            source=(source[:source_size], source_port) if source_size else None,
            direction=direction,
            mux=bool(mux),
            event=event,
            clock=clock,
            silence=silence,
            budget=budget,
            payloads=tuple(zip(pairs[::2], pairs[1::2], strict=True)),
            seat=data[_FIXED.size + 2 * count : keys],
            srtp=data[keys : keys + srtp],
            link=data[keys + srtp :],
        ).check()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"Row({self.port} -> {self.partner}, window {self.window}, direction {self.direction})"


class Plan:
    """All rows, keyed by local port; at most `capacity` of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, port: int) -> Row | None:
        """Return the row of a local port."""
        return self._rows.get(port)

    def put(self, row: Row) -> None:
        """Add or replace a row; raises PlanError when it is full or the row cannot be."""
        row.check()
        if row.port not in self._rows and len(self._rows) >= self._capacity:
            raise PlanError(f"the plan holds {self._capacity} rows already")
        self._rows[row.port] = row

    def remove(self, port: int) -> None:
        """Take a row out; no row, no error."""
        self._rows.pop(port, None)

    def learned(self, port: int, window: int, source: tuple[bytes, int]) -> bool:
        """Note the source that a tier learned; False when that window is over or the row gone."""
        row = self._rows.get(port)
        if row is None or row.window != window:
            return False
        self._rows[port] = row.replace(source=source)
        return True

    def snapshot(self) -> tuple[Row, ...]:
        """Return all rows as they are; rows are never changed in place."""
        return tuple(self._rows.values())
