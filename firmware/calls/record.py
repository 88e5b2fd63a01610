"""The call record: what is kept of a call when it is over."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from firmware.calls.call import By, Call, Ending, Moment


class CallKind(Enum):
    """What sort of call it was."""

    INTERNAL = "internal"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that is over."""

    id: str
    kind: CallKind
    caller: str | None
    callee: str | None
    dialled: str | None
    started: float
    answered: float | None
    ended: float
    started_boot: float
    answered_boot: float | None
    ended_boot: float
    boot: str
    cause: str
    ended_by: str


class Records(Protocol):
    """Where records go; the store is one."""

    def record_call(self, record: CallRecord) -> None:
        """Keep a record; never waits."""


def record_of(call: Call, ending: Ending, ended: Moment) -> CallRecord:
    """Return the record of a call that is over."""
    answered = call.answered
    emergency = call.plan.is_emergency(call.caller.dialled)
    return CallRecord(
        id=call.id,
        kind=CallKind.EMERGENCY if emergency else CallKind.INTERNAL,
        caller=call.caller.party.extension,
        callee=None if call.callee is None else call.callee.extension,
        dialled=call.caller.dialled,
        started=call.started.wall,
        answered=None if answered is None else answered.wall,
        ended=ended.wall,
        started_boot=call.started.now,
        answered_boot=None if answered is None else answered.now,
        ended_boot=ended.now,
        boot=call.house.clock.boot(),
        cause=ending.cause.value,
        ended_by=ending.by.value if ending.by is not By.OPERATOR else By.BOX.value,
    )
