"""Answered calls: hold, resume, glare, calls without an offer, and every way to end."""

import asyncio

from firmware.calls.cause import Cause
from tests.support.legs import Exchange, ScriptedLeg, ladder, lines
from tests.support.virtual_time import settle


async def connected(x: Exchange) -> tuple[ScriptedLeg, ScriptedLeg]:
    anna = await x.call("102")
    await x.phone().answers("b")
    x.ladder.clear()
    return anna, x.phone()


def test_hold_and_resume_by_either_side() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("hold")
        await ben.accepts("held")
        [bridge] = x.media.bridges
        assert bridge.flows == ("hold", "held")
        await ben.offers("resume")
        await anna.accepts("resumed")
        assert bridge.flows == ("resume", "resumed")
        await ben.hangs_up()

    assert ladder(play) == lines("""
        anna -> offer hold
        ben <- offer hold'
        ben -> accept held
        anna <- accept held'
        ben -> offer resume
        anna <- offer resume'
        anna -> accept resumed
        ben <- accept resumed'
        ben -> hangup
        anna <- hangup normal
        record normal by callee
    """)


def test_a_refused_reoffer_leaves_the_call_as_it_was() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        [bridge] = x.media.bridges
        before = bridge.flows
        await anna.offers("video")
        await ben.refuses(Cause.NOT_ACCEPTABLE)
        assert bridge.flows == before
        await anna.offers("hold")
        await ben.accepts("held")
        assert bridge.flows == ("hold", "held")
        await anna.hangs_up()

    assert ladder(play)[:4] == lines("""
        anna -> offer video
        ben <- offer video'
        ben -> refuse not-acceptable
        anna <- refuse not-acceptable
    """)


def test_an_offer_the_bridge_cannot_use_is_refused_and_the_call_goes_on() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("nonsense")
        assert x.calls.active()
        await ben.hangs_up()

    assert ladder(play)[:2] == lines("""
        anna -> offer nonsense
        anna <- refuse not-acceptable
    """)


def test_glare_inside_the_box_refuses_the_second_offer() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("hold")
        await ben.offers("hold too")
        await ben.accepts("held")
        await ben.offers("hold too")
        await anna.accepts("held too")
        await anna.hangs_up()

    assert ladder(play)[:9] == lines("""
        anna -> offer hold
        ben <- offer hold'
        ben -> offer hold too
        ben <- refuse glare
        ben -> accept held
        anna <- accept held'
        ben -> offer hold too
        anna <- offer hold too'
        anna -> accept held too
    """)


def test_glare_on_the_wire_is_passed_back() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("hold")
        await ben.refuses(Cause.GLARE)
        await anna.hangs_up()

    assert ladder(play)[3] == "anna <- refuse glare"


def test_a_reoffer_nobody_answers_is_refused_and_the_call_goes_on() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("hold")
        await asyncio.sleep(60)
        assert x.calls.active()
        await ben.hangs_up()

    assert ladder(play)[2] == "anna <- refuse failed"


def test_hang_up_while_a_change_is_under_way() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers("hold")
        await ben.hangs_up()

    assert ladder(play) == lines("""
        anna -> offer hold
        ben <- offer hold'
        ben -> hangup
        anna <- refuse normal
        anna <- hangup normal
        record normal by callee
    """)


def test_reoffer_without_an_offer_gets_what_it_has_and_its_answer_is_passed_on() -> None:
    async def play(x: Exchange) -> None:
        anna, ben = await connected(x)
        await anna.offers(None)
        await anna.accepts("a2")
        await ben.accepts("b2")
        await ben.offers(None)
        await ben.accepts("b3")
        await anna.accepts("a3")
        await anna.hangs_up()

    assert ladder(play)[:10] == lines("""
        anna -> offer (none)
        anna <- offer b'
        anna -> accept a2
        ben <- offer a2'
        ben -> accept b2
        ben -> offer (none)
        ben <- offer a2'
        ben -> accept b3
        anna <- offer b3'
        anna -> accept a3
    """)


def test_call_without_an_offer() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102", None)
        await x.phone().answers("b")
        [bridge] = x.media.bridges
        await anna.accepts("a")
        assert bridge.flows == ("b", "a")
        await anna.hangs_up()

    assert ladder(play) == lines("""
        anna -> INVITE 102 (no offer)
        ben <- INVITE from 101 (no offer)
        ben -> 200 b
        anna <- offer b'
        anna -> accept a
        ben <- accept a'
        anna -> hangup
        ben <- hangup normal
        record normal by caller
    """)


def test_call_without_an_offer_whose_caller_never_answers() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102", None)
        await x.phone().answers("b")
        await anna.refuses(Cause.FAILED)

    assert ladder(play)[-3:] == lines("""
        anna <- hangup failed
        ben <- hangup failed
        record failed by caller
    """)


def test_a_lost_flow_of_the_callee_ends_the_call() -> None:
    async def play(x: Exchange) -> None:
        _, ben = await connected(x)
        await ben.ends(Cause.UNREACHABLE, far=False)

    assert ladder(play)[-2:] == lines("""
        anna <- hangup unreachable
        record unreachable by callee
    """)


def test_silence_of_a_crashed_phone_ends_the_call() -> None:
    async def play(x: Exchange) -> None:
        await connected(x)
        [bridge] = x.media.bridges
        assert bridge.on_timeout is not None
        bridge.on_timeout("caller")
        bridge.on_timeout("callee")
        await settle()
        assert not bridge.open

    assert ladder(play) == lines("""
        anna <- hangup media-timeout
        ben <- hangup media-timeout
        record media-timeout by box
    """)
