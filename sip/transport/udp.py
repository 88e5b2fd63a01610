"""UDP: one socket, drained in batches, written to without waiting (RFC 3261 18)."""

from __future__ import annotations

import socket
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sip.flow import Address, Flow

BATCH: Final = 64
"""Datagrams read in one turn of the loop, so that a flood does not starve the rest."""
RECEIVE_BUFFER: Final = 4 * 2**20
"""Octets asked of the kernel for datagrams that wait; it grants what it may."""
QUEUE: Final = 512
"""Datagrams kept while the kernel takes no more."""
_FLOWS: Final = 1024  # remote addresses whose flow is remembered
_DATAGRAM: Final = 65535
_BLANK: Final = b"\r\n\t \0"

Receive = Callable[[bytes, Flow, float], None]


class UdpTransport:
    """One bound UDP socket."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        address: Address,
        receive: Receive,
        clock: Callable[[], float],
        count: Callable[[str], None],
    ) -> None:
        """Bind; raise OSError when the address is taken or not ours."""
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
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
        self._waiting.clear()

    def _readable(self) -> None:
        receive, local, now = self._receive, self.address, self._clock()
        recvfrom, flows = self._socket.recvfrom, self._flows
        for _ in range(BATCH):
            try:
                data, remote = recvfrom(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # What an earlier datagram of ours met (ICMP) is reported here; the next read goes on.
                self._count("udp: receive failed")
                continue
            if len(data) <= 4 and not data.strip(_BLANK):
                # A keep-alive (RFC 5626 3.5.1 leaves CRLF to streams, phones send it on UDP as well).
                continue
            if data[0] < 2:  # STUN: no message begins like this
                self._stun(data, remote[:2])
                continue
            flow = flows.get(remote)
            if flow is None:
                if len(flows) >= _FLOWS:
                    flows.clear()
                flow = flows[remote] = Flow("UDP", local, remote[:2])
            receive(data, flow, now)
            if self._socket.fileno() < 0:
                return

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
