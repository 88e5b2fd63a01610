"""The basic call: who is meant, ring all their phones, talk."""

from firmware.calls.call import By, Call, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.conversation import Conversation
from firmware.calls.house import Bridge
from firmware.calls.plan import Emergency, Internal, NotAllowed, Unknown
from firmware.calls.ringing import ring
from firmware.journal import Kind, Level
from firmware.media import NoPorts, NotAcceptable

EMERGENCY_WITHOUT_LINE = Kind(
    "call.emergency.no_line",
    "EMERGENCY CALL by {caller} could not go out: this box has no line to the outside",
    Level.ALARM,
)


async def basic_call(call: Call) -> Ending:
    """Take one incoming call from the dialled number to its end."""
    match call.plan.route(call.caller.dialled, call.caller.party):
        case Emergency():
            return emergency(call)
        case NotAllowed():
            return Ending(Cause.NOT_ALLOWED, By.BOX)
        case Unknown():
            return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
        case Internal(extension, callee):
            call.callee = callee
            return await connect(call, extension)


def emergency(call: Call) -> Ending:
    """Say honestly, and loudly, that help cannot be called: there are no exchange lines."""
    call.house.journal.log(EMERGENCY_WITHOUT_LINE, caller=personal(call.caller.party))
    return Ending(Cause.NO_LINE, By.BOX)


async def connect(call: Call, extension: str) -> Ending:
    """Ring the phones of an extension, and talk on the one that answers."""
    try:
        return await _ring_and_talk(call, call.open_bridge(), extension)
    except NoPorts:
        return Ending(Cause.OVERLOAD, By.BOX)
    except NotAcceptable:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)


async def _ring_and_talk(call: Call, bridge: Bridge, extension: str) -> Ending:
    caller = call.caller
    offer = None if caller.description is None else bridge.offer("caller", caller.description)
    phones = call.house.dialer.dial(extension, caller.party, offer)
    for phone in phones:
        call.adopt(phone)
    if not phones:
        return Ending(Cause.UNREACHABLE, By.BOX)
    outcome = await ring(call, bridge, phones)
    if isinstance(outcome, Ending):
        return outcome
    return await Conversation(call, bridge, outcome.phone, offer).talk(outcome.description)
