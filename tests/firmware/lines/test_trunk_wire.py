"""Trunks on real sockets: TCP, TLS with the right name and the wrong one, DNS that changes its mind."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware.calls.cause import Cause
from firmware.calls.leg import Leg, Refused
from firmware.calls.outside import CallerId
from firmware.clock import Clock
from firmware.journal import Journal
from firmware.lines.resolver import DnsResolver
from firmware.lines.trunk_line import TrunkLine
from firmware.lines.trunk_watch import Tools
from firmware.lines.trunks import Trunks
from firmware.media import Offers
from provisioning.site_trunk import Trunk
from sip.answer import Answer
from sip.flow import Flow
from sip.listener import DEAF
from sip.message import Request
from sip.registrar import Bindings
from sip.sdp import SessionDescription
from sip.session import Session
from sip.stack import Stack, StackConfig
from sip.transport import Transports
from sip.uas import UasSession
from tests.firmware.lines.carrier import OFFER, Owner
from tests.sip.transport.support import certificate, until
from tests.support.nameserver import NameServer

NAME = "carrier.example.com"


class Far:
    """A carrier's server on a real socket: lets everybody register, answers every call."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.transports = Transports(loop, loop.time)
        self.stack = Stack(self.transports.send, self, StackConfig(), os.urandom, {"REGISTER": self.serve})
        self.transports.start(self.stack)
        self.bindings = Bindings()
        self.flows: list[Flow] = []
        self.sessions: list[UasSession] = []

    @property
    def contacts(self) -> list[str]:
        return [binding.uri for binding in self.bindings.lookup("user", asyncio.get_running_loop().time())]

    def serve(self, request: Request, flow: Flow, identity: object, now: float) -> Answer:
        self.flows.append(flow)
        return self.bindings.register(request.to.uri.user, request, flow, now)

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        return "anybody"

    def urgent(self, request: Request) -> bool:
        return False

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        self.sessions.append(session)
        session.accept(bytes(OFFER), now)


class Near:
    """Our side: trunks on real transports; authorises carriers only."""

    def __init__(self, resolver: DnsResolver, trust: Any = None) -> None:
        loop = asyncio.get_running_loop()
        clock = Clock()
        self.transports = Transports(loop, clock.now)
        self.transports.trust = trust
        self.stack = Stack(self.transports.send, self, StackConfig(), os.urandom)
        self.transports.start(self.stack)
        self.transports.bind("UDP", "127.0.0.1", 0)
        tools = Tools(
            self.stack, self.transports.open, resolver, clock, Journal(clock), lambda name: f"tok-{name}"
        )
        self.trunks = Trunks(tools, lambda _: None)
        self.now = clock.now
        self.taken: list[Leg] = []

    @property
    def line(self) -> TrunkLine:
        return self.trunks.lines()[0]

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        return self.trunks.whose(request, flow, session) or Answer(401)

    def urgent(self, request: Request) -> bool:
        return False

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        line = self.trunks.as_line(identity)
        assert line is not None
        leg = line.take(session, now)
        assert leg is not None
        self.taken.append(leg)


@asynccontextmanager
async def ends(resolver: DnsResolver | None = None, trust: Any = None) -> AsyncIterator[tuple[Near, Far]]:
    near = Near(resolver or DnsResolver((), Clock().now, lambda _: None), trust)
    far = Far()
    try:
        yield near, far
    finally:
        await near.trunks.close()
        await near.transports.close()
        await far.transports.close()


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def trunk(port: int, transport: str, host: str = "127.0.0.1", **more: Any) -> Trunk:
    return Trunk("t", "register", host, port=port, transport=transport, user="user", **more)


async def call_out(near: Near, far: Far) -> None:
    owner = Owner(near.line.dial("+4989123456", CallerId(), Offers.same(OFFER)))
    await until(lambda: owner.said == ["Answered"])
    owner.leg.hangup(Cause.NORMAL)
    await until(lambda: far.sessions[-1].state == "ended")


def test_a_tcp_trunk_calls_both_ways_on_its_connection() -> None:
    async def scene() -> None:
        async with ends() as (near, far):
            _, port = far.transports.bind("TCP", "127.0.0.1", 0)
            near.trunks.use([trunk(port, "tcp")])
            await until(lambda: near.line.up)
            assert far.contacts[0].endswith(";transport=tcp")
            await call_out(near, far)
            [flow] = far.flows
            far.stack.invite(
                far.contacts[0], flow, caller="<sip:+4940111222@x>", callee="<sip:user@x>",
                offer=bytes(OFFER), listener=DEAF, now=asyncio.get_running_loop().time(),
            )  # fmt: skip
            await until(lambda: near.taken)
            [leg] = near.taken
            assert leg.party.number == "+4940111222"
            leg.hangup(Cause.BUSY)
            await until(lambda: near.line.calls == 0)

    play(scene)


def test_a_call_outlives_its_connection_and_ends_over_a_new_one() -> None:
    async def scene() -> None:
        async with ends() as (near, far):
            _, port = far.transports.bind("TCP", "127.0.0.1", 0)
            near.trunks.use([trunk(port, "tcp")])
            await until(lambda: near.line.up)
            owner = Owner(near.line.dial("+4989123456", CallerId(), Offers.same(OFFER)))
            await until(lambda: owner.said == ["Answered"])
            await far.transports.unbind("TCP", "127.0.0.1", port)
            far.transports.bind("TCP", "127.0.0.1", port)
            lost = near.line.watch.flow
            assert lost is not None
            await until(lambda: near.transports.again(lost) != lost)
            assert owner.said == ["Answered"]
            owner.leg.hangup(Cause.NORMAL)
            await until(lambda: far.sessions[-1].state == "ended")

    play(scene)


def test_a_call_whose_carrier_is_gone_ends_with_its_next_word() -> None:
    async def scene() -> None:
        async with ends() as (near, far):
            _, port = far.transports.bind("TCP", "127.0.0.1", 0)
            near.trunks.use([trunk(port, "tcp")])
            await until(lambda: near.line.up)
            owner = Owner(near.line.dial("+4989123456", CallerId(), Offers.same(OFFER)))
            await until(lambda: owner.said == ["Answered"])
            await far.transports.unbind("TCP", "127.0.0.1", port)
            with pytest.raises(Refused):
                await owner.leg.offer(OFFER)
            await until(lambda: owner.leg.over and not near.stack.session_count)
            assert near.line.calls == 0

    play(scene)


def test_an_invite_too_large_for_a_datagram_takes_tcp_unless_the_site_says_udp() -> None:
    async def scene() -> None:
        for transport, came in (("", "TCP"), ("udp", "UDP")):
            async with ends() as (near, far):
                _, port = far.transports.bind("UDP", "127.0.0.1", 0)
                far.transports.bind("TCP", "127.0.0.1", port)
                near.trunks.use([trunk(port, transport)])
                await until(lambda near=near: near.line.up)
                long = SessionDescription.parse(bytes(OFFER) + b"a=x-filler:" + b"x" * 1300 + b"\r\n")
                owner = Owner(near.line.dial("+4989123456", CallerId(), Offers.same(long)))
                await until(lambda owner=owner: owner.said == ["Answered"])
                assert far.sessions[-1].flow.transport == came
                assert far.flows[-1].transport == "UDP"  # the registration is short
                owner.leg.hangup(Cause.NORMAL)
                await until(lambda far=far: far.sessions[-1].state == "ended")

    play(scene)


def test_a_tls_trunk_speaks_with_who_it_was_named_after(tmp_path: Path) -> None:
    async def scene() -> None:
        server, client = certificate(tmp_path)
        client.check_hostname = False  # the name is a matter of RFC 5922, as in the box
        async with ends(trust=lambda _: client) as (near, far):
            _, port = far.transports.bind("TLS", "127.0.0.1", 0, server)
            near.trunks.use([trunk(port, "tls")])
            await until(lambda: near.line.up)
            assert near.line.watch.flow is not None
            assert near.line.watch.flow.peer == "127.0.0.1"
            await call_out(near, far)

    play(scene)


def test_a_tls_trunk_tells_nothing_to_who_has_another_name(tmp_path: Path) -> None:
    async def scene() -> None:
        server, client = certificate(tmp_path)
        client.check_hostname = False
        async with NameServer("127.0.0.1", [f"{NAME}. 60 A 127.0.0.1"]) as dns:
            resolver = DnsResolver([dns.host], Clock().now, lambda _: None, port=dns.port)
            async with ends(resolver, lambda _: client) as (near, far):
                _, port = far.transports.bind("TLS", "127.0.0.1", 0, server)
                near.trunks.use([trunk(port, "tls", NAME)])
                await until(lambda: near.line.watch.failure)
                assert near.line.watch.failure == "the carrier does not answer"
                assert not near.line.up
                assert not far.flows
                assert near.transports.counters["outgoing: not who was asked for"] >= 1

    play(scene)


@pytest.mark.timeout(120)
def test_a_carrier_that_moved_is_found_by_asking_dns_again() -> None:
    """Promise F29, with real answers that have a lifetime."""

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        async with NameServer("127.0.0.1", [f"{NAME}. 1 A 127.0.0.2"]) as dns:
            resolver = DnsResolver([dns.host], Clock().now, lambda _: None, port=dns.port)
            async with ends(resolver) as (near, far):
                _, port = far.transports.bind("UDP", "127.0.0.2", 0)
                near.trunks.use([trunk(port, "udp", NAME, options_seconds=2, answer_seconds=2)])
                await until(lambda: near.line.up)
                await far.transports.unbind("UDP", "127.0.0.2", port)
                far.transports.bind("UDP", "127.0.0.3", port)
                dns.put([f"{NAME}. 1 A 127.0.0.3"])
                since = loop.time()
                await until(lambda: near.line.watch.targets[0].address[0] == "127.0.0.3" and near.line.up)
                assert loop.time() - since < 60
                await call_out(near, far)

    play(scene)
