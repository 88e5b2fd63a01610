from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sip.errors import LocalError
from sip.flow import Flow
from sip.transport import BindError, Transports
from tests.sip.net import Phone
from tests.sip.transport.support import Box, Peer, box, certificate, until


@pytest.mark.parametrize("kind", ["UDP", "TCP", "TLS"])
def test_a_taken_address_is_told_with_its_parts(kind: str, tmp_path: Path) -> None:
    async def scene() -> None:
        context = certificate(tmp_path)[0] if kind == "TLS" else None
        async with box() as first, box() as second:
            host, port = first.bind(kind, context)
            with pytest.raises(BindError) as caught:
                second.transports.bind(kind, host, port, context)  # type: ignore[arg-type]
            error = caught.value
            assert (error.transport, error.host, error.port) == (kind, host, port)
            assert error.errno
            assert str(port) not in str(error)

    asyncio.run(scene())


def test_misuse_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(LocalError):
            Transports(loop, loop.time).bind("UDP", "127.0.0.1", 0)
        async with box() as here:
            with pytest.raises(LocalError):
                here.bind("TLS")
            with pytest.raises(LocalError):
                here.bind("UDP", certificate(tmp_path)[0])

    asyncio.run(scene())


def test_a_flow_that_is_not_ours_cannot_be_sent_on() -> None:
    async def scene() -> None:
        async with box() as here:
            here.bind("TCP")
            assert not here.transports.send(Flow("UDP", ("192.0.2.1", 1), ("192.0.2.2", 2)), b"x")
            assert not here.transports.send(Flow("TCP", ("192.0.2.1", 1), ("192.0.2.2", 2), 77), b"x")

    asyncio.run(scene())


def test_two_addresses_answer_each_from_its_own_socket() -> None:
    async def scene() -> None:
        async with box() as here:
            peers = [Peer(here.bind("UDP")) for _ in range(2)]
            for peer in peers:
                peer.send(bytes(Phone(peer.address).request("OPTIONS")))
                # A connected socket hears only the address it asked.
                assert (await peer.receive()).startswith(b"SIP/2.0 200")
                peer.close()

    asyncio.run(scene())


def test_closing_releases_everything() -> None:
    async def scene() -> None:
        here = Box()
        addresses = [here.bind("UDP"), here.bind("TCP")]
        reader, writer = await asyncio.open_connection(*addresses[1])
        writer.write(bytes(Phone(("127.0.0.1", 5070), "TCP").invite()))
        await reader.readuntil(b"\r\n\r\n")
        await here.transports.close()
        assert await reader.read() == b""
        writer.close()
        for kind, address in zip((socket.SOCK_DGRAM, socket.SOCK_STREAM), addresses, strict=True):
            with socket.socket(socket.AF_INET, kind) as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(address)
        assert here.transports._timer is None
        await here.transports.close()

    asyncio.run(scene())
    gc.collect()


def armed(here: Box) -> asyncio.TimerHandle | None:
    return here.transports._timer


def test_one_timer_is_armed_and_only_while_something_is_due() -> None:
    async def scene() -> None:
        async with box() as here:
            peer = Peer(here.bind("UDP"))
            assert armed(here) is None
            peer.send(bytes(Phone(peer.address).request("OPTIONS")))
            await peer.receive()
            assert armed(here) is None
            peer.send(bytes(Phone(peer.address).invite()))
            await peer.receive()
            here.user.sessions[0].reject(486, here.now())
            timer = armed(here)
            assert timer is not None
            assert timer.when() - here.now() <= 0.5
            first = await peer.receive()
            assert await peer.receive() == first
            await until(lambda: armed(here) is not timer)
            peer.close()

    asyncio.run(scene())


def test_importing_the_stack_does_not_import_what_only_tls_needs() -> None:
    code = "import sys, sip.stack; print('ssl' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
