"""The box beside sippy with rtp.io, in turns: how many calls a second, how long they take, what they cost.

Both on core 0, media included; the load on core 1. A call is a challenged INVITE, an answer at once, a second
of PCMU in both directions through the relay, and a BYE. A step of the search passes with fewer than 0.1 % of
the calls failed, fewer than 1 % of the calls with anything repeated, and 99 % answered within 500 ms.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.load import Login, in_child, outcome
from tests.support.office import Office, cpu_seconds
from tests.support.sippy import Sippy, missing
from tests.support.storm import storm

SECONDS = 4.0
CALM, FIXED, HELD = 10.0, 100.0, 100
START, GROWTH, FINEST = 60.0, 1.3, 1.06
NET = 72
SITE = {"last_port = 16783": "last_port = 25983", "most = 100": "most = 2000"}


@dataclass
class Peer:
    """One of those that are compared: whom it serves, and how to ask what it used."""

    name: str
    server: tuple[str, int]
    addresses: tuple[str, str]
    callers: list[Login]
    dialled: list[str]
    cpu: Callable[[], float]
    memory: Callable[[], float]

    def load(self, rate: float, seconds: float, hold: float = 1.0, *, sound: bool = True) -> dict[str, float]:
        """Have calls made; what they brought, `cost` being ms of CPU for each."""
        calls = max(1, round(rate * seconds))
        before = self.cpu()
        child = in_child(
            "calls",
            server=self.server,
            addresses=self.addresses,
            logins=self.callers,
            dialled=self.dialled,
            calls=calls,
            rate=rate,
            hold=hold,
            sound=sound,
        )
        got = outcome(child, 90)
        return got | {"cost": (self.cpu() - before) / calls * 1e3}


def compare(directory: Path) -> list[str]:
    """Measure the box, and sippy in turns with it where it is installed; one line for each figure."""
    with contextlib.ExitStack() as stack:
        with on_core(0):
            office = stack.enter_context(Office(directory / "beside", NET, SITE))
            peers = [_box(office)]
            if not missing():
                there = directory / "sippy"
                there.mkdir()
                peers.append(
                    _sippy(stack.enter_context(Sippy(there, office.address(2), office.address(21))), office)
                )
        stack.enter_context(on_core(1))
        lines = _idle(peers) + _calm(peers) + _cost(peers) + _held(peers)
        most = _most(peers)
        lines += [f"most calls/s with 1 s of sound, {peer.name}: {most[peer.name][1]}" for peer in peers]
        if len(peers) == 2:
            ours, theirs = (most[peer.name][0] for peer in peers)
            lines.append(f"calls/s, box to sippy: {ours / theirs:.1f}")
        else:
            lines.append(f"SKIPPED, nothing to compare calls with: {missing()}")
    return lines


def _box(office: Office) -> Peer:
    callees = [office.login(number) for number in ("105", "106", "107", "108")]
    storm(office.box.udp, office.address(11), callees)
    return Peer(
        "box",
        office.box.udp,
        (office.address(10), office.address(11)),
        [office.login(number) for number in ("101", "102", "103", "104")],
        [callee.user for callee in callees],
        lambda: sum(map(cpu_seconds, office.processes())),
        lambda: sum(office.memory()) / 1024,
    )


def _sippy(sippy: Sippy, office: Office) -> Peer:
    addresses = office.address(20), office.address(21)
    return Peer("sippy", sippy.server, addresses, [sippy.login], ["105"], sippy.cpu, sippy.memory)


def _idle(peers: list[Peer]) -> list[str]:
    time.sleep(3)
    return [f"idle, {peer.name}: PSS {peer.memory():.1f} MB" for peer in peers]


def _calm(peers: list[Peer]) -> list[str]:
    lines = []
    for peer in peers:
        got = peer.load(CALM, 2 * SECONDS, sound=False)
        lines.append(
            f"post-dial delay at {CALM:.0f} calls/s, {peer.name}: "
            f"p50 {got['setup_p50_ms']:.1f} p99 {got['setup_p99_ms']:.1f} ms"
        )
    return lines


def _cost(peers: list[Peer]) -> list[str]:
    lines = []
    for sound in (False, True):
        for peer in peers:
            got = peer.load(FIXED, SECONDS, sound=sound)
            lines.append(
                f"CPU per call at {FIXED:.0f}/s {'with 1 s of' if sound else 'without'} sound, {peer.name}: "
                f"{got['cost']:.2f} ms, {got['answered']} of {FIXED * SECONDS:.0f} answered, "
                f"p50 {got['setup_p50_ms']:.1f} p99 {got['setup_p99_ms']:.1f} ms"
            )
            time.sleep(1)
    return lines


def _held(peers: list[Peer]) -> list[str]:
    """Hold a hundred calls for some seconds; look at them in the middle."""
    lines = []
    for peer in peers:
        child = in_child(
            "calls",
            server=peer.server,
            addresses=peer.addresses,
            logins=peer.callers,
            dialled=peer.dialled,
            calls=HELD,
            rate=50,
            hold=9.0,
            sound=True,
        )
        time.sleep(4)
        before, began = peer.cpu(), time.monotonic()
        time.sleep(SECONDS)
        used = (peer.cpu() - before) / (time.monotonic() - began) * 100
        memory = peer.memory()
        got = outcome(child, 60)
        share = got["packets_received"] / max(1, got["packets_sent"]) * 100
        lines.append(
            f"{got['answered']} calls held with sound, {peer.name}: {used:.1f} % of a core, "
            f"PSS {memory:.1f} MB, {share:.2f} % of packets arrived"
        )
    return lines


def _most(peers: list[Peer]) -> dict[str, tuple[float, str]]:
    """Search the highest rate that passes, of all in turns: up in steps, then between the last two."""
    best = {peer.name: (0.0, "no step passed") for peer in peers}
    rates = {peer.name: START for peer in peers}
    ceilings: dict[str, float] = {}
    searching = list(peers)
    while searching:
        for peer in list(searching):
            name, rate = peer.name, rates[peer.name]
            got = peer.load(rate, SECONDS)
            if passes(got, rate * SECONDS):
                best[name] = rate, _told(rate, got)
            else:
                ceilings[name] = rate
            reached, ceiling = best[name][0], ceilings.get(name)
            if ceiling is None:
                rates[name] = rate * GROWTH
            elif reached and ceiling / reached > FINEST:
                rates[name] = (ceiling * reached) ** 0.5
            else:
                searching.remove(peer)
            time.sleep(1)
    return best


def passes(got: dict[str, float], calls: float) -> bool:
    """Tell whether a step of the search is good enough."""
    failed = calls - min(got["answered"], got["ended"])
    return failed < 0.001 * calls and got["repeated"] < 0.01 * calls and got["setup_p99_ms"] < 500


def _told(rate: float, got: dict[str, float]) -> str:
    share = got["packets_received"] / max(1, got["packets_sent"]) * 100
    return (
        f"{rate:.0f}, p50 {got['setup_p50_ms']:.0f} p99 {got['setup_p99_ms']:.0f} ms, "
        f"{got['cost']:.2f} ms CPU each, {share:.1f} % of packets arrived, "
        f"load used {got['cpu'] / (SECONDS + 1) * 100:.0f} % of its core"
    )


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Have what is started in the block run on one core, where there is more than one."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
