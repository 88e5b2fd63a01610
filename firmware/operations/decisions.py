"""Operations on what the box refused by itself: the reasons, and taking one back."""

from dataclasses import dataclass
from typing import Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.extensions import Nothing
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument


class UnknownDecision(OperatorError):
    """There is no decision of that number."""

    key = "decision.unknown"


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision: of which kind, why, since when, when last (unix seconds), how often, whether taken back."""

    number: int
    matter: str
    why: str
    first: float
    last: float
    times: int
    undone: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """Arguments of decision.undo."""

    number: int = argument(Hint("the decision's number in the list", positional=True))


@dataclass(frozen=True, slots=True)
class Undone:
    """What holds now."""

    number: int
    now: str


_NOW: Final = {
    "hours": "the extension may call for 12 hours what is locked off hours",
    "money": "the money of the day is counted anew",
    "calls": "the calls of the hour are counted anew",
}


async def decision_list(context: Context, _wanted: Nothing) -> tuple[DecisionRow, ...]:
    """Tell what was refused by the box's own decision, newest first."""
    return tuple(
        DecisionRow(one.number, one.matter.value, one.why, one.first, one.last, one.times, one.undone)
        for one in context.box().decisions()
    )


async def decision_undo(context: Context, wanted: Undo) -> About:
    """Take a decision back."""
    found = context.box().take_back(wanted.number)
    if found is None:
        text = "there is no decision of that number; see `branchline decision list`"
        raise UnknownDecision(text, number=str(wanted.number))
    return About(
        "" if found.who.startswith("line ") else found.who, Undone(found.number, _NOW[found.matter.value])
    )


OPERATIONS: Final = (
    Operation(
        Name.DECISION_LIST,
        "what the box refused by itself (money, hours, caps), and why",
        Nothing,
        Role.OPERATOR,
        decision_list,
        False,
        False,
    ),
    Operation(
        Name.DECISION_UNDO,
        "take such a refusal back: from now on the extension or line may call again",
        Undo,
        Role.OPERATOR,
        decision_undo,
        True,
        False,
    ),
)
