"""Paging: who is called, who is left out, how it ends; help comes first."""

from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.store.model import Group, Strategy
from tests.support.legs import Exchange, Person, ladder, lines

PEOPLE = (
    Person("id-anna", "101", "Anna"),
    Person("id-ben", "102", "Ben"),
    Person("id-cara", "103", "Cara"),
    Person("id-dora", "104", "Dora", dnd=True),
)
MEMBERS = ("id-anna", "id-ben", "id-cara", "id-dora")
GROUP = Group("g", "t", "640", "All", Strategy.ALL, 20, MEMBERS)
CODES = Codes({Feature.PAGE: "*81"})


def office(intercom: Circle = Circle.ALL) -> Exchange:
    x = Exchange(PEOPLE, Settings(intercom=intercom, ring_seconds=20), groups=(GROUP,), codes=CODES)
    x.phones = {"102": ["ben", "ben-soft"], "103": ["cara"], "104": ["dora"]}
    return x


def test_the_group_answers_by_itself_and_only_listens() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        await x.phone("ben").answers("b")
        await x.phone("cara").answers("c")
        assert x.calls.house.present.busy("id-ben")
        assert len(x.media.bridges) == 3
        await anna.hangs_up()
        assert not x.calls.house.present.busy("id-ben")

    assert ladder(scene, office) == lines("""
        anna -> INVITE *81640 a
        anna <- 200 box'
        ben <- INVITE from 101 box sendonly', intercom
        ben-soft <- INVITE from 101 box sendonly', intercom
        cara <- INVITE from 101 box sendonly', intercom
        ben -> 200 b
        ben-soft <- hangup answered-elsewhere
        cara -> 200 c
        anna -> hangup
        ben <- hangup normal
        cara <- hangup normal
        record normal by caller
    """)


def test_who_talks_is_left_out() -> None:
    async def scene(x: Exchange) -> None:
        x.phones["103"] = ["cara"]
        one = await x.call("103", name="other")
        await x.phone("cara").answers("c")
        anna = await x.call("*81640")
        assert [leg.name for leg in x.dialled] == ["cara", "ben", "ben-soft"]
        await anna.hangs_up()
        await one.hangs_up()

    ladder(scene, office)


def test_when_everybody_has_hung_up_the_page_is_over() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        await x.phone("ben").answers("b")
        await x.phone("cara").answers("c")
        await x.phone("ben").hangs_up()
        assert not anna.over
        await x.phone("cara").hangs_up()
        assert anna.over

    ladder(scene, office)


def test_a_phone_that_rings_instead_is_given_up() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        await x.phone("ben").answers("b")
        await x.phone("cara").rings()
        await x.passes(11)
        assert x.phone("cara").over
        assert not anna.over
        await x.passes(120)
        assert anna.over, "nobody speaks for ever"

    ladder(scene, office)


def test_a_phone_may_change_its_session_and_nonsense_is_refused() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        ben = x.phone("ben")
        await ben.answers("b")
        await ben.offers("b2")
        await ben.offers("nonsense")
        await ben.offers(None)
        await anna.hangs_up()

    said = ladder(scene, office)
    assert "ben <- accept box sendonly'" in said
    assert "ben <- refuse not-acceptable" in said
    assert "ben <- refuse glare" in said


def test_a_phone_without_a_codec_of_the_box_is_left_out() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        await x.phone("cara").answers("nonsense")
        assert x.phone("cara").over
        await anna.hangs_up()

    assert "cara <- hangup not-acceptable" in ladder(scene, office)


def test_no_ports_leave_phones_out_and_end_a_page_of_nobody() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*81640")
        await anna.hangs_up()
        x.media.full = True
        late = await x.call("*81640", name="late")
        assert late.over

    assert ladder(scene, office)[-2:] == ["late <- hangup overload", "record overload by box"]


def test_help_ends_a_page_where_ports_are_short() -> None:
    async def scene(x: Exchange) -> None:
        await x.call("*81640")
        await x.phone("ben").answers("b")
        assert len(x.media.bridges) == 3
        x.media.full, x.media.most = True, 3
        await x.call("112", name="help")
        await x.passes(1)
        assert [view for view in x.calls.active() if view.callee and view.callee.value == "640"] == []

    assert "record made-way by box" in ladder(scene, office)


def test_who_may_not_page() -> None:
    async def scene(x: Exchange) -> None:
        await x.call("*81640")
        await x.call("*81999", name="nobody")

    said = ladder(scene, lambda: office(Circle.OFF))
    assert "record not-allowed by box" in said
    assert "record unknown-number by box" in said
