"""RTP packets (RFC 3550 section 5.1).

`sound` answers the relay's only question without making objects; `Packet` is for whoever wants the inside.
No `typing`, no `dataclasses` here or anywhere the media process imports: its memory counts.
"""

from __future__ import annotations

from functools import cache
from struct import Struct

HEADER = Struct("!BBHII")  # V P X CC | M PT | sequence | timestamp | SSRC
HEADER_SIZE = 12
VERSION = 2
EVENT_SIZE = 4  # one telephone event, RFC 4733 section 2.3


class PacketError(Exception):
    """What arrived is no RTP or RTCP packet; `why` says so without quoting it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def payload_start(data: bytes | bytearray | memoryview, size: int) -> int:
    """Return the offset of the payload after header, CSRCs and extension, or -1 when they do not fit.

    Looks at the first `size` bytes only. Padding is checked too (RFC 3550 section 5.1).
    """
    if size < HEADER_SIZE:
        return -1
    first = data[0]
    if first >> 6 != VERSION:
        return -1
    start = HEADER_SIZE + (first & 15) * 4
    if first & 0x10:  # one header extension: 16 bits of profile, 16 bits of length in words
        if start + 4 > size:
            return -1
        start += 4 + (data[start + 2] << 8 | data[start + 3]) * 4
    if start > size:
        return -1
    if first & 0x20 and not 1 <= data[size - 1] <= size - start:
        return -1
    return start


def sound(data: bytes | bytearray | memoryview, size: int) -> bool:
    """Tell whether the first `size` bytes are one well-formed RTP packet and no RTCP (RFC 5761 section 4)."""
    return payload_start(data, size) >= 0 and not 64 <= data[1] & 127 <= 95


@cache
def routine(event: int) -> bytes:
    """Tell by the second byte what is neither RTCP (RFC 5761) nor a telephone-event, which is looked into."""
    return bytes(not 192 <= second <= 223 and second & 127 != event for second in range(256))


class Packet:
    """One RTP packet as a value; `Packet.parse(bytes(packet)) == packet`.

    `extension` is (profile word, data) or None. Padding is removed by `parse` and never written.
    """

    __slots__ = ("csrcs", "extension", "marker", "payload", "payload_type", "sequence", "ssrc", "timestamp")

    def __init__(
        self,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        payload: bytes = b"",
        *,
        marker: bool = False,
        csrcs: tuple[int, ...] = (),
        extension: tuple[int, bytes] | None = None,
    ) -> None:
        self.payload_type = payload_type
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload
        self.marker = marker
        self.csrcs = csrcs
        self.extension = extension

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Read one datagram; raises PacketError."""
        size = len(data)
        start = payload_start(data, size)
        if start < 0:
            raise PacketError("RTP header does not fit its datagram")
        if 64 <= data[1] & 127 <= 95:
            raise PacketError("RTCP where RTP was expected")
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        count = first & 15
        csrcs = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(12, 12 + 4 * count, 4))
        extension = None
        if first & 0x10:
            at = HEADER_SIZE + 4 * count
            extension = (int.from_bytes(data[at : at + 2], "big"), data[at + 4 : start])
        end = size - data[-1] if first & 0x20 else size
        return cls(
            second & 127,
            sequence,
            timestamp,
            ssrc,
            data[start:end],
            marker=second > 127,
            csrcs=csrcs,
            extension=extension,
        )

    def __bytes__(self) -> bytes:
        first = VERSION << 6 | len(self.csrcs) | (0x10 if self.extension else 0)
        second = self.payload_type | (0x80 if self.marker else 0)
        parts = [HEADER.pack(first, second, self.sequence, self.timestamp, self.ssrc)]
        parts += [csrc.to_bytes(4, "big") for csrc in self.csrcs]
        if self.extension:
            profile, data = self.extension
            parts += [profile.to_bytes(2, "big"), (len(data) // 4).to_bytes(2, "big"), data]
        parts.append(self.payload)
        return b"".join(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]  # mutable value

    def __repr__(self) -> str:
        return f"Packet(type {self.payload_type}, sequence {self.sequence}, {len(self.payload)} bytes)"
