"""Very many RTP talkers behind two sockets: the sound of a load that must cost less than what it loads.

`Streams` gives each talker a socket and knows every packet by name; here all talkers of one address share a
socket, packets leave and arrive in batches (sendmmsg, recvmmsg), and only their number is known. Sound is
PCMU, 20 ms a packet. Nothing runs by itself: call `turn` every millisecond or two.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
from collections import deque
from typing import Self

INTERVAL = 0.02
BATCH = 128
_SIZE = 172
_DONTWAIT = 0x40
_HEAD = struct.Struct("!BBHII")
_MOVING = struct.Struct("!HI")  # sequence number and time stamp, at offset 2


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vector", ctypes.c_void_p),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("_pad", ctypes.c_int),
        ("length", ctypes.c_uint),
    )


_libc = ctypes.CDLL(None, use_errno=True)


class _Batch:
    """Headers for BATCH datagrams in one call of the kernel."""

    def __init__(self) -> None:
        self.messages = (_Message * BATCH)()
        self.vectors = (_Iovec * BATCH)()
        for at in range(BATCH):
            self.vectors[at].length = _SIZE
            self.messages[at].vector = ctypes.addressof(self.vectors[at])
            self.messages[at].vectors = 1


class Voice:
    """One talker: `port` is where it listens, shared with others."""

    __slots__ = ("data", "left", "number", "place", "port", "remote", "socket", "stamp")

    def __init__(self, number: int, sock: socket.socket, port: int) -> None:
        self.number = number
        self.socket = sock
        self.port = port
        self.remote: tuple[str, int] | None = None
        self.left = 0
        self.stamp = 0
        self.data = ctypes.create_string_buffer(
            _HEAD.pack(0x80, 0, 0, 0, 0x5EED0000 + number & 0xFFFFFFFF) + bytes(160), _SIZE
        )
        self.place = ctypes.create_string_buffer(16)


class Voices:
    """All talkers of a load. A context manager."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self._made = 0
        self._sockets: dict[str, socket.socket] = {}
        self._due: deque[tuple[float, Voice]] = deque()
        self._out = _Batch()
        self._in = _Batch()
        self._room = ctypes.create_string_buffer(BATCH * _SIZE)
        for at in range(BATCH):
            self._in.vectors[at].base = ctypes.addressof(self._room) + at * _SIZE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets.values():
            sock.close()

    def add(self, address: str) -> Voice:
        """Give an address one more talker."""
        sock = self._sockets.get(address)
        if sock is None:
            sock = self._sockets[address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.bind((address, 0))
        self._made += 1
        return Voice(self._made, sock, int(sock.getsockname()[1]))

    def aim(self, voice: Voice, remote: tuple[str, int] | None, left: int | None = None) -> None:
        """Let a talker speak to an address from now on (None: be silent), at most `left` packets."""
        fresh = voice.remote is None and remote is not None
        voice.remote = remote
        voice.left = 1 << 40 if left is None else left
        if remote is not None:
            packed = struct.pack("=H", socket.AF_INET) + struct.pack("!H", remote[1])
            voice.place.raw = packed + socket.inet_aton(remote[0]) + bytes(8)
        if fresh:
            self._due.append((time.monotonic(), voice))

    def turn(self) -> None:
        """Send what is due, take what has come."""
        now = time.monotonic()
        ready: dict[socket.socket, list[Voice]] = {}
        due = self._due
        while due and due[0][0] <= now:
            at, voice = due.popleft()
            if voice.remote is None or voice.left <= 0:
                voice.remote = None
                continue
            voice.left -= 1
            voice.stamp += 1
            _MOVING.pack_into(voice.data, 2, voice.stamp & 0xFFFF, voice.stamp * 160 & 0xFFFFFFFF)
            ready.setdefault(voice.socket, []).append(voice)
            due.append((max(at + INTERVAL, now - 0.1), voice))
        for sock, voices in ready.items():
            for start in range(0, len(voices), BATCH):
                self._send(sock, voices[start : start + BATCH])
        for sock in self._sockets.values():
            self._receive(sock)

    def _send(self, sock: socket.socket, voices: list[Voice]) -> None:
        for at, voice in enumerate(voices):
            self._out.vectors[at].base = ctypes.addressof(voice.data)
            message = self._out.messages[at]
            message.name = ctypes.addressof(voice.place)
            message.name_length = 16
        at = 0
        while at < len(voices):
            first = ctypes.byref(self._out.messages, at * ctypes.sizeof(_Message))
            done = _libc.sendmmsg(sock.fileno(), first, len(voices) - at, 0)
            if done < 0:  # what an earlier packet met is told to the next: that one is not sent
                if ctypes.get_errno() not in {111, 113}:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                continue
            self.sent += done
            at += done

    def _receive(self, sock: socket.socket) -> None:
        while True:
            got = _libc.recvmmsg(sock.fileno(), self._in.messages, BATCH, _DONTWAIT, None)
            if got <= 0:
                return
            self.received += got
            if got < BATCH:
                return
