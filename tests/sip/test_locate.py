"""RFC 3263 with scripted answers; each test names the questions that may be asked, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.locate import (
    MOST_QUESTIONS,
    MOST_TARGETS,
    Located,
    Naptr,
    Srv,
    Target,
    by_weight,
    is_numeric,
    locate,
)
from sip.uri import SipUri

DOMAIN = "example.com"
ZONE: dict[str, Any] = {
    "naptr example.com": [
        Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com."),
        Naptr(90, 50, "S", "sip+d2t", "_sip._tcp.example.com."),
        Naptr(90, 40, "s", "SIP+D2U", "_sip._udp.example.com."),
        Naptr(10, 10, "s", "SIP+D2S", "_sip._sctp.example.com."),
        Naptr(10, 10, "u", "E2U+sip", "!^.*$!sip:x@example.com!"),
    ],
    "srv _sip._udp.example.com.": [
        Srv(1, 0, 5060, "server1.example.com."),
        Srv(2, 0, 5070, "server2.example.com."),
    ],
    "srv _sip._tcp.example.com.": [Srv(1, 0, 5062, "server1.example.com.")],
    "srv _sips._tcp.example.com.": [Srv(1, 0, 5061, "server1.example.com.")],
    "srv _sip._udp.example.com": [Srv(1, 0, 5060, "server1.example.com.")],
    "addresses server1.example.com": ["192.0.2.1", "2001:db8::1"],
    "addresses server2.example.com": ["192.0.2.2"],
    "addresses example.com": ["192.0.2.80"],
}


class Scripted:
    """A resolver with a zone of its own that notes what it is asked."""

    def __init__(self, zone: dict[str, Any]) -> None:
        self.zone = zone
        self.asked: list[str] = []

    async def naptr(self, name: str) -> Any:
        return self._answer("naptr", name)

    async def srv(self, name: str) -> Any:
        return self._answer("srv", name)

    async def addresses(self, name: str) -> Any:
        return self._answer("addresses", name)

    def _answer(self, kind: str, name: str) -> Any:
        self.asked.append(f"{kind} {name}")
        return self.zone.get(f"{kind} {name}", [])


def find(
    uri: str, zone: dict[str, Any], transports: Sequence[Located] = ("UDP", "TCP", "TLS")
) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Return (transport, address, port) in order, and what was asked for it."""
    resolver = Scripted(zone)
    targets = asyncio.run(locate(SipUri.parse(uri), resolver, lambda _: 0, transports))
    return [(target.transport, *target.address) for target in targets], resolver.asked


def without(*kinds: str) -> dict[str, Any]:
    return {question: answer for question, answer in ZONE.items() if question.split()[0] not in kinds}


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:192.0.2.7", ("UDP", "192.0.2.7", 5060)),
        ("sip:192.0.2.7:5090", ("UDP", "192.0.2.7", 5090)),
        ("sip:192.0.2.7;transport=TCP", ("TCP", "192.0.2.7", 5060)),
        ("sip:192.0.2.7;transport=tls", ("TLS", "192.0.2.7", 5061)),
        ("sips:192.0.2.7", ("TLS", "192.0.2.7", 5061)),
        ("sips:192.0.2.7;transport=tcp", ("TLS", "192.0.2.7", 5061)),
        ("sip:[2001:db8::7]:5080", ("UDP", "2001:db8::7", 5080)),
        ("sip:example.com;maddr=192.0.2.9", ("UDP", "192.0.2.9", 5060)),
        ("sip:example.com;maddr=[2001:db8::9]", ("UDP", "2001:db8::9", 5060)),
    ],
)
def test_a_numeric_host_asks_nobody(uri: str, target: tuple[str, str, int]) -> None:
    assert find(uri, ZONE) == ([target], [])


@pytest.mark.parametrize(
    ("uri", "transport", "port"),
    [
        ("sip:example.com:5090", "UDP", 5090),
        ("sips:example.com:5090", "TLS", 5090),
        ("sip:example.com:5090;transport=tcp", "TCP", 5090),
        ("sip:example.com:5060", "UDP", 5060),
    ],
)
def test_a_port_leaves_only_the_address_to_ask_for(uri: str, transport: str, port: int) -> None:
    assert find(uri, ZONE) == ([(transport, "192.0.2.80", port)], ["addresses example.com"])


def test_a_transport_asks_for_its_srv_records_at_once() -> None:
    targets, asked = find("sip:example.com;transport=udp", ZONE)
    assert targets == [("UDP", "192.0.2.1", 5060), ("UDP", "2001:db8::1", 5060)]
    assert asked == ["srv _sip._udp.example.com", "addresses server1.example.com"]


@pytest.mark.parametrize(
    ("uri", "first", "target"),
    [
        ("sip:example.com;transport=udp", "srv _sip._udp.example.com", ("UDP", "192.0.2.80", 5060)),
        ("sip:example.com;transport=tls", "srv _sips._tcp.example.com", ("TLS", "192.0.2.80", 5061)),
        ("sips:example.com;transport=tcp", "srv _sips._tcp.example.com", ("TLS", "192.0.2.80", 5061)),
    ],
)
def test_without_srv_records_the_host_itself_is_asked_for(
    uri: str, first: str, target: tuple[str, str, int]
) -> None:
    assert find(uri, without("srv")) == ([target], [first, "addresses example.com"])


def test_naptr_decides_by_order_and_passes_over_what_we_do_not_speak() -> None:
    targets, asked = find("sip:user@example.com", ZONE)
    assert targets == [("TLS", "192.0.2.1", 5061), ("TLS", "2001:db8::1", 5061)]
    assert asked == ["naptr example.com", "srv _sips._tcp.example.com.", "addresses server1.example.com"]


def test_naptr_of_one_order_are_tried_by_preference() -> None:
    targets, _ = find("sip:example.com", ZONE, ("TCP", "UDP"))
    assert [(transport, port) for transport, _, port in targets] == [
        ("UDP", 5060), ("UDP", 5060), ("UDP", 5070), ("TCP", 5062), ("TCP", 5062),
    ]  # fmt: skip


def test_sips_takes_nothing_but_tls() -> None:
    targets, asked = find("sips:example.com", without("naptr"))
    assert targets == [("TLS", "192.0.2.80", 5061)]
    assert asked == ["naptr example.com", "srv _sips._tcp.example.com", "addresses example.com"]
    only_udp = {**ZONE, "naptr example.com": [Naptr(1, 1, "s", "SIP+D2U", "_sip._udp.example.com.")]}
    assert {transport for transport, _, _ in find("sips:example.com", only_udp)[0]} == {"TLS"}
    assert find("sips:example.com;transport=udp", ZONE) == ([], [])


def test_without_naptr_the_first_transport_with_srv_records_is_taken() -> None:
    zone = without("naptr")
    zone["srv _sips._tcp.example.com"] = [Srv(1, 0, 5061, "server2.example.com.")]
    assert find("sip:example.com", zone, ("TLS", "UDP"))[0] == [("TLS", "192.0.2.2", 5061)]
    targets, asked = find("sip:example.com", zone, ("TCP", "UDP", "TLS"))
    assert targets[0] == ("UDP", "192.0.2.1", 5060)
    assert asked[:3] == ["naptr example.com", "srv _sip._tcp.example.com", "srv _sip._udp.example.com"]


def test_without_naptr_and_srv_it_is_udp_at_the_usual_port() -> None:
    zone = without("naptr", "srv")
    assert find("sip:example.com", zone)[0] == [("UDP", "192.0.2.80", 5060)]
    assert find("sip:example.com", zone, ("TCP",))[0] == [("TCP", "192.0.2.80", 5060)]


def test_a_domain_nobody_knows_leads_nowhere() -> None:
    targets, asked = find("sip:example.com", {})
    assert targets == []
    assert len(asked) == 5


def test_a_target_of_a_dot_means_that_the_service_is_not_there() -> None:
    zone = {**without("naptr"), "srv _sip._udp.example.com": [Srv(0, 0, 0, ".")]}
    assert find("sip:example.com;transport=udp", zone) == ([], ["srv _sip._udp.example.com"])


@pytest.mark.parametrize(
    "uri", ["tel:+15550100", "sip:192.0.2.1;transport=sctp", "sip:example.com;transport=ws"]
)
def test_what_we_cannot_reach_leads_nowhere_and_asks_nobody(uri: str) -> None:
    assert find(uri, ZONE) == ([], [])


def test_the_name_to_prove_is_the_domain_that_was_asked_for() -> None:
    for uri in ("sips:example.com", "sips:example.com:5061", "sips:server1.example.com;maddr=example.com"):
        targets = asyncio.run(locate(SipUri.parse(uri), Scripted(ZONE), lambda _: 0))
        assert {target.name for target in targets} == {DOMAIN}
    numeric = asyncio.run(locate(SipUri.parse("sips:[2001:db8::7]"), Scripted({}), lambda _: 0))
    assert numeric == [Target("TLS", ("2001:db8::7", 5061), "2001:db8::7")]


def test_no_answer_makes_it_ask_or_give_without_end() -> None:
    many = [Srv(1, 0, 5060, f"host{number}.example.com.") for number in range(500)]
    targets, asked = find("sip:example.com;transport=udp", {"srv _sip._udp.example.com": many})
    assert targets == []
    assert len(asked) == MOST_QUESTIONS
    ports = {"srv _sip._udp.example.com": [Srv(1, 0, 5000 + number, "h.") for number in range(500)]}
    targets, asked = find("sip:example.com;transport=udp", {**ports, "addresses h": ["192.0.2.1"]})
    assert len(targets) == MOST_TARGETS
    assert len(asked) <= MOST_QUESTIONS
    twice = {"srv _sip._udp.example.com": [Srv(1, 0, 5060, "a."), Srv(2, 0, 5060, "b.")]}
    both = {**twice, "addresses a": ["192.0.2.1"], "addresses b": ["192.0.2.1"]}
    assert find("sip:example.com;transport=udp", both)[0] == [("UDP", "192.0.2.1", 5060)]
    nonsense = {"srv _sip._udp.example.com": [Srv(1, 0, 0, "a.")], "addresses a": ["192.0.2.1"]}
    assert find("sip:example.com;transport=udp", nonsense)[0] == []


def test_an_srv_target_that_is_an_address_needs_no_question() -> None:
    zone = {"srv _sip._udp.example.com": [Srv(1, 0, 5060, "192.0.2.5.")]}
    assert find("sip:example.com;transport=udp", zone)[0] == [("UDP", "192.0.2.5", 5060)]


def seeded(seed: int) -> Callable[[int], int]:
    return Random(seed).randrange


def test_srv_records_come_by_priority_and_then_in_proportion_to_their_weight() -> None:
    light, heavy, none, later = Srv(1, 10, 1, "a"), Srv(1, 30, 2, "b"), Srv(1, 0, 3, "c"), Srv(2, 99, 4, "d")
    draw = seeded(1)
    orders = [by_weight([later, none, heavy, light], draw) for _ in range(4000)]
    assert all(order[3] == later and len(order) == 4 for order in orders)
    first = [order[0] for order in orders]
    assert 0.70 < first.count(heavy) / 4000 < 0.77  # 30 of 41
    assert 0.21 < first.count(light) / 4000 < 0.28
    assert 0 < first.count(none) / 4000 < 0.05
    assert by_weight([light, heavy], lambda _: 0) == [light, heavy]
    assert by_weight([light, heavy], lambda most: most - 1) == [heavy, light]


@given(
    st.lists(
        st.builds(
            Srv, st.integers(0, 3), st.integers(0, 65535), st.integers(1, 65535), st.sampled_from("abcd")
        ),
        max_size=12,
    ),
    st.integers(),
)
def test_no_srv_record_is_lost_or_made_up(records: list[Srv], seed: int) -> None:
    ordered = by_weight(records, seeded(seed))
    assert sorted(map(repr, ordered)) == sorted(map(repr, records))
    assert [record.priority for record in ordered] == sorted(record.priority for record in records)


@pytest.mark.parametrize(
    ("host", "numeric"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.1", True),
        ("fe80::1%eth0", False),
        ("192.0.2", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_what_counts_as_numeric(host: str, numeric: bool) -> None:
    assert is_numeric(host) is numeric
