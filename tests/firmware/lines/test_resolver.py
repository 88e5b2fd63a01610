"""The resolver against a DNS server on loopback: what it asks, what it keeps, and how long."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from firmware.lines.resolver import FAILED, LONGEST, LONGEST_NONE, MOST_KEPT, MOST_RECORDS, DnsResolver
from sip.locate import Naptr, Srv, locate
from sip.uri import SipUri
from tests.support.clock import ManualClock
from tests.support.nameserver import NameServer

HOST = "127.0.9.53"
ZONE = [
    'example.com. 600 NAPTR 10 20 "s" "SIP+D2T" "" _sip._tcp.example.com.',
    "_sip._tcp.example.com. 300 SRV 5 1 5070 gw2.example.com.",
    "_sip._tcp.example.com. 300 SRV 1 1 5070 gw1.example.com.",
    "gw1.example.com. 60 A 192.0.2.1",
    "gw1.example.com. 60 AAAA 2001:db8::1",
    "gw2.example.com. 30 CNAME gw2.example.net.",
    "gw2.example.net. 90 A 192.0.2.2",
    "brief.example.com. 0 A 192.0.2.3",
    "long.example.com. 999999 A 192.0.2.4",
]

Use = Callable[[NameServer, DnsResolver, ManualClock, Counter[str]], Awaitable[None]]


def with_server(use: Use, *, ipv6: bool = False, minimum: int = 60) -> None:
    async def main() -> None:
        clock, counts = ManualClock(), Counter[str]()
        async with NameServer(HOST, ZONE, minimum=minimum) as server:
            resolver = DnsResolver(
                [HOST],
                clock.now,
                lambda name: counts.update([name]),
                port=server.port,
                seconds=0.3 if use.__name__.startswith("silent") else 3.0,
                ipv6=ipv6,
            )
            await use(server, resolver, clock, counts)

    asyncio.run(main())


def test_a_domain_is_located_with_naptr_srv_and_addresses() -> None:
    async def use(server: NameServer, resolver: DnsResolver, _clock: ManualClock, _: Counter[str]) -> None:
        targets = await locate(SipUri.parse("sip:example.com"), resolver, lambda _: 0)
        assert [(target.transport, *target.address) for target in targets] == [
            ("TCP", "192.0.2.1", 5070),
            ("TCP", "2001:db8::1", 5070),
            ("TCP", "192.0.2.2", 5070),
        ]
        assert server.asked == [
            "NAPTR example.com.",
            "SRV _sip._tcp.example.com.",
            "A gw1.example.com.",
            "AAAA gw1.example.com.",
            "A gw2.example.com.",
            "AAAA gw2.example.com.",
        ]
        assert await resolver.naptr("EXAMPLE.com") == [
            Naptr(10, 20, "s", "SIP+D2T", "_sip._tcp.example.com.")
        ]
        assert sorted(await resolver.srv("_sip._tcp.example.com."), key=lambda srv: srv.priority) == [
            Srv(1, 1, 5070, "gw1.example.com."),
            Srv(5, 1, 5070, "gw2.example.com."),
        ]
        assert len(server.asked) == 6  # what is known is not asked again

    with_server(use, ipv6=True)


def test_a_box_without_ipv6_never_asks_for_it() -> None:
    async def use(server: NameServer, resolver: DnsResolver, _clock: ManualClock, _: Counter[str]) -> None:
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
        assert server.asked == ["A gw1.example.com."]

    with_server(use)


def test_an_answer_is_kept_for_its_ttl_and_no_longer() -> None:
    async def use(server: NameServer, resolver: DnsResolver, clock: ManualClock, _: Counter[str]) -> None:
        for name, seconds in (("gw1", 60.0), ("gw2", 30.0), ("brief", 0.0), ("long", LONGEST)):
            server.asked.clear()
            first = await resolver.addresses(f"{name}.example.com")
            if seconds:
                clock.advance(seconds - 0.1)
                assert await resolver.addresses(f"{name}.example.com") == first
                assert len(server.asked) == 1
                clock.advance(0.1)
            assert await resolver.addresses(f"{name}.example.com") == first
            assert len(server.asked) == 2

    with_server(use)


def test_that_there_is_none_is_kept_too_but_not_for_long() -> None:
    async def use(server: NameServer, resolver: DnsResolver, clock: ManualClock, _: Counter[str]) -> None:
        for name in ("nobody.example.com", "example.com"):  # no such name; no such record
            server.asked.clear()
            for _try in range(3):
                assert await resolver.addresses(name) == []
            assert len(server.asked) == 1
            clock.advance(LONGEST_NONE)
            assert await resolver.addresses(name) == []
            assert len(server.asked) == 2

    with_server(use, minimum=86400)


def test_while_nobody_answers_what_was_known_serves_on() -> None:
    async def use(
        server: NameServer, resolver: DnsResolver, clock: ManualClock, counts: Counter[str]
    ) -> None:
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
        server.broken = True
        clock.advance(61)
        server.asked.clear()
        for _ in range(3):
            assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
            assert await resolver.addresses("gw2.example.com") == []
        assert server.asked == ["A gw1.example.com.", "A gw2.example.com."]
        assert counts == {"dns: nobody answered": 2}
        server.broken = False
        server.put(["gw1.example.com. 60 A 192.0.2.99"])
        clock.advance(FAILED)
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.99"]
        server.broken = True
        clock.advance(61 + LONGEST)
        assert await resolver.addresses("gw1.example.com") == []

    with_server(use)


def test_what_is_doubted_is_asked_again_and_serves_on_while_nobody_answers() -> None:
    async def use(
        server: NameServer, resolver: DnsResolver, clock: ManualClock, counts: Counter[str]
    ) -> None:
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
        server.broken = True
        resolver.doubt()
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
        resolver.doubt()  # nobody answered a moment ago: that is not asked again at once
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.1"]
        assert counts == {"dns: nobody answered": 1}
        server.broken = False
        server.put(["gw1.example.com. 600 A 192.0.2.99"])
        clock.advance(FAILED)
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.99"]
        server.put(["gw1.example.com. 600 A 192.0.2.77"])
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.99"]
        resolver.doubt()
        assert await resolver.addresses("gw1.example.com") == ["192.0.2.77"]

    with_server(use)


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_allowed() -> None:
    async def silent(
        server: NameServer, resolver: DnsResolver, _clock: ManualClock, counts: Counter[str]
    ) -> None:
        server.silent = True
        async with asyncio.timeout(20):
            assert await resolver.addresses("gw1.example.com") == []
        assert counts == {"dns: nobody answered": 1}

    with_server(silent)


def test_a_long_answer_comes_by_tcp() -> None:
    async def use(server: NameServer, resolver: DnsResolver, _clock: ManualClock, _: Counter[str]) -> None:
        server.truncated = True
        server.put([f"many.example.com. 60 A 192.0.2.{number}" for number in range(1, 200)])
        assert len(await resolver.addresses("many.example.com")) == MOST_RECORDS
        assert server.over_tcp == 1

    with_server(use)


def test_what_is_remembered_is_bounded_and_can_be_forgotten() -> None:
    async def use(server: NameServer, resolver: DnsResolver, _clock: ManualClock, _: Counter[str]) -> None:
        for number in range(MOST_KEPT + 10):
            await resolver.srv(f"n{number}.example.com")
        server.asked.clear()
        await resolver.srv(f"n{MOST_KEPT + 9}.example.com")
        assert server.asked == []
        await resolver.srv("n0.example.com")
        assert server.asked == ["SRV n0.example.com."]
        resolver.doubt()
        await resolver.srv(f"n{MOST_KEPT + 9}.example.com")
        assert len(server.asked) == 2

    with_server(use)


def test_names_that_cannot_be_asked_for_are_nobody() -> None:
    async def use(server: NameServer, resolver: DnsResolver, _clock: ManualClock, _: Counter[str]) -> None:
        for name in ("a" * 64 + ".example.com", ".".join(["a" * 60] * 5), "a..b"):
            assert await resolver.addresses(name) == []
        assert server.asked == []

    with_server(use)


def test_without_servers_nothing_is_asked_and_nothing_is_loaded() -> None:
    program = """
import asyncio, sys
from firmware.lines.resolver import DnsResolver
from sip.locate import locate
from sip.uri import SipUri
resolver = DnsResolver([], lambda: 0.0, print)
assert asyncio.run(locate(SipUri.parse("sip:example.com"), resolver, lambda _: 0)) == []
assert not [name for name in sys.modules if name.split(".")[0] == "dns"]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
