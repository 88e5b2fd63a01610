"""What RTCP packets say (RFC 3550 section 6): sender and receiver reports, names, goodbyes.

Each class reads the body that `rtp.rtcp.split` cut out, and writes itself as one packet; whole compounds are
read by `read` and are simply concatenated. Values are those of the wire; units are said at each.
"""

from __future__ import annotations

import struct
from struct import Struct

from rtp.packet import PacketError
from rtp.rtcp import Header, split

SR, RR, SDES, BYE = 200, 201, 202, 203
MOST = 31  # report blocks, chunks or sources in one packet: its count has five bits
CNAME = 1
TEXT = 255
TICKS = 65536  # of LSR and DLSR in a second
_BLOCK = Struct("!IIIIII")
_SENDER = Struct("!IQIII")
_WORD = Struct("!I")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Block:
    """One report block (6.4.1): how the stream of `ssrc` arrived where the report was made.

    fraction: lost since the report before, in 1/256. lost: packets lost since the beginning, negative with
    duplicates. highest: extended highest sequence number. jitter: units of the RTP clock. last: middle 32
    bits of the NTP time in the newest sender report of that source, 0: none came. delay: since it came, in
    1/65536 seconds.
    """

    __slots__ = ("delay", "fraction", "highest", "jitter", "last", "lost", "ssrc")

    def __init__(
        self, ssrc: int, fraction: int, lost: int, highest: int, jitter: int, last: int = 0, delay: int = 0
    ) -> None:
        self.ssrc = ssrc
        self.fraction = fraction
        self.lost = lost
        self.highest = highest
        self.jitter = jitter
        self.last = last
        self.delay = delay

    @classmethod
    def parse(cls, data: bytes) -> Block:
        """Read 24 bytes; raises struct.error."""
        ssrc, losses, highest, jitter, last, delay = _BLOCK.unpack(data)
        lost = losses & 0xFFFFFF
        return cls(ssrc, losses >> 24, lost - 0x1000000 if lost >> 23 else lost, highest, jitter, last, delay)

    def __bytes__(self) -> bytes:
        lost = max(-0x800000, min(0x7FFFFF, self.lost)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc, self.fraction << 24 | lost, self.highest, self.jitter, self.last, self.delay
        )


class Report:
    """A receiver report; with `ntp` a sender report: what its sender sent until then.

    ntp: 64 bits, seconds and their fraction. timestamp: the same moment on the RTP clock. packets, octets:
    sent since the beginning, payload only.
    """

    __slots__ = ("blocks", "ntp", "octets", "packets", "ssrc", "timestamp")

    def __init__(
        self,
        ssrc: int,
        blocks: tuple[Block, ...] = (),
        *,
        ntp: int | None = None,
        timestamp: int = 0,
        packets: int = 0,
        octets: int = 0,
    ) -> None:
        self.ssrc = ssrc
        self.blocks = blocks
        self.ntp = ntp
        self.timestamp = timestamp
        self.packets = packets
        self.octets = octets

    @classmethod
    def parse(cls, header: Header) -> Report:
        """Read a packet of type SR or RR; what follows its blocks is a profile's and passed over."""
        body, count = header.body, header.count
        try:
            if header.packet_type == SR:
                ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
                start = _SENDER.size
            else:
                [ssrc] = _WORD.unpack_from(body)
                ntp, timestamp, packets, octets, start = None, 0, 0, 0, _WORD.size
            places = [start + at * _BLOCK.size for at in range(count)]
            blocks = tuple([Block.parse(body[at : at + _BLOCK.size]) for at in places])
        except struct.error:
            raise PacketError("RTCP report is shorter than its count") from None
        return cls(ssrc, blocks, ntp=ntp, timestamp=timestamp, packets=packets, octets=octets)

    def __bytes__(self) -> bytes:
        blocks = b"".join(map(bytes, self.blocks))
        if self.ntp is None:
            return _packet(RR, len(self.blocks), _WORD.pack(self.ssrc) + blocks)
        sender = _SENDER.pack(self.ssrc, self.ntp, self.timestamp, self.packets, self.octets)
        return _packet(SR, len(self.blocks), sender + blocks)


class Names:
    """A source description (6.5): the CNAME of each source, the one item everybody must send."""

    __slots__ = ("names",)

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names

    @classmethod
    def parse(cls, header: Header) -> Names:
        """Read a packet of type SDES; other items, which name people and places, are passed over."""
        names: dict[int, str] = {}
        body, at = header.body, 0
        try:
            for _ in range(header.count):
                [ssrc] = _WORD.unpack_from(body, at)
                at += _WORD.size
                while body[at]:
                    item, size = body[at], body[at + 1]
                    if at + 2 + size > len(body):
                        raise PacketError("RTCP item is longer than its packet")
                    if item == CNAME:
                        names[ssrc] = body[at + 2 : at + 2 + size].decode("utf-8", "replace")
                    at += 2 + size
                at += 4 - at % 4  # at least one zero, up to the next word
        except (struct.error, IndexError):
            raise PacketError("RTCP description is shorter than its count") from None
        return cls(names)

    def __bytes__(self) -> bytes:
        chunks = []
        for ssrc, name in self.names.items():
            text = name.encode()[:TEXT]
            chunk = _WORD.pack(ssrc) + bytes((CNAME, len(text))) + text
            chunks.append(chunk + bytes(4 - len(chunk) % 4))
        return _packet(SDES, len(self.names), b"".join(chunks))


class Goodbye:
    """These sources end (6.6). Why they do, anybody may write into it: it is passed over."""

    __slots__ = ("sources",)

    def __init__(self, sources: tuple[int, ...]) -> None:
        self.sources = sources

    @classmethod
    def parse(cls, header: Header) -> Goodbye:
        """Read a packet of type BYE."""
        try:
            return cls(Struct(f"!{header.count}I").unpack_from(header.body))
        except struct.error:
            raise PacketError("RTCP goodbye is shorter than its count") from None

    def __bytes__(self) -> bytes:
        return _packet(BYE, len(self.sources), Struct(f"!{len(self.sources)}I").pack(*self.sources))


def read(data: bytes) -> Iterator[Report | Names | Goodbye | Header]:
    """Read a compound packet part by part, other types as their headers; raises PacketError.

    Padding of the last packet is no trouble: counts say how far each is read.
    """
    for header in split(data):
        if header.packet_type in {SR, RR}:
            yield Report.parse(header)
        elif header.packet_type == SDES:
            yield Names.parse(header)
        elif header.packet_type == BYE:
            yield Goodbye.parse(header)
        else:
            yield header


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if not 0 <= count <= MOST:
        raise PacketError(f"an RTCP packet holds {MOST} blocks at most")
    return bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body
