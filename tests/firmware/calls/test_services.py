"""Star codes as ladders: kept first, then confirmed by a call that is answered and ends."""

import asyncio

import pytest

from firmware.calls.codes import Codes, Feature
from firmware.errors import OperatorError
from tests.support.legs import Exchange, ladder, lines
from tests.support.virtual_time import settle

CODES = {
    Feature.FORWARD_ALWAYS: "*72",
    Feature.FORWARD_ALWAYS_OFF: "*73",
    Feature.FORWARD_NO_ANSWER: "*92",
    Feature.DND: "*78",
    Feature.DND_OFF: "*79",
}


def house() -> Exchange:
    return Exchange(codes=Codes(CODES))


@pytest.mark.parametrize(
    ("dialled", "kept"),
    [
        ("*72102", "id-anna forward always 102"),
        ("*73", "id-anna forward always off"),
        ("*92102", "id-anna forward no-answer 102"),
        ("*78", "id-anna do not disturb"),
        ("*79", "id-anna may be disturbed"),
    ],
)
def test_a_code_is_kept_then_confirmed(dialled: str, kept: str) -> None:
    async def play(x: Exchange) -> None:
        await x.call(dialled)
        await asyncio.sleep(0.5)
        assert x.ladder[-1].startswith("anna <- 200")
        await asyncio.sleep(1)

    assert ladder(play, house) == [
        f"anna -> INVITE {dialled} a",
        f"keep {kept}",
        "anna <- 200 silence'",
        "anna <- hangup normal",
        "record normal by box",
    ]


def test_the_caller_may_hang_up_first() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("*78")
        await asyncio.sleep(0.5)
        await anna.hangs_up()

    assert ladder(play, house)[-2:] == lines("""
        anna -> hangup
        record normal by caller
    """)


def test_a_caller_without_an_offer_is_only_told_the_end() -> None:
    async def play(x: Exchange) -> None:
        await x.call("*78", None)
        await asyncio.sleep(0.5)

    assert ladder(play, house)[1:] == lines("""
        keep id-anna do not disturb
        anna <- hangup normal
        record normal by box
    """)


@pytest.mark.parametrize("dialled", ["*72", "*72999", "*72112", "*72101", "*72*78"])
def test_a_forward_that_leads_nowhere_is_refused(dialled: str) -> None:
    async def play(x: Exchange) -> None:
        await x.call(dialled)

    assert ladder(play, house)[1:] == lines("""
        anna <- hangup unknown-number
        record unknown-number by box
    """)


def test_what_cannot_be_kept_is_not_confirmed() -> None:
    async def play(x: Exchange) -> None:
        x.wishes = OperatorError("the medium is full")
        await x.call("*78")
        await asyncio.sleep(1)

    assert ladder(play, house)[-2:] == lines("""
        anna <- hangup failed
        record failed by box
    """)


def test_strangers_have_no_wishes() -> None:
    async def play(x: Exchange) -> None:
        await x.call("*78", known=False)
        await settle()

    assert ladder(play, house)[-1] == "record not-allowed by box"
