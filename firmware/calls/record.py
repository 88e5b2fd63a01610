"""The call record: what is kept of a call when it is over."""

from typing import Protocol

from firmware.calls.call import By, Call, Ending, Moment
from firmware.store.model import CallKind, CallRecord


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
        tenant=call.house.tenant,
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
