"""Calls in over trunks, who is taken for a carrier and who is not; and what a reload leaves alone."""

import asyncio
from dataclasses import replace

import pytest

from firmware.calls.cause import Cause
from firmware.calls.leg import Party
from firmware.calls.outside import CallerId
from firmware.media import Offers
from sip.flow import Flow
from tests.firmware.lines.carrier import (
    CARRIER,
    FIXED,
    OFFER,
    REGISTERED,
    USER,
    Carrier,
    Office,
    Owner,
    scene,
)
from tests.firmware.lines.house import BOX, House, sdp
from tests.firmware.lines.test_gate import message, status

CALLEE = "+4989123456"
NORA = CallerId("+493012345699", "Nora")


def test_a_call_in_by_the_registered_contact() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(1)
        await carrier.calls_in("030123457", caller='"Bob" <sip:004940987654@carrier.test>')
        [leg] = office.took
        assert leg.party == Party(None, "+4940987654", "Bob", line="first")
        assert leg.dialled == "030123457"
        assert office.line().calls == 1
        owner = Owner(leg)
        leg.ring()
        leg.answer(OFFER)
        await asyncio.sleep(0.1)
        assert carrier.last("answered") == bytes(OFFER)
        await carrier.hangup()
        assert owner.said == [Cause.NORMAL.value]

    scene(play)


@pytest.mark.parametrize(
    ("headers", "caller", "party"),
    [
        ((), "<sip:+4940987654@x.test>", Party(None, "+4940987654", line="second")),
        (
            (("P-Asserted-Identity", '"Bob" <sip:+4940111111@x.test>'),), "<sip:+4940987654@x.test>",
            Party(None, "+4940111111", "Bob", line="second"),
        ),
        (
            (("P-Asserted-Identity", "<tel:+4940111111>"), ("Privacy", "id")),
            "<sip:anonymous@anonymous.invalid>", Party(None, "+4940111111", "", True, "second"),
        ),
        ((), '"Anonymous" <sip:anonymous@anonymous.invalid>', Party(None, "", "", True, "second")),
        ((("Privacy", "none"),), "<sip:4940987654@x.test>", Party(None, "+4940987654", line="second")),
    ],
)  # fmt: skip
def test_who_calls_in(headers: tuple[tuple[str, str], ...], caller: str, party: Party) -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(1)
        await carrier.calls_in("+4930123456", caller=caller, headers=headers)
        [leg] = office.took
        assert leg.party == party
        assert leg.dialled == "+4930123456"
        leg.hangup(Cause.BUSY)
        await asyncio.sleep(0.1)

    scene(play)


def test_a_stranger_who_says_he_is_the_carrier_gets_the_gate() -> None:
    async def play(house: House) -> None:
        Carrier(house)
        office = Office(house, [REGISTERED, FIXED])
        await asyncio.sleep(1)
        forged = message("INVITE", USER, uri=f"sip:101@{BOX[0]}", body=sdp(4000))
        assert status(house.feed(forged, ("203.0.113.9", 5060))) == 401
        overtcp = message("INVITE", USER, uri=f"sip:101@{BOX[0]}", body=sdp(4000))
        assert status(house.feed(overtcp, CARRIER, "TCP", 7)) == 401  # the carrier speaks UDP
        assert not office.took

    scene(play)


def test_who_knows_the_contact_comes_from_the_carrier_wherever_he_stands() -> None:
    async def play(house: House) -> None:
        Carrier(house)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(1)
        border = Carrier(house, ("203.0.113.77", 5060))
        await border.calls_in("+4930123456", uri=f"sip:tok-first@{BOX[0]}")
        [leg] = office.took
        assert leg.party.line == "first"
        assert house.line.counters["trunk: call by its contact alone"] == 1
        Owner(leg)
        leg.answer(OFFER)
        await asyncio.sleep(0.1)
        await border.hangup()

    scene(play)


def test_configured_networks_are_sources_too() -> None:
    async def play(house: House) -> None:
        office = Office(house, [replace(FIXED, networks=("198.51.100.0/24",))])
        await asyncio.sleep(1)
        border = Carrier(house, ("198.51.100.20", 5060))
        await border.calls_in("+4930123456")
        [leg] = office.took
        leg.hangup(Cause.BUSY)
        await asyncio.sleep(0.1)
        assert office.trunks.counters["trunk: not its source"] == 0

    scene(play)


def test_over_tls_the_proved_name_counts_not_the_address() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house, (CARRIER[0], 5061))
        office = Office(house, [replace(REGISTERED, transport="tls")])
        await asyncio.sleep(1)
        assert office.line().up
        line = office.line()
        assert line.is_source(Flow("TLS", BOX, (CARRIER[0], 5061), 9, "sip.carrier.test"))
        assert not line.is_source(Flow("TLS", BOX, (CARRIER[0], 5061), 9, "other.test"))
        assert not line.is_source(Flow("TLS", BOX, (CARRIER[0], 5061), 9))
        assert carrier.bindings.lookup(USER, house.clock.now())

    scene(play)


def test_more_calls_than_the_line_carries_are_busy() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [replace(FIXED, most=1)])
        await asyncio.sleep(1)
        await carrier.calls_in("+4930123456")
        first = carrier.session
        await carrier.calls_in("+4930123456")
        assert getattr(carrier.last("ended"), "status", 0) == 486
        [leg] = office.took
        leg.hangup(Cause.BUSY)
        await asyncio.sleep(0.1)
        assert first is not None

    scene(play)


def test_nobody_else_speaks_within_a_carriers_call() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(1)
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.1)
        await carrier.answer()
        invite = carrier.got("INVITE")[0]
        bye = message("BYE", "x", to="y")
        bye.set("Call-ID", invite.call_id)
        bye.set("From", f"<sip:x@y>;tag={carrier.ringing.tag}")
        bye.set("To", f"<sip:x@y>;tag={invite.from_tag}")
        assert status(house.feed(bye, ("203.0.113.9", 5060))) == 403
        assert house.line.counters["trunk: not its source"] == 1
        assert owner.said == ["Answered"]
        await carrier.hangup()
        assert owner.said == ["Answered", "normal"]

    scene(play)


def test_a_reload_touches_no_running_call() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [REGISTERED, FIXED])
        await asyncio.sleep(1)
        owner = Owner(office.line(1).dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.1)
        await carrier.answer()
        kept = office.line(0)
        registers = len(carrier.got("REGISTER"))
        office.trunks.use([replace(FIXED, most=5), REGISTERED])
        assert [line.name for line in office.trunks.lines()] == ["second", "first"]
        assert office.line(1) is kept
        await asyncio.sleep(1)
        assert len(carrier.got("REGISTER")) == registers
        await carrier.reoffer(sdp(5000, "a=sendonly"))
        assert owner.said == ["Answered", "Reoffer"]
        owner.leg.accept(OFFER)
        office.trunks.use([])
        await asyncio.sleep(1)
        assert not carrier.bindings.lookup(USER, house.clock.now())
        await carrier.hangup()
        assert owner.said[-1] == Cause.NORMAL.value

    scene(play)
