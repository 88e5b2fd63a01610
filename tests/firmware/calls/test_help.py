"""Calls for help, as ladders: whatever is taken, down, closed or capped, they go out."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.dialling import Caps
from firmware.calls.help import Alarm
from firmware.calls.house import Settings
from firmware.calls.leg import Party
from firmware.calls.making import dialling_of
from firmware.calls.plan import Emergency, Plan
from firmware.store.model import CallKind, Outward
from provisioning.site import countries, parse_site
from tests.support.legs import Exchange, Person, ladder, lines
from tests.support.scripted_lines import DIALLING, connect

SITE = """
name = "x"
country = "{country}"
[[listener]]
transport = "udp"
address = "192.0.2.10"
[media]
address = "192.0.2.10"
first_port = 16384
last_port = 16783
[dialling]
outside_prefix = "{outside}"
country_code = "{code}"
"""


def test_help_is_called_before_the_house_is_told() -> None:
    told: list[Alarm] = []

    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")

        def tell(alarm: Alarm) -> None:
            x.ladder.append("the house is told")
            told.append(alarm)

        x.calls.house.alarm = tell
        anna = await x.call("1-1-2")
        await isdn.legs[0].answers("b")
        await anna.hangs_up()
        record = x.records[0]
        assert (record.kind, record.dialled, record.line) == (CallKind.EMERGENCY, None, "isdn")
        assert [kind.name for kind, _ in x.events if kind.name.startswith("call.emergency")] == [
            "call.emergency"
        ]

    assert ladder(play) == lines("""
        anna -> INVITE 1-1-2 a
        isdn.1 <- INVITE 112 as +4930555101 a'
        the house is told
        isdn.1 -> 200 b
        anna <- 200 b'
        anna -> hangup
        isdn.1 <- hangup normal
        record normal by caller
    """)
    assert (told[0].caller.number, told[0].number) == ("101", "112")


def test_all_lines_busy_and_everything_closed_and_help_is_called() -> None:
    people = (
        Person("id-anna", "101", "Anna"),
        Person("id-ben", "102", "Ben", outward=Outward(frozenset(), at_once=0, hourly=0, location="Lobby")),
    )

    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", most=2, dialling=replace(DIALLING, caps=Caps(3, 9, 2)))
        first, second = [await x.call("0302345678", name=f"anna{n}") for n in (1, 2)]
        await isdn.legs[0].answers("b")
        await isdn.legs[1].answers("b")
        ben = await x.call_from(Party("id-ben", "102"), "ben", "112", "c")
        assert second.over
        assert not first.over
        assert not ben.over
        assert x.records[0].cause == "made-way"
        await isdn.legs[2].answers("d")
        await ben.hangs_up()
        await first.hangs_up()

    assert ladder(play, lambda: Exchange(people, Settings(max_calls=2)))[8:12] == lines("""
        ben -> INVITE 112 c
        isdn.2 <- hangup made-way
        isdn.3 <- INVITE 112 as +4930555102 c'
        anna2 <- hangup made-way
    """)


def test_a_line_that_says_it_is_down_is_tried_last_but_tried() -> None:
    async def play(x: Exchange) -> None:
        down, fails = connect(x, "down", "fails")
        down.up = False
        anna = await x.call("112")
        assert not down.legs
        await fails.legs[0].ends(Cause.NO_LINE)
        await down.legs[0].rings()
        await down.legs[0].answers("b")
        await anna.hangs_up()

    ladder(play)


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.UNREACHABLE, Cause.FAILED])
def test_whatever_a_line_answers_the_next_is_tried_and_all_of_them_again(cause: Cause) -> None:
    async def play(x: Exchange) -> None:
        first, second = connect(x, "first", "second")
        anna = await x.call("911")
        await first.legs[0].ends(cause)
        await second.legs[0].ends(cause)
        await x.passes(1.5)
        await first.legs[1].ends(cause)
        await second.legs[1].ends(cause)
        assert anna.over
        assert "call.emergency.failed" in [kind.name for kind, _ in x.events]

    ladder(play)


def test_who_gives_up_is_let_go() -> None:
    async def play(x: Exchange) -> None:
        first, second = connect(x, "first", "second")
        anna = await x.call("112")
        await anna.hangs_up()
        assert len(first.legs) == 1
        assert not second.legs

    ladder(play)


def test_a_call_from_outside_makes_way_after_those_that_went_out() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", most=2)
        out = await x.call("0302345678")
        came = await x.call_from(Party(None, "", line="isdn"), "caller", "+493055577", "a")
        help1 = await x.call_from(Party("id-ben", "102"), "ben", "112", "c")
        assert [out.over, came.over] == [True, False]
        help2 = await x.call_from(Party("id-anna", "101"), "anna2", "112", "c")
        assert [came.over, help1.over] == [True, False]
        for leg in (help1, help2):
            await leg.hangs_up()
        assert len(isdn.legs) == 3

    ladder(play)


def test_ports_are_taken_from_the_youngest_call_where_there_are_none() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        anna = await x.call("102")
        x.media.full, x.media.most = True, 1
        stranger = await x.call_from(Party(None, ""), "lobby", "112", "c")
        assert anna.over
        await isdn.legs[0].answers("b")
        for bridge in x.media.bridges:
            assert bridge.on_timeout is None  # who cannot speak is not hung up on
        await stranger.hangs_up()

    ladder(play)


def test_who_calls_for_help_shows_where_they_are_and_is_never_anonymous() -> None:
    people = (
        Person("id-anna", "101", "Anna", outward=Outward(help_number="+49305559999", location="Room 3")),
    )
    told: list[Alarm] = []

    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        x.calls.house.alarm = told.append
        await x.call_from(Party("id-anna", "101", "Anna", private=True), "anna", "112", "a")
        await x.call_from(Party(None, "", private=True), "lobby", "112", "a")
        for leg in isdn.legs:
            await leg.ends(Cause.NORMAL)
        await x.passes(2)
        for leg in isdn.legs:
            await leg.hangs_up()

    steps = ladder(play, lambda: Exchange(people))
    assert "isdn.1 <- INVITE 112 as +49305559999 a'" in steps
    assert "isdn.2 <- INVITE 112 as +49305550 a'" in steps
    assert [alarm.location for alarm in told] == ["Room 3", ""]
    assert "Room 3" not in repr(told)


def test_a_fault_in_telling_the_house_does_not_end_the_call() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")

        def broken(_: Alarm) -> None:
            raise RuntimeError

        x.calls.house.alarm = broken
        anna = await x.call("112")
        await isdn.legs[0].answers("b")
        assert not anna.over
        await anna.hangs_up()

    ladder(play)


def test_somebody_on_the_phone_is_handed_to_help() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        anna = await x.call("102")
        await x.phone().answers("b")
        await anna.refers("112")
        await isdn.legs[0].answers("d")
        await x.phone().accepts("e")
        assert anna.over
        await isdn.legs[0].hangs_up()

    ladder(play)


@settings(deadline=None, max_examples=60)
@given(
    country=st.sampled_from(countries()),
    outside=st.sampled_from(["", *"0123456789", "00", "99", "01"]),
    dial_outside=st.booleans(),
    extras=st.lists(st.from_regex(r"\+?[0-9]{2,6}", fullmatch=True), max_size=4),
)
def test_nothing_a_site_can_write_shadows_an_emergency_number(
    country: str, outside: str, dial_outside: bool, extras: list[str]
) -> None:
    text = SITE.format(country=country, outside=outside, code="49" if country == "generic" else "")
    site = parse_site(text.replace('country_code = ""\n', ""))
    numbers = site.country.emergency
    people = [Person(f"id-{n}", number, "", tuple(extras)) for n, number in enumerate((*numbers, *extras))]
    codes = Codes(dict.fromkeys(Feature, numbers[0]))
    plan = Plan(numbers, people, (), codes, dialling_of(site), dict(site.country.services))
    for number in numbers:
        for caller in (Party("id-0", "100"), Party(None, "")):
            dialled = outside + number if dial_outside else number
            route = plan.route(dialled, caller)
            assert isinstance(route, Emergency)
            assert route.number == number or dialled in numbers
            assert dialled in site.emergency
    assert plan.route("urn:service:sos", Party(None, "")) == Emergency(numbers[0])
    for service, number in site.country.services:
        assert plan.route(f"urn:service:SOS.{service}", Party(None, "")) == Emergency(number)


def test_nine_for_a_line_never_turns_911_into_11() -> None:
    site = parse_site(SITE.format(country="us", outside="9", code="1"))
    plan = Plan(site.country.emergency, (), (), None, dialling_of(site))
    for dialled in ("911", "9911", "9-911"):
        assert plan.route(dialled, Party("id", "100")) == Emergency("911")
    german = parse_site(SITE.format(country="de", outside="0", code="49"))
    plan = Plan(german.country.emergency, (), (), None, dialling_of(german))
    assert plan.route("0112", Party("id", "100")) == Emergency("112")
    assert plan.route("0110", Party("id", "100")) == Emergency("110")
