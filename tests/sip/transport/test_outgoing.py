from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sip.errors import LocalError
from sip.flow import Flow
from sip.message import Response, parse
from sip.transport.stream import StreamLimits
from tests.sip.net import Phone
from tests.sip.transport.support import Box, Peer, box, certificate, until


def run(test: Callable[[], object]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]  # a coroutine function


class Carrier:
    """A far end that takes connections and keeps what comes."""

    def __init__(self) -> None:
        self.got = b""
        self.writers: list[asyncio.StreamWriter] = []
        self.ended = 0
        self.pongs = True
        self.address = ("127.0.0.1", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.got += data
                if data == b"\r\n\r\n" and self.pongs:
                    writer.write(b"\r\n")
        self.ended += 1
        writer.close()

    def answer(self, status: int) -> None:
        for line in self.got.split(b"\r\n\r\n"):
            if line:
                request: Any = parse(line + b"\r\n\r\n")
                self.writers[-1].write(request.answer(status, to_tag="far"))


@asynccontextmanager
async def carrier(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Carrier]:
    made = Carrier()
    server = await asyncio.start_server(made.serve, host, 0, ssl=context)
    made.address = server.sockets[0].getsockname()[:2]
    try:
        yield made
    finally:
        server.close()
        for writer in made.writers:
            writer.close()
        await server.wait_closed()


class Asked:
    """Asks a far end with OPTIONS and keeps the answers."""

    def __init__(self, here: Box) -> None:
        self.here = here
        self.answers: list[Response | None] = []

    def ask(self, flow: Flow) -> None:
        self.here.stack.request(
            "OPTIONS",
            "sip:carrier.example",
            flow,
            caller="<sip:box.example>",
            callee="<sip:carrier.example>",
            now=self.here.now(),
            done=self.answers.append,
        )

    @property
    def statuses(self) -> list[int | None]:
        return [one.status if one else None for one in self.answers]


def test_what_is_sent_before_the_connection_is_there_waits_and_is_answered() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            flow = here.transports.open("TCP", far.address)
            asked = Asked(here)
            asked.ask(flow)
            assert not far.got
            await until(lambda: far.got.endswith(b"\r\n\r\n"))
            assert b";alias" not in far.got
            far.answer(200)
            await until(lambda: asked.answers)
            assert asked.statuses == [200]

    run(scene)


def test_an_equal_wish_uses_the_same_connection_until_it_is_gone() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            flow = here.transports.open("TCP", far.address)
            assert here.transports.open("TCP", far.address) is flow
            await until(lambda: far.writers)
            assert here.transports.open("TCP", far.address) is flow
            assert here.transports.open("TCP", far.address, local="127.0.0.5") is not flow
            await until(lambda: len(far.writers) == 2)
            for writer in far.writers:
                writer.close()
            await until(lambda: not here.transports.send(flow, b"x"))
            again = here.transports.open("TCP", far.address)
            assert again.id != flow.id
            await until(lambda: len(far.writers) == 3)

    run(scene)


def test_others_reach_us_at_the_listening_socket_and_not_at_the_connection() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            bound = here.bind("TCP")
            flow = here.transports.open("TCP", far.address)
            assert flow.local == bound
            Asked(here).ask(flow)
            await until(lambda: far.got)
            via = parse(far.got).via
            assert (via.host, via.port) == bound
            assert far.writers[0].get_extra_info("peername")[1] != bound[1]

    run(scene)


def test_requests_of_the_far_end_come_by_the_same_connection() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            here.transports.open("TCP", far.address)
            await until(lambda: far.writers)
            far.writers[0].write(bytes(Phone(far.address, "TCP").request("OPTIONS")))
            await until(lambda: far.got)
            assert far.got.startswith(b"SIP/2.0 200")

    run(scene)


def test_a_port_nobody_listens_on_fails_the_request_at_once() -> None:
    async def scene() -> None:
        async with carrier() as gone:
            address = gone.address
        async with box() as here:
            asked = Asked(here)
            flow = here.transports.open("TCP", address)
            asked.ask(flow)
            async with asyncio.timeout(5):
                await until(lambda: asked.answers)
            assert asked.statuses == [None]
            assert here.transports.counters["outgoing: not connected"] == 1
            assert not here.transports.send(flow, b"x")

    run(scene)


def test_a_far_end_that_does_not_shake_hands_is_given_up(tmp_path: Path) -> None:
    async def scene() -> None:
        _, client = certificate(tmp_path)
        async with box(StreamLimits(connect=0.2)) as here, carrier() as silent:
            here.transports.trust = lambda _: client
            asked = Asked(here)
            asked.ask(here.transports.open("TLS", silent.address))
            await until(lambda: asked.answers)
            assert asked.statuses == [None]
            assert here.transports.counters["outgoing: timeout"] == 1

    run(scene)


def unnamed(client: ssl.SSLContext) -> ssl.SSLContext:
    """Leave the name to RFC 5922, as the box does."""
    client.check_hostname = False
    return client


@pytest.mark.parametrize(("name", "good"), [("", True), ("127.0.0.1", True), ("carrier.example", False)])
def test_tls_speaks_only_with_who_was_asked_for(tmp_path: Path, name: str, good: bool) -> None:
    async def scene() -> None:
        server, client = certificate(tmp_path)
        asked_for: list[str] = []

        def trust(file: str) -> ssl.SSLContext:
            asked_for.append(file)
            return unnamed(client)

        async with box() as here, carrier(server) as far:
            here.transports.trust = trust
            asked = Asked(here)
            flow = here.transports.open("TLS", far.address, name=name, trust="operator.pem")
            asked.ask(flow)
            assert flow.peer == (name or "127.0.0.1")
            await until(lambda: far.got if good else asked.answers)
            assert asked_for == ["operator.pem"]
            if good:
                assert b";alias" in far.got
                far.answer(200)
                await until(lambda: asked.answers)
            else:
                assert far.got == b""
                assert here.transports.counters["outgoing: not who was asked for"] == 1
            assert asked.statuses == [200 if good else None]

    run(scene)


def test_tls_does_not_speak_with_who_nobody_vouches_for(tmp_path: Path) -> None:
    async def scene() -> None:
        server, _ = certificate(tmp_path)
        async with box() as here, carrier(server) as far:
            here.transports.trust = lambda _: unnamed(ssl.create_default_context())
            asked = Asked(here)
            asked.ask(here.transports.open("TLS", far.address))
            await until(lambda: asked.answers)
            assert asked.statuses == [None]
            assert far.got == b""

    run(scene)


def test_without_trust_there_is_no_tls() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            asked = Asked(here)
            asked.ask(here.transports.open("TLS", far.address))
            await until(lambda: asked.answers)
            assert asked.statuses == [None]

    run(scene)


def test_a_far_end_that_stops_answering_pings_is_noticed() -> None:
    async def scene() -> None:
        async with box(StreamLimits(ping=0.05, pong=0.1)) as here, carrier() as far:
            flow = here.transports.open("TCP", far.address)
            await until(lambda: far.got.count(b"\r\n\r\n") >= 3)
            asked = Asked(here)
            asked.ask(flow)
            far.pongs = False
            await until(lambda: asked.answers)
            assert asked.statuses == [None]
            assert here.transports.counters["outgoing: no answer to a ping"] == 1

    run(scene)


def test_a_far_end_that_never_answered_a_ping_is_left_alone() -> None:
    async def scene() -> None:
        async with box(StreamLimits(ping=0.02, pong=0.02)) as here, carrier() as far:
            far.pongs = False
            flow = here.transports.open("TCP", far.address)
            await until(lambda: far.got.count(b"\r\n\r\n") >= 4)
            assert here.transports.send(flow, b"x")

    run(scene)


def test_connections_we_make_and_what_waits_for_them_are_bounded() -> None:
    async def scene() -> None:
        async with box(StreamLimits(outgoing=1, waiting=1000)) as here, carrier() as far, carrier() as other:
            flow = here.transports.open("TCP", far.address)
            assert here.transports.send(flow, b"x" * 900)
            assert not here.transports.send(flow, b"x" * 101)
            beyond = here.transports.open("TCP", other.address)
            assert not here.transports.send(beyond, b"x")
            assert here.transports.counters["outgoing: too many connections"] == 1
            await until(lambda: far.got == b"x" * 900)
            far.writers[0].close()
            await until(lambda: not here.transports.send(flow, b"x"))
            assert here.transports.send(here.transports.open("TCP", other.address), b"y")
            await until(lambda: other.got == b"y")

    run(scene)


def test_udp_goes_from_the_listener_that_fits() -> None:
    async def scene() -> None:
        async with box() as here:
            bound = here.bind("UDP")
            peer = Peer(bound)
            flow = here.transports.open("UDP", peer.address)
            assert flow == Flow("UDP", bound, peer.address)
            asked = Asked(here)
            asked.ask(flow)
            assert (await peer.receive()).startswith(b"OPTIONS ")
            asked.ask(here.transports.open("UDP", ("::1", 5060)))
            await until(lambda: asked.answers)
            assert asked.statuses == [None]
            assert here.transports.counters["outgoing: no UDP listener fits"] == 1
            peer.close()

    run(scene)


def test_ipv6() -> None:
    async def scene() -> None:
        async with box() as here, carrier(host="::1") as far:
            flow = here.transports.open("TCP", far.address)
            assert flow.local[0] == "::1"
            Asked(here).ask(flow)
            await until(lambda: far.got)
            assert far.got.split(b"\r\n")[1].startswith(b"Via: SIP/2.0/TCP [::1]:")

    run(scene)


def test_an_address_of_ours_that_is_none_is_a_flow_to_nowhere() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            flow = here.transports.open("TCP", far.address, local="192.0.2.1")
            assert not here.transports.send(flow, b"x")

    run(scene)


def test_names_are_never_looked_up() -> None:
    async def scene() -> None:
        async with box() as here:
            with pytest.raises(LocalError):
                here.transports.open("TCP", ("carrier.example", 5060))

    run(scene)


def test_closing_ends_connections_that_are_being_made_too() -> None:
    async def scene() -> None:
        async with box() as here, carrier() as far:
            flow = here.transports.open("TCP", far.address)
            asked = Asked(here)
            asked.ask(flow)
            await here.transports.close()
            assert not here.transports.send(flow, b"x")

    run(scene)
