"""The guard and the box: a running call moves into the kernel, and survives whoever dies around it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.egress.attachment import attached
from tests.support import namespace
from tests.support.box import ROOT
from tests.support.office import Office
from tests.support.sipp import row
from tests.support.streams import Stream, Streams

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.native,
    pytest.mark.skipif(bool(namespace.missing()), reason=namespace.missing() or "-"),
]
NET = 77
PATIENCE = 20.0


class Guard:
    """A guard in a process of its own, on the loopback of this network."""

    def __init__(self, place: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmware.egress.guard", "--interface", "lo", "--socket", str(place)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert "ready" in self._process.stdout.readline()

    def end(self, number: signal.Signals) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with namespace.network():
        for name in ("all", "lo"):
            for setting, value in (("route_localnet", 1), ("accept_local", 1), ("rp_filter", 0)):
                namespace.run("sysctl", "-w", f"net.ipv4.conf.{name}.{setting}={value}")
        monkeypatch.setenv("BRANCHLINE_GUARD", str(tmp_path / "guard"))
        yield tmp_path / "guard"


@contextlib.contextmanager
def talking(office: Office, streams: Streams) -> Iterator[Stream]:
    """Have a call whose callee sends back what it hears; the caller's stream, which runs."""
    with office.phone("102", 10):
        stream = streams.add(office.address(11))
        rows = [row("101", office.secret("101"), "102", stream.port)]
        with (
            office.sipp("uas_talk", 10, echo=True, media_port=6000, seconds=90, words={"RING": 0}),
            office.sipp(
                "uac_talk", 11, rows=rows, dialled="102", words={"TALK": 60000}, seconds=90
            ) as caller,
        ):
            deadline = time.monotonic() + PATIENCE
            while not caller.log() and time.monotonic() < deadline:
                time.sleep(0.02)
            streams.aim(stream, (office.address(1), int(caller.log()[0].split()[2])))
            streams.start()
            wait(lambda: stream.received.get(stream.number))
            yield stream
            streams.stop()
            caller.kill()


def wait(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def forwarded(office: Office) -> int:
    """How many packets the media process has relayed, while the kernel relays too."""
    return int(office.box.ask("status")["counters"]["packets relayed outside the kernel"])


def lost(stream: Stream, seconds: float) -> int:
    """Let it talk; how many packets did not come back."""
    before = stream.sent
    time.sleep(seconds)
    after = stream.sent
    time.sleep(0.2)
    return len(set(range(before, after)) - stream.received[stream.number])


def test_a_call_lives_in_the_kernel_whoever_dies_around_it(tmp_path: Path, place: Path) -> None:
    guard = Guard(place)
    try:
        with Office(tmp_path, NET) as office, Streams() as streams, talking(office, streams) as stream:
            office.box.wait_for("the kernel relays")
            time.sleep(0.5)
            before = forwarded(office)
            assert lost(stream, 1.0) == 0
            assert forwarded(office) == before, "the media process sees none of it"

            guard.end(signal.SIGKILL)
            assert attached("lo")
            office.box.wait_for("the guard has ended")
            assert "packets relayed outside the kernel" not in office.box.ask("status")["counters"]
            assert lost(stream, 1.0) == 0

            guard = Guard(place)
            wait(lambda: office.box.output().count("the kernel relays") == 2)
            time.sleep(0.5)
            before = forwarded(office)
            assert lost(stream, 1.0) == 0
            assert forwarded(office) == before

            [media] = Path(f"/proc/{office.box.pid}/task/{office.box.pid}/children").read_text().split()
            os.kill(int(media), signal.SIGKILL)
            assert lost(stream, 2.0) <= 50
            office.box.wait_for("had died and is running again")
            time.sleep(1.0)
            before = forwarded(office)
            assert lost(stream, 1.0) == 0
            assert forwarded(office) == before

            assert guard.end(signal.SIGTERM) == 0
            assert not attached("lo")
            office.box.wait_for("the guard has ended")
            time.sleep(0.5)
            assert lost(stream, 1.0) == 0
    finally:
        guard.end(signal.SIGKILL)


def test_without_a_guard_the_box_says_so_in_one_line_and_works(tmp_path: Path, place: Path) -> None:
    with Office(tmp_path, NET) as office, Streams() as streams, talking(office, streams) as stream:
        assert lost(stream, 0.5) == 0
        assert office.box.output().count("no guard") == 1
