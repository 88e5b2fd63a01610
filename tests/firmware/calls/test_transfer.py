"""Transfers: blind, attended, by Replaces; whatever fails leaves the call as it was."""

import asyncio
from collections.abc import Callable

import pytest

from firmware.calls.cause import Cause
from firmware.calls.lamps import Lamp
from firmware.calls.leg import Party, Replaced
from firmware.calls.transfer import NOT_TRANSFERRED, TRANSFERRED
from firmware.store.model import Group, Strategy
from tests.support.legs import Exchange, Person, ScriptedLeg, ladder, lines, sdp
from tests.support.virtual_time import settle

PEOPLE = (
    Person("id-anna", "101", "Anna"),
    Person("id-ben", "102", "Ben"),
    Person("id-carl", "103", "Carl"),
)
CARL = Party("id-carl", "103", "Carl")


def house() -> Exchange:
    x = Exchange(PEOPLE)
    x.phones["103"] = ["carl"]
    return x


async def connected(x: Exchange) -> tuple[ScriptedLeg, ScriptedLeg]:
    anna = await x.call("102")
    await x.phone("ben").answers("b")
    x.ladder.clear()
    return anna, x.phone("ben")


def test_blind_transfer_by_the_callee() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await ben.refers("103")
        carl = x.phone("carl")
        await carl.rings()
        await carl.answers("c")
        await anna.accepts("a2")
        [bridge] = x.media.bridges
        assert bridge.flows == ("c", "a2")
        [view] = x.calls.active()
        assert view.callee is not None
        await anna.offers("hold")  # the two talk as if it had always been so
        await carl.accepts("held")
        await carl.hangs_up()
        assert [kind for kind, _ in x.events].count(TRANSFERRED) == 1
        assert x.records[0].callee == "id-carl"

    assert ladder(play, house) == lines("""
        ben -> REFER 103
        carl <- INVITE from 101 (no offer)
        carl -> 180
        ben <- NOTIFY ringing
        carl -> 200 c
        anna <- offer c'
        anna -> accept a2
        carl <- accept a2'
        ben <- NOTIFY done
        ben <- hangup normal
        anna -> offer hold
        carl <- offer hold'
        carl -> accept held
        anna <- accept held'
        carl -> hangup
        anna <- hangup normal
        record normal by callee
    """)


def test_blind_transfer_by_the_caller() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.refers("103")
        carl = x.phone("carl")
        await carl.answers("c")
        await ben.accepts("b2")
        [bridge] = x.media.bridges
        assert bridge.flows == ("c", "b2")
        await ben.hangs_up()
        assert x.records[0].callee == "id-ben"

    assert ladder(play, house) == lines("""
        anna -> REFER 103
        carl <- INVITE from 102 (no offer)
        carl -> 200 c
        ben <- offer c'
        ben -> accept b2
        carl <- accept b2'
        anna <- NOTIFY done
        anna <- hangup normal
        ben -> hangup
        carl <- hangup normal
        record normal by callee
    """)


@pytest.mark.parametrize(
    ("dialled", "word"),
    [("999", "unknown-number"), ("112", "no-line"), ("103", "unreachable")],
)
def test_a_transfer_to_nobody_fails_and_the_call_goes_on(dialled: str, word: str) -> None:
    async def play(x: Exchange) -> None:
        x.phones["103"] = []
        anna, ben = await connected(x)
        await ben.refers(dialled)
        assert NOT_TRANSFERRED in [kind for kind, _ in x.events]
        await anna.offers("hold")
        await ben.accepts("held")
        await anna.hangs_up()

    assert ladder(play, house)[:4] == lines(f"""
        ben -> REFER {dialled}
        ben <- NOTIFY {word}
        anna -> offer hold
        ben <- offer hold'
    """)


@pytest.mark.parametrize(
    ("how", "word"), [("busy", "busy"), ("refused by who stays", "not-acceptable"), ("silence", "no-answer")]
)
def test_a_transfer_that_fails_leaves_the_call_as_it_was(how: str, word: str) -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        [bridge] = x.media.bridges
        before = bridge.flows
        await ben.refers("103")
        if how == "busy":
            await x.phone("carl").ends(Cause.BUSY)
        elif how == "silence":
            await asyncio.sleep(x.calls.house.settings.ring_seconds + 1)
        else:
            await x.phone("carl").answers("c")
            await anna.refuses(Cause.NOT_ACCEPTABLE)
        assert bridge.flows == before
        assert x.phone("carl").over
        assert not ben.over
        await ben.hangs_up()

    assert f"ben <- NOTIFY {word}" in ladder(play, house)


def test_who_transfers_may_hang_up_at_once() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await ben.refers("103")
        await ben.hangs_up()
        await x.phone("carl").answers("c")
        await anna.accepts("a2")
        assert x.calls.active()
        await anna.hangs_up()

    assert ladder(play, house)[-3:] == lines("""
        anna -> hangup
        carl <- hangup normal
        record normal by caller
    """)


def test_a_failed_transfer_after_the_goodbye_ends_the_call() -> None:
    async def play(x: Exchange) -> None:
        _, ben = await connected(x)
        await ben.refers("103")
        await ben.hangs_up()
        await x.phone("carl").ends(Cause.BUSY)

    assert ladder(play, house)[-4:] == lines("""
        carl -> busy
        ben <- NOTIFY busy
        anna <- hangup normal
        record normal by callee
    """)


def test_who_stays_may_give_up_meanwhile() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await ben.refers("103")
        await anna.hangs_up()

    assert ladder(play, house)[2:] == lines("""
        anna -> hangup
        ben <- NOTIFY cancelled
        carl <- hangup cancelled
        ben <- hangup normal
        record normal by caller
    """)


def test_one_transfer_at_a_time_and_none_before_the_answer() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("ben").refers("103")
        await x.phone("ben").answers("b")
        await x.phone("ben").refers("103")
        await anna.refers("103")
        await anna.hangs_up()

    found = ladder(play, house)
    assert found.count("ben <- NOTIFY glare") == 1
    assert found.count("anna <- NOTIFY glare") == 1


async def consulting(x: Exchange) -> tuple[ScriptedLeg, ScriptedLeg, ScriptedLeg, ScriptedLeg]:
    """Let Anna talk with Ben, and on a second line with Carl."""
    anna, ben = await connected(x)
    second = await x.call("103", "a2", "anna2")
    await x.phone("carl").answers("c")
    x.ladder.clear()
    return anna, ben, second, x.phone("carl")


def test_attended_transfer() -> None:
    async def play(x: Exchange) -> None:
        anna, ben, second, carl = await consulting(x)
        await anna.refers("", second)
        await carl.accepts("c2")
        await ben.accepts("b2")
        [bridge] = x.media.bridges
        assert bridge.flows == ("c2", "b2")
        [_] = x.calls.active()
        await carl.hangs_up()

    assert ladder(play, house) == lines("""
        anna -> REFER whom anna2 talks with
        carl <- ask
        carl -> accept c2
        ben <- offer c2'
        ben -> accept b2
        carl <- accept b2'
        anna <- NOTIFY done
        anna <- hangup normal
        anna2 <- hangup normal
        record normal by caller
        carl -> hangup
        ben <- hangup normal
        record normal by caller
    """)


def test_attended_transfer_that_is_refused_leaves_both_calls_as_they_were() -> None:
    async def play(x: Exchange) -> None:
        anna, ben, second, carl = await consulting(x)
        await anna.refers("", second)
        await carl.accepts("c2")
        await ben.refuses(Cause.NOT_ACCEPTABLE)
        assert len(x.calls.active()) == 2
        await anna.refers("", second)
        await carl.refuses(Cause.GLARE)
        assert len(x.calls.active()) == 2
        await second.hangs_up()
        await anna.hangs_up()

    found = ladder(play, house)
    assert found[4:7] == lines("""
        ben -> refuse not-acceptable
        carl <- accept a2'
        anna <- NOTIFY not-acceptable
    """)
    assert "anna <- NOTIFY glare" in found


@pytest.mark.parametrize("who", ["stays", "consulted", "fetched"])
def test_whoever_hangs_up_during_an_attended_transfer(who: str) -> None:
    async def play(x: Exchange) -> None:
        anna, ben, second, carl = await consulting(x)
        await anna.refers("", second)
        leaves: dict[str, ScriptedLeg] = {"stays": ben, "consulted": second, "fetched": carl}
        await leaves[who].hangs_up()
        await carl.accepts("c2")
        await ben.accepts("b2")
        for leg in (anna, second):
            if not leg.over:
                await leg.hangs_up()

    ladder(play, house)


def test_who_talks_to_nobody_cannot_be_consulted() -> None:
    async def play(x: Exchange) -> None:
        anna, _ = await connected(x)
        second = await x.call("103", "a2", "anna2")
        await anna.refers("", second)
        await second.hangs_up()
        await anna.refers("", anna)
        await anna.hangs_up()

    assert ladder(play, house).count("anna <- NOTIFY unreachable") == 2


async def replacing(x: Exchange, leg: ScriptedLeg, offer: str | None = "c") -> ScriptedLeg:
    """Let Carl call in to take the place of a leg."""
    description = None if offer is None else sdp(offer)
    carl = ScriptedLeg("carl", CARL, x.ladder, dialled="102", description=description)
    x.legs.append(carl)
    carl.replaces = leg
    x.ladder.append("carl -> INVITE with Replaces")
    x.calls.incoming(carl)
    await settle()
    return carl


def test_a_call_in_takes_the_place_of_a_leg() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        carl = await replacing(x, ben)
        await anna.accepts("a2")
        [bridge] = x.media.bridges
        assert bridge.flows == ("c", "a2")
        await carl.hangs_up()

    assert ladder(play, house) == lines("""
        carl -> INVITE with Replaces
        anna <- offer c'
        anna -> accept a2
        carl <- 200 a2'
        ben <- hangup normal
        carl -> hangup
        anna <- hangup normal
        record normal by callee
    """)


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda anna, carl: anna.refuses(Cause.NOT_ACCEPTABLE), "carl <- hangup not-acceptable"),
        (lambda anna, carl: carl.ends(Cause.CANCELLED), "carl -> cancelled"),
    ],
)
def test_a_call_in_that_fails_leaves_the_call_as_it_was(
    act: Callable[[ScriptedLeg, ScriptedLeg], object], word: str
) -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        carl = await replacing(x, ben)
        await act(anna, carl)  # type: ignore[misc]  # either is a coroutine
        await anna.accepts("a2")
        assert not ben.over
        await ben.hangs_up()

    assert word in ladder(play, house)


def test_a_call_in_for_what_cannot_be_replaced_is_refused() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await replacing(x, ben, None)
        assert x.legs[-1].over
        await ben.hangs_up()
        await replacing(x, anna)
        assert x.legs[-1].over
        ringing = await x.call("102")
        await replacing(x, ringing)
        assert x.legs[-1].over
        stray = ScriptedLeg("stray", CARL, x.ladder)
        x.legs.append(stray)
        await ringing._tell("Replaced", Replaced(stray))
        assert stray.over
        await ringing.hangs_up()

    found = ladder(play, house)
    assert found.count("carl <- hangup not-acceptable") == 1
    assert found.count("carl <- hangup unreachable") == 2


def test_a_transfer_looks_for_people_as_a_call_does() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await ben.refers("103")
        await ben.refers("600")
        await x.phone("dora").rings()
        await x.phone("dora").answers("d")
        await anna.accepts("a2")
        await anna.hangs_up()

    def busy_house() -> Exchange:
        people = (*PEOPLE[:2], Person("id-carl", "103", "Carl", dnd=True), Person("id-dora", "104", "Dora"))
        group = Group("id-group", "t", "600", "Sales", Strategy.ALL, 20, ("id-carl", "id-dora"), None)
        x = Exchange(people, groups=[group])
        x.phones |= {"103": ["carl"], "104": ["dora"]}
        return x

    assert ladder(play, busy_house)[:6] == lines("""
        ben -> REFER 103
        ben <- NOTIFY busy
        ben -> REFER 600
        dora <- INVITE from 101 (no offer)
        dora -> 180
        ben <- NOTIFY ringing
    """)


def test_the_lamp_of_who_hands_over_goes_out_and_the_other_lights_up() -> None:
    async def play(x: Exchange) -> None:
        told: list[frozenset[str]] = []
        anna, ben = await connected(x)
        carl = await replacing(x, ben)
        await asyncio.sleep(1)
        x.calls.house.lamps.listener = told.append
        await anna.accepts("a2")
        await asyncio.sleep(1)
        assert told
        assert {"id-ben", "id-carl"} <= told[-1]
        assert x.calls.lights("id-ben") == []
        assert [light.lamp for light in x.calls.lights("id-carl")] == [Lamp.CONFIRMED]
        await carl.hangs_up()

    ladder(play, house)
