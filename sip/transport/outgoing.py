"""TCP and TLS connections we make (RFC 3261 18.1), kept alive (RFC 5626 4.4.1) and used again.

A flow is there at once; what is sent on it before its connection is made waits, within bounds. If the
connection cannot be made, the stack hears that the flow is closed, and what waits for an answer on it fails.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sip.flow import Address, Flow
from sip.framing import PONG
from sip.peername import proves
from sip.transport.stream import Connection, Home, StreamLimits, prepare, slim_tls

if TYPE_CHECKING:
    from ssl import SSLContext

    from sip.stack import Stack

Trust = Callable[[str], "SSLContext"]
"""Gives the client side of TLS that trusts what a CA file says, or the usual authorities for "".

Whether the certificate is of the right name is decided here (RFC 5922), not by the context.
"""

PING: Final = b"\r\n\r\n"
PAST: Final = 256
"""Connections that are gone of which is remembered where they led."""


class Wish(NamedTuple):
    """What a connection is for; an equal wish is granted by the same connection."""

    kind: Literal["TCP", "TLS"]
    remote: Address
    name: str
    source: str
    trust: str


class Outgoing(Home):
    """All connections we make."""

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
        super().__init__(loop, stack, clock=clock, count=count, number=number, limits=limits)
        self.trust: Trust | None = None
        self._flows: dict[Wish, Flow] = {}
        self._wishes: dict[int, Wish] = {}
        self._waiting: dict[int, list[bytes]] = {}
        self._openings: dict[int, asyncio.Task[None]] = {}
        self._past: dict[int, Wish] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._wishes)

    def again(self, flow: Flow) -> Flow:
        """Return a connection's flow, or another one to where it led if it was ours and is gone."""
        wish = None if flow.id in self._wishes else self._past.get(flow.id)
        return flow if wish is None or self._closing else self.open(wish, flow.local)

    def open(self, wish: Wish, reachable: Address | None, seconds: float = 0.0) -> Flow:
        """Return the flow that grants a wish. `reachable`: where others reach us, if not on it alone.

        `seconds`: how long making the connection may take where that is less than usual.
        """
        known = self._flows.get(wish)
        if known is not None:
            return known
        nowhere = Flow(wish.kind, (wish.source, 0), wish.remote, self.number(), wish.name)
        if len(self._wishes) >= self.limits.outgoing:
            self.count("outgoing: too many connections")
            return nowhere
        family = socket.AF_INET6 if ":" in wish.remote[0] else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            stream.bind((wish.source, 0))
        except OSError:
            self.count("outgoing: no such address here")
            stream.close()
            return nowhere
        prepare(stream, self.limits.pong)
        flow = nowhere.of(reachable or stream.getsockname()[:2])
        self._flows[wish] = flow
        self._wishes[flow.id] = wish
        self._waiting[flow.id] = []
        task = self.loop.create_task(self._begin(stream, flow, wish, seconds or self.limits.connect))
        self._openings[flow.id] = task
        task.add_done_callback(partial(self._begun, stream, flow))
        return flow

    def send(self, flow: Flow, data: bytes) -> bool:
        """Write on the connection of `flow`, now or when it is there; False when it is gone."""
        waiting = self._waiting.get(flow.id)
        if waiting is None:
            return super().send(flow, data)
        if sum(map(len, waiting)) + len(data) > self.limits.waiting:
            self.count("outgoing: too much waits")
            return False
        waiting.append(data)
        return True

    def made(self, connection: Connection) -> None:
        """Send what has waited."""
        super().made(connection)
        for data in self._waiting.pop(connection.flow.id, ()):
            connection.send(data)

    def lost(self, connection: Connection) -> None:
        """Forget a connection and tell the stack."""
        self.connections.pop(connection.flow.id, None)
        self._gone(connection.flow)
        super().lost(connection)

    async def close(self) -> None:
        """Close every connection, those that are being made included."""
        self._closing = True
        openings = list(self._openings.values())
        for task in openings:
            task.cancel()
        await asyncio.gather(*openings, return_exceptions=True)
        await self.farewell()

    async def _begin(self, stream: socket.socket, flow: Flow, wish: Wish, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.loop.sock_connect(stream, wish.remote)
                await self.loop.create_connection(
                    lambda: _Dialled(self, flow), sock=stream, **self._options(wish)
                )
        except (OSError, ValueError) as error:
            # ssl.SSLError and TimeoutError are OSErrors; ValueError: a name that cannot be asked for.
            self.count(f"outgoing: {'timeout' if isinstance(error, TimeoutError) else 'not connected'}")
            stream.close()
            self._gone(flow)

    def _begun(self, stream: socket.socket, flow: Flow, task: asyncio.Task[None]) -> None:
        self._openings.pop(flow.id, None)
        if task.cancelled():
            stream.close()
            self._gone(flow)

    def _options(self, wish: Wish) -> dict[str, Any]:
        if wish.kind == "TCP":
            return {}
        if self.trust is None:
            raise ValueError("no TLS here")
        slim_tls()
        return {
            "ssl": self.trust(wish.trust),
            "server_hostname": wish.name,
            "ssl_handshake_timeout": self.limits.connect,
        }

    def _gone(self, flow: Flow) -> None:
        """Forget a connection, whether it ever was or not, and tell the stack."""
        self._waiting.pop(flow.id, None)
        wish = self._wishes.pop(flow.id, None)
        if wish is not None:
            del self._flows[wish]
            if len(self._past) >= PAST:
                del self._past[next(iter(self._past))]
            self._past[flow.id] = wish
            self.stack.flow_closed(flow, self.clock())


class _Dialled(Connection):
    """A connection we made: who is at its end must be who we wanted, and it must show that it is alive."""

    __slots__ = ("_answers", "_heard", "_keeper")

    def __init__(self, home: Outgoing, flow: Flow) -> None:
        super().__init__(home, flow, proven=True)
        self._heard = True
        self._answers = False
        self._keeper: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if the far end is who was asked for (RFC 5922 7.3)."""
        secured = transport.get_extra_info("ssl_object")
        if secured is not None and not proves(secured.getpeercert() or {}, self.flow.peer):
            self._home.count("outgoing: not who was asked for")
            transport.abort()  # type: ignore[attr-defined]  # every transport of a stream has it
            return
        super().connection_made(transport)
        self._ping_later()

    def data_received(self, data: bytes) -> None:
        """Note a sign of life; whoever has answered a ping once will answer each."""
        self._heard = True
        if data == PONG:
            self._answers = True
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop asking."""
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        super().connection_lost(exc)

    def _ping_later(self) -> None:
        # 80 to 100 % of two minutes, each connection at its own time (RFC 5626 4.4.1).
        spread = 1 + self.flow.id * 7 % 25 / 100
        self._keeper = self._home.loop.call_later(self._home.limits.ping * spread, self._ping)

    def _ping(self) -> None:
        self._heard = False
        if self.send(PING):
            self._keeper = self._home.loop.call_later(self._home.limits.pong, self._answered)

    def _answered(self) -> None:
        if self._answers and not self._heard:
            self._home.count("outgoing: no answer to a ping")
            self.abort()
        else:
            self._ping_later()


def is_ip(host: str) -> bool:
    """Tell whether a text is an IP address, which needs no look-up."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host.partition("%")[0])
            return True
    return False
