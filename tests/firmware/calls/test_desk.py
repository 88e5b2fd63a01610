"""Intercom and call waiting: whose phone answers by itself, whose phone rings a second time."""

import asyncio

import pytest

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.calls.leg import Party
from firmware.store.model import Forward, Group, Occasion, Strategy
from tests.support.legs import Exchange, Person, ladder, lines

CODES = Codes({Feature.INTERCOM: "*80", Feature.CALL_WAITING: "*70", Feature.CALL_WAITING_OFF: "*71"})
ANNA, BEN = Person("id-anna", "101", "Anna"), Person("id-ben", "102", "Ben")
CARA = Person("id-cara", "103", "Cara", dnd=True)
DORA = Person("id-dora", "104", "Dora", waiting=False)
SALES = Group("g", "t", "600", "Sales", Strategy.ALL, 20, ("id-ben", "id-dora"))


def office(reach: Circle = Circle.ALL, *people: Person) -> Exchange:
    everyone = people or (ANNA, BEN, CARA, DORA)
    x = Exchange(everyone, Settings(intercom=reach), groups=[SALES], codes=CODES)
    x.phones = {"102": ["ben"], "103": ["cara"], "104": ["dora"]}
    return x


def test_intercom_is_answered_by_the_phone_itself() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*80102")
        await x.phone().answers("b")
        await anna.hangs_up()

    assert ladder(scene, office) == lines("""
        anna -> INVITE *80102 a
        ben <- INVITE from 101 a', intercom
        ben -> 200 b
        anna <- 200 b'
        anna -> hangup
        ben <- hangup normal
        record normal by caller
    """)


@pytest.mark.parametrize(
    ("number", "reach", "cause"),
    [
        ("*80103", Circle.ALL, Cause.BUSY),  # do not disturb
        ("*80102", Circle.OFF, Cause.NOT_ALLOWED),
        ("*80102", Circle.GROUP, Cause.NOT_ALLOWED),
        ("*80101", Circle.ALL, Cause.UNKNOWN_NUMBER),  # oneself
        ("*80600", Circle.ALL, Cause.UNKNOWN_NUMBER),
        ("*80112", Circle.ALL, Cause.UNKNOWN_NUMBER),
        ("*80", Circle.ALL, Cause.UNKNOWN_NUMBER),
    ],
)
def test_intercom_is_refused(number: str, reach: Circle, cause: Cause) -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call(number)
        assert anna.over

    assert ladder(scene, lambda: office(reach))[1] == f"anna <- hangup {cause.value}"


def test_intercom_does_not_break_into_a_call_and_says_when_nobody_is_there() -> None:
    async def scene(x: Exchange) -> None:
        first = await x.call("102", name="first")
        await x.phone().answers("b")
        second = await x.call("*80102", name="second")
        assert second.over
        await first.hangs_up()
        x.phones = {}
        third = await x.call("*80102", name="third")
        assert third.over

    told = ladder(scene, office)
    assert "second <- hangup busy" in told
    assert "third <- hangup unreachable" in told


def test_a_second_call_rings_or_not_as_who_is_called_wants() -> None:
    async def scene(x: Exchange) -> None:
        calls = [await x.call(number, name=f"on{number}") for number in ("102", "104")]
        for name in ("ben", "dora"):
            await x.phone(name).answers("x")
        waits = await x.call("102", name="second")
        assert x.ladder[-1].startswith("ben <- INVITE")
        busy = await x.call("104", name="third")
        assert busy.over
        group = await x.call("600", name="fourth")
        assert x.ladder[-1].startswith("ben <- INVITE")
        for leg in (*calls, waits, group):
            await leg.hangs_up()
        again = await x.call("104", name="fifth")
        assert x.ladder[-1].startswith("dora <- INVITE")
        await again.hangs_up()

    assert "third <- hangup busy" in ladder(scene, office)


def test_who_takes_one_call_is_busy_while_it_rings_or_they_call_and_the_forward_holds() -> None:
    dora = Person("id-dora", "104", "Dora", forwards=(Forward(Occasion.BUSY, "102"),), waiting=False)

    async def scene(x: Exchange) -> None:
        ringing = await x.call("104", name="first")
        on = await x.call("104", name="second")
        assert x.ladder[-1] == "ben <- INVITE from 101 a' by 104 busy"
        await ringing.hangs_up()
        await on.hangs_up()
        hers = await x.call_from(Party("id-dora", "104"), "dora", "102", None)
        on = await x.call("104", name="third")
        assert x.ladder[-1] == "ben <- INVITE from 101 a' by 104 busy"
        await hers.hangs_up()
        await on.hangs_up()
        assert not x.calls.house.present.busy("id-dora")
        assert not x.calls.house.present._legs

    ladder(scene, lambda: office(Circle.ALL, ANNA, BEN, dora))


def test_call_waiting_is_set_by_code() -> None:
    async def scene(x: Exchange) -> None:
        for code in ("*71", "*70"):
            await x.call(code)
            await asyncio.sleep(3)

    kept = [line for line in ladder(scene, office) if line.startswith("keep")]
    assert kept == ["keep id-anna one call at a time", "keep id-anna second calls"]
