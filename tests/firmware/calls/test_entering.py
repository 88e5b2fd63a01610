"""Who may come into a call there is: nobody into a call for help, nor can that be parked."""

from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.calls.leg import Party
from firmware.calls.plan import Plan
from tests.support.legs import Exchange, ScriptedLeg, ladder
from tests.support.scripted_lines import DIALLING, ScriptedLine, connect


def office(x: Exchange) -> ScriptedLine:
    """Give the house a line, codes, and a slot."""
    (line,) = connect(x, "isdn")
    codes = Codes({Feature.PICKUP: "**", Feature.PARK: "*68"})
    x.calls.plan = Plan(("112",), x.people, (), codes, DIALLING, slots=("701",))
    x.calls.house.settings = Settings(pickup=Circle.ALL)
    return line


def replacing(x: Exchange, leg: ScriptedLeg) -> ScriptedLeg:
    """Let Ben call in with a Replaces header for a leg."""
    ben = ScriptedLeg("ben2", Party("id-ben", "102"), x.ladder, dialled="101", description=leg.description)
    ben.replaces = leg
    x.calls.incoming(ben)
    return ben


def test_a_call_for_help_is_nobody_elses() -> None:
    async def scene(x: Exchange) -> None:
        line = office(x)
        anna = await x.call("112")
        picker = await x.call_from(Party("id-ben", "102"), "ben2", "**", "p")
        assert picker.over
        assert replacing(x, line.legs[0]).over, "what rings outside is not picked up"
        await line.legs[0].answers("b")
        assert replacing(x, anna).over
        assert replacing(x, line.legs[0]).over
        for slot in ("701", "*68"):
            await anna.refers(slot)
            assert x.ladder[-1] == "anna <- NOTIFY not-allowed"
        assert not x.calls.parked()
        assert not anna.over
        await anna.hangs_up()

    told = ladder(scene)
    assert told.count("ben2 <- hangup not-allowed") == 3


def test_who_calls_from_outside_uses_no_feature() -> None:
    async def scene(x: Exchange) -> None:
        office(x)
        await x.call("102")
        for dialled in ("**102", "*68", "701"):
            caller = await x.call_from(Party(None, "+4930", line="isdn"), "carrier", dialled, "c")
            assert caller.over
        await x.phone("ben").hangs_up()

    ladder(scene)
