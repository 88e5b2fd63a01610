"""Messages between signalling and the media process, on a socket that keeps datagrams whole (SOCK_SEQPACKET).

A datagram is one version byte, then messages: type, length of the body (16 bits), body. Down go edits of the
plan and questions, up come events and answers. Both ends are one program, so another version or a malformed
datagram is a fault, not a peer to be tolerant with: ControlError.
"""

from __future__ import annotations

import struct
from struct import Struct

from rtp.plan import PlanError, Row

VERSION = 1
LIMIT = 8192  # bytes of one datagram
QUIET = 8.0  # seconds of silence of a far end until it is told
PORTS = 1000  # ports in one Ready
_HEAD = Struct("!BH")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class ControlError(Exception):
    """The other end speaks another version or nonsense."""


class Message:
    """One message; its slots, in alphabetical order, are the numbers of its layout."""

    __slots__: tuple[str, ...] = ()
    code = 0
    layout = Struct("!")

    def __init__(self, **numbers: int) -> None:
        for name in self.__slots__:
            setattr(self, name, numbers[name])

    def __bytes__(self) -> bytes:
        return self.layout.pack(*[getattr(self, name) for name in self.__slots__])

    @classmethod
    def parse(cls, body: bytes) -> Message:
        """Read a body; raises struct.error."""
        return cls(**dict(zip(cls.__slots__, cls.layout.unpack(body), strict=True)))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.__slots__)})"
        )


# -- down


class Put(Message):
    """Add or change a row. A row with another `window` number than before opens a learning window."""

    __slots__ = ("row",)
    code = 1

    def __init__(self, row: Row) -> None:
        self.row = row

    def __bytes__(self) -> bytes:
        return bytes(self.row)

    @classmethod
    def parse(cls, body: bytes) -> Put:
        """Read a body; raises PlanError."""
        return cls(Row.parse(body))


class Remove(Message):
    """Take a row out; its socket hears nobody until the next Put."""

    __slots__ = ("port",)
    code = 2
    layout = Struct("!H")
    port: int


class Clear(Message):
    """Take all rows out: the beginning of a snapshot, whose rows follow as Puts."""

    __slots__ = ()
    code = 3


class Ask(Message):
    """Ask for the Statistics of a row, or for the Counters with port 0; the answer carries the same token."""

    __slots__ = ("port", "token")
    code = 4
    layout = Struct("!HI")
    port: int
    token: int


class Attach(Message):
    """Let the kernel relay what it can; three descriptors of BPF maps travel beside the datagram.

    In the order of `rtp.kernel.program.MAPS`. Without descriptors: the kernel no longer relays.
    """

    __slots__ = ()
    code = 5


class Monitor(Message):
    """With `on`: read the RTCP that passes, for what far ends say about what they hear; else never."""

    __slots__ = ("on",)
    code = 6
    layout = Struct("!B")
    on: int


class Identity(Message):
    """The private key and certificate with which we shake hands (DTLS), DER both; for the process's life."""

    __slots__ = ("certificate", "key")
    code = 8
    _sizes = Struct("!H")

    def __init__(self, key: bytes, certificate: bytes) -> None:
        self.key = key
        self.certificate = certificate

    def __bytes__(self) -> bytes:
        return self._sizes.pack(len(self.key)) + self.key + self.certificate

    @classmethod
    def parse(cls, body: bytes) -> Identity:
        """Read a body; raises struct.error."""
        [size] = cls._sizes.unpack_from(body)
        return cls(body[2 : 2 + size], body[2 + size :])

    def __repr__(self) -> str:
        return "Identity()"


# -- up


class Ready(Message):
    """RTP ports of the pool, bound with their RTCP ports; `final` ends the list."""

    __slots__ = ("final", "ports")
    code = 65

    def __init__(self, ports: tuple[int, ...], *, final: bool) -> None:
        self.ports = ports
        self.final = final

    def __bytes__(self) -> bytes:
        return Struct(f"!?{len(self.ports)}H").pack(self.final, *self.ports)

    @classmethod
    def parse(cls, body: bytes) -> Ready:
        """Read a body; raises struct.error."""
        final, *ports = Struct(f"!?{len(body) // 2}H").unpack(body)
        return cls(tuple(ports), final=final)


class Learned(Message):
    """The true source of a row was found and locked: `host` is the packed address, `rtp` the port."""

    __slots__ = ("host", "port", "rtp", "window")
    code = 66
    _numbers = Struct("!HIH")

    def __init__(self, port: int, window: int, host: bytes, rtp: int) -> None:
        self.port = port
        self.window = window
        self.host = host
        self.rtp = rtp

    def __bytes__(self) -> bytes:
        return self._numbers.pack(self.port, self.window, self.rtp) + self.host

    @classmethod
    def parse(cls, body: bytes) -> Learned:
        """Read a body; raises struct.error."""
        port, window, rtp = cls._numbers.unpack_from(body)
        return cls(port, window, body[cls._numbers.size :], rtp)


class Keyed(Message):
    """A handshake of a row's link gave keys (`bytes(rtp.keys.Keys)`): to be kept with the row."""

    __slots__ = ("association", "keys", "port")
    code = 72
    _numbers = Struct("!HI")

    def __init__(self, port: int, association: int, keys: bytes) -> None:
        self.port = port
        self.association = association
        self.keys = keys

    def __bytes__(self) -> bytes:
        return self._numbers.pack(self.port, self.association) + self.keys

    @classmethod
    def parse(cls, body: bytes) -> Keyed:
        """Read a body; raises struct.error."""
        port, association = cls._numbers.unpack_from(body)
        return cls(port, association, body[cls._numbers.size :])

    def __repr__(self) -> str:
        return f"Keyed(port={self.port}, association={self.association})"


class Timeout(Message):
    """Nothing valid came from a row's far end for as long as its `silence` allows."""

    __slots__ = ("port",)
    code = 67
    layout = Struct("!H")
    port: int


class Quiet(Message):
    """Nothing valid came from a row's far end, which may send, for QUIET seconds; told once per silence."""

    __slots__ = ("port",)
    code = 71
    layout = Struct("!H")
    port: int


class Statistics(Message):
    """What one row saw since it was put in.

    packets, octets: accepted RTP from the far end, whole datagrams' payload bytes. lost: by RFC 3550 A.3.
    jitter: A.8, units of the RTP clock. sent: RTP packets passed on to this row's far end. rtcp: RTCP passed
    on from it. foreign: dropped, another source; what the kernel refuses for a locked socket is not seen.
    bad: dropped, no RTP or RTCP. forbidden: dropped, the direction does not allow it. undelivered: accepted,
    but the far end or the network refused (ECONNREFUSED, EAGAIN, others) or there is no partner. idle:
    milliseconds since the last valid packet.
    Of what the far end reports (`rtp.overhear`), while that is read: reports, far_lost, far_jitter,
    far_discard, far_delay, round_trip.
    """

    __slots__ = (
        "bad",
        "far_delay",
        "far_discard",
        "far_jitter",
        "far_lost",
        "forbidden",
        "foreign",
        "idle",
        "jitter",
        "lost",
        "octets",
        "packets",
        "port",
        "reports",
        "round_trip",
        "rtcp",
        "sent",
        "token",
        "undelivered",
    )
    code = 68
    layout = Struct("!19Q")
    port: int
    token: int
    packets: int
    octets: int
    lost: int
    jitter: int
    sent: int
    rtcp: int
    foreign: int
    bad: int
    forbidden: int
    undelivered: int
    idle: int
    reports: int
    far_lost: int
    far_jitter: int
    far_discard: int
    far_delay: int
    round_trip: int


class Tier(Message):
    """Answers Attach: whether the kernel relays now, and how many of the ends there are it has."""

    __slots__ = ("entries", "kernel")
    code = 70
    layout = Struct("!IB")
    entries: int
    kernel: int


class Counters(Message):
    """What the worker did since it started.

    turns: wake-ups. forwarded: packets sent on, RTP and RTCP. foreign, bad, forbidden: dropped, as above.
    refused: ECONNREFUSED. congested: EAGAIN on sending. failed: other errors of a socket. unrouted: no
    partner. unknown: edits for a port that is not in the pool. unproven: handshakes that gave no keys, with
    another certificate than described among them. withheld: events that nobody read, dropped.
    """

    __slots__ = (
        "bad",
        "congested",
        "failed",
        "forbidden",
        "foreign",
        "forwarded",
        "refused",
        "rows",
        "token",
        "turns",
        "unknown",
        "unproven",
        "unrouted",
        "withheld",
    )
    code = 69
    layout = Struct("!14Q")
    token: int
    rows: int
    turns: int
    forwarded: int
    foreign: int
    bad: int
    forbidden: int
    refused: int
    congested: int
    failed: int
    unrouted: int
    unknown: int
    unproven: int
    withheld: int


FAR = ("far_delay", "far_discard", "far_jitter", "far_lost", "reports", "round_trip")
"""What Statistics say of the far end's own reports."""

TYPES: dict[int, type[Message]] = {
    kind.code: kind
    for kind in (
        Put,
        Remove,
        Clear,
        Ask,
        Attach,
        Monitor,
        Identity,
        Ready,
        Learned,
        Keyed,
        Timeout,
        Quiet,
        Statistics,
        Tier,
        Counters,
    )
}


def encode(messages: Iterable[Message]) -> list[bytes]:
    """Write messages in order into as few datagrams as LIMIT allows."""
    datagrams = []
    datagram = bytearray((VERSION,))
    for message in messages:
        body = bytes(message)
        if len(datagram) + _HEAD.size + len(body) > LIMIT:
            datagrams.append(bytes(datagram))
            datagram = bytearray((VERSION,))
        datagram += _HEAD.pack(message.code, len(body)) + body
    if len(datagram) > 1:
        datagrams.append(bytes(datagram))
    return datagrams


def decode(datagram: bytes) -> list[Message]:
    """Read one datagram; raises ControlError."""
    if not datagram or datagram[0] != VERSION:
        raise ControlError("the media process speaks another version of the control protocol")
    messages = []
    at = 1
    try:
        while at < len(datagram):
            code, length = _HEAD.unpack_from(datagram, at)
            at += _HEAD.size
            body = datagram[at : at + length]
            if len(body) != length:
                raise ControlError("control message is cut short")
            messages.append(TYPES[code].parse(body))
            at += length
    except (struct.error, KeyError, PlanError) as error:
        raise ControlError("control message has an unknown type or a wrong layout") from error
    return messages
