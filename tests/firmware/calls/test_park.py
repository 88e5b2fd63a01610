"""Park and retrieve: by transfer to a slot or to the code, by consultation; time over, hang-up, refusals."""

import asyncio

import pytest

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Settings
from firmware.calls.lamps import Lamp
from firmware.calls.leg import Party
from tests.support.legs import Exchange, Person, ScriptedLeg, ladder, lines

PEOPLE = (Person("id-anna", "101", "Anna"), Person("id-ben", "102", "Ben"), Person("id-cara", "103", "Cara"))
CODES = Codes({Feature.PARK: "*68"})


def office() -> Exchange:
    x = Exchange(PEOPLE, Settings(park_seconds=60, ring_seconds=20), codes=CODES, slots=("701", "702"))
    x.phones = {"102": ["ben"], "103": ["cara"]}
    return x


async def parked(x: Exchange, where: str = "701") -> ScriptedLeg:
    """Let Anna call Ben, who parks her."""
    anna = await x.call("102")
    ben = x.phone("ben")
    await ben.answers("b")
    await ben.refers(where)
    await anna.accepts("quiet")
    assert ben.over
    return anna


async def dials(x: Exchange, number: str, name: str = "cara") -> ScriptedLeg:
    person = next(person for person in x.people if person.id == f"id-{name}")
    return await x.call_from(Party(person.id, person.number, person.name), f"{name}2", number, "c")


@pytest.mark.parametrize("where", ["701", "*68"])
def test_parked_and_retrieved(where: str) -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x, where)
        await asyncio.sleep(40)
        assert x.calls.lights("slot 701")[0].lamp is Lamp.CONFIRMED
        [view] = x.calls.parked()
        assert (view.slot, view.who.value, view.by.value) == ("701", "101", "102")
        cara = await dials(x, "701")
        await anna.accepts("a2")
        assert not x.calls.lights("slot 701")
        assert not x.calls.parked()
        await cara.hangs_up()

    assert ladder(scene, office)[4:] == lines(f"""
        ben -> REFER {where}
        anna <- offer silent b''
        anna -> accept quiet
        ben <- NOTIFY done
        ben <- hangup normal
        cara2 -> INVITE 701 c
        anna <- offer c'
        anna -> accept a2
        cara2 <- 200 a2'
        cara2 -> hangup
        anna <- hangup normal
        record normal by callee
    """)


def test_who_called_may_park_whom_they_called() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        await anna.refers("702")
        await ben.accepts("quiet")
        assert anna.over
        await dials(x, "702")
        await ben.accepts("b2")
        await ben.hangs_up()

    assert "cara2 <- 200 b2'" in ladder(scene, office)


def test_the_code_takes_the_first_free_slot_and_says_when_there_is_none() -> None:
    async def scene(x: Exchange) -> None:
        first = await parked(x, "*68")
        second = await parked(x, "*68")
        assert [view.slot for view in x.calls.parked()] == ["701", "702"]
        third = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        await ben.refers("*68")
        assert x.ladder[-1] == "ben <- NOTIFY busy"
        await ben.refers("701")
        assert x.ladder[-1] == "ben <- NOTIFY busy"
        for leg in (first, second, third):
            await leg.hangs_up()

    ladder(scene, office)


def test_after_the_time_who_parked_is_called_and_gets_them_back() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await asyncio.sleep(61)
        ben = x.phone("ben")
        await ben.rings()
        await ben.answers("b9")
        await anna.accepts("a9")
        assert not x.calls.parked()
        await anna.hangs_up()

    assert ladder(scene, office)[9:] == lines("""
        ben <- INVITE from 101 (no offer), recall
        ben -> 180
        ben -> 200 b9
        anna <- offer b9'
        anna -> accept a9
        ben <- accept a9'
        anna -> hangup
        ben <- hangup normal
        record normal by caller
    """)


def test_who_is_not_taken_back_stays_and_is_offered_again() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await asyncio.sleep(61)
        assert "recall" in x.ladder[-1]
        await asyncio.sleep(21)
        assert x.ladder[-1] == "ben <- hangup no-answer" or "cancelled" in x.ladder[-1]
        assert x.calls.parked()
        await asyncio.sleep(61)
        assert "recall" in x.ladder[-1]
        await x.phone("ben").ends(Cause.BUSY)
        assert x.calls.parked()
        await dials(x, "701")
        await anna.accepts("a2")
        await anna.hangs_up()

    ladder(scene, office)


def test_who_dials_the_slot_while_the_parker_rings_has_the_call() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await asyncio.sleep(61)
        assert not x.phone("ben").over
        await dials(x, "701")
        assert x.phone("ben").over
        await anna.accepts("a2")
        await anna.hangs_up()

    assert "cara2 <- 200 a2'" in ladder(scene, office)


def test_a_retrieval_that_fails_leaves_them_parked() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await dials(x, "701")
        await anna.refuses(Cause.NOT_ACCEPTABLE)
        assert x.calls.parked()
        await dials(x, "701")
        await anna.accepts("a2")
        await anna.hangs_up()

    assert "cara2 <- hangup not-acceptable" in ladder(scene, office)


def test_hanging_up_frees_the_slot() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await anna.hangs_up()
        assert not list(x.calls.house.slots)
        again = await parked(x)
        x.calls.hangup(x.calls.parked()[0].call)
        await asyncio.sleep(0.1)
        assert again.over
        assert not list(x.calls.house.slots)

    ladder(scene, office)


def test_who_is_parked_may_change_the_session() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        await anna.offers("hold")
        await anna.offers(None)
        await anna.accepts("a3")
        await anna.hangs_up()

    assert ladder(scene, office)[9:13] == lines("""
        anna -> offer hold
        anna <- accept silent hold''
        anna -> offer (none)
        anna <- offer silent hold''
    """)


def test_a_slot_is_consulted_and_then_transferred_to() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        line = await dials(x, "701", "ben")
        await asyncio.sleep(3)
        await ben.refers("701", line)
        await anna.accepts("quiet")
        assert ben.over
        assert line.over
        await asyncio.sleep(30)
        await dials(x, "701")
        await anna.accepts("a2")
        await anna.hangs_up()

    assert ladder(scene, office)[4:] == lines("""
        ben2 -> INVITE 701 c
        ben2 <- 200 silent c''
        ben -> REFER whom ben2 talks with
        anna <- offer silent c''
        anna -> accept quiet
        ben <- NOTIFY done
        ben <- hangup normal
        ben2 <- hangup normal
        record normal by caller
        cara2 -> INVITE 701 c
        anna <- offer c'
        anna -> accept a2
        cara2 <- 200 a2'
        anna -> hangup
        cara2 <- hangup normal
        record normal by caller
    """)


def test_nobody_waits_in_a_slot_of_their_own_for_ever() -> None:
    async def scene(x: Exchange) -> None:
        ben = await dials(x, "*68", "ben")
        assert x.calls.lights("slot 701")
        await asyncio.sleep(61)
        assert ben.over

    assert ladder(scene, office)[-1] == "record no-answer by callee"


@pytest.mark.parametrize("number", ["112", "701"])
def test_numbers_somebody_has_are_no_slots(number: str) -> None:
    x = Exchange((*PEOPLE, Person("id-dora", "701", "Dora")), slots=("112", "701", "702"))
    assert number not in x.calls.plan.slots
    assert "702" in x.calls.plan.slots


def test_strangers_take_nobody_from_a_slot() -> None:
    async def scene(x: Exchange) -> None:
        anna = await parked(x)
        stranger = await x.call_from(Party(None, "anonymous"), "stranger", "701", "s")
        assert stranger.over
        assert x.calls.parked()
        await anna.hangs_up()

    assert "stranger <- hangup not-allowed" in ladder(scene, office)
