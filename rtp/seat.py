"""A seat in a room: what becomes of a row whose packets are not relayed but taken into a mix.

The row says where its far end is and may send; the seat says which room it sits in, which formats it speaks
and hears, how loud it is. It travels inside the row, so a media process that starts anew gets its rooms
back with the plan. No seat: the row is relayed.
"""

from __future__ import annotations

import struct
from struct import Struct

# How the payload of a format is coded: the number the plan carries, and the name of SDP in lower case.
PCMU, PCMA, L16, G722, OPUS, EVENT = 1, 2, 3, 4, 5, 6
NAMES = {PCMU: "pcmu", PCMA: "pcma", L16: "l16", G722: "g722", OPUS: "opus", EVENT: "telephone-event"}
CODES = {name: code for code, name in NAMES.items()}

MUTED, DEAF, RELAY, ECHO = 1, 2, 4, 8  # bits of Seat.flags
UNITY = 256  # a gain of 1
MOST_GAIN = 16 * UNITY
MOST_FORMATS = 16
_FIXED = Struct("!IHBBB")
_FORMAT = Struct("!BBI")

Format = tuple[int, int, int]  # payload type, code, RTP clock in Hz


class SeatError(Exception):
    """A seat that cannot be."""


class Seat:
    """One party's place in a room.

    room: number of the room, from 1. speaks: formats sent to the far end, by its numbers: one audio format,
    and EVENT if it takes telephone-events. hears: formats it may send, by ours. gain: how loud the room
    hears it, UNITY as it is. flags: MUTED: the room does not hear it; DEAF: it does not hear the room;
    RELAY: its telephone-events go to the others too, as they would if it were relayed; ECHO: it hears what it
    says instead of the room.
    """

    __slots__ = ("flags", "gain", "hears", "room", "speaks")

    def __init__(
        self,
        room: int,
        speaks: tuple[Format, ...],
        hears: tuple[Format, ...],
        *,
        gain: int = UNITY,
        flags: int = 0,
    ) -> None:
        self.room = room
        self.speaks = speaks
        self.hears = hears
        self.gain = gain
        self.flags = flags

    def check(self) -> Seat:
        """Return self; raises SeatError when a field is out of its range."""
        formats = (*self.speaks, *self.hears)
        if not (
            0 < self.room <= 0xFFFFFFFF
            and 0 <= self.gain <= MOST_GAIN
            and 0 <= self.flags <= MUTED | DEAF | RELAY | ECHO
            and max(len(self.speaks), len(self.hears)) <= MOST_FORMATS
            and sum(code != EVENT for _, code, _ in self.speaks) == 1
            and all(
                0 <= kind < 128 and code in NAMES and 0 < clock <= 192_000 for kind, code, clock in formats
            )
        ):
            raise SeatError(f"seat in room {self.room} is out of range")
        return self

    def __bytes__(self) -> bytes:
        fixed = _FIXED.pack(self.room, self.gain, self.flags, len(self.speaks), len(self.hears))
        return fixed + b"".join([_FORMAT.pack(*one) for one in (*self.speaks, *self.hears)])

    @classmethod
    def parse(cls, data: bytes) -> Seat:
        """Read what `bytes(seat)` wrote; raises SeatError."""
        try:
            room, gain, flags, speaks, hears = _FIXED.unpack_from(data)
            formats = tuple(_FORMAT.iter_unpack(data[_FIXED.size :]))
        except struct.error:
            raise SeatError("seat is cut short") from None
        if len(formats) != speaks + hears:
            raise SeatError("seat has a wrong length")
        return cls(room, formats[:speaks], formats[speaks:], gain=gain, flags=flags).check()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seat) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"Seat(room {self.room}, flags {self.flags})"
