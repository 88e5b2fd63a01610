"""WebSocket on loopback, spoken to by a client nobody here wrote (`websockets`)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sip.message import Request, parse
from sip.transport.stream import StreamLimits
from tests.sip.net import ANSWER, Phone
from tests.sip.transport.support import Box, box, certificate, until
from tests.sip.transport.test_tcp import run

SIP: Any = [websockets.Subprotocol("sip")]
ADDRESS = ("df7jal23ls0d.invalid", 5060)  # RFC 7118 5.1.1: what a browser says of itself


def url(here: Box, scheme: str = "ws", **named: Any) -> str:
    host, port = here.bind(scheme.upper(), **named)
    return f"{scheme}://{host}:{port}/"


def phone(transport: str = "WS") -> Phone:
    return Phone(ADDRESS, transport)


def test_a_request_is_answered_on_the_connection_and_invalid_names_do_not_matter() -> None:
    async def scene() -> None:
        async with box() as here, connect(url(here), subprotocols=SIP, compression=None) as client:
            assert client.subprotocol == "sip"
            await client.send(bytes(phone().request("OPTIONS")).decode())
            text = await client.recv()
            assert isinstance(text, str)
            answer = parse(text.encode())
            assert answer.start_line == "SIP/2.0 200 OK"
            assert (answer.via.transport, answer.via.host) == ("WS", "df7jal23ls0d.invalid")
            assert answer.via.received == client.local_address[0]
            assert answer.via.rport == client.local_address[1]

    run(scene)


def test_a_call_goes_both_ways_over_one_connection() -> None:
    async def scene() -> None:
        async with box() as here, connect(url(here), subprotocols=SIP) as client:
            caller = phone()
            await client.send(bytes(caller.invite()))  # binary is as good
            assert parse(str(await client.recv()).encode()).start_line == "SIP/2.0 100 Trying"
            (session,) = here.user.sessions
            assert session.flow.transport == "WS"
            session.accept(ANSWER, here.now())
            ok = parse(str(await client.recv()).encode())
            (contact,) = ok.contacts
            assert contact.uri.transport == "ws"
            await client.send(bytes(caller.request("ACK", to_tag=ok.to_tag, cseq=1)))
            await until(lambda: "acked" in here.user.ear.names)
            session.hangup(here.now())
            bye = parse(str(await client.recv()).encode())
            assert isinstance(bye, Request)
            assert bye.method == "BYE"
            assert (bye.via.transport, bye.via.port) == ("WS", client.remote_address[1])

    run(scene)


def test_over_tls(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)

    async def scene() -> None:
        async with box() as here:
            address = url(here, "wss", context=server)
            async with connect(address, subprotocols=SIP, ssl=trusting) as client:
                await client.send(bytes(phone("WSS").invite()))
                await client.recv()
                (session,) = here.user.sessions
                assert session.flow.transport == "WSS"
                session.accept(ANSWER, here.now())
                (contact,) = parse(str(await client.recv()).encode()).contacts
                assert contact.uri.transport == "ws"  # RFC 7118 5.2.2: there is no "wss"

    run(scene)


def test_who_does_not_speak_sip_or_comes_from_a_foreign_page_is_turned_away() -> None:
    async def scene() -> None:
        async with box() as here:
            address = url(here, origins=frozenset({"https://phone.example.com"}))
            with pytest.raises(InvalidStatus) as plain:
                await connect(address)
            with pytest.raises(InvalidStatus) as foreign:
                await connect(address, subprotocols=SIP, origin=websockets.Origin("https://evil.example.com"))
            assert (plain.value.response.status_code, foreign.value.response.status_code) == (400, 403)
            good: Any = {"subprotocols": SIP, "origin": websockets.Origin("https://phone.example.com")}
            async with connect(address, **good):
                pass
            host, port = address.removeprefix("ws://").rstrip("/").split(":")
            here.transports.allow(host, int(port), frozenset())
            with pytest.raises(InvalidStatus):
                await connect(address, **good)
            counters = here.transports.counters
            assert counters["websocket: subprotocol"] == 1
            assert counters["websocket: origin"] == 2
            assert here.user.asked == []

    run(scene)


def test_one_message_each_pings_both_ways_and_no_bound_is_passed() -> None:
    async def scene() -> None:
        async with box() as here, connect(url(here), subprotocols=SIP, max_size=None) as client:
            await (await client.ping(b"there?"))
            await client.send("\r\n\r\n")
            assert await client.recv() == "\r\n"
            two = bytes(phone().request("OPTIONS")) * 2
            await client.send(two)  # one message: what follows its Content-Length is not a second one
            await client.recv()
            assert here.user.asked == ["OPTIONS"]
            with suppress(ConnectionClosed):
                await client.send(b"a" * 2**21)
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            await until(lambda: not here.transports._streams[0].connections)

    run(scene)


def test_slow_handshakes_and_messages_end() -> None:
    async def scene() -> None:
        async with box(StreamLimits(message=0.2, unproven=0.5)) as here:
            address = url(here)
            host, port = address.removeprefix("ws://").rstrip("/").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET / HTTP/1.1\r\n")
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            async with connect(address, subprotocols=SIP) as client:
                with suppress(ConnectionClosed):  # proves nothing in all its time
                    while True:
                        await client.send("\r\n\r\n")
                        await client.recv()
                        await asyncio.sleep(0.02)
            assert here.transports.counters["stream: idle"] == 2

    run(scene)


def test_a_proven_connection_is_kept_by_pings_and_given_up_without_an_answer() -> None:
    async def scene() -> None:
        async with (
            box(StreamLimits(unproven=0.3, ping=0.1, pong=0.3)) as here,
            connect(url(here), subprotocols=SIP, ping_interval=None) as client,
        ):
            await client.send(bytes(phone().invite()))
            await client.recv()
            (session,) = here.user.sessions
            here.transports.prove(session.flow)
            await asyncio.sleep(0.8)  # far beyond what the unproven get
            assert here.transports._streams[0].connections
            client.transport.pause_reading()
            await until(lambda: not here.transports._streams[0].connections)
            assert here.transports.counters["stream: idle"] == 1
            client.transport.abort()

    run(scene)


def test_closing_says_so() -> None:
    async def scene() -> None:
        async with box() as here, connect(url(here), subprotocols=SIP) as client:
            closing = asyncio.ensure_future(here.transports.close())
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            await closing

    run(scene)


def test_a_client_that_leaves_in_order_is_forgotten() -> None:
    async def scene() -> None:
        async with box() as here:
            async with connect(url(here), subprotocols=SIP) as client:
                await client.send(bytes(phone().invite()))
                await client.recv()
            await until(lambda: not here.transports._streams[0].connections)
            assert client.close_code == 1000
            assert here.user.ear.value("ended") == ("transport", 503, True)
            assert here.stack.session_count == 0

    run(scene)


def test_a_box_without_such_a_listener_loads_nothing_of_it() -> None:
    program = """
import asyncio, sys
from tests.sip.transport.support import box
async def main():
    async with box() as here:
        here.bind("UDP"), here.bind("TCP")
asyncio.run(main())
assert not {"wsproto", "h11", "sip.websocket"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_tls_hello_on_a_plain_listener_is_turned_away() -> None:
    async def scene() -> None:
        async with box() as here:
            address = url(here).replace("ws:", "wss:")
            with pytest.raises(OSError, match="SSL"):
                await connect(address, subprotocols=SIP)
            assert here.transports.counters["websocket: not a WebSocket"] == 1

    run(scene)
