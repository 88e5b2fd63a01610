"""Extended reports (RFC 3611): the VoIP metrics block, in which a phone says what its user hears."""

from __future__ import annotations

import struct
from struct import Struct

from rtp.packet import PacketError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.rtcp import Header

XR = 207
VOIP_METRICS = 7
UNAVAILABLE = 127  # of levels, R factors and MOS
_METRICS = Struct("!I4B4H2b2B4BBx3H")


class VoipMetrics:
    """The VoIP metrics block (4.7). Rates and densities in 1/256, durations and delays in milliseconds.

    loss: packets lost in the network; discard: too late or too early for the jitter buffer. burst, gap:
    density of both within bursts and between, and how long these are on the average. round_trip: between the
    RTP ends; end_delay: of the phone itself, buffer and coder both ways. signal, noise: dBm0; echo: dB;
    r_factor, external: 0 to 100; listening, conversation: MOS times 10; each may be UNAVAILABLE. gmin: how
    many packets in sequence end a burst. config: concealment and kind of jitter buffer; nominal, most, limit:
    its size now, at worst, as it could be.
    """

    __slots__ = (
        *("ssrc", "loss", "discard", "burst_density", "gap_density", "burst_duration", "gap_duration"),
        *("round_trip", "end_delay", "signal", "noise", "echo", "gmin", "r_factor", "external"),
        *("listening", "conversation", "config", "nominal", "most", "limit"),
    )
    ssrc: int
    loss: int
    discard: int
    burst_density: int
    gap_density: int
    burst_duration: int
    gap_duration: int
    round_trip: int
    end_delay: int
    signal: int
    noise: int
    echo: int
    gmin: int
    r_factor: int
    external: int
    listening: int
    conversation: int
    config: int
    nominal: int
    most: int
    limit: int

    @classmethod
    def parse(cls, data: bytes) -> VoipMetrics:
        """Read the 32 bytes after a block's header; raises PacketError."""
        try:
            numbers = _METRICS.unpack(data)
        except struct.error:
            raise PacketError("a VoIP metrics block is 32 bytes long") from None
        one = cls()
        for name, number in zip(cls.__slots__, numbers, strict=True):
            setattr(one, name, number)
        return one


def metrics(header: Header) -> list[VoipMetrics]:
    """Return the VoIP metrics blocks of a packet if it is of type XR; raises PacketError."""
    found: list[VoipMetrics] = []
    if header.packet_type != XR:
        return found
    body, at = header.body, 4  # the SSRC of who made the report comes first
    while at + 4 <= len(body):
        size = int.from_bytes(body[at + 2 : at + 4], "big") * 4
        if at + 4 + size > len(body):
            raise PacketError("a block of an extended report is longer than its packet")
        if body[at] == VOIP_METRICS:
            found.append(VoipMetrics.parse(body[at + 4 : at + 4 + size]))
        at += 4 + size
    return found
