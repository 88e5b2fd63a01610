"""Whom the guard serves, and what it says when it cannot."""

import asyncio
import os
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from firmware.egress import guard
from firmware.egress.guard_link import GREETING, GuardLink
from rtp.kernel.bpf import Map


class FakeMap(Map):
    """A map without a kernel: its descriptor is a file's."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        super().__init__(os.open(os.devnull, os.O_RDONLY), 4, 4, 4)
        self.entries = [b"left"]

    def keys(self) -> list[bytes]:
        return list(self.entries)

    def remove(self, key: bytes) -> bool:
        self.entries.remove(key)
        return True


class Served:
    """A guard's service loop in a thread, until its pipe is written to."""

    def __init__(self, place: Path, users: frozenset[int]) -> None:
        self.maps: dict[str, Map] = {name: FakeMap() for name in ("legs", "statistics", "budgets")}
        self.place = str(place)
        self._end, woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(users, woken))
        self._thread.start()
        while not place.exists():
            select.select([], [], [], 0.01)

    def _run(self, users: frozenset[int], woken: socket.socket) -> None:
        with woken:
            guard.serve(self.place, users, self.maps, woken)

    def connect(self) -> socket.socket:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.settimeout(30)
        try:
            one.connect(self.place)
        except OSError:
            one.close()
            raise
        return one

    def close(self) -> None:
        self._end.send(b"!")
        self._thread.join(30)
        self._end.close()
        for each in self.maps.values():
            each.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path / "guard", frozenset({os.geteuid()}))
    yield one
    one.close()
    assert not (tmp_path / "guard").exists()


def test_the_box_gets_three_descriptors_and_a_second_box_nothing(served: Served) -> None:
    with served.connect() as box, served.connect() as second:
        text, descriptors, _, _ = socket.recv_fds(box, 256, 3)
        assert (text, len(descriptors)) == (GREETING, 3)
        for each in descriptors:
            os.close(each)
        assert second.recv(256) == b""
    with served.connect() as next_box:
        assert next_box.recv(256) == GREETING


def test_what_a_box_left_is_taken_out_when_it_goes(served: Served) -> None:
    with served.connect() as box:
        box.recv(256)
        assert served.maps["legs"].keys() == [b"left"]
    with served.connect() as box:
        box.recv(256)
        assert served.maps["legs"].keys() == []


def test_somebody_else_gets_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path / "guard", frozenset({os.geteuid() + 1}))
    try:
        with served.connect() as stranger:
            assert stranger.recv(256) == b""
    finally:
        served.close()


def test_a_box_finds_loses_and_finds_a_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANCHLINE_GUARD", str(tmp_path / "guard"))
    monkeypatch.setattr("firmware.egress.guard_link.AGAIN", 0.02)
    asyncio.run(_find_and_lose(tmp_path / "guard"))


async def _find_and_lose(place: Path) -> None:
    found: asyncio.Queue[Sequence[int]] = asyncio.Queue()
    lost: asyncio.Queue[None] = asyncio.Queue()
    link = GuardLink(found.put_nowait, lambda: lost.put_nowait(None))
    assert not link.start()
    async with asyncio.timeout(60):
        for _ in range(2):
            served = await asyncio.to_thread(Served, place, frozenset({os.geteuid()}))
            for each in await found.get():
                os.close(each)
            await asyncio.to_thread(served.close)
            await lost.get()
    link.close()
    assert found.empty()
    assert lost.empty()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--interface", "lo", "--user", "nobody-of-that-name"], "no such user"),
        pytest.param(
            ["--interface", "nowhere0"], "nowhere0: no such network interface", marks=pytest.mark.native
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() and "nowhere0" in arguments:
        said = "the kernel makes no BPF map"
    assert guard.main(arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
