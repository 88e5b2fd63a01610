"""The media process: started both ways, talked to, ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from firmware.media import worker
from firmware.media.worker import LAUNCHER, Worker, fork_early, packed, spawn
from rtp import control
from tests.firmware.media.calls import HOST

RANGE = (HOST, 27000, 27019)


@pytest.fixture(params=[fork_early, spawn])
def process(request: pytest.FixtureRequest) -> Iterator[Worker]:
    start: Callable[[str, int, int], Worker] = request.param
    one = start(*RANGE)
    yield one
    one.close()
    wait(one.gone)


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it never came")


def messages(process: Worker) -> list[control.Message]:
    found: list[control.Message] = []

    def arrived() -> bool:
        found.extend(message for datagram in process.receive() for message in control.decode(datagram))
        return bool(found)

    wait(arrived)
    return found


def test_it_tells_its_ports_answers_and_ends_with_its_socket(process: Worker) -> None:
    [ready] = messages(process)
    assert isinstance(ready, control.Ready)
    assert ready.final
    assert set(ready.ports) <= set(range(27000, 27020, 2))
    assert not process.gone()
    os.kill(process.pid, signal.SIGINT)  # Ctrl-C reaches the whole group; the parent decides
    process.send(*control.encode([control.Ask(port=0, token=5)]))
    [counters] = messages(process)
    assert isinstance(counters, control.Counters)
    assert counters.token == 5
    process.close()
    wait(process.gone)
    assert process.status == 0


def test_a_dead_process_is_noticed(process: Worker) -> None:
    messages(process)
    process.kill()
    wait(process.gone)
    assert process.status == -signal.SIGKILL
    process.kill()
    with pytest.raises(ConnectionError):
        process.receive()
    with pytest.raises(ConnectionError):
        process.send(b"x")


def test_a_process_that_speaks_nonsense_is_not_obeyed(process: Worker) -> None:
    messages(process)
    process.send(b"nonsense")
    wait(process.gone)
    assert process.status == 1


def test_the_launcher_goes_before_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LAUNCHER, "env MARK=here")
    one = spawn(*RANGE)
    messages(one)
    with open(f"/proc/{one.pid}/environ", "rb") as file:
        assert b"MARK=here" in file.read().split(b"\0")
    one.close()
    wait(one.gone)


@pytest.mark.parametrize(
    "text", ["", "phone.example.org", "1.2.3", "1.2.3.4.5", "::g", "\ud800", "1.2.3.4\0"]
)
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        packed(text)


def test_addresses() -> None:
    assert packed("127.0.0.1") == b"\x7f\0\0\1"
    assert packed("::1") == bytes(15) + b"\1"


def test_nothing_heavy_is_loaded_before_the_fork() -> None:
    """The media process must stay small: neither asyncio nor what drags in half the library."""
    code = f"import sys, {worker.__name__}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True, text=True)
    heavy = {
        "asyncio",
        "typing",
        "dataclasses",
        "inspect",
        "re",
        "json",
        "logging",
        "subprocess",
        "threading",
    }
    assert heavy.isdisjoint(loaded.stdout.split())
