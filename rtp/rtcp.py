"""RTCP headers (RFC 3550 section 6): enough to know that a datagram is RTCP before it is passed on."""

from __future__ import annotations

from rtp.packet import PacketError

FIRST, LAST = 200, 207  # SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR (RFC 3550, 4585, 3611)


def whole(data: bytes | bytearray | memoryview, size: int) -> bool:
    """Tell whether the first `size` bytes are one whole compound packet (RFC 3550 A.2).

    Version 2 and a known type everywhere, lengths that add up, padding in the last packet only.
    Reduced-size packets (RFC 5506) pass: any known type may come first.
    """
    at = 0
    while at + 4 <= size:
        if data[at] >> 6 != 2 or not FIRST <= data[at + 1] <= LAST:
            return False
        end = at + 4 + (data[at + 2] << 8 | data[at + 3]) * 4
        if data[at] & 0x20 and end != size:
            return False
        at = end
    return at == size and size > 0


class Header:
    """One packet of a compound: type, the five bits of count, and its body after the first word."""

    __slots__ = ("body", "count", "packet_type")

    def __init__(self, packet_type: int, count: int, body: bytes) -> None:
        self.packet_type = packet_type
        self.count = count
        self.body = body


def split(data: bytes) -> list[Header]:
    """Cut a compound packet into its parts; raises PacketError."""
    if not whole(data, len(data)):
        raise PacketError("RTCP lengths do not add up")
    parts = []
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big") * 4
        parts.append(Header(data[at + 1], data[at] & 31, data[at + 4 : end]))
        at = end
    return parts
