"""The call record: what is kept of a call when it is over."""

from typing import Protocol

from firmware.calls.call import By, Call, Ending, Moment
from firmware.calls.leg import Party
from firmware.calls.numbers import plain
from firmware.calls.plan import Emergency, NotAllowed, Outside, Route, Unknown
from firmware.store.model import CallKind, CallRecord, Reach

LONGEST_INSIDE = 6


class Records(Protocol):
    """Where records go; the store is one."""

    def record_call(self, record: CallRecord) -> None:
        """Keep a record; never waits."""


def record_of(call: Call, ending: Ending, ended: Moment) -> CallRecord:
    """Return the record of a call that is over."""
    answered, caller, callee = call.answered, call.caller.party, call.callee
    route = call.plan.route(call.caller.dialled, caller)
    kind = _kind(route, caller)
    line = caller.line or (None if callee is None else callee.line)
    return CallRecord(
        id=call.id,
        tenant=call.house.tenant,
        kind=kind,
        caller=caller.extension,
        callee=None if callee is None else callee.extension,
        dialled=call.caller.dialled if kind is CallKind.INTERNAL and not _strange(route, call) else None,
        started=call.started.wall,
        answered=None if answered is None else answered.wall,
        ended=ended.wall,
        started_boot=call.started.now,
        answered_boot=None if answered is None else answered.now,
        ended_boot=ended.now,
        boot=call.house.clock.boot(),
        cause=ending.cause.value,
        ended_by=ending.by.value if ending.by is not By.OPERATOR else By.BOX.value,
        line=line,
    )


def _kind(route: Route, caller: Party) -> CallKind:
    match route:
        case _ if caller.line is not None:
            return CallKind.INCOMING
        case Emergency():
            return CallKind.EMERGENCY
        case Outside() | NotAllowed(reach=Reach()):
            return CallKind.OUTGOING
        case _:
            return CallKind.INTERNAL


def _strange(route: Route, call: Call) -> bool:
    """Tell whether what was dialled may be a number outside: longer than any inside, and nobody's."""
    return isinstance(route, Unknown | NotAllowed) and len(plain(call.caller.dialled)) > LONGEST_INSIDE
