"""The local socket: who may, how long a line, how many at once, and what comes back."""

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from firmware.clock import Clock
from firmware.errors import OperatorError
from firmware.journal import Journal
from firmware.operations import CONTROL
from firmware.operations.socket import CONNECTIONS, LINE_LIMIT, BoxGone, Control, ask, connect


async def answer(operation: str, arguments: object) -> Any:
    if operation == "refuse":
        raise OperatorError("no, for a reason", key="test.no", number="1", row=2)
    return {"operation": operation, "arguments": arguments}


@contextlib.asynccontextmanager
async def control(directory: Path) -> AsyncIterator[Control]:
    made = Control(str(directory), answer, Journal(Clock()))
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def with_control(directory: Path, work: Callable[[], Any]) -> Any:
    async def run() -> Any:
        async with control(directory):
            return await asyncio.to_thread(work)

    return asyncio.run(run())


def raw(directory: Path, data: bytes) -> list[Any]:
    """Send bytes and return every line answered until the box closes."""
    with connect(str(directory), seconds=10) as asking:
        with contextlib.suppress(BrokenPipeError):  # it may hang up before it has read all
            asking.sendall(data)
            asking.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):  # likewise, after what it answered
            while data := asking.recv(65536):
                received += data
        return [json.loads(line) for line in received.splitlines()]


def test_answers_and_refusals_cross_the_socket(tmp_path: Path) -> None:
    def work() -> None:
        assert ask(str(tmp_path), "status", {"a": 1}) == {"operation": "status", "arguments": {"a": 1}}
        with pytest.raises(OperatorError, match="no, for a reason") as caught:
            ask(str(tmp_path), "refuse", {})
        assert (caught.value.key, caught.value.values) == ("test.no", {"number": "1", "row": 2})

    with_control(tmp_path, work)


def test_socket_is_ours_alone_and_goes_away(tmp_path: Path) -> None:
    def work() -> int:
        return os.stat(tmp_path / CONTROL).st_mode

    assert stat.S_IMODE(with_control(tmp_path, work)) == 0o600
    assert not (tmp_path / CONTROL).exists()
    with pytest.raises(FileNotFoundError):
        ask(str(tmp_path), "status", {})


def test_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / CONTROL))
    with pytest.raises(ConnectionRefusedError):
        ask(str(tmp_path), "status", {})
    assert with_control(tmp_path, lambda: ask(str(tmp_path), "status", {}))["operation"] == "status"


def test_directory_may_have_a_long_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    assert with_control(deep, lambda: ask(str(deep), "status", {}))["operation"] == "status"


def test_nonsense_is_answered_and_the_line_goes_on(tmp_path: Path) -> None:
    lines = [b"nonsense", b"[]", b"{}", b'{"operation": 3}', b"[" * 5000, b'{"operation": "status"}']
    replies = with_control(tmp_path, lambda: raw(tmp_path, b"\n".join(lines) + b"\n"))
    assert ["error" in reply for reply in replies] == [True] * 5 + [False]
    assert all(reply["error"]["key"] == "operations.request" for reply in replies[:5])


def test_line_without_an_end_is_not_carried_out(tmp_path: Path) -> None:
    assert with_control(tmp_path, lambda: raw(tmp_path, b'{"operation": "status"}')) == []


def test_long_line_is_refused_and_the_connection_closed(tmp_path: Path) -> None:
    replies = with_control(tmp_path, lambda: raw(tmp_path, b"a" * (2 * LINE_LIMIT + 5) + b"\n"))
    assert [reply["error"]["key"] for reply in replies] == ["operations.request"]


def test_long_request_is_not_even_sent(tmp_path: Path) -> None:
    def work() -> None:
        with pytest.raises(OperatorError, match="longer than"):
            ask(str(tmp_path), "extension.import", {"csv": "a" * LINE_LIMIT})

    with_control(tmp_path, work)


def test_connections_are_bounded(tmp_path: Path) -> None:
    def work() -> None:
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(connect(str(tmp_path), seconds=10)) for _ in range(CONNECTIONS)]
            for one in held:  # each is being served
                one.sendall(b'{"operation": "status"}\n')
                assert one.recv(1)
            with connect(str(tmp_path), seconds=10) as beyond:
                assert beyond.recv(1) == b""
        for _ in range(1000):  # the places are given back
            with contextlib.suppress(OperatorError):
                assert ask(str(tmp_path), "status", {})["operation"] == "status"
                return
        pytest.fail("no place became free again")

    with_control(tmp_path, work)


def test_other_users_are_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.operations.socket.os.geteuid", lambda: 12345)
    monkeypatch.setattr("firmware.operations.socket.ROOT", 54321)
    assert with_control(tmp_path, lambda: raw(tmp_path, b'{"operation": "status"}\n')) == []


def test_stop_waits_until_the_box_hangs_up(tmp_path: Path) -> None:
    async def run() -> None:
        async with control(tmp_path) as made:
            asking = asyncio.create_task(asyncio.to_thread(ask, str(tmp_path), "stop", {}))
            await asyncio.sleep(0.1)
            assert not asking.done()
            made.retire()
            assert not (tmp_path / CONTROL).exists()
            assert not asking.done()
            await made.close()
            assert (await asking)["operation"] == "stop"

    asyncio.run(run())


@pytest.mark.parametrize("error", [BlockingIOError(11, "busy"), PermissionError(13, "Permission denied")])
def test_a_box_that_cannot_be_asked_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(BoxGone, match=r"cannot be asked \((too busy|Permission denied)\)"):
        ask(str(tmp_path), "status", {})
