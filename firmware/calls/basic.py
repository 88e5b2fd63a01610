"""The basic call: who is meant, find somebody who answers, talk."""

from dataclasses import replace

from firmware.calls.call import By, Call, Ending
from firmware.calls.cause import Cause
from firmware.calls.codes import Service
from firmware.calls.conversation import talk
from firmware.calls.desk import feature
from firmware.calls.explaining import explain
from firmware.calls.help import call_help, open_for_help
from firmware.calls.house import Bridge
from firmware.calls.leg import Leg
from firmware.calls.plan import (
    Emergency,
    Hunt,
    Internal,
    MeetAt,
    NotAllowed,
    Outside,
    ParkAt,
    Plan,
    Unknown,
    Way,
)
from firmware.calls.ringing import Outcome
from firmware.calls.search import Search, only_one
from firmware.media import NoPorts, NotAcceptable, Offers


def present(leg: Leg, plan: Plan) -> None:
    """Take a code that hides or shows who calls for what it says; who calls for help is always shown."""
    leg.dialled, private = plan.presentation(leg.dialled)
    if plan.is_emergency(leg.dialled):
        private = False
    if private is not None and private is not leg.party.private:
        leg.party = replace(leg.party, private=private)


async def basic_call(call: Call) -> Ending:
    """Take one incoming call from the dialled number to its end."""
    ending = await _take(call)
    await explain(call, ending)
    return ending


async def _take(call: Call) -> Ending:
    route = call.plan.route(call.caller.dialled, call.caller.party)
    match route:
        case Emergency(number):
            return await emergency(call, number)
        case NotAllowed():
            return Ending(Cause.NOT_ALLOWED, By.BOX)
        case Unknown():
            return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
        case Service() | ParkAt() | MeetAt():
            return await feature(call, route)
        case Internal() | Hunt() | Outside():
            return await connect(call, route)


async def emergency(call: Call, number: str) -> Ending:
    """Call for help, whatever it takes."""
    try:
        bridge = open_for_help(call)
        return await _talk(call, bridge, await call_help(call, bridge, _offers(call, bridge), number))
    except NoPorts:
        return Ending(Cause.OVERLOAD, By.BOX)
    except NotAcceptable:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)


async def connect(call: Call, route: Way) -> Ending:
    """Find somebody who takes the call, and talk on the phone that answers."""
    try:
        return await _find_and_talk(call, call.open_bridge(), route)
    except NoPorts:
        return Ending(Cause.OVERLOAD, By.BOX)
    except NotAcceptable:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)


async def _find_and_talk(call: Call, bridge: Bridge, route: Way) -> Ending:
    offers = _offers(call, bridge, sole=only_one(call, route))
    return await _talk(call, bridge, await Search(call, bridge, offers).go(route))


def _offers(call: Call, bridge: Bridge, *, sole: bool = False) -> Offers | None:
    description = call.caller.description
    return None if description is None else bridge.offers("caller", description, sole=sole)


async def _talk(call: Call, bridge: Bridge, outcome: Outcome | Ending) -> Ending:
    return outcome if isinstance(outcome, Ending) else await talk(call, bridge, outcome)
