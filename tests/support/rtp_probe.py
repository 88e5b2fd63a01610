"""Our own RTP probe: numbered, timestamped G.711 packets from one socket to another, by whatever path.

A `Stream` sends from `source` to `target` and expects its packets at `sink`. The load is open loop:
departures are fixed by the clock, never by what came back. A packet carries the time of its departure, the
kernel notes the time of its arrival (SO_TIMESTAMPNS), so neither end's wake-ups are measured. No threads:
`await run(...)` beside other work, `await load(...)` in a process of its own for many streams.

    one, other = open_socket(), open_socket()
    box = [Stream(one, ("127.0.0.1", 20000), other), Stream(other, ("127.0.0.1", 20002), one)]
    bare = direct()                            # the same without a box
    await run(box, 5)                          # gives a list of Result, one per stream
    await run(bare, 5)
    print(total(box).p50 - total(bare).p50, "ms added")
"""

import asyncio
import json
import os
import signal
import socket
import struct
import time
from dataclasses import dataclass, field
from itertools import count

INTERVAL = 0.02  # seconds of a packet
SAMPLES = 160
GRACE = 0.5  # seconds to wait for the last packets
RECEIVE_BUFFER = 1 << 20

_TIMESTAMPS = 35  # SO_TIMESTAMPNS, SCM_TIMESTAMPNS: missing in Python's socket module
_MAGIC = b"RTPprobe"
_BODY = struct.Struct("!8sIIQ")  # magic, stream, number, nanoseconds at departure
_HEADER = struct.Struct("!BBHII")
_STAMP = struct.Struct("@qq")
_FILL = b"\xff" * (SAMPLES - _BODY.size)  # mu-law silence
_LOOK = 0.005  # seconds between two looks at the sinks
_ids = count(1)


def open_socket(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Return a socket fit for a probe, bound; the caller closes it."""
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    one.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
    one.bind((host, port))
    return one


@dataclass
class Stream:
    """One direction of one call, and what was seen of it."""

    source: socket.socket
    target: tuple[str, int]
    sink: socket.socket
    id: int = field(default_factory=lambda: next(_ids))
    sent: int = 0
    unsent: int = 0
    received: int = 0
    duplicates: int = 0
    reordered: int = 0
    delays: list[int] = field(default_factory=list)  # nanoseconds
    seen: set[int] = field(default_factory=set)
    newest: int = -1


@dataclass(frozen=True)
class Result:
    """What became of the packets of one stream, or of many; delays in milliseconds, one way."""

    sent: int
    received: int
    lost: int
    duplicates: int
    reordered: int
    foreign: int
    p50: float
    p99: float
    worst: float


class Probe:
    """Some streams for some seconds, driven by `step`."""

    def __init__(self, streams: list[Stream], seconds: float, interval: float = INTERVAL) -> None:
        self.streams = streams
        self.foreign = 0
        self._by_id = {stream.id: stream for stream in streams}
        self._sinks = list({stream.sink.fileno(): stream.sink for stream in streams}.values())
        self._packets = max(1, round(seconds / interval))
        self._spacing = interval / max(1, len(streams))
        self._begin = 0.0
        self._departed = 0
        self._looked = 0.0

    def step(self, now: float) -> float | None:
        """Send what is due, take what has come; return the next deadline, None at the end."""
        self._begin = self._begin or now
        all_of_them = self._packets * len(self.streams)
        while self._departed < all_of_them and now >= self._begin + self._departed * self._spacing:
            number, stream = divmod(self._departed, len(self.streams))
            self._send(self.streams[stream], number)
            self._departed += 1
        if now >= self._looked + _LOOK:
            self._looked = now
            self._receive()
        if self._departed < all_of_them:
            return self._begin + self._departed * self._spacing
        ended = self._begin + all_of_them * self._spacing + GRACE
        complete = all(stream.received >= stream.sent for stream in self.streams)
        return None if complete or now >= ended else now + _LOOK

    def results(self) -> list[Result]:
        """Return one Result per stream."""
        return [total([stream], self.foreign) for stream in self.streams]

    def _send(self, stream: Stream, number: int) -> None:
        header = _HEADER.pack(0x80, 0, number & 0xFFFF, number * SAMPLES & 0xFFFFFFFF, stream.id)
        stream.sent += 1
        try:
            body = _BODY.pack(_MAGIC, stream.id, number, time.time_ns())
            stream.source.sendto(header + body + _FILL, stream.target)
        except OSError:
            stream.unsent += 1

    def _receive(self) -> None:
        for sink in self._sinks:
            while True:
                try:
                    data, ancillary, _, _ = sink.recvmsg(2048, 64)
                except BlockingIOError:
                    break
                except OSError:
                    continue
                self._take(data, ancillary)

    def _take(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        stream = None
        if len(data) >= _HEADER.size + _BODY.size:
            magic, identity, number, departed = _BODY.unpack_from(data, _HEADER.size)
            stream = self._by_id.get(identity) if magic == _MAGIC else None
        if stream is None:
            self.foreign += 1
            return
        if number in stream.seen:
            stream.duplicates += 1
            return
        stream.seen.add(number)
        stream.received += 1
        stream.reordered += number < stream.newest
        stream.newest = max(number, stream.newest)
        for _, kind, stamp in ancillary:
            if kind == _TIMESTAMPS:
                seconds, nanoseconds = _STAMP.unpack(stamp[: _STAMP.size])
                stream.delays.append(seconds * 10**9 + nanoseconds - departed)


def total(streams: list[Stream], foreign: int = 0) -> Result:
    """Return what became of all packets of some streams."""
    delays = sorted(delay for stream in streams for delay in stream.delays)
    sent, received = sum(stream.sent for stream in streams), sum(stream.received for stream in streams)

    def quantile(share: float) -> float:
        return delays[min(len(delays) - 1, int(share * len(delays)))] / 1e6 if delays else float("nan")

    return Result(
        sent=sent,
        received=received,
        lost=sent - received,
        duplicates=sum(stream.duplicates for stream in streams),
        reordered=sum(stream.reordered for stream in streams),
        foreign=foreign,
        p50=quantile(0.5),
        p99=quantile(0.99),
        worst=quantile(1.0),
    )


def direct(pairs: int = 1, host: str = "127.0.0.1") -> list[Stream]:
    """Return streams without anything between, both ways of each pair; close them with `close`."""
    streams = []
    for _ in range(pairs):
        one, other = open_socket(host), open_socket(host)
        streams += [Stream(one, other.getsockname()[:2], other), Stream(other, one.getsockname()[:2], one)]
    return streams


def close(streams: list[Stream]) -> None:
    """Close the sockets of streams."""
    for stream in streams:
        stream.source.close()
        stream.sink.close()


async def run(streams: list[Stream], seconds: float) -> list[Result]:
    """Send and measure beside whatever else the event loop does; one Result per stream."""
    probe = Probe(streams, seconds)
    loop = asyncio.get_running_loop()
    deadline = probe.step(time.monotonic())
    while deadline is not None:
        due = loop.create_future()
        loop.call_later(max(0.0, deadline - time.monotonic()), due.set_result, None)
        await due
        deadline = probe.step(time.monotonic())
    return probe.results()


async def load(streams: list[Stream], seconds: float) -> Result:
    """Send and measure in a process of its own, paced to some microseconds; one Result for all streams."""
    pid, reader = _fork(streams, seconds)
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_reader(reader, _once, loop, reader, done)
    try:
        await done
        return Result(**json.loads(os.read(reader, 65536)))
    finally:
        loop.remove_reader(reader)
        os.close(reader)
        end(pid)


def _once(loop: asyncio.AbstractEventLoop, reader: int, done: asyncio.Future[None]) -> None:
    loop.remove_reader(reader)
    done.set_result(None)


def _fork(streams: list[Stream], seconds: float) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        os.write(writer, json.dumps(vars(_measure(streams, seconds))).encode())
    finally:
        os._exit(0)


def end(pid: int) -> None:
    """End a process that was forked here, and wait for it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _measure(streams: list[Stream], seconds: float) -> Result:
    probe = Probe(streams, seconds)
    while (deadline := probe.step(time.monotonic())) is not None:
        time.sleep(max(0.0, deadline - time.monotonic()))
    return total(probe.streams, probe.foreign)
