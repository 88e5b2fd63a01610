"""Everybody a phone talks with, or holds, in one conference."""

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.leg import Party
from tests.support.legs import Exchange, Person, ladder

PEOPLE = (("101", "anna"), ("102", "ben"), ("103", "carl"))
CODES = Codes({Feature.MEET: "*82"})


def office() -> Exchange:
    people = [Person(f"id-{name}", number, name) for number, name in PEOPLE]
    x = Exchange(people, codes=CODES)
    x.phones = {"102": ["ben"], "103": ["carl"]}
    return x


def test_two_calls_become_a_conference_of_three() -> None:
    async def scene(x: Exchange) -> None:
        first = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        await first.offers("held")
        await ben.accepts("b")
        second = await x.call("103")
        carl = x.phone("carl")
        await carl.answers("c")
        anna = await x.call("*82")
        await ben.accepts("b2")
        await carl.accepts("c2")
        assert first.over
        assert second.over
        meeting = x.calls.house.meetings.get("*82101")
        assert meeting is not None
        assert sorted(view.who.value for view in meeting.views()) == ["101", "102", "103"]
        assert len({place.room for place in x.media.places}) == 1
        await ben.hangs_up()
        await anna.hangs_up()
        await carl.hangs_up()

    said = ladder(scene, office)
    assert "anna <- 200 box'" in said
    assert "ben <- offer box'" in said
    assert "carl <- offer box'" in said


def test_who_comes_later_is_brought_in_by_the_code_again() -> None:
    async def scene(x: Exchange) -> None:
        await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        anna = await x.call("*82#")
        await ben.accepts("b2")
        again = await x.call("103")
        carl = x.phone("carl")
        await carl.answers("c")
        other = await x.call("*82")
        await carl.accepts("c2")
        assert again.over
        meeting = x.calls.house.meetings.get("*82101")
        assert meeting is not None
        assert sorted(view.who.value for view in meeting.views()) == ["101", "102", "103"]
        assert anna.over
        for leg in (other, ben, carl):
            await leg.hangs_up()

    ladder(scene, office)


def test_without_another_call_there_is_nothing_to_gather() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*82")
        assert anna.over

    assert ladder(scene, office)[-1] == "record unreachable by box"


def test_nobody_can_dial_or_be_sent_into_such_a_conference() -> None:
    async def scene(x: Exchange) -> None:
        await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        anna = await x.call("*82")
        await ben.accepts("b2")
        stranger = await x.call_from(Party("id-carl", "103"), "carl", "*82101", "c")
        assert stranger.over
        await anna.hangs_up()
        await ben.hangs_up()

    ladder(scene, office)


def test_who_refuses_the_change_stays_where_they_are() -> None:
    async def scene(x: Exchange) -> None:
        first = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        anna = await x.call("*82")
        await ben.refuses(Cause.NOT_ACCEPTABLE)
        await x.passes(0.1)
        assert not first.over
        await anna.hangs_up()
        await first.hangs_up()

    ladder(scene, office)


def test_another_phone_of_the_same_extension_keeps_its_calls() -> None:
    async def scene(x: Exchange) -> None:
        first = await x.call("102")
        ben = x.phone("ben")
        await ben.answers("b")
        first.where = "192.0.2.7"
        anna = await x.call("*82")
        assert anna.over
        assert not first.over
        await first.hangs_up()

    ladder(scene, office)
