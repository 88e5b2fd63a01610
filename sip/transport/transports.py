"""All sockets of one stack, and the one timer that wakes it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Literal

from sip.errors import LocalError
from sip.flow import Address, Flow, Transport
from sip.transport.detours import PATIENCE, Detours
from sip.transport.fair import Shares
from sip.transport.outgoing import Outgoing, Trust, Wish, is_ip
from sip.transport.route import choose, source_towards
from sip.transport.stream import StreamLimits
from sip.transport.tcp import StreamTransport
from sip.transport.udp import LATE, UdpTransport

if TYPE_CHECKING:
    from ssl import SSLContext

    from sip.stack import Stack


class BindError(LocalError):
    """An address cannot be listened on. `transport`, `host`, `port` and `errno` say which and why."""

    def __init__(self, transport: str, host: str, port: int, error: OSError) -> None:
        super().__init__("the address cannot be listened on")
        self.transport = transport
        self.host = host
        self.port = port
        self.errno = error.errno
        self.strerror = error.strerror


class Transports:
    """Carries messages between sockets and a stack.

        transports = Transports(loop, clock)
        stack = Stack(transports.send, user, StackConfig(), os.urandom)
        transports.start(stack)
        transports.bind("UDP", "127.0.0.1", 5060)

    `clock` gives the `now` the stack lives in; only its differences matter. Set `trust` before the first TLS
    connection is opened.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        limits: StreamLimits | None = None,
    ) -> None:
        """Begin without sockets."""
        self._loop = loop
        self._clock = clock
        self._limits = limits or StreamLimits()
        self._stack: Stack | None = None
        self._udp: dict[Address, UdpTransport] = {}
        self._streams: list[StreamTransport] = []
        self._outgoing: Outgoing | None = None
        self.trust: Trust | None = None
        self._detours = Detours()
        self._numbers = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._shares = Shares(self._urgent)
        self.counters: defaultdict[str, int] = defaultdict(int)

    def start(self, stack: Stack) -> None:
        """Serve `stack`: wake it at its deadlines."""
        self._stack = stack
        stack.on_deadline(self._wake)
        stack.offer_ways(self)
        deadline = stack.next_deadline()
        if deadline is not None:
            self._wake(deadline)

    def bind(
        self,
        kind: Transport,
        host: str,
        port: int,
        context: SSLContext | None = None,
        origins: frozenset[str] = frozenset(),
    ) -> Address:
        """Listen on an address and return it as bound (port 0 becomes a real one); raise BindError.

        TLS and WSS need `context`, with the certificate loaded and TLS 1.2 or later. `origins`: whose pages
        may connect over WS and WSS.
        """
        stack = self._stack
        if stack is None:
            raise LocalError("start comes before bind")
        if (kind in {"TLS", "WSS"}) != (context is not None):
            raise LocalError("a TLS context belongs to TLS, and to nothing else")
        try:
            if kind == "UDP":
                udp = UdpTransport(
                    self._loop,
                    (host, port),
                    stack.receive,
                    self._clock,
                    self.count,
                    self._shares,
                    stack.late,
                )
                self._udp[udp.address] = udp
                return udp.address
            stream = self._stream(kind, origins)(
                self._loop,
                (host, port),
                stack,
                clock=self._clock,
                count=self.count,
                number=lambda: next(self._numbers),
                limits=self._limits,
                context=context,
            )
        except OSError as error:
            raise BindError(kind, host, port, error) from error
        self._streams.append(stream)
        return stream.address

    def emergency(self, numbers: Iterable[str]) -> None:
        """Name the numbers no flood may shadow."""
        self._shares.emergency = tuple(numbers)

    def secure(self, context: SSLContext) -> None:
        """Serve TLS with another certificate; connections there are already go on."""
        for stream in self._streams:
            if stream.kind in {"TLS", "WSS"}:
                stream.secure(context)

    async def unbind(self, kind: Transport, host: str, port: int) -> None:
        """Listen at an address no longer; the connections that came in there are closed."""
        if kind == "UDP":
            udp = self._udp.pop((host, port), None)
            if udp is not None:
                udp.close()
            return
        for stream in [one for one in self._streams if (one.kind, one.address) == (kind, (host, port))]:
            self._streams.remove(stream)
            await stream.close()

    def allow(self, host: str, port: int, origins: frozenset[str]) -> None:
        """Let pages of these origins, and no others, connect to a WebSocket listener from now on."""
        for stream in self._streams:
            if stream.kind in {"WS", "WSS"} and stream.address == (host, port):
                stream.origins = origins  # type: ignore[attr-defined]  # the kind says which class it is

    def send(self, flow: Flow, data: bytes) -> bool:
        """Put a message on its flow; False when that is gone."""
        if flow.transport == "UDP":
            udp = self._udp.get(flow.local)
            return udp is not None and udp.send(data, flow.remote)
        if self._outgoing is not None and self._outgoing.send(flow, data):
            return True
        return any(stream.send(flow, data) for stream in self._streams)

    def open(
        self,
        transport: Literal["UDP", "TCP", "TLS"],
        remote: Address,
        *,
        name: str = "",
        local: str = "",
        trust: str = "",
        large: bool = False,
    ) -> Flow:
        """Return a flow to a far end, at once.

        Over UDP it is from the listening socket that fits; over TCP or TLS on the living connection to the
        same far end, or on one that is begun now. `remote` is an IP address and a port. `name` is the domain
        a TLS far end must prove to be (RFC 5922), its address where there is none; `trust` a file of
        authorities for that instead of the usual ones. `local` is the address of ours to use. `large`: what
        is too large for a datagram may go to the same place over TCP, if that is UDP. A flow that cannot be
        had takes nothing (`send` is False), or is closed as soon as that shows.
        """
        stack = self._stack
        if stack is None or not is_ip(remote[0]):
            raise LocalError("open needs a stack, and an IP address to go to")
        if transport == "UDP":
            found = choose(list(self._udp), remote, local)
            if found is None:
                self.count("outgoing: no UDP listener fits")
            self._shares.prove(remote)  # we chose to talk to it
            self._detours.allow(remote, large=large)
            return Flow("UDP", found or (local, 0), remote)
        return self._connect(stack, transport, remote, name=name, local=local, trust=trust)

    def _connect(
        self,
        stack: Stack,
        transport: Literal["TCP", "TLS"],
        remote: Address,
        *,
        name: str = "",
        local: str = "",
        trust: str = "",
        seconds: float = 0.0,
    ) -> Flow:
        if self._outgoing is None:
            self._outgoing = Outgoing(
                self._loop,
                stack,
                clock=self._clock,
                count=self.count,
                number=lambda: next(self._numbers),
                limits=self._limits,
            )
        self._outgoing.trust = self.trust
        listening = [stream.address for stream in self._streams if stream.kind == transport]
        reachable = choose(listening, remote, local)
        source = local or (reachable[0] if reachable else source_towards(remote))
        name = (name or remote[0]) if transport == "TLS" else ""
        return self._outgoing.open(Wish(transport, remote, name, source, trust), reachable, seconds)

    # -- sip.ways.Ways

    def instead(self, flow: Flow) -> Flow | None:
        """Return a TCP flow for a large request, where `open` allowed it and it did not fail lately."""
        stack = self._stack
        if stack is None or not self._detours.may(flow.remote, self._clock()):
            return None
        return self._connect(stack, "TCP", flow.remote, seconds=PATIENCE)

    def refused(self, flow: Flow) -> None:
        """Leave a far end alone that took no TCP, for a while."""
        self._detours.refused(flow.remote, self._clock())

    def again(self, flow: Flow) -> Flow:
        """Return a connection's flow, or a new one to the same far end if it was ours and is gone."""
        return flow if self._outgoing is None else self._outgoing.again(flow)

    def prove(self, flow: Flow) -> None:
        """Let a connection live long, or give an address its share: somebody has proved who they are."""
        if not flow.id:
            self._shares.prove(flow.remote)
        else:
            for stream in self._streams:
                stream.prove(flow)

    async def close(self) -> None:
        """Release every socket and the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stack is not None:
            self._stack.on_deadline(None)
        for udp in self._udp.values():
            udp.close()
        self._udp.clear()
        if self._outgoing is not None:
            await self._outgoing.close()
            self._outgoing = None
        for stream in self._streams:
            await stream.close()
        self._streams.clear()

    @staticmethod
    def _stream(kind: Transport, origins: frozenset[str]) -> Callable[..., StreamTransport]:
        if kind not in {"WS", "WSS"}:
            return StreamTransport
        # Imported with the first such listener: a box without one has no use for HTTP and frames.
        from sip.transport.websocket import WebSocketTransport

        return partial(WebSocketTransport, origins=origins)

    def count(self, name: str, times: int = 1, /) -> None:
        """Add to a counter."""
        self.counters[name] += times

    def _urgent(self, uri: str) -> bool:
        return self._stack is not None and self._stack.urgent(uri)

    def _wake(self, when: float) -> None:
        """Arm the timer for the stack's next deadline, which is earlier than any before."""
        if self._timer is not None:
            self._timer.cancel()
        self._due = when
        self._timer = self._loop.call_later(max(0.0, when - self._clock()), self._run)

    def _run(self) -> None:
        self._timer = None
        if self._stack is not None:
            now = self._clock()
            if now - self._due > LATE:
                self._stack.late(now)
            self._stack.run(now)
            deadline = self._stack.next_deadline()
            if deadline is not None:
                self._wake(deadline)
