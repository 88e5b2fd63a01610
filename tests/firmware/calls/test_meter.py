"""Calls that cost, as ladders: refused off hours and without money, cut when it is spent, help never."""

import asyncio
from dataclasses import replace

from firmware.calls.cause import Cause
from firmware.calls.decisions import Matter
from firmware.calls.hours import Hours
from firmware.calls.money import UNIT, Price, Tariff, line_purse
from firmware.store.model import Reach
from tests.support.legs import Exchange, ladder
from tests.support.scripted_lines import DIALLING, connect

TOWN = "030 2345678"
ALWAYS_CLOSED = Hours("", (), frozenset({Reach.NATIONAL}))


def paid(extension: int | None = None, line: int | None = None) -> Tariff:
    return Tariff("EUR", extension, line, {Reach.NATIONAL: Price(0, UNIT)})


def test_off_hours_a_locked_call_is_refused_until_somebody_takes_that_back() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", dialling=replace(DIALLING, hours=ALWAYS_CLOSED))
        for _ in range(3):
            await x.call(TOWN)
        assert x.ladder[-2:] == ["anna <- hangup locked", "record locked by box"]
        (one,) = x.calls.house.decisions.list()
        assert (one.matter, one.times) == (Matter.HOURS, 3)
        assert one.why == "extension 101 called a number that counts as national outside open hours"
        assert "2345678" not in one.why
        await x.call("112")
        assert len(isdn.legs) == 1, "help is asked for no hours"
        await isdn.legs[0].ends(Cause.BUSY)
        await x.passes(3)
        for leg in isdn.legs[1:]:
            await leg.ends(Cause.BUSY)
        before = len(isdn.legs)
        assert x.calls.house.take_back(one.number) is one
        anna = await x.call(TOWN)
        assert len(isdn.legs) == before + 1
        await anna.ends(Cause.CANCELLED)
        await x.passes(13 * 3600)
        await x.call(TOWN)
        assert x.ladder[-1] == "record locked by box"
        assert x.calls.house.take_back(99) is None

    ladder(play)


def test_a_call_ends_before_the_minute_that_would_pass_the_cap() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", dialling=replace(DIALLING, tariff=paid(3 * UNIT)))
        purses = x.calls.house.purses
        anna = await x.call(TOWN)
        assert purses.spent("id-anna") == UNIT
        await isdn.legs[0].answers("b")
        await asyncio.sleep(170)
        assert not anna.over
        assert purses.spent("id-anna") == 3 * UNIT
        await x.passes(15)
        assert x.ladder[-3:] == [
            "anna <- hangup spent", "isdn.1 <- hangup spent", "record spent by box",
        ]  # fmt: skip
        assert x.records[-1].ended - (x.records[-1].answered or 0) == 180
        await x.call(TOWN)
        assert x.ladder[-1] == "record spent by box"
        assert purses.spent("id-anna") == 3 * UNIT
        assert [kind.name for kind, _ in x.events].count("call.spent") == 1
        (one,) = x.calls.house.decisions.list()
        assert one.why == "extension 101 may cost 3.00 EUR a day, and the next minute would have cost more"
        x.calls.house.take_back(one.number)
        anna = await x.call(TOWN)
        assert not anna.over
        await anna.ends(Cause.CANCELLED)
        await x.call("112")
        assert isdn.legs[-1].over is False, "help is asked for no money"
        await x.calls.close()

    ladder(play)


def test_what_is_not_answered_costs_nothing_and_midnight_fills_the_purse() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", dialling=replace(DIALLING, tariff=paid(UNIT)))
        for _ in range(3):
            await x.call(TOWN)
            await isdn.legs[-1].ends(Cause.BUSY)
        assert x.calls.house.purses.spent("id-anna") == 0
        anna = await x.call(TOWN)
        await isdn.legs[-1].answers("b")
        await anna.hangs_up()
        await x.passes(100)
        assert x.calls.house.purses.spent("id-anna") == UNIT, "nobody pays for minutes after the end"
        await x.call(TOWN)
        assert x.ladder[-1] == "record spent by box"
        await x.passes(86400)
        anna = await x.call(TOWN)
        assert not anna.over
        await anna.ends(Cause.CANCELLED)

    ladder(play)


def test_a_line_whose_money_is_spent_is_passed_over() -> None:
    async def play(x: Exchange) -> None:
        isdn, sip = connect(x, "isdn", "sip", dialling=replace(DIALLING, tariff=paid(line=UNIT)))
        for line in (isdn, sip):
            anna = await x.call(TOWN)
            await line.legs[0].answers("b")
            await anna.hangs_up()
        assert x.calls.house.purses.spent(line_purse("isdn")) == UNIT
        await x.call(TOWN)
        assert x.ladder[-1] == "record spent by box"
        assert {one.who for one in x.calls.house.decisions.list()} == {"line isdn", "line sip"}

    ladder(play)
