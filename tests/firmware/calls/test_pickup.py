"""Pickup: by code, by number, by Replaces; who may, who wins, and what is left when it fails."""

import asyncio

import pytest

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.calls.leg import Party
from firmware.store.model import Group, Strategy
from tests.support.legs import Exchange, Person, ScriptedLeg, ladder, lines

PEOPLE = tuple(
    Person(f"id-{name}", number, name.title())
    for name, number in (("anna", "101"), ("ben", "102"), ("cara", "103"), ("dora", "104"))
)
SALES = Group("g", "t", "600", "Sales", Strategy.ALL, 20, ("id-ben", "id-cara"))
CODES = Codes({Feature.PICKUP: "**", Feature.DND: "*78"})


def office(reach: Circle = Circle.GROUP) -> Exchange:
    x = Exchange(PEOPLE, Settings(pickup=reach), groups=[SALES], codes=CODES)
    x.phones = {"102": ["ben"], "103": ["cara"]}
    return x


async def dials(x: Exchange, name: str, number: str, description: str | None = "p") -> ScriptedLeg:
    person = next(person for person in x.people if person.id == f"id-{name}")
    return await x.call_from(Party(person.id, person.number, person.name), f"{name}2", number, description)


@pytest.mark.parametrize("code", ["**", "**102", "**600"])
def test_who_picks_up_is_heard_by_the_caller(code: str) -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone().rings()
        cara = await dials(x, "cara", code)
        await cara.accepts("c")
        await anna.hangs_up()

    assert ladder(scene, office) == lines(f"""
        anna -> INVITE 102 a
        ben <- INVITE from 101 a'
        ben -> 180
        anna <- 180
        cara2 -> INVITE {code} p
        cara2 <- 200 silent p
        cara2 <- offer a'
        cara2 -> accept c
        ben <- hangup answered-elsewhere
        anna <- 200 c'
        anna -> hangup
        cara2 <- hangup normal
        record normal by caller
    """)


def test_the_record_names_who_talked() -> None:
    seen: list[Exchange] = []

    async def scene(x: Exchange) -> None:
        seen.append(x)
        anna = await x.call("102")
        cara = await dials(x, "cara", "**102")
        await cara.accepts("c")
        await asyncio.sleep(5)
        await anna.hangs_up()

    ladder(scene, office)
    [record] = seen[0].records
    assert (record.caller, record.callee, record.dialled) == ("id-anna", "id-cara", "102")


def test_after_the_pickup_offers_pass_as_in_any_call() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        cara = await dials(x, "cara", "**")
        await cara.accepts("c")
        await cara.offers("hold")
        await anna.accepts("held")
        await anna.offers(None)
        await anna.accepts("a2")
        await cara.accepts("c2")
        await cara.hangs_up()

    assert ladder(scene, office)[7:] == lines("""
        anna <- 200 c'
        cara2 -> offer hold
        anna <- offer hold'
        anna -> accept held
        cara2 <- accept held'
        anna -> offer (none)
        anna <- offer hold'
        anna -> accept a2
        cara2 <- offer a2'
        cara2 -> accept c2
        cara2 -> hangup
        anna <- hangup normal
        record normal by callee
    """)


def test_a_caller_without_offer_is_given_the_offer_of_who_picks_up() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102", None)
        cara = await dials(x, "cara", "**")
        await cara.accepts("c")
        await anna.accepts("a")
        await anna.hangs_up()

    assert ladder(scene, office)[2:] == lines("""
        cara2 -> INVITE ** p
        cara2 <- 200 silent p
        cara2 <- ask
        cara2 -> accept c
        ben <- hangup answered-elsewhere
        anna <- offer c'
        anna -> accept a
        cara2 <- accept a'
        anna -> hangup
        cara2 <- hangup normal
        record normal by caller
    """)


def test_the_longest_ringing_call_is_picked_up() -> None:
    async def scene(x: Exchange) -> None:
        first = await x.call("102", name="first")
        await asyncio.sleep(2)
        second = await x.call("102", name="second")
        cara = await dials(x, "cara", "**")
        await cara.accepts("c")
        assert "first <- 200 c'" in x.ladder
        assert not second.over
        await first.hangs_up()
        await second.hangs_up()

    ladder(scene, office)


@pytest.mark.parametrize(
    ("reach", "name", "code", "cause"),
    [
        (Circle.GROUP, "dora", "**102", Cause.NOT_ALLOWED),  # in no group with ben
        (Circle.GROUP, "dora", "**", Cause.UNREACHABLE),
        (Circle.ALL, "dora", "**", Cause.UNREACHABLE),
        (Circle.OFF, "cara", "**102", Cause.NOT_ALLOWED),
        (Circle.ALL, "dora", "**103", Cause.UNREACHABLE),  # nothing rings there
        (Circle.ALL, "dora", "**199", Cause.UNKNOWN_NUMBER),
        (Circle.ALL, "dora", "**112", Cause.UNKNOWN_NUMBER),
        (Circle.ALL, "anna", "**102", Cause.UNREACHABLE),  # her own call
    ],
)
def test_what_may_not_be_picked_up_rings_on(reach: Circle, name: str, code: str, cause: Cause) -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        picker = await dials(x, name, code)
        assert picker.over
        assert x.ladder[-1] == f"{name}2 <- hangup {cause.value}"
        await x.phone("ben").answers("b")
        await anna.hangs_up()

    ladder(scene, lambda: office(reach))


def test_anybody_may_where_the_site_says_so_and_ones_own_phone_always() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        dora = await dials(x, "dora", "**102")
        await dora.accepts("d")
        await anna.hangs_up()

    assert "anna <- 200 d'" in ladder(scene, lambda: office(Circle.ALL))

    async def own(x: Exchange) -> None:
        anna = await x.call("102")
        ben = await dials(x, "ben", "**102")
        await ben.accepts("b")
        await anna.hangs_up()

    assert "anna <- 200 b'" in ladder(own, office)


def test_a_pickup_that_fails_leaves_the_call_as_it_was() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        cara = await dials(x, "cara", "**")
        await cara.refuses(Cause.NOT_ACCEPTABLE)
        again = await dials(x, "cara", "**")
        await again.hangs_up()
        late = await dials(x, "cara", "**", "nonsense")
        assert late.over
        offerless = await dials(x, "cara", "**", None)
        assert offerless.over
        await x.phone("ben").answers("b")
        await anna.hangs_up()

    told = ladder(scene, office)
    assert "anna <- 200 b'" in told
    assert told.count("cara2 <- hangup not-acceptable") == 3


def test_when_all_phones_said_no_the_taker_still_has_it_or_the_call_ends() -> None:
    async def takes(x: Exchange) -> None:
        await x.call("102")
        cara = await dials(x, "cara", "**")
        await x.phone("ben").ends(Cause.REJECTED)
        await cara.accepts("c")
        await cara.hangs_up()

    assert "anna <- 200 c'" in ladder(takes, office)

    async def fails(x: Exchange) -> None:
        await x.call("102")
        cara = await dials(x, "cara", "**")
        await x.phone("ben").ends(Cause.REJECTED)
        await cara.refuses(Cause.NOT_ACCEPTABLE)

    assert ladder(fails, office)[-2:] == lines("""
        anna <- hangup rejected
        record rejected by callee
    """)


def test_a_phone_that_answers_first_keeps_the_call() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        cara = await dials(x, "cara", "**")
        other = await dials(x, "cara", "**")
        await x.phone("ben").answers("b")
        assert cara.over
        assert other.over
        await anna.hangs_up()

    assert ladder(scene, office).count("cara2 <- hangup answered-elsewhere") == 2


def test_the_caller_gives_up_while_somebody_picks_up() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        cara = await dials(x, "cara", "**")
        await anna.hangs_up()
        assert cara.over

    assert ladder(scene, office)[-1] == "record cancelled by caller"


def test_replaces_of_a_ringing_phone_is_a_pickup_by_the_same_rules() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        stranger = ScriptedLeg("dora", Party("id-dora", "104"), x.ladder, dialled="102")
        stranger.replaces = x.phone("ben")
        x.calls.incoming(stranger)
        assert stranger.over
        cara = ScriptedLeg(
            "cara", Party("id-cara", "103"), x.ladder, dialled="102", description=anna.description
        )
        cara.replaces = x.phone("ben")
        x.calls.incoming(cara)
        await asyncio.sleep(0.1)
        await cara.accepts("c")
        await anna.hangs_up()

    told = ladder(scene, office)
    assert "dora <- hangup not-allowed" in told
    assert "anna <- 200 c'" in told


def test_replaces_that_comes_with_the_answer_does_not_take_the_call() -> None:
    """Early-only (RFC 3891 3): the phone answers in the moment in which somebody wants to pick up."""

    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        ben = x.phone("ben")
        answered = asyncio.ensure_future(ben.answers("b"))
        await asyncio.sleep(0)
        cara = await dials(x, "cara", "**102")
        await answered
        assert cara.over
        assert not ben.over
        await anna.hangs_up()

    assert "anna <- 200 b'" in ladder(scene, office)


def test_a_ringing_transfer_is_picked_up() -> None:
    async def scene(x: Exchange) -> None:
        x.phones["104"] = ["dora"]
        anna = await x.call("104")
        dora = x.phone("dora")
        await dora.answers("d")
        await dora.refers("102")
        cara = await dials(x, "cara", "**")
        await cara.accepts("c")
        await anna.accepts("a2")
        assert dora.over
        await anna.hangs_up()

    assert ladder(scene, office)[6:] == lines("""
        cara2 -> INVITE ** p
        cara2 <- 200 silent p
        cara2 <- ask
        cara2 -> accept c
        ben <- hangup answered-elsewhere
        anna <- offer c'
        anna -> accept a2
        cara2 <- accept a2'
        dora <- NOTIFY done
        dora <- hangup normal
        anna -> hangup
        cara2 <- hangup normal
        record normal by caller
    """)


def test_takers_are_bounded() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("102")
        pickers = [await dials(x, "cara", "**") for _ in range(10)]
        assert [picker.over for picker in pickers] == [False] * 8 + [True] * 2
        await anna.hangs_up()

    ladder(scene, office)
