from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from struct import pack

import pytest

from sip.flow import Flow
from sip.message import parse
from sip.transport.fair import STRANGER
from sip.transport.udp import BATCH, QUEUE, UdpTransport
from tests.sip.net import ANSWER, Phone
from tests.sip.transport.support import Peer, box, until


class Raw:
    """A UDP transport alone."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, Flow, float]] = []
        self.counts: list[str] = []
        self.ticks = 0
        self.udp = UdpTransport(
            asyncio.get_running_loop(), ("127.0.0.1", 0), self.receive, self.clock, self.count
        )

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.got.append((data, flow, now))

    def count(self, name: str, times: int = 1, /) -> None:
        self.counts.extend([name] * times)

    def clock(self) -> float:
        self.ticks += 1
        return float(self.ticks)


def run(test: Callable[[], object]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]  # a coroutine function


def test_a_datagram_comes_with_its_flow_and_goes_back() -> None:
    async def scene() -> None:
        raw = Raw()
        peer = Peer(raw.udp.address)
        peer.send(b"hello there")
        await until(lambda: raw.got)
        data, flow, _ = raw.got[0]
        assert data == b"hello there"
        assert flow == Flow("UDP", raw.udp.address, peer.address)
        assert raw.udp.send(b"and back", flow.remote)
        assert await peer.receive() == b"and back"
        peer.close()
        raw.udp.close()
        raw.udp.close()

    run(scene)


def test_a_turn_reads_a_bounded_batch_with_one_look_at_the_clock() -> None:
    async def scene() -> None:
        raw = Raw()
        peer = Peer(raw.udp.address)
        for number in range(BATCH + 10):
            peer.send(b"datagram %d" % number)
        raw.udp._readable()
        assert len(raw.got) == BATCH
        assert {now for _, _, now in raw.got} == {1.0}
        await until(lambda: len(raw.got) == BATCH + 10)
        assert [data for data, _, _ in raw.got] == [b"datagram %d" % number for number in range(BATCH + 10)]
        peer.close()
        raw.udp.close()

    run(scene)


@pytest.mark.parametrize("blank", [b"\r\n\r\n", b"\r\n", b"\0", b""])
def test_keep_alives_are_not_messages(blank: bytes) -> None:
    async def scene() -> None:
        raw = Raw()
        peer = Peer(raw.udp.address)
        peer.send(blank)
        peer.send(b"message")
        await until(lambda: raw.got)
        assert [data for data, _, _ in raw.got] == [b"message"]
        peer.close()
        raw.udp.close()

    run(scene)


class Full:
    """A socket whose buffer is full until told otherwise."""

    def __init__(self, inner: socket.socket) -> None:
        self.inner = inner
        self.full = True
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, remote: tuple[str, int]) -> int:
        if self.full:
            raise BlockingIOError
        if data == b"refused":
            raise ConnectionRefusedError
        self.sent.append(data)
        return len(data)

    def fileno(self) -> int:
        return self.inner.fileno()

    def close(self) -> None:
        self.inner.close()


def test_what_the_kernel_does_not_take_waits_in_order_and_is_bounded() -> None:
    async def scene() -> None:
        raw = Raw()
        full = Full(raw.udp._socket)
        raw.udp._socket = full  # type: ignore[assignment]
        for number in range(QUEUE + 5):
            assert raw.udp.send(b"%d" % number, ("127.0.0.1", 9))
        assert raw.counts == ["udp: queue full"] * 5
        await asyncio.sleep(0.02)
        assert full.sent == []
        full.full = False
        await until(lambda: len(full.sent) == QUEUE)
        assert full.sent == [b"%d" % number for number in range(QUEUE)]
        raw.udp.send(b"refused", ("127.0.0.1", 9))
        raw.udp.send(b"after", ("127.0.0.1", 9))
        assert full.sent[-1] == b"after"
        assert raw.counts[-1] == "udp: send failed"
        raw.udp.close()

    run(scene)


def test_a_port_nobody_listens_on_hurts_nobody() -> None:
    async def scene() -> None:
        raw = Raw()
        peer = Peer(raw.udp.address)
        gone = Peer(raw.udp.address)
        gone.close()
        for _ in range(3):
            assert raw.udp.send(b"x", gone.address)
            await asyncio.sleep(0.005)
        peer.send(b"still here")
        await until(lambda: raw.got)
        peer.close()
        raw.udp.close()

    run(scene)


def test_a_taken_port_is_an_os_error_and_leaves_no_socket() -> None:
    async def scene() -> None:
        raw = Raw()
        loop = asyncio.get_running_loop()
        with pytest.raises(OSError, match="in use"):
            UdpTransport(loop, raw.udp.address, raw.receive, raw.clock, raw.count)
        raw.udp.close()

    run(scene)


def test_a_request_far_over_the_mtu_survives_as_fragments() -> None:
    async def scene() -> None:
        async with box() as here:
            peer = Peer(here.bind("UDP"))
            filler = tuple((f"X-Filler-{number}", "x" * 1000) for number in range(20))
            peer.send(bytes(Phone(peer.address).invite(headers=filler)))
            assert parse(await peer.receive()).start_line == "SIP/2.0 100 Trying"
            here.user.sessions[0].reject(486, here.now())
            assert parse(await peer.receive()).start_line == "SIP/2.0 486 Busy Here"
            peer.close()

    run(scene)


def test_a_call_over_loopback_with_its_timers() -> None:
    async def scene() -> None:
        async with box() as here:
            peer = Peer(here.bind("UDP"))
            phone = Phone(peer.address)
            peer.send(bytes(phone.invite()))
            assert parse(await peer.receive()).start_line == "SIP/2.0 100 Trying"
            here.user.sessions[0].accept(ANSWER, here.now())
            first = await peer.receive()
            assert parse(first).start_line == "SIP/2.0 200 OK"
            # Without ACK it comes again: the one outer timer works.
            assert await peer.receive() == first
            peer.send(bytes(phone.request("ACK", to_tag=parse(first).to_tag, cseq=1)))
            await until(lambda: here.user.ear.names == ["acked"])
            peer.send(bytes(phone.request("BYE", to_tag=parse(first).to_tag)))
            assert parse(await peer.receive()).start_line == "SIP/2.0 200 OK"
            peer.close()

    run(scene)


class _Piled:
    """A socket whose buffer is always half full."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def getsockopt(self, *_: int) -> bytes:
        return pack("9I", 600, 1000, *([0] * 7))


def test_who_sends_too_much_is_held_to_a_share_once_datagrams_pile_up() -> None:
    async def scene() -> None:
        raw = Raw()
        raw.clock = lambda: 5.0  # type: ignore[method-assign]
        udp = raw.udp
        udp._clock = raw.clock
        udp._socket = _Piled(udp._socket)  # type: ignore[assignment]
        flooder, phone = Peer(udp.address), Peer(udp.address)
        asyncio.get_running_loop().remove_reader(udp._socket.fileno())
        for number in range(300):
            flooder.send(b"flood %d" % number)
        udp._readable()
        assert len(raw.got) == BATCH
        assert udp._pressed > 5
        udp._shares.prove(phone.address)
        phone.send(b"a phone")
        for _ in range(5):
            udp._readable()
        told = [data for data, _, _ in raw.got]
        assert told.count(b"a phone") == 1
        assert len(told) == BATCH + STRANGER.burst + 1
        assert raw.counts.count("udp: beyond its share") == 300 - BATCH - STRANGER.burst
        flooder.close()
        phone.close()
        udp.close()

    run(scene)


def test_a_turn_that_took_too_long_is_told() -> None:
    async def scene() -> None:
        late: list[float] = []
        raw = Raw()
        raw.udp._late = late.append
        peer = Peer(raw.udp.address)
        asyncio.get_running_loop().remove_reader(raw.udp._socket)
        for _ in range(BATCH + 1):
            peer.send(b"hello")
        raw.udp._readable()
        assert late == []
        raw.udp._readable()  # by the clock of this test a second later
        assert late == [2.0]
        raw.udp._readable()
        assert late == [2.0]
        peer.close()
        raw.udp.close()

    run(scene)
