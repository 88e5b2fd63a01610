from __future__ import annotations

import asyncio
import ssl
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sip.message import parse
from sip.transport.stream import Connection, StreamLimits
from sip.transport.tcp import source_of
from tests.sip.net import ANSWER, Phone
from tests.sip.transport.support import Box, box, certificate, until


def run(test: Callable[[], object]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]  # a coroutine function


async def message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(parse(head.replace(b"Content-Length", b"X-Length")).get("X-Length") or "0")
    return head + await reader.readexactly(length)


def only(here: Box) -> Connection:
    (connection,) = here.transports._streams[0].connections.values()
    return connection


def options(transport: str = "TCP") -> bytes:
    return bytes(Phone(("127.0.0.1", 5070), transport).request("OPTIONS"))


def test_a_message_split_at_every_byte_is_one_message() -> None:
    async def scene() -> None:
        async with box() as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            for octet in options():
                writer.write(bytes([octet]))
                await writer.drain()
            assert (await message(reader)).startswith(b"SIP/2.0 200 OK\r\n")
            writer.close()
            await writer.wait_closed()
            assert here.user.asked == ["OPTIONS"]

    run(scene)


def test_several_messages_and_pings_in_one_segment() -> None:
    async def scene() -> None:
        async with box() as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            writer.write(b"\r\n\r\n" + options() + b"\r\n" + options() + b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\r\n"
            assert (await message(reader)).startswith(b"SIP/2.0 200")
            assert (await message(reader)).startswith(b"SIP/2.0 200")
            assert await reader.readexactly(2) == b"\r\n"
            writer.close()
            await writer.wait_closed()

    run(scene)


def test_responses_and_requests_use_the_connection_they_came_by() -> None:
    async def scene() -> None:
        async with box() as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            phone = Phone(("127.0.0.1", 5070), "TCP")
            writer.write(bytes(phone.invite()))
            assert parse(await message(reader)).start_line == "SIP/2.0 100 Trying"
            session = here.user.sessions[0]
            assert session.flow.remote == writer.get_extra_info("sockname")
            session.accept(ANSWER, here.now())
            ok = parse(await message(reader))
            assert (
                ok.get(
                    "Contact",
                )
                == f"<sip:127.0.0.1:{session.flow.local[1]};transport=tcp>"
            )
            writer.write(bytes(phone.request("ACK", to_tag=ok.to_tag, cseq=1)))
            await until(lambda: here.user.ear.names == ["acked"])
            session.hangup(here.now())
            bye = parse(await message(reader))
            assert bye.start_line.startswith("BYE ")
            assert bye.via.transport == "TCP"
            writer.close()
            await writer.wait_closed()

    run(scene)


def test_a_connection_that_goes_takes_its_ringing_call_with_it() -> None:
    async def scene() -> None:
        async with box() as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            writer.write(bytes(Phone(("127.0.0.1", 5070), "TCP").invite()))
            await message(reader)
            flow = here.user.sessions[0].flow
            writer.close()
            await writer.wait_closed()
            await until(lambda: here.user.ear.names == ["ended"])
            assert not here.transports.send(flow, b"x")

    run(scene)


def test_a_stream_that_lost_its_place_is_answered_and_closed() -> None:
    async def scene() -> None:
        async with box() as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            writer.write(options().replace(b"Content-Length: 0", b"Content-Length: many"))
            assert (await message(reader)).startswith(b"SIP/2.0 400")
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            assert here.transports.counters["stream: lost its place"] == 1

    run(scene)


@pytest.mark.parametrize("begun", [b"", b"OPTIONS sip:x SIP/2.0\r\n"])
def test_a_connection_without_a_whole_message_is_closed_even_if_it_trickles(begun: bytes) -> None:
    async def scene() -> None:
        async with box(StreamLimits(message=0.15, idle=60)) as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            writer.write(begun)
            if begun:
                for _ in range(4):
                    await asyncio.sleep(0.02)
                    writer.write(b"X")
            with suppress(ConnectionError):
                assert await reader.read() == b""
            assert here.transports.counters["stream: idle"] == 1
            writer.close()

    run(scene)


def test_an_idle_connection_is_closed_and_one_in_use_is_not() -> None:
    async def scene() -> None:
        async with box(StreamLimits(message=60, idle=0.3)) as here:
            address = here.bind("TCP")
            reader, writer = await asyncio.open_connection(*address)
            for _ in range(6):
                writer.write(options())
                await message(reader)
                here.transports.prove(only(here).flow)
                await asyncio.sleep(0.1)
            assert not here.transports.counters
            await until(lambda: here.transports.counters["stream: idle"])
            writer.close()

    run(scene)


def test_a_connection_that_proves_nothing_ends_however_busy_it_is() -> None:
    async def scene() -> None:
        async with box(StreamLimits(unproven=0.3, idle=60)) as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"))
            while not here.transports.counters["stream: idle"]:
                writer.write(options() + b"\r\n\r\n")
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    await message(reader)
                await asyncio.sleep(0.02)
            writer.close()

    run(scene)


@pytest.mark.parametrize("limits", [StreamLimits(per_source=2), StreamLimits(connections=2)])
def test_where_connections_are_all_taken_the_oldest_that_proved_nothing_gives_way(
    limits: StreamLimits,
) -> None:
    async def scene() -> None:
        async with box(limits) as here:
            address = here.bind("TCP")
            pairs = []
            for number in range(3):
                pair = await asyncio.open_connection(*address)
                pair[1].write(options())
                await message(pair[0])
                pairs.append(pair)
                if not number:
                    here.transports.prove(only(here).flow)
            for _ in range(2):
                pair = await asyncio.open_connection(*address)
                pair[1].write(options())
                await message(pair[0])
                pairs.append(pair)
            with suppress(ConnectionError):
                assert await pairs[1][0].read() == b""
            assert here.transports.counters["stream: gave way"] in {2, 3}
            pairs[0][1].write(options())
            assert (await message(pairs[0][0])).startswith(b"SIP/2.0 200")
            for _, writer in pairs:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
            stream = here.transports._streams[0]
            await until(lambda: not stream._open and not stream._unproven)

    run(scene)


def test_a_table_full_of_those_who_are_known_takes_no_more_and_room_comes_back() -> None:
    async def scene() -> None:
        async with box(StreamLimits(connections=1)) as here:
            address = here.bind("TCP")
            first, kept = await asyncio.open_connection(*address)
            kept.write(options())
            await message(first)
            here.transports.prove(only(here).flow)
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b""
            assert here.transports.counters["stream: too many connections"] == 1
            writer.close()
            kept.close()
            await kept.wait_closed()
            stream = here.transports._streams[0]
            await until(lambda: not stream._open)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(options())
            assert (await message(reader)).startswith(b"SIP/2.0 200")
            writer.close()
            await writer.wait_closed()

    run(scene)


def test_one_source_cannot_take_the_place_of_others() -> None:
    async def scene() -> None:
        async with box(StreamLimits(connections=6)) as here:
            address = here.bind("TCP")
            quiet = await asyncio.open_connection(*address, local_addr=("127.0.0.3", 0))
            flood = [await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0)) for _ in range(20)]
            await until(lambda: here.transports.counters["stream: gave way"] == 15)
            quiet[1].write(options())
            assert (await message(quiet[0])).startswith(b"SIP/2.0 200")
            for _, writer in (quiet, *flood):
                writer.close()

    run(scene)


def test_a_whole_network_of_ipv6_addresses_is_one_source() -> None:
    assert source_of("2001:db8:1:2::1") == source_of("2001:db8:1:2:ffff::9")
    assert source_of("2001:db8:1:2::1") != source_of("2001:db8:1:3::1")
    assert source_of("fe80::1%eth0") == source_of("fe80::2")
    assert source_of("192.0.2.1") == "192.0.2.1"


def test_a_far_end_that_reads_nothing_is_dropped() -> None:
    async def scene() -> None:
        async with box(StreamLimits(unsent=200_000)) as here:
            reader, writer = await asyncio.open_connection(*here.bind("TCP"), limit=1000)
            writer.write(options())
            await message(reader)
            (connection,) = here.transports._streams[0].connections.values()
            for _ in range(3000):
                if not here.transports.send(connection.flow, b"x" * 10_000):
                    break
            else:
                pytest.fail("the queue has no bound")
            assert here.transports.counters["stream: far end reads nothing"] == 1
            await until(lambda: not here.transports._streams[0].connections)
            writer.close()

    run(scene)


def test_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    async def scene() -> None:
        server, client = certificate(tmp_path)
        async with box() as here:
            address = here.bind("TLS", server)
            reader, writer = await asyncio.open_connection(*address, ssl=client)
            data = options("TLS")
            writer.write(data[:100])
            await writer.drain()
            writer.write(data[100:] + b"\r\n\r\n")
            assert (await message(reader)).startswith(b"SIP/2.0 200 OK")
            assert await reader.readexactly(2) == b"\r\n"
            writer.write(bytes(Phone(("127.0.0.1", 5070), "TLS").invite()))
            await message(reader)
            assert here.user.sessions[0].flow.transport == "TLS"
            writer.close()
            await writer.wait_closed()

    run(scene)


def test_tls_refuses_plain_text_old_versions_and_slow_handshakes(tmp_path: Path) -> None:
    async def scene() -> None:
        server, client = certificate(tmp_path)
        async with box(StreamLimits(message=0.2)) as here:
            address = here.bind("TLS", server)
            _, plain = await asyncio.open_connection(*address)
            plain.write(options())
            _, slow = await asyncio.open_connection(*address)
            client.maximum_version = ssl.TLSVersion.TLSv1_2
            client.minimum_version = ssl.TLSVersion.TLSv1_2
            reader, writer = await asyncio.open_connection(*address, ssl=client)
            writer.write(options("TLS"))
            assert (await message(reader)).startswith(b"SIP/2.0 200 OK")
            writer.close()
            await until(lambda: here.transports.counters["stream: handshake failed"] == 2)
            stream = here.transports._streams[0]
            await until(lambda: not stream._open and not stream._unproven)
            plain.close()
            slow.close()
            assert here.user.asked == ["OPTIONS"]

    run(scene)


def test_a_half_open_tls_connection_costs_little(tmp_path: Path) -> None:
    async def scene() -> None:
        server, _ = certificate(tmp_path)
        async with box() as here:
            address = here.bind("TLS", server)
            tracemalloc.start()
            try:
                opened = [await asyncio.open_connection(*address) for _ in range(20)]
                await until(lambda: len(here.transports._streams[0]._open) == 20)
                await asyncio.sleep(0)
                each = tracemalloc.get_traced_memory()[0] / 20
            finally:
                tracemalloc.stop()
            for _, writer in opened:
                writer.close()
            assert each < 100_000

    run(scene)
