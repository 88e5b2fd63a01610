"""The media process: a pool of bound port pairs, the portable loop, one control socket to its parent.

Started by a fork before the parent is big, or as `python -m rtp.process FD HOSTS FIRST LAST`. It ends when
the control socket closes; the signals that a terminal or a service manager sends to all it ignores: the
parent decides.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import signal
import socket
import sys
from collections import deque

from rtp import control, orders
from rtp.loop import Loop

RTP_BUFFER, RTCP_BUFFER = 32768, 8192  # bytes asked for; the kernel grants double: 1.7 s of one G.711 stream
NICE = -10
REST = 0.001  # seconds; halves the CPU per packet of 100 calls for 0.7 ms of delay; 20 calls never rest
RETRY = 0.1  # seconds until events are offered again to a parent that had no room
WRONG_ADDRESS = 3
MAPS = 3  # descriptors that come with an Attach
READS = 16  # control datagrams taken in one turn
DESCRIPTORS = 16  # that come with one of them
_UNSPEC = bytes(16)  # a sockaddr of family AF_UNSPEC
_connect = ctypes.CDLL(None, use_errno=True).connect
_SPARE = 64  # descriptors beside the pool


TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.descriptors import Descriptors

Pair = tuple[socket.socket, socket.socket]


def bind_pairs(host: str, first: int, last: int) -> dict[int, Pair]:
    """Bind every even port and its successor from `first` to `last`, both included; skip what is taken.

    Stops early, with what it has, when the process may open no more descriptors. Raises OSError when the
    address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    pairs = {}
    for port in range(first + first % 2, last, 2):
        bound: list[socket.socket] = []
        try:
            for number, size in ((port, RTP_BUFFER), (port + 1, RTCP_BUFFER)):
                one = socket.socket(family, socket.SOCK_DGRAM)
                bound.append(one)
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
                one.bind((host, number))
            pairs[port] = (bound[0], bound[1])
        except OSError as error:
            for one in bound:
                one.close()
            if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                break
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
    return pairs


def common(one: dict[int, Pair], other: dict[int, Pair]) -> None:
    """Give back the ports that could not be had on both addresses."""
    for mine, theirs in ((one, other), (other, one)):
        for port in mine.keys() - theirs.keys():
            for each in mine.pop(port):
                each.close()


def disconnect(one: socket.socket) -> None:
    """Let a connected UDP socket hear everybody again; it keeps its address and what it has queued."""
    if _connect(one.fileno(), _UNSPEC, len(_UNSPEC)):
        raise OSError(ctypes.get_errno(), "cannot disconnect a socket")


class Parent:
    """The other end of the control socket: edits come from it, events go to it."""

    def __init__(self, link: socket.socket, loop: Loop) -> None:
        self.open = True
        self.waiting: deque[bytes] = deque()
        self._link = link
        self._loop = loop
        self._descriptors: Descriptors | None = None  # made with the first order about rooms
        link.setblocking(False)
        loop.watch(link.fileno(), self._read)

    def _read(self) -> None:
        for _ in range(READS):
            try:
                datagram, fds, _, _ = socket.recv_fds(self._link, control.LIMIT, DESCRIPTORS)
            except BlockingIOError:
                return
            except ConnectionError:
                datagram, fds = b"", []
            if not datagram:
                self.open = False
                return
            for message in control.decode(datagram):
                self._follow(message, fds)
            for unclaimed in fds:
                os.close(unclaimed)

    def _attach(self, descriptors: list[int]) -> None:
        """Hand calls to the kernel, or take them back; what was handed over is ours to close."""
        if not descriptors:
            self._loop.detach()
            self._loop.tell(control.Tier(kernel=0, entries=0))
            return
        from rtp.kernel.bpf import BpfError
        from rtp.kernel.tier import adopt

        try:
            tier = adopt(descriptors, self._loop.ports)
            self._loop.attach(tier)
        except BpfError:
            self._loop.detach()
            self._loop.tell(control.Tier(kernel=0, entries=0))
        else:
            self._loop.tell(control.Tier(kernel=1, entries=len(tier)))

    def _follow(self, message: control.Message, fds: list[int]) -> None:
        if isinstance(message, control.Put):
            self._loop.put(message.row)
        elif isinstance(message, control.Remove):
            self._loop.remove(message.port)
        elif isinstance(message, control.Ask):
            self._loop.ask(message.port, message.token)
        elif isinstance(message, control.Clear):
            self._loop.clear()
        elif isinstance(message, control.Monitor):
            self._loop.monitor = bool(message.on)
        elif isinstance(message, control.Identity):
            from rtp.dtls import Identity

            self._loop.identity = Identity(message.key, message.certificate)
        elif isinstance(message, control.Attach):
            self._attach([fds.pop(0) for _ in range(min(len(fds), MAPS))])
        elif message.code in orders.DOWN:
            if self._descriptors is None:
                from rtp.descriptors import Descriptors

                self._descriptors = Descriptors()
            self._descriptors.follow(message, self._loop.need_rooms(), fds)

    def write(self) -> None:
        """Write events; what the parent has no room for waits, bounded, for a later turn."""
        if self._loop.events and len(self.waiting) < READS:
            self.waiting.extend(control.encode(self._loop.events))
            self._loop.events.clear()
        try:
            while self.waiting:
                self._link.send(self.waiting[0])
                self.waiting.popleft()
        except BlockingIOError:
            return
        except ConnectionError:
            self.open = False


def serve(link: socket.socket, hosts: str, first: int, last: int) -> None:
    """Be the media process until `link` closes; tells its pool of ports first.

    `hosts` is an address, or one of each IP version with a comma between them: a port then is ours on both.
    Ends with exit status WRONG_ADDRESS when one is no address of this machine.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the whole group: calls have to be ended first
    both = hosts.split(",")
    _prepare((last - first + 1) * len(both) + _SPARE)
    try:
        pairs, *others = [bind_pairs(host, first, last) for host in both]
    except OSError:
        sys.exit(WRONG_ADDRESS)
    for other in others:
        common(pairs, other)
    loop = Loop(pairs, disconnect, rest=REST, others=others[0] if others else None)
    parent = Parent(link, loop)
    ports = loop.ports
    for start in range(0, max(1, len(ports)), control.PORTS):
        chunk = ports[start : start + control.PORTS]
        loop.tell(control.Ready(chunk, final=start + len(chunk) >= len(ports)))
    gc.freeze()
    parent.write()
    while parent.open:
        loop.turn(RETRY if parent.waiting else -1.0)
        parent.write()


def _prepare(descriptors: int) -> None:
    """Ask for descriptors and for priority over work that can wait; do without where it is not allowed."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        descriptors = min(descriptors, hard)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except OSError:
        return


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
