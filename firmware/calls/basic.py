"""The basic call: who is meant, find somebody who answers, talk."""

from firmware.calls.call import By, Call, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.codes import Service
from firmware.calls.conversation import talk
from firmware.calls.desk import feature
from firmware.calls.house import Bridge
from firmware.calls.plan import Emergency, Hunt, Internal, NotAllowed, ParkAt, Unknown
from firmware.calls.search import Search
from firmware.journal import Kind, Level
from firmware.media import NoPorts, NotAcceptable

EMERGENCY_WITHOUT_LINE = Kind(
    "call.emergency.no_line",
    "EMERGENCY CALL by {caller} could not go out: this box has no line to the outside",
    Level.ALARM,
)


async def basic_call(call: Call) -> Ending:
    """Take one incoming call from the dialled number to its end."""
    route = call.plan.route(call.caller.dialled, call.caller.party)
    match route:
        case Emergency():
            return emergency(call)
        case NotAllowed():
            return Ending(Cause.NOT_ALLOWED, By.BOX)
        case Unknown():
            return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
        case Service() | ParkAt():
            return await feature(call, route)
        case Internal() | Hunt():
            return await connect(call, route)


def emergency(call: Call) -> Ending:
    """Say honestly, and loudly, that help cannot be called: there are no exchange lines."""
    call.house.journal.log(EMERGENCY_WITHOUT_LINE, caller=personal(call.caller.party))
    return Ending(Cause.NO_LINE, By.BOX)


async def connect(call: Call, route: Internal | Hunt) -> Ending:
    """Find somebody who takes the call, and talk on the phone that answers."""
    try:
        return await _find_and_talk(call, call.open_bridge(), route)
    except NoPorts:
        return Ending(Cause.OVERLOAD, By.BOX)
    except NotAcceptable:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)


async def _find_and_talk(call: Call, bridge: Bridge, route: Internal | Hunt) -> Ending:
    caller = call.caller
    offer = None if caller.description is None else bridge.offer("caller", caller.description)
    outcome = await Search(call, bridge, offer).go(route)
    if isinstance(outcome, Ending):
        return outcome
    return await talk(call, bridge, outcome, offer)
