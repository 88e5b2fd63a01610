from __future__ import annotations

import asyncio

from sip.listener import DEAF
from sip.message import Request, parse
from sip.transport.detours import MOST, SULK, Detours
from tests.sip.net import OFFER
from tests.sip.transport.support import Box, Peer, box, until

FAR = ("192.0.2.1", 5060)
LONG = (("X-Filler", "x" * 1300),)


def test_only_who_was_named_is_asked_and_after_a_refusal_not_for_a_while() -> None:
    detours = Detours()
    assert not detours.may(FAR, 0)
    detours.refused(FAR, 0)
    assert not detours.may(FAR, SULK * 2)
    detours.allow(FAR, large=True)
    assert detours.may(FAR, 0)
    detours.refused(FAR, 10)
    detours.allow(FAR, large=True)
    assert not detours.may(FAR, SULK)
    assert detours.may(FAR, 10 + SULK)
    detours.allow(FAR, large=False)
    assert not detours.may(FAR, SULK * 2)


def test_the_memory_is_bounded_and_the_oldest_goes() -> None:
    detours = Detours()
    for port in range(1, MOST + 2):
        detours.allow(("192.0.2.1", port), large=True)
    assert not detours.may(("192.0.2.1", 1), 0)
    assert detours.may(("192.0.2.1", 2), 0)


def call(here: Box, far: Peer) -> None:
    flow = here.transports.open("UDP", far.address, large=True)
    here.stack.invite(
        "sip:far@x", flow, caller="<sip:a@x>", callee="<sip:far@x>", offer=OFFER,
        listener=DEAF, now=here.now(), headers=LONG,
    )  # fmt: skip


def test_a_large_invite_takes_tcp_where_there_is_some() -> None:
    async def scene() -> None:
        async with box() as here, box() as other:
            here.bind("UDP")
            far = Peer(("127.0.0.1", 9))
            other.transports.bind("TCP", *far.address)
            call(here, far)
            await until(lambda: other.user.sessions)
            assert other.user.sessions[0].flow.transport == "TCP"
            far.close()

    asyncio.run(scene())


def test_where_nobody_listens_the_datagram_comes_and_the_next_one_at_once() -> None:
    async def scene() -> None:
        async with box() as here:
            far = Peer(here.bind("UDP"))
            for _ in range(2):
                call(here, far)
                request = parse(await far.receive())
                assert isinstance(request, Request)
                assert request.via.transport == "UDP"
                far.send(bytes(request.answer(486, to_tag="far")))
                assert parse(await far.receive()).start_line.startswith("ACK ")
            assert here.transports.counters["outgoing: not connected"] == 1
            far.close()

    asyncio.run(scene())
