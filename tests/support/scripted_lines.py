"""Scripted lines to the outside: each call on one is a leg the test plays, and a line of the ladder."""

from collections.abc import Sequence

from firmware.calls.dialling import Dialling, Head
from firmware.calls.leg import Diversion, Party
from firmware.calls.numbers import Numbering
from firmware.calls.outside import CallerId
from firmware.calls.plan import Plan
from firmware.media import Offers
from tests.support.legs import Exchange, ScriptedLeg

BERLIN = Numbering("49", "00", "0", (), "30", "")
DIALLING = Dialling(BERLIN, "de", "+49305550", "101", {"+493055577": "102"}, (Head("+4930555", 3),))


class ScriptedLine:
    """A carrier played by the test; its legs are named after it: isdn.1, isdn.2 ..."""

    def __init__(self, exchange: Exchange, name: str, most: int = 2, *, up: bool = True) -> None:
        self._exchange = exchange
        self.name = name
        self.most = most
        self.up = up
        self.legs: list[ScriptedLeg] = []

    def dial(
        self,
        number: str,
        caller: CallerId,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
    ) -> ScriptedLeg:
        x = self._exchange
        name = f"{self.name}.{len(self.legs) + 1}"
        by = "".join(f" by {each.party.number} {each.occasion.value}" for each in diversions)
        who = ("private " if caller.private else "") + (caller.number or "its own")
        offer = None if offers is None else offers.another()
        x.ladder.append(f"{name} <- INVITE {number} as {who} {offer or '(no offer)'}{by}")
        leg = ScriptedLeg(name, Party(None, number, line=self.name), x.ladder)
        leg.faults = x.faults
        leg.invited = offer
        x.legs.append(leg)
        self.legs.append(leg)
        return leg


class ScriptedLines:
    """The lines of a scripted house, in order."""

    def __init__(self, *lines: ScriptedLine) -> None:
        self.all = lines

    def lines(self) -> Sequence[ScriptedLine]:
        return self.all


def connect(
    x: Exchange, *names: str, most: int = 2, dialling: Dialling | None = DIALLING
) -> list[ScriptedLine]:
    """Give a scripted house lines to the outside, and a plan that knows of them."""
    lines = [ScriptedLine(x, name, most) for name in names]
    x.calls.house.lines = ScriptedLines(*lines)
    x.calls.plan = Plan(("112", "911"), x.people, dialling=dialling)
    return lines
