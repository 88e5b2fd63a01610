"""What relaying a packet costs, tier by tier, beside rtpengine and a bare asyncio relay, over veth.

`python -m tests.bench.rtp [calls ...]`, default 50 200 1000. A far end in a network of its own sends two
streams of 50 packets/s a call from one core, open loop; the relay has the other.

What it costs: the CPU time of the relay's processes. The kernel tier works in the sender's time and in that
of the kernel's own threads, so these count too there, less what the same packets cost when they are sent
straight across: some of the load's own work is on the kernel tier's account, none of its on the load's.
The last lines, "beside work", have a process on the relay's core that never rests. "srtp-cm" and "srtp-gcm"
are the portable tier that decrypts and encrypts every packet, up to 200 calls: the load reaches no further.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from firmware.egress.attachment import attach, detach
from firmware.egress.guard import loaded
from firmware.media.worker import fork_early
from rtp import control
from rtp.kernel.program import MAPS
from rtp.keys import AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80
from rtp.plan import EXACT, SENDRECV, Row
from tests.bench.machine import machine
from tests.bench.secret_load import SecretLoad, keys
from tests.bench.stream_load import Heard, Load, far_end
from tests.support import namespace

BOX, FAR = "10.99.0.1", "10.99.0.2"
LEFT, RIGHT = 4000, 4002
FIRST = 20000
SECONDS = 5.0
SETTLE = 1.0
CALLS = (50, 200, 1000)
BUSY_CALLS = 200
SECRET = 200  # calls with SRTP at most
Relay = Callable[[int], contextlib.AbstractContextManager[tuple[int, list[int]]]]


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


async def _serve_bare(calls: int) -> None:
    loop = asyncio.get_running_loop()
    for port in range(FIRST, FIRST + 4 * calls, 4):
        one, other = _Bare((FAR, RIGHT)), _Bare((FAR, LEFT))
        other.partner, _ = await loop.create_datagram_endpoint(partial(_same, one), local_addr=(BOX, port))
        one.partner, _ = await loop.create_datagram_endpoint(
            partial(_same, other), local_addr=(BOX, port + 2)
        )
    await asyncio.Event().wait()


@contextlib.contextmanager
def bare(calls: int) -> Iterator[tuple[int, list[int]]]:
    """Have the reference relay."""
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setaffinity(0, {0})
            asyncio.new_event_loop().run_until_complete(_serve_bare(calls))
        finally:
            os._exit(1)
    time.sleep(SETTLE + calls / 1000)
    try:
        yield pid, _ports(calls)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _ports(calls: int) -> list[int]:
    return [FIRST + 2 * number for number in range(2 * calls)]


@contextlib.contextmanager
def portable(
    calls: int, descriptors: tuple[int, ...] = (), srtp: bytes = b""
) -> Iterator[tuple[int, list[int]]]:
    """Have our media process; with descriptors of the maps the kernel does the work, with keys it is SRTP."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    worker = fork_early(BOX, FIRST, FIRST + 4 * calls - 1)
    os.sched_setaffinity(0, before)
    rows = [
        Row(
            port,
            partner=port + 2 - number % 2 * 4,
            host=socket.inet_aton(FAR),
            rtp=(LEFT, RIGHT)[number % 2],
            rtcp=(LEFT, RIGHT)[number % 2] + 1,
            learning=EXACT,
            direction=SENDRECV,
            srtp=srtp,
        )
        for number, port in enumerate(_ports(calls))
    ]
    for datagram in control.encode(control.Put(row) for row in rows):
        while not worker.send(datagram):
            time.sleep(0.01)
    if descriptors:
        [datagram] = control.encode([control.Attach()])
        while not worker.send(datagram, descriptors):
            time.sleep(0.01)
    time.sleep(SETTLE + calls / 1000)
    try:
        yield worker.pid, _ports(calls)
    finally:
        worker.close()
        for _ in range(500):
            if worker.gone():
                break
            time.sleep(0.01)
        worker.kill()


@contextlib.contextmanager
def kernel(calls: int) -> Iterator[tuple[int, list[int]]]:
    """Have our media process with the kernel before it."""
    with loaded() as (program, maps):
        attach("box0", program)
        try:
            with portable(calls, tuple(maps[name].fd for name in MAPS)) as found:
                yield found
        finally:
            detach("box0")


def secret(suite: int, calls: int) -> contextlib.AbstractContextManager[tuple[int, list[int]]]:
    """Have our media process be the end of SRTP on both sides of each call."""
    return portable(calls, srtp=bytes(keys(suite)))


@contextlib.contextmanager
def rtpengine(calls: int) -> Iterator[tuple[int, list[int]]]:
    """Have Debian's rtpengine, without its kernel module, told of each call over its ng protocol."""
    words = ["rtpengine", "--foreground", "--table=-1", f"--interface={BOX}", "--listen-ng=127.0.0.1:2223"]
    words += ["--port-min=20000", "--port-max=40000", "--log-level=2", "--log-stderr", "--num-threads=2"]
    running = subprocess.Popen(["taskset", "-c", "0", *words], stderr=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
            ask.settimeout(5)
            ask.connect(("127.0.0.1", 2223))
            ports = []
            for number in range(calls):
                # what the left far end is told is the port that faces it, and comes with the answer
                towards_right = _ng(ask, number, b"offer", LEFT)
                towards_left = _ng(ask, number, b"answer", RIGHT)
                ports += [towards_left, towards_right]
        yield running.pid, ports
    finally:
        running.terminate()
        running.wait(20)


def _ng(ask: socket.socket, number: int, command: bytes, port: int) -> int:
    sdp = b"v=0\r\no=- 1 1 IN IP4 %b\r\ns=-\r\nc=IN IP4 %b\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n"
    fields = {
        b"call-id": b"%d" % number, b"command": command, b"from-tag": b"a",
        b"sdp": sdp % (FAR.encode(), FAR.encode(), port),
    }  # fmt: skip
    if command == b"answer":
        fields[b"to-tag"] = b"b"
    body = b"".join(b"%d:%b%d:%b" % (len(k), k, len(v), v) for k, v in sorted(fields.items()))
    ask.send(b"%d-%b d%be" % (number, command, body))
    answer = ask.recv(4096)
    return int(answer.partition(b"m=audio ")[2].split()[0])


SUITES = {"srtp-cm": AES_CM_128_HMAC_SHA1_80, "srtp-gcm": AEAD_AES_128_GCM}
RELAYS: dict[str, Relay] = {
    "kernel": kernel,
    "portable": portable,
    "rtpengine": rtpengine,
    "asyncio": bare,
    **{name: partial(secret, suite) for name, suite in SUITES.items()},
}


def _spent(*pids: int) -> float:
    """Return the seconds that processes, all their threads, have been on a CPU."""
    files = [one for pid in pids for one in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(one.read_text().split()[0]) for one in files) / 1e9


def _kernel_threads() -> list[int]:
    """Return the threads that work off what interrupts left."""
    names = ((one.parent.name, one) for one in Path("/proc").glob("[0-9]*/comm"))
    return [int(pid) for pid, one in names if one.read_text().startswith("ksoftirqd")]


@dataclass
class Run:
    """What came back, and seconds of CPU: of the sender with the kernel's threads, and of the relay."""

    heard: Heard
    sender: float
    relay: float


def _measure(load: Load, pid: int = 0) -> Run:
    load.run(1.0)  # sources are learned, neighbours known
    mine, its = [os.getpid(), *_kernel_threads()], [pid] if pid else []
    sender, relay = _spent(*mine), _spent(*its)
    heard = load.run(SECONDS)
    return Run(heard, _spent(*mine) - sender, _spent(*its) - relay)


@contextlib.contextmanager
def _networks() -> Iterator[str]:
    """Be in the box's network, joined to the far end's, whose name is given."""
    name = f"bl-bench-{os.getpid()}"
    with namespace.network():
        namespace.run("ip", "netns", "add", name)
        try:
            namespace.run("ip", "link", "add", "box0", "type", "veth", "peer", "name", "far0", "netns", name)
            for inside, link, host in (((), "box0", BOX), (("-n", name), "far0", FAR)):
                namespace.run("ip", *inside, "addr", "add", f"{host}/24", "dev", link)
                namespace.run("ip", *inside, "link", "set", link, "up")
            yield name
        finally:
            namespace.run("ip", "netns", "del", name)


def _far_ends(name: str, *ports: int) -> list[socket.socket]:
    with namespace.entered(name):
        return [far_end(FAR, port) for port in ports]


@contextlib.contextmanager
def _work() -> Iterator[None]:
    """Have a process on the relay's core that never rests."""
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {0})
        while True:
            pass
    try:
        yield
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _table(calls: int, name: str, wanted: list[str], *, work: bool = False) -> Iterator[str]:
    sockets = [*_far_ends(name, LEFT), far_end(BOX, RIGHT)]
    straight = _measure(Load(sockets, [[(BOX, RIGHT)] * calls, [(FAR, LEFT)] * calls]))
    for one in sockets:
        one.close()
    for relay in wanted:
        sockets = _far_ends(name, LEFT, RIGHT)
        with _work() if work else contextlib.nullcontext(), RELAYS[relay](calls) as (pid, ports):
            ends = [[(BOX, port) for port in ports[side::2]] for side in (0, 1)]
            suite = SUITES.get(relay)
            load = Load(sockets, ends) if suite is None else SecretLoad(sockets, ends, suite)
            found = _measure(load, pid)
        for one in sockets:
            one.close()
        heard, before = found.heard, straight.heard
        cost = found.relay + (max(0.0, found.sender - straight.sender) if relay == "kernel" else 0.0)
        yield (
            f"rtp {relay:9} {calls:5} calls{' beside work' if work else ''}  "
            f"{cost / max(1, heard.received) * 1e6:6.2f} us/packet  "
            f"{cost / SECONDS * 100:5.1f} % of a core  lost {heard.lost / heard.sent * 100:7.3f} %  "
            f"odd {heard.odd} doubled {heard.doubled}  added p50 {heard.delay(0.5) - before.delay(0.5):7.3f} "
            f"p99 {heard.delay(0.99) - before.delay(0.99):8.3f} ms  ({machine()})"
        )


def run(calls: tuple[int, ...] = CALLS) -> list[str]:
    """Measure and return the table, one line per relay and number of calls."""
    if missing := namespace.missing():
        return [f"rtp: nothing measured: {missing}"]
    wanted = [name for name in RELAYS if name != "rtpengine" or shutil.which("rtpengine")]
    plain = [name for name in wanted if name not in SUITES]
    lines = (
        [] if "rtpengine" in wanted else ["rtp: no rtpengine here (Debian's rtpengine-daemon): not compared"]
    )
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        with _networks() as name:
            for count in calls:
                lines += _table(count, name, wanted if count <= SECRET else plain)
            lines += _table(BUSY_CALLS, name, plain, work=True)
    finally:
        os.sched_setaffinity(0, before)
    return lines


if __name__ == "__main__":
    for line in run(tuple(map(int, sys.argv[1:])) or CALLS):
        print(line)
