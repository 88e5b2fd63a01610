"""One stream connection: a framer, its times, its bounds (RFC 3261 18.3, RFC 5626 3.5.1).

Whose connection it is, a listening socket's or one we made, is its home; the rest is the same for both.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from sip.errors import BadMessage
from sip.flow import Flow
from sip.framing import PONG, Ping, StreamFramer

if TYPE_CHECKING:
    from sip.stack import Stack

_RECORD: Final = 2**14 + 2**8
_LAST_WORDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds on connections: of each listening socket, and of those we make.

    Seconds: `message` from a connection's or message's first octet to the end of the message; `unproven` in
    all, until somebody has proved on it who they are; `idle` between messages after that (longer than a
    registration, whose connection it keeps); `connect` until a connection we make is there, handshake
    included; `ping` between our keep-alives on it, and `pong` until the answer.

    Counts: `connections` in all, `per_source` unproven ones from one source, `outgoing` that we make.
    Octets: `unsent` that the far end has not taken, `waiting` for a connection that is being made.
    """

    connections: int = 1000
    per_source: int = 100
    outgoing: int = 100
    idle: float = 4000.0
    unproven: float = 60.0
    message: float = 30.0
    connect: float = 5.0
    ping: float = 96.0
    pong: float = 10.0
    unsent: int = 2**20
    waiting: int = 2**18


class Home:
    """Where connections belong: their surroundings, and who hears that they came and went."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        stack: Stack,
        *,
        clock: Callable[[], float],
        count: Callable[[str], None],
        number: Callable[[], int],
        limits: StreamLimits,
    ) -> None:
        """Begin without connections. `number` gives connection ids."""
        self.loop = loop
        self.stack = stack
        self.clock = clock
        self.count = count
        self.number = number
        self.limits = limits
        self.connections: dict[int, Connection] = {}
        self._closed: asyncio.Event | None = None

    def send(self, flow: Flow, data: bytes) -> bool:
        """Write on the connection of `flow`; False when it is gone."""
        connection = self.connections.get(flow.id)
        return connection is not None and connection.send(data)

    def made(self, connection: Connection) -> None:
        """Serve a connection that is there, for TLS after the handshake."""
        self.connections[connection.flow.id] = connection

    def lost(self, connection: Connection) -> None:
        """Forget a connection and tell the stack."""
        if self.connections.pop(connection.flow.id, None) is not None:
            self.stack.flow_closed(connection.flow, self.clock())
        if self._closed is not None and not self.connections:
            self._closed.set()

    async def farewell(self) -> None:
        """Close each connection when what was written has left, at most a second later."""
        for connection in list(self.connections.values()):
            connection.close()
        if self.connections:
            self._closed = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._closed.wait()
            for connection in list(self.connections.values()):
                connection.abort()
            await self._closed.wait()


def slim_tls() -> None:
    """Have each TLS connection begin with a buffer of one record (RFC 8446 5.1) instead of 256 KiB.

    Half-open connections from anywhere cost that much each, and we serve a thousand.
    """
    from asyncio.sslproto import SSLProtocol  # brings all of ssl

    SSLProtocol.max_size = _RECORD


def prepare(stream: socket.socket, patience: float) -> None:
    """Send small messages at once and notice a dead far end: unanswered data is given `patience` seconds."""
    stream.setblocking(False)
    with suppress(OSError):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))


class Connection(asyncio.Protocol):
    """One connection with a far end; `proven` once somebody has shown on it who they are."""

    __slots__ = ("_deadline", "_framer", "_home", "_since", "_timer", "_transport", "flow", "proven")

    def __init__(self, home: Home, flow: Flow, *, proven: bool = False) -> None:
        self._home = home
        self.flow = flow
        self.proven = proven
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._since = home.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, for TLS after the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._expect(self._home.limits.idle if self.proven else self._home.limits.message)
        self._home.made(self)

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and hand them on."""
        home = self._home
        now = home.clock()
        fresh = not self._framer.buffered
        whole = False
        try:
            for message in self._framer.feed(data):
                fresh = True
                if isinstance(message, Ping):
                    self.send(PONG)
                else:
                    home.stack.receive(message, self.flow, now)
                whole = True
                if self._transport is None or self._transport.is_closing():
                    return
        except BadMessage as error:
            # The place in the stream is lost for good: answer what can be answered, then close.
            home.stack.receive_bad(error, self.flow)
            home.count("stream: lost its place")
            self.close()
            return
        if not self._framer.buffered:
            if whole:
                self._rest()
        elif fresh:
            # A message has begun; trickling in gives it no more time.
            self._expect(home.limits.message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing can be sent or come any more; why does not matter."""
        del exc
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._home.lost(self)

    def send(self, data: bytes) -> bool:
        """Write; False when the connection is going, or its far end takes nothing any more."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.write(data)
        if transport.get_write_buffer_size() > self._home.limits.unsent:
            self._home.count("stream: far end reads nothing")
            transport.abort()
            return False
        return True

    def prove(self) -> None:
        """Let the connection live long: who is at its far end is known now."""
        if not self.proven:
            self.proven = True
            if not self._framer.buffered:
                self._rest()

    def close(self) -> None:
        """Close when what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _rest(self) -> None:
        """Wait for the next message: long for those we know, never longer in all for those we do not."""
        limits = self._home.limits
        self._expect(limits.idle if self.proven else self._since + limits.unproven - self._home.loop.time())

    def _expect(self, seconds: float) -> None:
        """Set the time something must have come by; a later one leaves the timer alone until it fires."""
        loop = self._home.loop
        self._deadline = loop.time() + seconds
        if self._timer is None or self._deadline < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(self._deadline, self._watch)

    def _watch(self) -> None:
        loop = self._home.loop
        self._timer = None
        if self._deadline <= loop.time():
            self._home.count("stream: idle")
            self.abort()
        else:
            self._timer = loop.call_at(self._deadline, self._watch)
