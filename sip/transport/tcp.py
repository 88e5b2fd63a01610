"""TCP: a listening socket and its connections, each with a framer (RFC 3261 18.3, RFC 5626 3.5.1).

Everything a stranger can open is bounded before it costs much: connections in all and from one source, the
time to the first message and to the end of one begun, octets waiting to be taken by the far end.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from sip.errors import BadMessage
from sip.flow import Address, Flow
from sip.framing import PONG, Ping, StreamFramer

if TYPE_CHECKING:
    from ssl import SSLContext

    from sip.stack import Stack

BACKLOG: Final = 128
_ACCEPTS: Final = 32
_EXHAUSTED_PAUSE: Final = 1.0
_LAST_WORDS: Final = 1.0
_RECORD: Final = 2**14 + 2**8


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds on the connections of one listening socket.

    `idle` and `message` are seconds: between messages (longer than a registration, whose connection it
    keeps), and from a connection's or message's first octet to the end of the message. `unsent` is in octets.
    """

    connections: int = 1000
    per_source: int = 100
    idle: float = 4000.0
    message: float = 30.0
    unsent: int = 2**20


def _slim_tls() -> None:
    """Have each TLS connection begin with a buffer of one record (RFC 8446 5.1) instead of 256 KiB.

    Half-open connections from anywhere cost that much each, and we serve a thousand.
    """
    from asyncio.sslproto import SSLProtocol  # brings all of ssl

    SSLProtocol.max_size = _RECORD


class Connection(asyncio.Protocol):
    """One connection of a far end."""

    __slots__ = ("_deadline", "_framer", "_home", "_timer", "_transport", "flow")

    def __init__(self, home: StreamTransport, flow: Flow) -> None:
        self._home = home
        self.flow = flow
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, for TLS after the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._home.connections[self.flow.id] = self
        self._expect(self._home.limits.message)

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and hand them on."""
        home = self._home
        now = home.clock()
        fresh = not self._framer.buffered
        try:
            for message in self._framer.feed(data):
                fresh = True
                if isinstance(message, Ping):
                    self.send(PONG)
                else:
                    home.stack.receive(message, self.flow, now)
                if self._transport is None or self._transport.is_closing():
                    return
        except BadMessage as error:
            # The place in the stream is lost for good: answer what can be answered, then close.
            home.stack.receive_bad(error, self.flow)
            home.count("stream: lost its place")
            self.close()
            return
        if not self._framer.buffered:
            self._expect(home.limits.idle)
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

    def close(self) -> None:
        """Close when what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

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


class StreamTransport:
    """One listening socket for TCP, or for TLS when given a context."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        address: Address,
        stack: Stack,
        *,
        clock: Callable[[], float],
        count: Callable[[str], None],
        number: Callable[[], int],
        limits: StreamLimits,
        context: SSLContext | None = None,
    ) -> None:
        """Bind and listen; raise OSError when that is not possible. `number` gives connection ids."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self.kind: Literal["TCP", "TLS"] = "TLS" if context else "TCP"
        self.address: Address = self._socket.getsockname()[:2]
        self.loop = loop
        self.stack = stack
        self.clock = clock
        self.count = count
        self.limits = limits
        self.connections: dict[int, Connection] = {}
        self._number = number
        self._context = context
        self._open: dict[int, str] = {}
        self._sources: dict[str, int] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed: asyncio.Event | None = None
        loop.add_reader(self._socket, self._acceptable)

    def send(self, flow: Flow, data: bytes) -> bool:
        """Write on the connection of `flow`; False when it is gone."""
        connection = self.connections.get(flow.id)
        return connection is not None and connection.send(data)

    async def close(self) -> None:
        """Stop listening; close each connection when what was written has left, at most a second later."""
        self.loop.remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()
        self._socket.close()
        for task in list(self._openings):
            task.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)
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

    def lost(self, connection: Connection) -> None:
        """Forget a connection and tell the stack."""
        if self.connections.pop(connection.flow.id, None) is not None:
            self.stack.flow_closed(connection.flow, self.clock())
        self._leave(connection.flow.id)
        if self._closed is not None and not self.connections:
            self._closed.set()

    def _acceptable(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, remote = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError:
                # No descriptor left: listening on would only spin.
                self.count("stream: accept failed")
                self.loop.remove_reader(self._socket)
                self._pause = self.loop.call_later(_EXHAUSTED_PAUSE, self._resume)
                return
            self._take(accepted, remote[:2])

    def _resume(self) -> None:
        self.loop.add_reader(self._socket, self._acceptable)

    def _take(self, accepted: socket.socket, remote: Address) -> None:
        """Serve a new connection, unless there are too many already."""
        source = remote[0]
        if (
            len(self._open) >= self.limits.connections
            or self._sources.get(source, 0) >= self.limits.per_source
        ):
            self.count("stream: too many connections")
            accepted.close()
            return
        accepted.setblocking(False)
        with suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        flow = Flow(self.kind, accepted.getsockname()[:2], remote, self._number())
        self._open[flow.id] = source
        self._sources[source] = self._sources.get(source, 0) + 1
        task = self.loop.create_task(self._begin(accepted, flow))
        self._openings.add(task)
        task.add_done_callback(self._openings.discard)

    async def _begin(self, accepted: socket.socket, flow: Flow) -> None:
        options: dict[str, Any] = {}
        if self._context is not None:
            _slim_tls()
            options = {"ssl": self._context, "ssl_handshake_timeout": self.limits.message}
        try:
            await self.loop.connect_accepted_socket(lambda: Connection(self, flow), accepted, **options)
        except (OSError, asyncio.CancelledError) as error:
            # ssl.SSLError is an OSError: a handshake that fails, or takes too long.
            self._leave(flow.id)
            accepted.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            self.count("stream: handshake failed")

    def _leave(self, number: int) -> None:
        source = self._open.pop(number, None)
        if source is None:
            return
        left = self._sources[source] - 1
        if left:
            self._sources[source] = left
        else:
            del self._sources[source]
