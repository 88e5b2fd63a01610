"""TCP and TLS: a listening socket and the connections others make to it (RFC 3261 18.2).

Everything a stranger can open is bounded before it costs much: connections in all and from one source, the
time until they have proved who they are, octets waiting to be taken by the far end.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sip.flow import Address, Flow, Transport
from sip.transport.stream import Connection, Home, StreamLimits, prepare, slim_tls

if TYPE_CHECKING:
    from ssl import SSLContext

    from sip.stack import Stack

BACKLOG: Final = 128
PATIENCE: Final = 60.0
"""Seconds a far end may leave what we sent unacknowledged, its network being away perhaps."""
_ACCEPTS: Final = 32
_EXHAUSTED_PAUSE: Final = 1.0


def source_of(host: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 network any IPv6 host has to itself."""
    if ":" not in host:
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8].hex()


class StreamTransport(Home):
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
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind(address)
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self.kind: Transport = "TLS" if context else "TCP"
        self.address: Address = self._socket.getsockname()[:2]
        super().__init__(loop, stack, clock=clock, count=count, number=number, limits=limits)
        self._context = context
        self._open: dict[int, str] = {}
        self._unproven: dict[str, dict[int, None]] = {}  # by source, the oldest first
        self._openings: dict[int, asyncio.Task[None]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self.loop.add_reader(self._socket, self._acceptable)

    def connection(self, flow: Flow) -> Connection:
        """Make what serves a connection that is being accepted."""
        return Connection(self, flow)

    def prove(self, flow: Flow) -> None:
        """Let the connection of `flow` live long: somebody has proved on it who they are."""
        connection = self.connections.get(flow.id)
        if connection is not None and not connection.proven:
            self._known(flow.id)
            connection.prove()

    def secure(self, context: SSLContext) -> None:
        """Serve connections that begin from now on with another certificate."""
        self._context = context

    async def close(self) -> None:
        """Stop listening; close each connection when what was written has left, at most a second later."""
        self.loop.remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()
        self._socket.close()
        openings = list(self._openings.values())
        for task in openings:
            task.cancel()
        await asyncio.gather(*openings, return_exceptions=True)
        await self.farewell()

    def lost(self, connection: Connection) -> None:
        """Forget a connection and tell the stack."""
        self._leave(connection.flow.id)
        super().lost(connection)

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
        """Serve a new connection, if need be in the place of one that has not proved anything."""
        source = source_of(remote[0])
        if not self._room(source):
            self.count("stream: too many connections")
            accepted.close()
            return
        prepare(accepted, PATIENCE)
        flow = Flow(self.kind, accepted.getsockname()[:2], remote, self.number())
        self._open[flow.id] = source
        self._unproven.setdefault(source, {})[flow.id] = None
        task = self.loop.create_task(self._begin(accepted, flow))
        self._openings[flow.id] = task
        task.add_done_callback(partial(self._begun, accepted, flow))

    def _room(self, source: str) -> bool:
        """Tell whether there is room for one more, after making some where strangers take it all.

        The oldest unproven connection of the source itself gives way, or of the source that has most.
        """
        if len(self._unproven.get(source, ())) >= self.limits.per_source:
            busiest = source
        elif len(self._open) < self.limits.connections:
            return True
        elif self._unproven:
            busiest = max(self._unproven, key=lambda one: len(self._unproven[one]))
        else:
            return False
        oldest = next(iter(self._unproven[busiest]))
        self.count("stream: gave way")
        self._leave(oldest)
        connection = self.connections.get(oldest)
        if connection is not None:
            connection.abort()
        elif oldest in self._openings:
            self._openings[oldest].cancel()
        return True

    async def _begin(self, accepted: socket.socket, flow: Flow) -> None:
        options: dict[str, Any] = {}
        if self._context is not None:
            slim_tls()
            options = {"ssl": self._context, "ssl_handshake_timeout": self.limits.message}
        try:
            await self.loop.connect_accepted_socket(lambda: self.connection(flow), accepted, **options)
        except OSError:
            # ssl.SSLError is one: a handshake that fails, or takes too long.
            self._leave(flow.id)
            accepted.close()
            self.count("stream: handshake failed")

    def _begun(self, accepted: socket.socket, flow: Flow, task: asyncio.Task[None]) -> None:
        self._openings.pop(flow.id, None)
        if task.cancelled():
            self._leave(flow.id)
            accepted.close()

    def _leave(self, number: int) -> None:
        self._known(number)
        self._open.pop(number, None)

    def _known(self, number: int) -> None:
        """Take a connection off the list of those that prove nothing."""
        source = self._open.get(number, "")
        unproven = self._unproven.get(source)
        if unproven is not None:
            unproven.pop(number, None)
            if not unproven:
                del self._unproven[source]
