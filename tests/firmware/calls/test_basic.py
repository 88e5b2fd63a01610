"""The basic call, as ladders: who dials, who rings, who hangs up, and what the record says."""

from firmware.calls.cause import Cause
from tests.support.legs import Exchange, ladder, lines


def test_answered_and_hung_up_by_the_caller() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone().rings()
        await x.phone().answers("b")
        await anna.hangs_up()

    assert ladder(play) == lines("""
        anna -> INVITE 102 a
        ben <- INVITE from 101 a'
        ben -> 180
        anna <- 180
        ben -> 200 b
        anna <- 200 b'
        anna -> hangup
        ben <- hangup normal
        record normal by caller
    """)


def test_hung_up_by_the_callee_dialled_by_alias() -> None:
    async def play(x: Exchange) -> None:
        await x.call("055501427731")
        await x.phone().answers("b")
        await x.phone().hangs_up()

    assert ladder(play) == lines("""
        anna -> INVITE 055501427731 a
        ben <- INVITE from 101 a'
        ben -> 200 b
        anna <- 200 b'
        ben -> hangup
        anna <- hangup normal
        record normal by callee
    """)


def test_busy() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone().ends(Cause.BUSY)

    assert ladder(play)[-3:] == lines("""
        ben -> busy
        anna <- hangup busy
        record busy by callee
    """)


def test_unknown_number() -> None:
    async def play(x: Exchange) -> None:
        await x.call("999999")

    assert ladder(play) == lines("""
        anna -> INVITE 999999 a
        anna <- hangup unknown-number
        record unknown-number by box
    """)


def test_no_phone_registered() -> None:
    async def play(x: Exchange) -> None:
        x.phones = {}
        await x.call("102")

    assert ladder(play) == lines("""
        anna -> INVITE 102 a
        anna <- hangup unreachable
        record unreachable by box
    """)
