"""Trunks stay usable: registered, found again where their carrier went, down only when it is silent."""

import asyncio
from dataclasses import replace

import pytest

from firmware.lines.trunk_watch import FAILED_SECONDS
from sip.answer import Answer
from sip.locate import Srv
from tests.firmware.lines.carrier import CARRIER, FIXED, OTHER, REGISTERED, USER, Carrier, Office, Zone, scene
from tests.firmware.lines.house import House


def test_a_trunk_registers_with_its_password_and_a_contact_nobody_guesses() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [REGISTERED])
        assert not office.line().up
        await asyncio.sleep(1)
        assert office.line().up
        [state] = office.trunks.states()
        assert (state.server, state.failure, state.password) == (f"UDP {CARRIER[0]}:5060", "", True)
        assert state.seconds is not None
        assert 590 < state.seconds < 600
        [binding] = carrier.bindings.lookup(USER, house.clock.now())
        assert binding.uri == "sip:tok-first@192.168.1.1:5060"
        first, second = carrier.got("REGISTER")
        assert first.call_id == second.call_id
        assert second.cseq_number > first.cseq_number
        assert first.uri == "sip:sip.carrier.test"

    scene(play)


def test_a_registration_is_refreshed_in_time_and_ended_at_the_end() -> None:
    carriers = []

    async def play(house: House) -> None:
        carrier = Carrier(house)
        carriers.append(carrier)
        office = Office(house, [replace(REGISTERED, options_seconds=0)])
        await asyncio.sleep(1)
        for _ in range(40):
            await asyncio.sleep(60)
            assert office.line().up
            assert carrier.bindings.lookup(USER, house.clock.now())
        registers = len(carrier.got("REGISTER")) / 2  # each with a challenge first
        assert 4 <= registers <= 7
        numbers = [request.cseq_number for request in carrier.got("REGISTER")]
        assert numbers == sorted(numbers)

    scene(play)
    assert not carriers[0].bindings.lookup(USER, 4000.0)


def test_423_is_met_with_the_time_it_wants() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        carrier.bindings.limits = replace(carrier.bindings.limits, minimum=900, maximum=1200)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(1)
        assert office.line().up
        assert carrier.got("REGISTER")[-1].expires == 900

    scene(play)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(403), "the carrier refuses this account (403)"),
        (Answer(404), "the carrier does not know this user (404)"),
        (Answer(302, (("Contact", "<sip:elsewhere.test>"),)), "the carrier refused with 302"),
        (Answer(503), "the carrier is overloaded or closed (503)"),
    ],
)
def test_why_it_is_down_is_told_in_plain_words(answer: Answer, words: str) -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        carrier.does["REGISTER"] = answer
        office = Office(house, [REGISTERED])
        await asyncio.sleep(1)
        assert not office.line().up
        assert office.trunks.states()[0].failure == words
        assert "elsewhere.test" not in office.zone.asked
        carrier.does.clear()
        await asyncio.sleep(31)
        assert office.line().up
        assert office.words() == ["trunk.down", "trunk.up"]

    scene(play)


def test_a_wrong_password_is_tried_once_and_not_again_and_again() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        carrier.password = "another"
        office = Office(house, [REGISTERED])
        await asyncio.sleep(5)
        assert office.trunks.states()[0].failure == "the carrier does not accept the password"
        assert len(carrier.got("REGISTER")) == 2
        await asyncio.sleep(3600)
        assert len(carrier.got("REGISTER")) < 24
        office.secrets["first"] = "another"
        office.trunks.secret_changed("first")
        await asyncio.sleep(1)
        assert office.line().up

    scene(play)


def test_without_a_password_the_challenge_is_left_unanswered() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [replace(REGISTERED, name="other")])
        await asyncio.sleep(1)
        [state] = office.trunks.states()
        assert (state.failure, state.password) == ("the carrier wants a password", False)
        assert len(carrier.got("REGISTER")) == 1

    scene(play)


def test_a_redirection_within_the_same_host_is_followed() -> None:
    async def play(house: House) -> None:
        carrier, moved = Carrier(house), Carrier(house, (CARRIER[0], 5080))
        carrier.does["REGISTER"] = Answer(302, (("Contact", "<sip:sip.carrier.test:5080>"),))
        office = Office(house, [replace(REGISTERED, options_seconds=0)])
        await asyncio.sleep(1)
        assert office.line().up
        assert moved.bindings.lookup(USER, house.clock.now())

    scene(play)


def test_a_carrier_that_changed_its_address_is_found_again_within_a_minute() -> None:
    """Trap 23, promise F29."""

    async def play(house: House) -> None:
        carrier, new = Carrier(house), Carrier(house, OTHER)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(200)
        assert office.line().up
        carrier.plugged = False
        office.zone.hosts["sip.carrier.test"] = [OTHER[0]]
        since = house.clock.now()
        while not new.bindings.lookup(USER, house.clock.now()):
            await asyncio.sleep(1)
            assert house.clock.now() - since < 60
        assert office.line().up
        assert office.trunks.states()[0].server == f"UDP {OTHER[0]}:5060"

    scene(play)


def test_it_is_looked_up_again_before_each_register() -> None:
    async def play(house: House) -> None:
        Carrier(house)
        office = Office(house, [replace(REGISTERED, transport="udp", options_seconds=0)])
        new = Carrier(house, OTHER)
        await asyncio.sleep(1)
        office.zone.hosts["sip.carrier.test"] = [OTHER[0]]  # the old one still answers
        await asyncio.sleep(560)
        assert new.bindings.lookup(USER, house.clock.now())

    scene(play)


def test_a_registration_comes_back_after_an_outage() -> None:
    """Promise F27."""

    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(10)
        carrier.plugged = False
        await asyncio.sleep(60)
        assert not office.line().up
        assert office.trunks.states()[0].failure == "the carrier does not answer"
        await asyncio.sleep(3600)
        before = len(carrier.seen)
        carrier.plugged = True
        await asyncio.sleep(130)
        assert office.line().up
        assert len(carrier.seen) - before < 20
        assert office.words() == ["trunk.up", "trunk.down", "trunk.up"]

    scene(play)


def test_without_dns_it_stays_where_it_was() -> None:
    async def play(house: House) -> None:
        Carrier(house)
        office = Office(house, [REGISTERED])
        await asyncio.sleep(10)
        office.zone.dead = True
        await asyncio.sleep(3000)
        assert office.line().up

    scene(play)


def test_a_name_nobody_knows_is_said_to_be_one() -> None:
    async def play(house: House) -> None:
        office = Office(house, [replace(REGISTERED, host="nowhere.test")])
        await asyncio.sleep(1)
        assert office.trunks.states()[0].failure == "the carrier's name is not found in DNS"

    scene(play)


def test_the_next_server_of_the_list_is_asked_when_one_is_silent() -> None:
    async def play(house: House) -> None:
        Carrier(house).plugged = False
        second = Carrier(house, OTHER)
        zone = Zone()
        zone.services["_sip._udp.sip.carrier.test"] = [Srv(1, 0, 5060, "a.test."), Srv(2, 0, 5060, "b.test.")]
        zone.hosts |= {"a.test": [CARRIER[0]], "b.test": [OTHER[0]]}
        office = Office(house, [REGISTERED], zone)
        await asyncio.sleep(7)
        assert office.line().up
        assert second.bindings.lookup(USER, house.clock.now())
        assert [target.address for target in office.line().watch.targets] == [OTHER, CARRIER]

    scene(play)


def test_an_address_trunk_is_up_while_options_are_answered() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(1)
        assert office.line().up
        assert not carrier.got("REGISTER")
        carrier.does["OPTIONS"] = Answer(404)  # whatever it says, it is there
        await asyncio.sleep(60)
        assert office.line().up
        carrier.plugged = False
        await asyncio.sleep(40)
        assert not office.line().up
        carrier.plugged = True
        await asyncio.sleep(26)
        assert office.line().up
        assert office.words() == ["trunk.up", "trunk.down", "trunk.up"]

    scene(play)


def test_one_lost_options_changes_nothing() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [FIXED])
        await asyncio.sleep(20)
        carrier.plugged = False
        await asyncio.sleep(10.5)  # the first of the two goes unanswered
        carrier.plugged = True
        for _ in range(30):
            await asyncio.sleep(1)
            assert office.line().up

    scene(play)


def test_a_broken_connection_is_registered_over_anew_at_once() -> None:
    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [replace(REGISTERED, transport="tcp", options_seconds=0)])
        await asyncio.sleep(1)
        assert office.line().up
        [flow] = office.streams.values()
        before = len(carrier.got("REGISTER"))
        office.streams.clear()
        house.line.stack.flow_closed(flow, house.clock.now())
        await asyncio.sleep(1)
        assert len(carrier.got("REGISTER")) > before
        assert office.line().up

    scene(play)


def test_bulk_registration_has_a_contact_for_all_numbers() -> None:
    """RFC 6140."""

    async def play(house: House) -> None:
        carrier = Carrier(house)
        carrier.does["REGISTER"] = Answer(200, (("Contact", "<sip:192.168.1.1:5060;bnc>;expires=300"),))
        office = Office(house, [replace(REGISTERED, bulk=True)])
        await asyncio.sleep(1)
        assert office.line().up
        [register] = carrier.got("REGISTER")
        assert register.get("Contact") == "<sip:192.168.1.1:5060;bnc>"
        assert register.get("Require") == "gin"

    scene(play)


def test_after_a_failure_dns_is_asked_anew_and_not_before() -> None:
    """The answers of DNS are kept for their lifetime, but not against a server that fails."""

    async def play(house: House) -> None:
        carrier = Carrier(house)
        office = Office(house, [replace(REGISTERED, expires=60)])
        await asyncio.sleep(100)
        assert office.zone.doubts == 0
        carrier.does["REGISTER"] = Answer(503)
        await asyncio.sleep(300)  # the next REGISTER, its failure, and the pause before another, by chance
        assert office.zone.doubts >= 1
        carrier.does["REGISTER"] = Answer(403)
        office.zone.doubts = 0
        office.line().watch.check()
        await asyncio.sleep(1)
        first = office.zone.doubts
        office.line().watch.check()
        await asyncio.sleep(1)
        assert office.zone.doubts == first, "a refusal says nothing about where the carrier is"

    scene(play)


def test_a_server_that_failed_comes_after_the_others_until_that_is_forgotten() -> None:
    """RFC 3263 4.3."""

    async def play(house: House) -> None:
        one, two = Carrier(house), Carrier(house, OTHER)
        zone = Zone()
        zone.hosts["sip.carrier.test"] = [CARRIER[0], OTHER[0]]
        office = Office(house, [replace(REGISTERED, options_seconds=0, expires=60)], zone)
        one.does["REGISTER"] = Answer(503)
        await asyncio.sleep(1)
        assert office.line().up
        tried = len(one.got("REGISTER"))
        assert tried == 1
        zone.hosts["sip.carrier.test"].append("203.0.113.3")  # the list is another: still not the failed one
        await asyncio.sleep(FAILED_SECONDS - 20)
        assert len(one.got("REGISTER")) == tried
        assert two.bindings.lookup(USER, house.clock.now())
        del one.does["REGISTER"]
        await asyncio.sleep(80)
        assert len(one.got("REGISTER")) > tried
        assert office.trunks.states()[0].server == f"UDP {CARRIER[0]}:5060"

    scene(play)
