"""UDP: one socket, drained in batches, written to without waiting (RFC 3261 18)."""

from __future__ import annotations

import socket
from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from struct import unpack_from
from typing import Final, Protocol

from sip.flow import Address, Flow
from sip.transport.fair import Shares
from sip.transport.sieve import MOST, hold_back

BATCH: Final = 64
"""Datagrams read in one turn of the loop, so that a flood does not starve the rest."""
RECEIVE_BUFFER: Final = 4 * 2**20
"""Octets asked of the kernel for datagrams that wait; it grants what it may."""
QUEUE: Final = 512
"""Datagrams kept while the kernel takes no more."""
LATE: Final = 0.1
"""Seconds of one turn of the loop that mean overload."""
_FLOWS: Final = 1024  # remote addresses whose flow is remembered
_DATAGRAM: Final = 65535
_BLANK: Final = b"\r\n\t \0"

_DROPS: Final = 256  # datagrams dropped in one turn while a flood is held back
_PRESSED: Final = 2.0  # seconds shares are kept to after datagrams piled up or were dropped
_SIFT: Final = 1.0  # seconds at least between two programs of the kernel's sieve
_HELD: Final = 15.0  # seconds a source is held back by it
_FLOOD: Final = 200  # datagrams beyond its share that make a source a flood
_SO_MEMINFO: Final = 55  # asm-generic/socket.h; the first number is what waits, the second the buffer

Receive = Callable[[bytes, Flow, float], None]


class Count(Protocol):
    """Counts something by name."""

    def __call__(self, name: str, times: int = 1, /) -> None:
        """Add to a counter."""


class UdpTransport:
    """One bound UDP socket."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        address: Address,
        receive: Receive,
        clock: Callable[[], float],
        count: Count,
        shares: Shares | None = None,
        late: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Bind; raise OSError when the address is taken or not ours.

        `late(now)` hears that a turn of the loop took too long. `shares` hold back a flood.
        """
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self._loop = loop
        self._receive = receive
        self._clock = clock
        self._count = count
        self._waiting: deque[tuple[bytes, Address]] = deque()
        self._flows: dict[Address, Flow] = {}
        self._shares = shares or Shares()
        self._late = late
        self._behind = 0.0  # when a turn began that did not empty the socket
        self._over: dict[str, int] = {}  # datagrams beyond its share, by source
        self._sifted = -_SIFT  # when the kernel was told last whom to hold back
        self._lift: TimerHandle | None = None
        self._pressed = 0.0  # until when sources are held to their shares
        self.address: Address = self._socket.getsockname()[:2]
        loop.add_reader(self._socket, self._readable)

    def send(self, data: bytes, remote: Address) -> bool:
        """Send one datagram, or keep it until the kernel has room; True, for UDP promises nothing."""
        if self._waiting:
            self._keep(data, remote)
            return True
        try:
            self._socket.sendto(data, remote)
        except BlockingIOError:
            self._loop.add_writer(self._socket, self._writable)
            self._keep(data, remote)
        except OSError:
            # A port that refuses, a net that is down: the same to us as a datagram lost on its way.
            self._count("udp: send failed")
        return True

    def close(self) -> None:
        """Release the socket."""
        if self._lift is not None:
            self._lift.cancel()
            self._lift = None
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
        self._waiting.clear()

    def _readable(self) -> None:
        receive, now = self._receive, self._clock()
        recvfrom, flows = self._socket.recvfrom, self._flows
        if self._behind and now - self._behind > LATE:
            self._late(now)
        self._behind = 0.0
        pressed = now < self._pressed
        served = dropped = 0
        while served < BATCH and dropped < _DROPS:
            try:
                data, remote = recvfrom(_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                # What an earlier datagram of ours met (ICMP) is reported here; the next read goes on.
                self._count("udp: receive failed")
                served += 1
                continue
            if pressed and not self._shares.admits(data, remote[:2], now):
                dropped += 1
                self._beyond(remote[0])
                continue
            served += 1
            if len(data) <= 4 and not data.strip(_BLANK):
                # A keep-alive (RFC 5626 3.5.1 leaves CRLF to streams, phones send it on UDP as well).
                continue
            if data[0] < 2:  # STUN: no message begins like this
                self._stun(data, remote[:2])
                continue
            flow = flows.get(remote)
            if flow is None:
                flow = self._flow(remote)
            receive(data, flow, now)
            if self._socket.fileno() < 0:
                return
        else:
            self._behind = now
            if self._piled_up():
                self._pressed = now + _PRESSED
        if dropped:
            self._held_back(dropped, now)

    def _flow(self, remote: Address) -> Flow:
        if len(self._flows) >= _FLOWS:
            self._flows.clear()
        flow = self._flows[remote] = Flow("UDP", self.address, remote[:2])
        return flow

    def _beyond(self, source: str) -> None:
        if len(self._over) < _FLOWS or source in self._over:
            self._over[source] = self._over.get(source, 0) + 1

    def _held_back(self, dropped: int, now: float) -> None:
        """Keep to the shares for longer: a turn has dropped what was beyond them."""
        self._count("udp: beyond its share", dropped)
        self._pressed = now + _PRESSED
        if now >= self._sifted + _SIFT:
            self._sift(now)

    def _sift(self, now: float) -> None:
        """Have the kernel hold back, for a while, who went on and on beyond its share."""
        worst = sorted(self._over, key=self._over.__getitem__, reverse=True)[:MOST]
        sources = [source for source in worst if self._over[source] >= _FLOOD]
        self._over.clear()
        if not sources or not hold_back(self._socket, sources, self._shares.emergency):
            return
        self._count("udp: sources held back", len(sources))
        self._sifted = now
        # After the while they are on their share at once, and held back again if they still flood.
        self._pressed = now + _HELD + _PRESSED
        if self._lift is not None:
            self._lift.cancel()
        self._lift = self._loop.call_later(_HELD, self._let_in)

    def _let_in(self) -> None:
        self._lift = None
        hold_back(self._socket, ())

    def _piled_up(self) -> bool:
        """Whether half of the socket's buffer is taken: then who sends so much gets no more than a share."""
        try:
            memory = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        except OSError:
            return False
        if len(memory) < 8:  # user-mode emulation answers with one number
            return False
        waiting, room = unpack_from("II", memory)
        return bool(waiting * 2 > room)

    def _stun(self, data: bytes, remote: Address) -> None:
        from sip.stun import answer

        told = answer(data, remote)
        if told is None:
            self._count("udp: odd STUN")
        else:
            self.send(told, remote)

    def _keep(self, data: bytes, remote: Address) -> None:
        if len(self._waiting) < QUEUE:
            self._waiting.append((data, remote))
        else:
            self._count("udp: queue full")

    def _writable(self) -> None:
        while self._waiting:
            with suppress(OSError):
                try:
                    self._socket.sendto(*self._waiting[0])
                except BlockingIOError:
                    return
            self._waiting.popleft()
        self._loop.remove_writer(self._socket)
