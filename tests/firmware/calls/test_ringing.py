"""All phones of a person ring at once; what the caller is told when none of them answers."""

import asyncio

import pytest

from firmware.calls.cause import Cause
from firmware.calls.house import Settings
from tests.support.legs import Exchange, ladder, lines
from tests.support.virtual_time import settle


def two_phones() -> Exchange:
    x = Exchange(settings=Settings(ring_seconds=20.0))
    x.phones["102"] = ["desk", "cordless"]
    return x


def test_first_answer_wins_and_the_other_phone_learns_why() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("desk").rings()
        await x.phone("cordless").rings()
        await x.phone("cordless").answers("b")
        await x.phone("desk").answers("too late")
        await anna.hangs_up()

    assert ladder(play, two_phones) == lines("""
        anna -> INVITE 102 a
        desk <- INVITE from 101 a'
        cordless <- INVITE from 101 a'
        desk -> 180
        anna <- 180
        cordless -> 180
        cordless -> 200 b
        desk <- hangup answered-elsewhere
        anna <- 200 b'
        desk -> 200 too late
        anna -> hangup
        cordless <- hangup normal
        record normal by caller
    """)


def test_caller_gives_up() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("desk").rings()
        await anna.ends(Cause.CANCELLED)

    assert ladder(play, two_phones)[-4:] == lines("""
        anna -> cancelled
        desk <- hangup cancelled
        cordless <- hangup cancelled
        record cancelled by caller
    """)


def test_nobody_answers_in_time() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("desk").rings()
        await asyncio.sleep(19.9)
        assert x.calls.active()
        await asyncio.sleep(0.2)
        await settle()
        assert x.records[0].ended - x.records[0].started == pytest.approx(20.0)

    assert ladder(play, two_phones)[-4:] == lines("""
        anna <- hangup no-answer
        desk <- hangup no-answer
        cordless <- hangup no-answer
        record no-answer by box
    """)


def test_one_busy_phone_does_not_stop_the_other() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("desk").ends(Cause.BUSY)
        await x.phone("cordless").answers("b")
        await anna.hangs_up()

    assert "record normal by caller" in ladder(play, two_phones)


def test_a_person_who_declines_on_one_phone_is_not_rung_on_the_other() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("desk").ends(Cause.REJECTED)

    assert ladder(play, two_phones)[-4:] == lines("""
        desk -> rejected
        anna <- hangup rejected
        cordless <- hangup rejected
        record rejected by callee
    """)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (Cause.BUSY, Cause.UNREACHABLE, "busy"),
        (Cause.UNREACHABLE, Cause.BUSY, "busy"),
        (Cause.UNREACHABLE, Cause.UNREACHABLE, "unreachable"),
        (Cause.NOT_ACCEPTABLE, Cause.BUSY, "busy"),
        (Cause.NOT_ACCEPTABLE, Cause.UNREACHABLE, "not-acceptable"),
        (Cause.FAILED, Cause.NO_ANSWER, "no-answer"),
    ],
)
def test_the_caller_hears_the_most_telling_cause(first: Cause, second: Cause, told: str) -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("desk").ends(first)
        await x.phone("cordless").ends(second)

    assert f"anna <- hangup {told}" in ladder(play, two_phones)


def test_early_media_of_one_phone_at_a_time_and_no_180_over_it() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone("desk").plays("early")
        await x.phone("cordless").plays("other")
        await x.phone("cordless").rings()
        await x.phone("desk").ends(Cause.BUSY)
        await x.phone("cordless").plays("again")
        await x.phone("cordless").answers("b")
        await anna.hangs_up()

    said = [line for line in ladder(play, two_phones) if line.startswith("anna <-")]
    assert said == ["anna <- 183 early'", "anna <- 183 again'", "anna <- 200 b'"]


def test_a_phone_that_answers_with_nonsense_ends_the_call() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone("desk").answers("nonsense")

    assert (
        ladder(play, two_phones)[-4:]
        == lines("""
        desk -> 200 nonsense
        cordless <- hangup answered-elsewhere
        anna <- hangup not-acceptable
        desk <- hangup not-acceptable
        record not-acceptable by box
    """)[1:]
    )
