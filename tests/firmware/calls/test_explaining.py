"""Why a call is refused, told before the refusal."""

import pytest

from firmware.calls.cause import Cause
from firmware.calls.explaining import EXPLAINED, LONGEST
from firmware.calls.house import Settings
from firmware.calls.leg import Party
from firmware.calls.signals import INFORM, LEAD
from firmware.lines.status import GOODBYES
from firmware.media import Prompt
from tests.support.legs import Exchange, ladder, lines
from tests.support.virtual_time import settle

TOLD = [LEAD.plan, INFORM.plan, INFORM.plan]


def telling() -> Exchange:
    return Exchange(settings=Settings(announce=True))


def test_who_dials_a_number_nobody_has_hears_so_before_the_refusal() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("555")
        assert x.media.played == [(1, TOLD)]
        assert not anna.over
        await x.media.places[0].ends()

    assert ladder(scene, telling) == lines("""
        anna -> INVITE 555 a
        anna <- 183 box sendonly'
        anna <- hangup unknown-number
        record unknown-number by box
    """)


def test_by_the_prompt_where_there_is_one() -> None:
    async def scene(x: Exchange) -> None:
        x.media.sounds = {Prompt("en/unreachable")}
        x.phones.clear()
        await x.call("102")
        assert x.media.played == [(1, [LEAD.plan, "en/unreachable"])]
        await x.media.places[0].ends()

    assert ladder(scene, telling)[-1] == "record unreachable by box"


def test_who_hangs_up_meanwhile_and_what_never_ends() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("555")
        await anna.hangs_up()
        assert x.records[-1].cause == "unknown-number"
        anna = await x.call("555")
        await x.passes(LONGEST + 1)
        assert anna.over

    ladder(scene, telling)


@pytest.mark.parametrize("case", ["off", "no offer", "outside", "help", "no ports", "nonsense", "rang"])
def test_who_is_refused_at_once(case: str) -> None:
    async def scene(x: Exchange) -> None:
        x.media.full = case == "no ports"
        if case == "outside":
            leg = await x.call_from(Party(None, "0301234567", line="carrier"), "carrier", "555", "a")
        elif case == "rang":
            leg = await x.call("102")
            await x.phone().rings()
            await x.phone().ends(Cause.UNREACHABLE)
        else:
            number = "112" if case == "help" else "555"
            description = {"no offer": None, "nonsense": "nonsense"}.get(case, "a")
            leg = await x.call(number, description)
            await x.passes(LONGEST / 2)
        await settle()
        assert leg.over
        assert not x.media.played

    assert not any(" 183 " in line for line in ladder(scene, Exchange if case == "off" else telling))


def test_the_answer_names_the_cause_all_the_same() -> None:
    for cause in EXPLAINED:
        [(name, value)] = GOODBYES[cause].headers
        assert name == "Reason"
        assert value.startswith("Q.850;cause=")
