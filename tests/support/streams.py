"""Many RTP talkers in one loop: who received whose packets, how many, how late.

Each packet carries in its 160 bytes of sound the number of its stream and the moment it was sent
(CLOCK_MONOTONIC, the same for all processes of a machine), so a relay may rewrite the RTP header as it likes.
Sound is PCMU, 20 ms a packet.
"""

import resource
import select
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field

INTERVAL = 0.02
SO_TIMESTAMPNS = 35
"""Socket option missing in Python's module: the kernel notes when a packet arrived."""
_RTP = struct.Struct("!BBHII")
_MARK = struct.Struct("!4sIIQ")  # magic, stream, number of the packet, nanoseconds
_MAGIC = b"blst"
_FILL = bytes(160 - _MARK.size)


@dataclass
class Stream:
    """One talker: its socket, whom it sends to (None: it only listens), what it sent and received.

    `left`: packets it may still send. `received`: the numbers of the packets, by the stream they came from.
    """

    number: int
    socket: socket.socket
    remote: tuple[str, int] | None = None
    left: int = 1 << 40
    sent: int = 0
    refused: int = 0
    received: dict[int, set[int]] = field(default_factory=dict)
    doubled: int = 0
    odd: int = 0
    last_at: float = 0.0

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.socket.getsockname()[1])


class Streams:
    """Talkers that run together in a thread.

    A context manager: leaving it ends the thread and closes the sockets.
    """

    def __init__(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.streams: list[Stream] = []
        self.delays: list[float] = []
        self.silent = False
        self._poll = select.epoll()
        self._by_descriptor: dict[int, Stream] = {}
        self._due: deque[tuple[float, Stream]] = deque()  # nearly sorted: all wait the same 20 ms
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Streams":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for stream in self.streams:
            stream.socket.close()
        self._poll.close()

    def add(self, address: str, port: int = 0, remote: tuple[str, int] | None = None) -> Stream:
        """Bind one more talker; its number is its index."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.bind((address, port))
        stream = Stream(len(self.streams), sock)
        self.streams.append(stream)
        self._by_descriptor[sock.fileno()] = stream
        self._poll.register(sock, select.EPOLLIN)
        if remote:
            self.aim(stream, remote)
        return stream

    def aim(self, stream: Stream, remote: tuple[str, int] | None, left: int | None = None) -> None:
        """Send the stream there from now on (None: nowhere), at most `left` packets."""
        fresh = stream.remote is None and remote is not None
        stream.remote = remote
        if left is not None:
            stream.left = left
        if fresh:
            self._due.append((time.monotonic() + INTERVAL * (stream.number * 7 % 20) / 20, stream))

    def start(self) -> None:
        """Begin to talk."""
        self._halt.clear()
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fall silent and stop listening; what was received stays."""
        self._halt.set()
        if self._thread:
            self._thread.join(5)
            self._thread = None

    def talk(self, seconds: float, drain: float = 0.3) -> None:
        """Talk for so long, then listen for `drain` seconds more."""
        self.silent = False
        self.start()
        time.sleep(seconds)
        self.silent = True
        time.sleep(drain)
        self.stop()

    def marks(self) -> list[int]:
        """Return how many packets each stream has sent so far, for `lost_since`."""
        return [stream.sent for stream in self.streams]

    def lost_since(self, marks: list[int]) -> tuple[int, int]:
        """Return how many packets sent since then nobody received, and how many were sent."""
        heard = {number: seen for stream in self.streams for number, seen in stream.received.items()}
        lost = sent = 0
        for stream, first in zip(self.streams, marks, strict=True):
            wanted = range(first, stream.sent)
            sent += len(wanted)
            lost += len(set(wanted) - heard.get(stream.number, set()))
        return lost, sent

    def _run(self) -> None:
        while not self._halt.is_set():
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, stream = self._due.popleft()
                if stream.remote is not None and stream.left > 0:
                    if not self.silent:
                        self._send(stream, stream.remote)
                    self._due.append((max(due + INTERVAL, now - 0.5), stream))
            wait = self._due[0][0] - now if self._due else 0.01
            for descriptor, _ in self._poll.poll(max(0.001, min(0.01, wait))):
                self._receive(self._by_descriptor[descriptor])

    def _send(self, stream: Stream, remote: tuple[str, int]) -> None:
        n = stream.sent
        header = _RTP.pack(0x80, 0, n & 0xFFFF, (n * 160) & 0xFFFFFFFF, 0x5EED0000 + stream.number)
        mark = _MARK.pack(_MAGIC, stream.number, n, time.monotonic_ns())
        try:
            stream.socket.sendto(header + mark + _FILL, remote)
            stream.sent += 1
            stream.left -= 1
        except OSError:
            stream.refused += 1

    def _receive(self, stream: Stream) -> None:
        try:
            data = stream.socket.recv(2048)
        except OSError:
            return
        now = time.monotonic_ns()
        stream.last_at = now / 1e9
        if len(data) != 172 or data[12:16] != _MAGIC:
            stream.odd += 1
            return
        _, number, packet, at = _MARK.unpack_from(data, 12)
        seen = stream.received.setdefault(number, set())
        if packet in seen:
            stream.doubled += 1
        seen.add(packet)
        self.delays.append((now - at) / 1e9)


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values do not exceed; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
