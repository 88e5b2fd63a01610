"""Conferences: who comes, who goes, the PIN; a transfer into one; when it is full."""

import pytest

from firmware.calls.cause import Cause
from firmware.calls.leg import Party
from firmware.calls.meetings import MOST
from firmware.calls.plan import MeetAt
from firmware.calls.signals import HEARD, JOINED, LEFT, LOCKED, SILENCED, UNLOCKED
from rtp.seat import MUTED
from tests.support.legs import Exchange, Person, ScriptedLeg, ladder, lines

ROOMS = (MeetAt("600"), MeetAt("601", "2468"))


def office() -> Exchange:
    people = [Person(f"id-{n}", str(200 + n), f"P{n}") for n in range(1, MOST + 3)]
    x = Exchange(people, rooms=ROOMS)
    x.phones = {"202": ["ben"]}
    return x


async def dials(x: Exchange, who: int, number: str = "600") -> ScriptedLeg:
    person = x.people[who - 1]
    return await x.call_from(Party(person.id, person.number), f"p{who}", number, f"o{who}")


def test_three_meet_and_the_last_ends_it() -> None:
    async def scene(x: Exchange) -> None:
        one, two, three = await dials(x, 1), await dials(x, 2), await dials(x, 3)
        meeting = x.calls.house.meetings.get("600")
        assert meeting is not None
        assert len({place.room for place in x.media.places}) == 1
        assert [view.who.value for view in meeting.views()] == ["201", "202", "203"]
        assert [sounds for _, sounds in x.media.played[1:]] == [["all", JOINED.plan]] * 2
        assert x.media.places[1].on_speaker is not None
        x.media.places[1].on_speaker()
        assert [view.speaking for view in meeting.views()] == [False, True, False]
        await two.hangs_up()
        assert x.media.played[-1][1] == ["all", LEFT.plan]
        assert meeting.speaker is None
        await one.hangs_up()
        await three.hangs_up()
        assert x.calls.house.meetings.get("600") is None

    said = ladder(scene, office)
    assert said[:2] == lines("p1 -> INVITE 600 o1\n p1 <- 200 box'")
    assert said[-1] == "record normal by caller"


def test_a_pin_is_asked_for() -> None:
    async def scene(x: Exchange) -> None:
        one = await dials(x, 1, "601")
        place = x.media.places[0]
        await place.presses("24")
        assert x.calls.house.meetings.get("601") is None
        await place.presses("68")
        assert x.calls.house.meetings.get("601") is not None
        await one.hangs_up()

    assert ladder(scene, office)[-1] == "record normal by caller"


def test_three_wrong_pins_end_the_call() -> None:
    async def scene(x: Exchange) -> None:
        one = await dials(x, 1, "601")
        for keys in ("1111", "2222", "333#"):
            assert not one.over
            await x.media.places[0].presses(keys)
        assert one.over
        assert x.calls.house.meetings.get("601") is None
        assert [kind.name for kind, _ in x.events if kind.name == "conference.pin"]

    assert ladder(scene, office)[-2:] == ["p1 <- hangup not-allowed", "record not-allowed by callee"]


def test_who_presses_nothing_is_let_go() -> None:
    async def scene(x: Exchange) -> None:
        one = await dials(x, 1, "601")
        await x.passes(29)
        assert not one.over
        await x.passes(2)
        assert one.over

    ladder(scene, office)


def test_a_full_room_is_busy() -> None:
    async def scene(x: Exchange) -> None:
        there = [await dials(x, who) for who in range(1, MOST + 1)]
        late = await dials(x, MOST + 1)
        assert late.over
        assert x.ladder[-2:] == [f"p{MOST + 1} <- hangup busy", "record busy by box"]
        await there[0].hangs_up()
        last = await dials(x, MOST + 2)
        assert not last.over
        for leg in (*there[1:], last):
            await leg.hangs_up()

    ladder(scene, office)


def test_somebody_is_handed_over_into_a_conference() -> None:
    async def scene(x: Exchange) -> None:
        three = await dials(x, 3)
        one = await dials(x, 1, "202")
        ben = x.phone("ben")
        await ben.answers("b")
        await ben.refers("600")
        await one.accepts("a2")
        meeting = x.calls.house.meetings.get("600")
        assert meeting is not None
        assert sorted(view.who.value for view in meeting.views()) == ["201", "203"]
        assert ben.over
        await one.hangs_up()
        await three.hangs_up()

    assert "ben <- NOTIFY done" in ladder(scene, office)


@pytest.mark.parametrize("far", ["far", "box"])
def test_a_party_is_removed(far: str) -> None:
    async def scene(x: Exchange) -> None:
        one, two = await dials(x, 1), await dials(x, 2)
        meeting = x.calls.house.meetings.get("600")
        assert meeting is not None
        first = next(iter(meeting.legs))
        if far == "box":
            first.leave(Cause.NORMAL)
            await x.passes(0.1)
        else:
            assert x.calls.hangup(meeting.views()[0].call)
            await x.passes(0.1)
        assert one.over
        assert not two.over
        assert len(meeting.legs) == 1
        await two.hangs_up()

    ladder(scene, office)


def test_audio_of_no_use_is_refused_and_never_counted_as_answered() -> None:
    async def scene(x: Exchange) -> None:
        person = x.people[0]
        leg = await x.call_from(Party(person.id, person.number), "p1", "600", "nonsense")
        assert leg.over
        assert x.records[-1].answered is None
        assert x.calls.house.meetings.get("600") is None

    assert ladder(scene, office)[-2:] == ["p1 <- hangup not-acceptable", "record not-acceptable by box"]


def test_who_is_there_mutes_themselves_by_keys() -> None:
    async def scene(x: Exchange) -> None:
        one, two = await dials(x, 1), await dials(x, 2)
        place = x.media.places[1]
        await place.presses("6*46")
        assert place.flags == 0
        await place.presses("*6")
        assert place.flags == MUTED
        assert x.media.played[-1][1] == [SILENCED.plan]
        meeting = x.calls.house.meetings.get("600")
        assert meeting is not None
        assert [view.muted for view in meeting.views()] == [False, True]
        await place.presses("*6")
        assert place.flags == 0
        assert x.media.played[-1][1] == [HEARD.plan]
        await one.hangs_up()
        await two.hangs_up()

    ladder(scene, office)


def test_a_locked_room_is_busy_until_it_is_unlocked_or_empty() -> None:
    async def scene(x: Exchange) -> None:
        one = await dials(x, 1)
        await x.media.places[0].presses("*5")
        assert x.media.played[-1][1] == ["all", LOCKED.plan]
        assert (await dials(x, 2)).over
        await x.media.places[0].presses("*5")
        assert x.media.played[-1][1] == ["all", UNLOCKED.plan]
        two = await dials(x, 2)
        assert not two.over
        await x.media.places[0].presses("*5")
        await two.hangs_up()
        await one.hangs_up()
        three = await dials(x, 3)
        assert not three.over
        await three.hangs_up()

    assert "p2 <- hangup busy" in ladder(scene, office)


def test_a_conference_of_callers_from_outside_alone_ends_and_they_lock_nothing() -> None:
    async def scene(x: Exchange) -> None:
        one = await dials(x, 1)
        there = []
        for name in ("carol", "dora"):
            outside = await x.call_from(Party(None, "0301234567", line="carrier"), name, "202", "o")
            ben = x.phone("ben")
            await ben.answers("b")
            await ben.refers("600")
            await outside.accepts("o2")
            there.append(outside)
        meeting = x.calls.house.meetings.get("600")
        assert meeting is not None
        assert len(meeting.legs) == 3
        await x.media.places[1].presses("*5")
        assert not meeting.locked
        await one.hangs_up()
        await x.passes(0.1)
        assert all(leg.over for leg in there)
        assert x.calls.house.meetings.get("600") is None

    ladder(scene, office)
