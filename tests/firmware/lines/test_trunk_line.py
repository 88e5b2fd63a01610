"""Calls out over a trunk: who is told what, which server takes it, whose failure it was."""

import asyncio
from dataclasses import replace

import pytest

from firmware.calls.cause import Cause
from firmware.calls.leg import Diversion, Party
from firmware.calls.outside import CallerId
from firmware.media import Offers
from firmware.store.model import Occasion
from provisioning.site_trunk import Trunk
from sip.answer import Answer
from sip.locate import Srv
from sip.message import Request
from tests.firmware.lines.carrier import (
    CARRIER,
    FIXED,
    OFFER,
    OTHER,
    REGISTERED,
    USER,
    Carrier,
    Office,
    Owner,
    Zone,
    scene,
)
from tests.firmware.lines.house import House, sdp
from tests.firmware.lines.test_gate import message, status

CALLEE = "+4989123456"
NORA = CallerId("+493012345699", "Nora")


def two_servers() -> Zone:
    zone = Zone()
    zone.services["_sip._udp.sip.carrier.test"] = [Srv(1, 0, 5060, "a.test."), Srv(2, 0, 5060, "b.test.")]
    zone.hosts |= {"a.test": [CARRIER[0]], "b.test": [OTHER[0]]}
    return zone


def test_a_call_out_with_a_challenge_keeps_its_offer() -> None:
    """Trap 22: the media address stays as it is in the INVITE after 407."""

    async def play(house: House) -> None:
        carrier = Carrier(house, wants=frozenset({"REGISTER", "INVITE"}))
        office = Office(house, [REGISTERED])
        await asyncio.sleep(1)
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.1)
        first, second = carrier.got("INVITE")
        assert first.body == second.body == bytes(OFFER)
        assert first.uri == second.uri == f"sip:{CALLEE}@sip.carrier.test"
        assert (first.call_id, first.from_tag) == (second.call_id, second.from_tag)
        await carrier.ring()
        await carrier.answer()
        assert owner.said == ["Ringing", "Answered"]
        assert office.line().calls == 1
        owner.leg.hangup(Cause.NORMAL)
        await asyncio.sleep(0.1)
        assert ("ended", "bye") in [(name, getattr(value, "why", "")) for name, value in carrier.heard]
        assert office.line().calls == 0

    scene(play)


@pytest.mark.parametrize(
    ("trunk", "caller", "sent"),
    [
        (
            REGISTERED, CallerId("+4930111"),
            (f"<sip:{USER}@sip.carrier.test>", "<sip:+4930123456@sip.carrier.test>", None),
        ),
        (
            replace(REGISTERED, caller_id="passthrough"), NORA,
            (f'"Nora" <sip:{USER}@sip.carrier.test>', '"Nora" <sip:+493012345699@sip.carrier.test>', None),
        ),
        (
            replace(REGISTERED, caller_id="passthrough"), replace(NORA, private=True),
            ('"Anonymous" <sip:anonymous@anonymous.invalid>', "<sip:+493012345699@sip.carrier.test>", "id"),
        ),
        (
            replace(REGISTERED, privacy="asked"), replace(NORA, private=True),
            (f"<sip:{USER}@sip.carrier.test>", "<sip:+4930123456@sip.carrier.test>", "user;id"),
        ),
        (
            replace(REGISTERED, identity="from", number_format="00"), NORA,
            ('"Nora" <sip:004930123456@sip.carrier.test>', None, None),
        ),
        (FIXED, NORA, ('"Nora" <sip:203.0.113.1>', None, None)),
    ],
)  # fmt: skip
def test_who_calls_is_told_by_the_rule(
    trunk: Trunk, caller: CallerId, sent: tuple[str, str | None, str | None]
) -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [trunk])
        await asyncio.sleep(1)
        leg = office.line().dial(
            CALLEE, caller, Offers.same(OFFER), [Diversion(Party("x", "101", "Anna"), Occasion.BUSY)]
        )
        Owner(leg)
        await asyncio.sleep(0.1)
        [invite] = carrier.got("INVITE")
        assert (
            (invite.get("From") or "").partition(";tag=")[0],
            invite.get("P-Asserted-Identity"),
            invite.get("Privacy"),
        ) == sent
        assert "Diversion" not in invite
        assert "History-Info" not in invite
        assert not [word for word in ("sip:101", "tel:101", "Anna") if word in str(bytes(invite))]
        leg.hangup(Cause.CANCELLED)

    scene(play)


@pytest.mark.parametrize(
    ("form", "dialled", "user"),
    [
        ("e164", CALLEE, CALLEE),
        ("00", CALLEE, "004989123456"),
        ("national", CALLEE, "089123456"),
        ("national", "+43123456789", "0043123456789"),
        ("00", "112", "112"),
    ],
)
def test_numbers_are_written_as_the_carrier_wants_them(form: str, dialled: str, user: str) -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [replace(FIXED, number_format=form, country_code="49")])
        await asyncio.sleep(1)
        leg = office.line().dial(dialled, NORA, Offers.same(OFFER))
        await asyncio.sleep(0.1)
        assert carrier.got("INVITE")[0].uri == f"sip:{user}@{CARRIER[0]}"
        leg.hangup(Cause.CANCELLED)

    scene(play)


def test_service_route_and_outbound_proxy() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        carrier.extra = (("Service-Route", "<sip:edge.test;lr>, <sip:core.test;lr>"),)
        office = Office(house, [replace(REGISTERED, proxy=CARRIER[0], host="registrar.test")])
        await asyncio.sleep(1)
        leg = office.line().dial(CALLEE, NORA, Offers.same(OFFER))
        await asyncio.sleep(0.1)
        assert carrier.got("REGISTER")[0].all("Route") == [f"<sip:{CARRIER[0]};lr>"]
        assert carrier.got("REGISTER")[0].uri == "sip:registrar.test"
        assert carrier.got("INVITE")[0].all("Route") == ["<sip:edge.test;lr>", "<sip:core.test;lr>"]
        leg.hangup(Cause.CANCELLED)

    scene(play)


def test_a_silent_server_is_left_for_the_next() -> None:
    async def play(house: House) -> None:
        first, second = Carrier(house), Carrier(house, OTHER)
        office = Office(house, [replace(REGISTERED, options_seconds=0)], two_servers())
        await asyncio.sleep(1)
        first.plugged = False
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(5.2)
        [invite] = second.got("INVITE")
        assert invite.body == bytes(OFFER)
        await second.answer()
        assert owner.said == ["Answered"]
        assert [target.address for target in office.line().watch.targets] == [OTHER, CARRIER]
        owner.leg.hangup(Cause.NORMAL)
        await asyncio.sleep(40)

    scene(play)


def test_what_is_not_acceptable_is_offered_otherwise_to_the_same_server() -> None:
    async def play(house: House) -> None:
        carriers = [Carrier(house), Carrier(house, OTHER)]
        office = Office(house, [replace(REGISTERED, options_seconds=0)], two_servers())
        await asyncio.sleep(1)
        carriers[0].does["INVITE"] = Answer(488)
        other = OFFER.with_media(0, OFFER.media[0].with_attribute("otherwise"))
        offers = Offers(lambda: OFFER, lambda of: other if of == OFFER else None)
        owner = Owner(office.line().dial(CALLEE, NORA, offers))
        await asyncio.sleep(0.5)
        assert [invite.body for invite in carriers[0].got("INVITE")] == [bytes(OFFER), bytes(other)]
        assert carriers[1].got("INVITE") == []
        assert owner.said == ["not-acceptable"]

    scene(play)


def test_a_server_that_says_503_is_left_at_once_and_the_line_fails_when_all_do() -> None:
    async def play(house: House) -> None:
        carriers = [Carrier(house), Carrier(house, OTHER)]
        office = Office(house, [replace(REGISTERED, options_seconds=0)], two_servers())
        await asyncio.sleep(1)
        for carrier in carriers:
            carrier.does["INVITE"] = Answer(503)
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.5)
        assert [len(carrier.got("INVITE")) for carrier in carriers] == [1, 1]
        assert owner.said == ["no-line"]

    scene(play)


def test_all_servers_silent_is_the_lines_failure_within_seconds() -> None:
    async def play(house: House) -> None:
        office = Office(house, [replace(FIXED, options_seconds=0, answer_seconds=4)])
        await asyncio.sleep(1)
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(4.1)
        assert owner.said == ["no-line"]
        assert not office.line().up
        await asyncio.sleep(31)
        assert office.line().up  # tried again after a while: nobody else would find out

    scene(play)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(486), Cause.BUSY),
        (Answer(404), Cause.UNKNOWN_NUMBER),
        (Answer(603), Cause.REJECTED),
        (Answer(480), Cause.NO_ANSWER),
        (Answer(488), Cause.NOT_ACCEPTABLE),
        (Answer(403), Cause.NO_LINE),
        (Answer(402), Cause.NO_LINE),
        (Answer(302, (("Contact", "<sip:thief@203.0.113.66>"),)), Cause.NO_LINE),
        (Answer(503, (("Reason", "Q.850;cause=17"),)), Cause.BUSY),
        (Answer(500, (("Reason", 'Q.850;text="x";cause=34'),)), Cause.NO_LINE),
        (Answer(480, (("Reason", "Q.850;cause=21"),)), Cause.REJECTED),
    ],
)
def test_whose_failure_it_was(answer: Answer, cause: Cause) -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(1)
        carrier.does["INVITE"] = answer
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.5)
        assert owner.said == [cause.value]
        assert not [there for _, there, _ in house.wire if there[0] == "203.0.113.66"]
        assert office.line().up

    scene(play)


def test_a_caller_who_gives_up_is_cancelled_even_before_any_server_spoke() -> None:
    async def play(house: House) -> None:
        office = Office(house, [replace(FIXED, options_seconds=0)])
        await asyncio.sleep(1)
        leg = office.line().dial(CALLEE, NORA, Offers.same(OFFER))
        await asyncio.sleep(1)
        leg.hangup(Cause.CANCELLED)
        carrier = Carrier(house)
        await asyncio.sleep(10)
        assert len([request for request in carrier.seen if request.method == "CANCEL"]) == 1
        assert office.line().up  # its silence was never measured

    scene(play)


def test_an_emergency_call_does_not_wait_for_the_next_look_at_dns() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        zone = Zone()
        zone.hosts = {}
        office = Office(house, [REGISTERED], zone)
        await asyncio.sleep(1)
        zone.hosts = {"sip.carrier.test": [CARRIER[0]]}
        assert not office.line().up
        owner = Owner(office.line().dial("112", CallerId(), Offers.same(OFFER)))
        await asyncio.sleep(0.2)
        assert carrier.got("INVITE")[0].uri == "sip:112@sip.carrier.test"
        await carrier.answer()
        assert owner.said == ["Answered"]
        owner.leg.hangup(Cause.NORMAL)

    scene(play)


def test_nowhere_to_go_is_the_lines_failure() -> None:
    async def play(house: House) -> None:
        zone = Zone()
        zone.hosts = {}
        office = Office(house, [REGISTERED], zone)
        owner = Owner(office.line().dial("112", CallerId(), Offers.same(OFFER)))
        await asyncio.sleep(0.2)
        assert owner.said == ["no-line"]

    scene(play)


def test_a_carrier_may_change_the_session_but_not_hand_it_over() -> None:
    """Hold works; REFER and Replaces from a carrier are toll fraud."""

    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(1)
        owner = Owner(office.line().dial(CALLEE, NORA, Offers.same(OFFER)))
        await asyncio.sleep(0.1)
        await carrier.answer()
        assert await carrier.refer("<sip:+900123@203.0.113.1>") == 403
        await carrier.reoffer(sdp(5000, "a=sendonly"))
        assert owner.said == ["Answered", "Reoffer"]
        owner.leg.accept(OFFER)
        await asyncio.sleep(0.1)
        assert carrier.last("reoffered") is not None
        invite = carrier.got("INVITE")[0]
        call = f"{invite.call_id};to-tag={invite.from_tag};from-tag={carrier.ringing.tag}"
        stolen = message(
            "INVITE", "+49301", uri="sip:101@box.invalid", body=sdp(4000), extra=(("Replaces", call),)
        )  # fmt: skip
        assert status(house.feed(stolen, CARRIER)) == 403
        house.feed(acked(stolen, house), CARRIER)
        assert not office.took
        owner.leg.hangup(Cause.NORMAL)

    scene(play)


def acked(invite: Request, house: House) -> bytes:
    """Return the ACK of a refusal that was sent for an INVITE fed in."""
    refusal = next(
        text for _, there, text in reversed(house.wire) if there == CARRIER and text.startswith("SIP/2.0 4")
    )
    to = next(line for line in refusal.split("\r\n") if line.startswith("To:")).removeprefix("To: ")
    lines = [(name, value) for name, value in invite.headers if name in {"Via", "From", "Call-ID"}]
    return bytes(Request.new("ACK", invite.uri, [*lines, ("To", to), ("CSeq", "1 ACK")], b""))
