"""Control messages about rooms: what is to be played, recorded, pressed; what was heard.

Down go orders, up what came of them. A descriptor travels beside its message (SCM_RIGHTS): the first in a
datagram belongs to its first message that brings one, and so on.
"""

from __future__ import annotations

from struct import Struct

from rtp import control
from rtp.control import Message

MOST_CLIPS = 64  # clips in one Play
MOST_DIGITS = 64


class Clip(Message):
    """A descriptor of sound in the box's format (`rtp.player`), to be known by a number; another's goes."""

    __slots__ = ("number",)
    code = 16
    layout = Struct("!I")
    number: int


class Drop(Message):
    """A clip is not needed any more; whoever hears it hears it to the end."""

    __slots__ = ("number",)
    code = 17
    layout = Struct("!I")
    number: int


class Play(Message):
    """Play clips, by number, to the party at `port`, or with port 0 to all in `room`; `loop`: for ever."""

    __slots__ = ("clips", "loop", "port", "room", "token")
    code = 18
    _numbers = Struct("!BHII")

    def __init__(self, port: int, room: int, token: int, clips: tuple[int, ...], *, loop: bool) -> None:
        self.port = port
        self.room = room
        self.token = token
        self.clips = clips
        self.loop = loop

    def __bytes__(self) -> bytes:
        clips = Struct(f"!{len(self.clips)}I").pack(*self.clips)
        return self._numbers.pack(self.loop, self.port, self.room, self.token) + clips

    @classmethod
    def parse(cls, body: bytes) -> Play:
        """Read a body; raises struct.error."""
        loop, port, room, token = cls._numbers.unpack_from(body)
        rest = body[cls._numbers.size :]
        return cls(port, room, token, Struct(f"!{len(rest) // 4}I").unpack(rest), loop=bool(loop))


class Stop(Message):
    """Stop what plays to a party, or with port 0 in a room."""

    __slots__ = ("port", "room")
    code = 19
    layout = Struct("!HI")
    port: int
    room: int


class Press(Message):
    """Send digits to a party's far end as telephone-events (RFC 4733 numbers), `length` ms each."""

    __slots__ = ("digits", "length", "port")
    code = 20
    _numbers = Struct("!HH")

    def __init__(self, port: int, digits: bytes, length: int) -> None:
        self.port = port
        self.digits = digits
        self.length = length

    def __bytes__(self) -> bytes:
        return self._numbers.pack(self.port, self.length) + self.digits

    @classmethod
    def parse(cls, body: bytes) -> Press:
        """Read a body; raises struct.error."""
        port, length = cls._numbers.unpack_from(body)
        return cls(port, body[cls._numbers.size :], length)


class Record(Message):
    """A descriptor to write a party's recording into (`rtp.recorder`): a pipe or socket, never a file."""

    __slots__ = ("port", "token")
    code = 21
    layout = Struct("!HI")
    port: int
    token: int


class EndRecord(Message):
    """End a party's recording."""

    __slots__ = ("port",)
    code = 22
    layout = Struct("!H")
    port: int


# -- up


class Digit(Message):
    """A party pressed a key: `length` is 0 when it began, milliseconds when it ended."""

    __slots__ = ("event", "length", "port")
    code = 80
    layout = Struct("!BHH")
    port: int
    event: int
    length: int


class Played(Message):
    """What a Play asked for is over: heard, stopped, or its listener gone; `failed`: some was unfit."""

    __slots__ = ("failed", "token")
    code = 81
    layout = Struct("!BI")
    token: int
    failed: int


class Speaker(Message):
    """Another party is the loudest in a room of more than two."""

    __slots__ = ("port", "room")
    code = 82
    layout = Struct("!HI")
    port: int
    room: int


class Recorded(Message):
    """A recording is over; `left_out` frames had no room in its sink, `broken`: nobody read it any more."""

    __slots__ = ("broken", "left_out", "token")
    code = 83
    layout = Struct("!BII")
    token: int
    left_out: int
    broken: int


_DOWN: tuple[type[Message], ...] = (Clip, Drop, Play, Stop, Press, Record, EndRecord)
_UP: tuple[type[Message], ...] = (Digit, Played, Speaker, Recorded)
DOWN = frozenset([kind.code for kind in _DOWN])
control.TYPES.update({kind.code: kind for kind in (*_DOWN, *_UP)})
