"""What relaying a packet costs: the media process beside a bare asyncio relay, on loopback.

`python -m tests.bench.rtp [calls ...]`, default 20 100. Each call is two streams of 50 packets/s; a process
of its own makes the load and measures. Columns: tier, calls, CPU per forwarded packet, share of one core,
loss, delay that the relay adds (median, 99th percentile; the direct path's is taken off), then the machine.
"""

import asyncio
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from firmware.media.worker import Worker, fork_early
from rtp import control
from rtp.plan import ANY, SENDRECV, Row
from tests.support import rtp_probe
from tests.support.rtp_probe import Result, Stream

HOST = "127.0.0.1"
FIRST = 26000
SECONDS = 5.0
Addresses = list[tuple[str, int]]


class _Bare(asyncio.DatagramProtocol):
    """The reference: what a first asyncio relay looks like."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.partner: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.partner is not None:
            self.partner.sendto(data, self.target)


def _same(one: _Bare) -> _Bare:
    return one


async def _serve_bare(targets: Addresses) -> None:
    loop = asyncio.get_running_loop()
    for i in range(0, len(targets), 2):
        one, other = _Bare(targets[i + 1]), _Bare(targets[i])
        at, other_at = (HOST, FIRST + 2 * i), (HOST, FIRST + 2 * i + 2)
        other.partner, _ = await loop.create_datagram_endpoint(partial(_same, one), local_addr=at)
        one.partner, _ = await loop.create_datagram_endpoint(partial(_same, other), local_addr=other_at)
    await asyncio.Event().wait()


@asynccontextmanager
async def _bare(targets: Addresses) -> AsyncIterator[int]:
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.new_event_loop().run_until_complete(_serve_bare(targets))
        finally:
            os._exit(1)
    try:
        yield pid
    finally:
        rtp_probe.end(pid)


@asynccontextmanager
async def _portable(targets: Addresses) -> AsyncIterator[int]:
    worker = fork_early(HOST, FIRST, FIRST + 2 * len(targets) - 1)
    rows = [
        Row(
            FIRST + 2 * i,
            partner=FIRST + 2 * (i ^ 1),
            host=socket.inet_aton(host),
            rtp=port,
            rtcp=port + 1,
            learning=ANY,
            direction=SENDRECV,
        )
        for i, (host, port) in enumerate(targets)
    ]
    for datagram in control.encode(control.Put(row) for row in rows):
        worker.send(datagram)
    try:
        yield worker.pid
    finally:
        worker.close()
        await _gone(worker)


async def _gone(worker: Worker) -> None:
    for _ in range(200):
        if worker.gone():
            return
        await asyncio.sleep(0.01)
    worker.kill()


def _cpu(pid: int) -> float:
    """Return the seconds a process has been on a CPU."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def _measure(tier: str, calls: int, seconds: float) -> tuple[Result, float]:
    """Return what the streams saw, and CPU seconds of the relay."""
    sockets = [rtp_probe.open_socket(HOST) for _ in range(2 * calls)]
    targets: Addresses = [one.getsockname() for one in sockets]
    streams = [
        Stream(one, targets[i ^ 1] if tier == "direct" else (HOST, FIRST + 2 * i), sockets[i ^ 1])
        for i, one in enumerate(sockets)
    ]
    try:
        if tier == "direct":
            return await rtp_probe.load(streams, seconds), 0.0
        async with (_bare if tier == "asyncio" else _portable)(targets) as pid:
            await asyncio.sleep(0.5)
            before = _cpu(pid)
            result = await rtp_probe.load(streams, seconds)
            return result, _cpu(pid) - before
    finally:
        rtp_probe.close(streams)


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    python = platform.python_version()
    return f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}, Python {python}, {commit}"


def run(calls: tuple[int, ...] = (20, 100), seconds: float = SECONDS) -> list[str]:
    """Measure and return the table, one line per tier and number of calls."""
    lines = []
    machine = _machine()
    for count in calls:
        direct, _ = asyncio.run(_measure("direct", count, seconds))
        for tier in ("portable", "asyncio"):
            result, cpu = asyncio.run(_measure(tier, count, seconds))
            lines.append(
                f"rtp {tier:8} {count:4} calls {cpu / max(1, result.received) * 1e6:6.1f} us/packet "
                f"{cpu / seconds * 100:5.1f} % of a core  loss {result.lost / result.sent * 100:.3f} %  "
                f"added p50 {result.p50 - direct.p50:.3f} p99 {result.p99 - direct.p99:.3f} ms  ({machine})"
            )
    return lines


if __name__ == "__main__":
    started = time.monotonic()
    for line in run(tuple(map(int, sys.argv[1:])) or (20, 100)):
        print(line)
    print(f"rtp: {time.monotonic() - started:.0f} s")
