"""Packets for a relay: thousands of RTP streams from two sockets, every packet checked.

Left and right are two sockets of one far-end host; stream n goes from left to the box's port for n and comes
out of its partner's port at right, and the other way round. Open loop: what is due is sent, whatever comes
back. Each packet carries its number, its stream and when it was sent, so a relay may rewrite the header.
"""

import ctypes
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 172  # octets of RTP with 20 ms of G.711
PERIOD = 0.02
SLICES = 80  # of a period: a batch every quarter of a millisecond
BATCH = 256
BUFFER = 8 << 20
_MAGIC = 0x626C6C64
_SEND_ROOM, _RECEIVE_ROOM = 32, 33  # SO_SNDBUFFORCE, SO_RCVBUFFORCE (socket(7))
_libc = ctypes.CDLL(None, use_errno=True)
Octets = npt.NDArray[np.uint8]
PACKET = np.dtype(
    [
        ("first", ">u2"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4"),
        ("magic", ">u4"), ("stream", ">u4"), ("number", ">u4"), ("sent", ">u8"), ("fill", "V140"),
    ]
)  # fmt: skip


class _Slot(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("slots", ctypes.c_void_p),
        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("gap", ctypes.c_int), ("length", ctypes.c_uint),
    ]  # fmt: skip


@dataclass
class Heard:
    """What came back: packets, delays in seconds, and what is not as it should be."""

    sent: int = 0
    received: int = 0
    odd: int = 0
    doubled: int = 0
    delays: list[npt.NDArray[np.float64]] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Packets that did not come back."""
        return self.sent - self.received

    def delay(self, share: float) -> float:
        """Return a percentile of the delays, in milliseconds."""
        return float(np.percentile(np.concatenate(self.delays), share * 100) * 1000) if self.delays else 0.0


class Batch:
    """Room for many datagrams, as sendmmsg and recvmmsg want it."""

    def __init__(self, count: int, targets: list[tuple[str, int]] | None = None) -> None:
        self.data = np.zeros(count, PACKET)
        self._names = ctypes.create_string_buffer(16 * count)
        self._slots = (_Slot * count)()
        self._headers = (_Header * count)()
        base, names = self.data.ctypes.data, ctypes.addressof(self._names)
        for at in range(count):
            if targets:
                host, port = targets[at]
                packed = (
                    struct.pack("=H", socket.AF_INET) + port.to_bytes(2) + socket.inet_aton(host) + bytes(8)
                )
                ctypes.memmove(names + 16 * at, packed, 16)
            self._slots[at] = _Slot(base + at * SIZE, SIZE)
            slot = ctypes.addressof(self._slots) + at * ctypes.sizeof(_Slot)
            self._headers[at] = _Header(names + 16 * at if targets else None, 16 if targets else 0, slot, 1)
        self.count = count
        self.targets = targets or []

    def _call(self, name: str, one: socket.socket, first: int, *more: Any) -> int:
        headers = ctypes.byref(self._headers, first * ctypes.sizeof(_Header))
        return int(
            getattr(_libc, name)(one.fileno(), headers, self.count - first, socket.MSG_DONTWAIT, *more)
        )

    def send(self, one: socket.socket) -> int:
        """Send all; how many the kernel took."""
        done = 0
        while done < self.count:
            taken = self._call("sendmmsg", one, done)
            if taken <= 0:
                break
            done += taken
        return done

    def receive(self, one: socket.socket) -> int:
        """Take what is there; how many."""
        return max(0, self._call("recvmmsg", one, 0, None))


class Load:
    """The load on two sockets; `ends` are where each stream of the left, and of the right socket goes."""

    def __init__(self, sockets: list[socket.socket], ends: list[list[tuple[str, int]]]) -> None:
        self.sockets = sockets
        self._ends = ends
        self._batches: list[list[tuple[int, Batch]]] = [[] for _ in range(SLICES)]
        for side in (0, 1):
            for at in range(SLICES):
                mine = list(range(at, len(self._ends[side]), SLICES))
                if mine:
                    batch = Batch(len(mine), [self._ends[side][n] for n in mine])
                    batch.data["first"], batch.data["magic"] = 0x8000, _MAGIC
                    batch.data["stream"] = np.array(mine) * 2 + side
                    batch.data["ssrc"] = batch.data["stream"] + 1
                    self._batches[at].append((side, batch))
        self._inbox = Batch(BATCH)
        self._number = 0

    def run(self, seconds: float) -> Heard:
        """Talk for so long, listen for a little more."""
        heard = Heard()
        periods = round(seconds / PERIOD)
        first = self._number
        seen = np.zeros((len(self._ends[0]) * 2, periods), np.uint8)
        start = time.monotonic()
        for turn in range(periods * SLICES):
            due = start + turn * PERIOD / SLICES
            while (left := due - time.monotonic()) > 0:
                ready, _, _ = select.select(self.sockets, [], [], left)
                for one in ready:
                    self._take(one, heard, seen, first)
            if turn and turn % SLICES == 0:
                self._number += 1
            for side, batch in self._batches[turn % SLICES]:
                batch.data["number"], batch.data["sequence"] = self._number, self._number & 0xFFFF
                batch.data["timestamp"] = self._number * 160 & 0xFFFFFFFF
                batch.data["sent"] = time.monotonic_ns()
                heard.sent += self.send(batch, self.sockets[side])
            for one in self.sockets:
                self._take(one, heard, seen, first)
        self._number += 1
        until = time.monotonic() + 0.5
        while (left := until - time.monotonic()) > 0:
            for one in select.select(self.sockets, [], [], left)[0]:
                self._take(one, heard, seen, first)
        heard.doubled = int((seen > 1).sum())
        heard.received = int((seen > 0).sum())
        return heard

    def send(self, batch: Batch, one: socket.socket) -> int:
        """Send a batch; how many the kernel took."""
        return batch.send(one)

    def receive(self, one: socket.socket) -> npt.NDArray[np.void]:
        """Take at most BATCH packets."""
        return self._inbox.data[: self._inbox.receive(one)]

    def _take(self, one: socket.socket, heard: Heard, seen: Octets, first: int) -> None:
        while count := len(got := self.receive(one)):
            now = time.monotonic_ns()
            stream, number = got["stream"].astype(np.int64), got["number"].astype(np.int64) - first
            wanted = 1 - self.sockets.index(one)  # left hears what right sent
            good = (got["magic"] == _MAGIC) & (stream % 2 == wanted) & (stream < len(seen))
            good &= (number >= 0) & (number < seen.shape[1])
            heard.odd += int((~good).sum())
            np.add.at(seen, (stream[good], number[good]), 1)
            heard.delays.append((now - got["sent"][good].astype(np.int64)) / 1e9)
            if count < BATCH:
                return


def far_end(host: str, port: int) -> socket.socket:
    """Return a socket with much room, in the network the caller is in."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, _RECEIVE_ROOM, BUFFER)
    one.setsockopt(socket.SOL_SOCKET, _SEND_ROOM, BUFFER)
    one.bind((host, port))
    one.setblocking(False)
    return one
