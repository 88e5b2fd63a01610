"""Forwards, do not disturb and ring groups as ladders: who rings after whom, and that it always ends."""

import asyncio
from collections.abc import Callable

import pytest

from firmware.calls.cause import Cause
from firmware.calls.house import Settings
from firmware.store.model import Forward, Group, Occasion, Strategy
from tests.support.legs import Exchange, Person, ladder, lines
from tests.support.virtual_time import settle

ALWAYS, BUSY, NO_ANSWER, UNREACHABLE = Occasion


def person(number: str, *forwards: Forward, dnd: bool = False) -> Person:
    return Person(f"id-{number}", number, f"Name {number}", (), forwards, dnd)


def house(*people: Person, group: Group | None = None) -> Callable[[], Exchange]:
    """Return a house whose people have a phone each, named after their number; 101 calls."""

    def make() -> Exchange:
        x = Exchange(
            (Person("id-101", "101", "Anna"), *people),
            Settings(ring_seconds=30.0),
            groups=[] if group is None else [group],
        )
        x.phones = {each.number: [f"p{each.number}"] for each in people}
        return x

    return make


def sales(strategy: Strategy, *members: str, last: str | None = None, seconds: int = 20) -> Group:
    ids = tuple(f"id-{member}" for member in members)
    return Group("id-group", "t", "600", "Sales", strategy, seconds, ids, last and f"id-{last}")


def test_always() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("p103").answers("b")
        await anna.hangs_up()
        assert x.records[0].callee == "id-103"
        assert x.records[0].dialled == "102"

    assert ladder(play, house(person("102", Forward(ALWAYS, "103")), person("103"))) == lines("""
        anna -> INVITE 102 a
        p103 <- INVITE from 101 a' by 102 always
        p103 -> 200 b
        anna <- 200 b'
        anna -> hangup
        p103 <- hangup normal
        record normal by caller
    """)


def test_busy() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("p102").ends(Cause.BUSY)
        await x.phone("p103").ends(Cause.BUSY)

    assert ladder(play, house(person("102", Forward(BUSY, "103")), person("103"))) == lines("""
        anna -> INVITE 102 a
        p102 <- INVITE from 101 a'
        p102 -> busy
        p103 <- INVITE from 101 a' by 102 busy
        p103 -> busy
        anna <- hangup busy
        record busy by callee
    """)


def test_no_answer_after_its_own_seconds() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("p102").rings()
        await asyncio.sleep(9.9)
        assert len(x.dialled) == 1
        await asyncio.sleep(0.2)
        await x.phone("p102").answers("too late")
        await x.phone("p103").answers("b")
        await anna.hangs_up()

    assert ladder(play, house(person("102", Forward(NO_ANSWER, "103", 10)), person("103"))) == lines("""
        anna -> INVITE 102 a
        p102 <- INVITE from 101 a'
        p102 -> 180
        anna <- 180
        p102 <- hangup no-answer
        p103 <- INVITE from 101 a' by 102 no-answer
        p102 -> 200 too late
        p103 -> 200 b
        anna <- 200 b'
        anna -> hangup
        p103 <- hangup normal
        record normal by caller
    """)


def test_unreachable_with_and_without_a_phone() -> None:
    def unplugged() -> Exchange:
        x = house(
            person("102", Forward(UNREACHABLE, "103")),
            person("103", Forward(UNREACHABLE, "104")),
            person("104"),
        )()
        x.phones["102"] = []
        return x

    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("p103").ends(Cause.UNREACHABLE)
        await x.phone("p104").ends(Cause.REJECTED)

    assert ladder(play, unplugged) == lines("""
        anna -> INVITE 102 a
        p103 <- INVITE from 101 a' by 102 unreachable
        p103 -> unreachable
        p104 <- INVITE from 101 a' by 102 unreachable by 103 unreachable
        p104 -> rejected
        anna <- hangup rejected
        record rejected by callee
    """)


def test_who_declines_is_not_forwarded() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("p102").ends(Cause.REJECTED)

    assert ladder(play, house(person("102", Forward(BUSY, "103")), person("103")))[-2:] == lines("""
        anna <- hangup rejected
        record rejected by callee
    """)


def test_do_not_disturb_is_busy() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")

    assert ladder(play, house(person("102", dnd=True))) == lines("""
        anna -> INVITE 102 a
        anna <- hangup busy
        record busy by callee
    """)


def test_do_not_disturb_follows_the_forward_for_busy() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("p103").rings()
        await anna.ends(Cause.CANCELLED)

    assert "p103 <- INVITE from 101 a' by 102 busy" in ladder(
        play, house(person("102", Forward(BUSY, "103"), dnd=True), person("103"))
    )


def test_do_not_disturb_and_forwards_do_not_touch_a_call_for_help() -> None:
    async def play(x: Exchange) -> None:
        await x.call("112")

    def make() -> Exchange:
        me = Person("id-101", "101", "Anna", ("112",), (Forward(ALWAYS, "102"),), True)
        return Exchange((me, person("102")))

    assert ladder(play, make) == lines("""
        anna -> INVITE 112 a
        anna <- hangup no-line
        record no-line by box
    """)


def test_a_forward_to_help_to_nobody_or_to_oneself_is_not_followed() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("p102").ends(Cause.BUSY)

    for target in ("112", "999", "102"):
        forwards = [Forward(ALWAYS, target), Forward(BUSY, target)]
        assert ladder(play, house(person("102", *forwards)))[1:] == lines("""
            p102 <- INVITE from 101 a'
            p102 -> busy
            anna <- hangup busy
            record busy by callee
        """)


def test_a_circle_of_forwards_rings_where_it_closes() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await anna.ends(Cause.CANCELLED)

    circle = house(person("102", Forward(ALWAYS, "103")), person("103", Forward(ALWAYS, "102")))
    assert ladder(play, circle)[1] == "p103 <- INVITE from 101 a' by 102 always"


def test_the_secretary_reaches_who_forwards_to_her() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await anna.ends(Cause.CANCELLED)

    assert ladder(play, house(person("102", Forward(ALWAYS, "101"))))[1] == "p102 <- INVITE from 101 a'"


def test_a_chain_ends_after_five_forwards() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("200")
        await anna.ends(Cause.CANCELLED)

    chain = [person(str(200 + n), Forward(ALWAYS, str(201 + n))) for n in range(9)]
    [invite] = [line for line in ladder(play, house(*chain)) if "<- INVITE" in line]
    assert invite.startswith("p205 ")
    assert invite.count(" by ") == 5


def test_a_group_rings_all() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("600")
        await x.phone("p102").rings()
        await x.phone("p104").ends(Cause.REJECTED)
        await x.phone("p103").answers("b")
        await anna.hangs_up()
        assert x.records[0].callee == "id-103"

    people = [person("102", Forward(BUSY, "105")), person("103"), person("104"), person("105")]
    assert ladder(play, house(*people, group=sales(Strategy.ALL, "102", "103", "104"))) == lines("""
        anna -> INVITE 600 a
        p102 <- INVITE from 101 a'
        p103 <- INVITE from 101 a'
        p104 <- INVITE from 101 a'
        p102 -> 180
        anna <- 180
        p104 -> rejected
        p103 -> 200 b
        p102 <- hangup answered-elsewhere
        anna <- 200 b'
        anna -> hangup
        p103 <- hangup normal
        record normal by caller
    """)


def test_who_declines_a_group_call_declines_on_all_their_phones() -> None:
    def two_phones() -> Exchange:
        x = house(person("102"), person("103"), group=sales(Strategy.ALL, "102", "103"))()
        x.phones["102"] = ["desk", "cordless"]
        return x

    async def play(x: Exchange) -> None:
        await x.call("600")
        await x.phone("desk").ends(Cause.REJECTED)
        await x.phone("p103").ends(Cause.BUSY)

    assert ladder(play, two_phones)[4:] == lines("""
        desk -> rejected
        cordless <- hangup answered-elsewhere
        p103 -> busy
        anna <- hangup rejected
        record rejected by callee
    """)


def test_one_after_the_other_then_the_last_resort() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("600")
        await asyncio.sleep(20.1)
        await x.phone("p103").ends(Cause.BUSY)
        await x.phone("p104").answers("b")
        await anna.hangs_up()

    people = [person("102"), person("103"), person("104")]
    group = sales(Strategy.SEQUENTIAL, "102", "103", last="104")
    assert ladder(play, house(*people, group=group)) == lines("""
        anna -> INVITE 600 a
        p102 <- INVITE from 101 a'
        p102 <- hangup no-answer
        p103 <- INVITE from 101 a'
        p103 -> busy
        p104 <- INVITE from 101 a'
        p104 -> 200 b
        anna <- 200 b'
        anna -> hangup
        p104 <- hangup normal
        record normal by caller
    """)


def test_memory_hunt_rings_one_more_each_time() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("600")
        await asyncio.sleep(20.1)
        assert [leg.name for leg in x.dialled if not leg.over] == ["p102", "p103"]
        await asyncio.sleep(20.1)
        assert [leg.name for leg in x.dialled if not leg.over] == ["p102", "p103", "p104"]
        await x.phone("p102").answers("b")
        await anna.hangs_up()

    people = [person("102"), person("103"), person("104")]
    said = ladder(play, house(*people, group=sales(Strategy.MEMORY, "102", "103", "104")))
    assert said[4:] == lines("""
        p102 -> 200 b
        p103 <- hangup answered-elsewhere
        p104 <- hangup answered-elsewhere
        anna <- 200 b'
        anna -> hangup
        p102 <- hangup normal
        record normal by caller
    """)


def test_a_group_nobody_answers_ends_and_says_so() -> None:
    async def play(x: Exchange) -> None:
        await x.call("600")
        await asyncio.sleep(61)

    people = [person("102"), person("103", dnd=True), person("104")]
    group = sales(Strategy.SEQUENTIAL, "102", "103", "104")
    said = ladder(play, house(*people, group=group))
    assert not any(line.startswith("p103") for line in said)
    assert said[-3:] == lines("""
        anna <- hangup no-answer
        p104 <- hangup no-answer
        record no-answer by callee
    """)


def test_a_group_of_nobody_is_unreachable() -> None:
    async def play(x: Exchange) -> None:
        await x.call("600")

    assert ladder(play, house(group=sales(Strategy.ALL, "109")))[-1] == "record unreachable by box"


def test_a_member_reached_by_a_forward_into_the_group_does_not_forward_again() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("p103").ends(Cause.BUSY)
        await settle()
        assert not x.calls.active()
        del anna

    people = [person("102", Forward(ALWAYS, "600")), person("103", Forward(BUSY, "102"))]
    said = ladder(play, house(*people, group=sales(Strategy.ALL, "103")))
    assert [line for line in said if "INVITE from" in line] == ["p103 <- INVITE from 101 a' by 102 always"]


@pytest.mark.parametrize(
    ("phones", "forwards", "sole"),
    [
        (["p102"], (), True),
        (["p102", "cordless"], (), False),
        (["p102"], (Forward(NO_ANSWER, "103"),), False),
    ],
)
def test_the_offer_is_for_a_sole_phone_only_where_no_other_can_be_meant(
    phones: list[str], forwards: tuple[Forward, ...], sole: bool
) -> None:
    seen: list[bool | None] = []

    async def play(x: Exchange) -> None:
        x.phones["102"] = phones
        anna = await x.call("102")
        seen.extend(bridge.sole for bridge in x.media.bridges)
        await anna.hangs_up()

    ladder(play, house(person("102", *forwards), person("103")))
    assert seen == [sole]
