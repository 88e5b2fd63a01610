"""Signalling, seen from outside: how fast a box starts, registers, calls, and what it costs.

The load comes from processes of its own on the same machine; CPU is given per registration and per call at
a fixed rate, which spreads less than a search for the most. Registrations and calls: the box, and the peer it
is compared with if that is installed, on one core, the load on another.
"""

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.compare import compare, on_core
from tests.bench.machine import machine
from tests.bench.message import message_cost
from tests.support.box import Box, command
from tests.support.crowd import Crowd
from tests.support.kamailio import Kamailio, missing
from tests.support.load import Credentials, Login, in_child, outcome
from tests.support.office import Office, cpu_seconds
from tests.support.storm import storm
from tests.support.streams import Streams

NET = 70
STARTS = 5
SETTLE = 3.0
SECONDS = 5.0
REGISTER_RATE = 500
PHONES = 100
CALL_RATES = (25, 50, 100, 200)
HOLD = 1.0
HELD = 100
SITE = {"last_port = 16783": "last_port = 25983", "most = 100": "most = 2000"}


def run() -> list[str]:
    """Measure everything; one line each."""
    lines = [message_cost()]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        with Office(Path(directory, "small"), NET) as office:
            lines += [_start(office), _idle(office)]
            lines.append(_held(office))
        with contextlib.ExitStack() as stack:
            with on_core(0):
                office = stack.enter_context(Office(Path(directory, "large"), NET + 1, SITE))
                peer = None
                if not missing():
                    peer = stack.enter_context(Kamailio(Path(directory), office.address(2)))
            stack.enter_context(on_core(1))
            lines += _registrations(office, peer)
            lines += _calls(office)
        lines += compare(Path(directory))
    return [f"sip {line}  ({machine()})" for line in lines]


def _cpu(office: Office) -> tuple[float, float]:
    """CPU seconds of signalling and of media."""
    signalling, *media = office.processes()
    return cpu_seconds(signalling), sum(map(cpu_seconds, media))


def _pss(office: Office) -> float:
    return sum(office.memory()) / 1024


def _start(office: Office) -> str:
    """Start the box several times on the state it has; the time to the first 200 for a REGISTER."""
    login = office.login("101")
    times = []
    for _ in range(STARTS):
        office.box.stop(signal.SIGINT)
        times.append(_first_registration(office.box, office.address(9), login))
        time.sleep(0.5)
    times.sort()
    office.box.start()
    median, worst = times[len(times) // 2], times[-1]
    return f"start to first 200 for REGISTER: {median:.2f} s median, {worst:.2f} s worst of {STARTS}"


def _first_registration(box: Box, address: str, login: Login) -> float:
    credentials = Credentials(login)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 5060))
        sock.settimeout(0.003)
        began = time.monotonic()
        process = subprocess.Popen(
            [*command(), "run", "--state", str(box.state)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            secret, cseq = "", 0
            while time.monotonic() < began + 20:
                cseq += 1
                sock.sendto(_register(box, address, login.user, cseq, secret), box.udp)
                with contextlib.suppress(TimeoutError):
                    answer = sock.recv(4096)
                    if answer[8:11] == b"200":
                        return time.monotonic() - began
                    if answer[8:11] == b"401":
                        line = credentials.answer(answer, "REGISTER", f"sip:{box.udp[0]}")
                        secret = f"Authorization: {line}\r\n"
            raise AssertionError("no 200 for a REGISTER within 20 s")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _register(box: Box, address: str, user: str, cseq: int, secret: str) -> bytes:
    return (
        f"REGISTER sip:{box.udp[0]} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {address}:5060;branch=z9hG4bKstart{cseq};rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:{user}@{box.udp[0]}>;tag=s\r\nTo: <sip:{user}@{box.udp[0]}>\r\n"
        f"Call-ID: start-{address}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@{address}:5060>\r\n"
        f"{secret}Expires: 600\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _idle(office: Office) -> str:
    storm(office.box.udp, office.address(8), [office.login(number) for number in office.numbers()])
    time.sleep(SETTLE)
    before = _cpu(office)
    time.sleep(SETTLE)
    after = _cpu(office)
    busy = (sum(after) - sum(before)) / SETTLE * 100
    each = " + ".join(f"{kib / 1024:.1f}" for kib in office.memory())
    return f"idle, 10 phones: PSS {_pss(office):.1f} MB ({each}), {busy:.2f} % of a core"


def _held(office: Office) -> str:
    """Hold a hundred calls with sound in both directions."""
    storm(office.box.udp, office.address(11), [office.login("105"), office.login("106")])
    addresses = office.address(10), office.address(11)
    callers = [office.login("101"), office.login("102")]
    with Streams() as streams, Crowd(office.box.udp, addresses, callers, ["105", "106"], streams) as crowd:
        streams.start()
        for _ in range(HELD):
            crowd.begin()
            crowd.turn(0.02)
        crowd.settle(20)
        crowd.wait(1)
        marks, before, began = streams.marks(), _cpu(office), time.monotonic()
        time.sleep(SECONDS)
        after, took = _cpu(office), time.monotonic() - began
        memory = _pss(office)
        streams.silent = True
        crowd.wait(0.3)
        lost, sent = streams.lost_since(marks)
        load = crowd.finish()
    signalling, media = ((b - a) / took * 100 for a, b in zip(before, after, strict=True))
    return (
        f"{load.answered} calls held with sound: PSS {memory:.1f} MB, CPU {signalling:.1f} % signalling, "
        f"{media:.1f} % media of a core, {lost} of {sent} packets "
        f"lost, delay p50 {load.delay_p50_ms:.2f} p99 {load.delay_p99_ms:.2f} ms (through box and load)"
    )


def _registrations(office: Office, peer: Kamailio | None) -> list[str]:
    """Measure the box and, in turns with it, the peer."""
    rows = "number,name\n" + "".join(f"{number},Bench {number}\n" for number in range(200, 200 + PHONES))
    made = office.box.ask("extension.import", csv=rows)
    logins = [Login(str(one["number"]), str(one["secret"])) for one in made]
    lines = []
    for rate in (0, REGISTER_RATE):
        what = f"at {rate}/s" if rate else "as fast as it goes"
        told = _storm(office.box.udp, office.address(9), logins, rate, lambda: _cpu(office)[0])
        lines.append(f"registrations {what}: {told}")
        if peer is not None:
            told = _storm(peer.server, office.address(8), peer.logins(PHONES), rate, peer.cpu)
            lines.append(f"registrations {what}, kamailio: {told}")
    return lines if peer is not None else [*lines, f"SKIPPED, nothing to compare with: {missing()}"]


def _storm(
    server: tuple[str, int], address: str, logins: list[Login], rate: int, cpu: Callable[[], float]
) -> str:
    before = cpu()
    got = outcome(
        in_child("storm", server=server, address=address, logins=logins, seconds=SECONDS, rate=rate)
    )
    cost = (cpu() - before) / max(1, got["registered"]) * 1e6
    return (
        f"{got['rate']:.0f}/s, {cost:.0f} us CPU each, answered in p50 {got['p50_ms']:.2f} "
        f"p99 {got['p99_ms']:.2f} ms, {got['refused']} refused, {got['resent']} asked again"
    )


def _calls(office: Office) -> list[str]:
    callees = [office.login(number) for number in ("105", "106", "107", "108")]
    callers = [office.login(number) for number in ("101", "102", "103", "104")]
    storm(office.box.udp, office.address(11), callees)
    lines = []
    for rate in CALL_RATES:
        calls = int(rate * SECONDS)
        before = _cpu(office)
        child = in_child(
            "calls",
            server=office.box.udp,
            addresses=[office.address(10), office.address(11)],
            logins=callers,
            dialled=[callee.user for callee in callees],
            calls=calls,
            rate=rate,
            hold=HOLD,
        )
        got = outcome(child, 60)
        after = _cpu(office)
        signalling, media = ((b - a) / calls * 1e3 for a, b in zip(before, after, strict=True))
        share = got["packets_received"] / max(1, got["packets_sent"])
        lines.append(
            f"calls with 1 s of sound at {rate}/s: {got['answered']} of {calls} answered, "
            f"CPU per call {signalling:.2f} ms signalling {media:.2f} ms media, "
            f"INVITE to 200 p50 {got['setup_p50_ms']:.1f} p99 {got['setup_p99_ms']:.1f} ms, "
            f"{share * 100:.2f} % of packets arrived"
        )
        time.sleep(SETTLE)
    return lines
