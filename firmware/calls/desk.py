"""What a desk phone calls that is no person: a slot, a room, a page, a phone that answers by itself."""

from firmware.calls.announcing import echo, own_number
from firmware.calls.call import By, Call, Ending
from firmware.calls.cause import Cause
from firmware.calls.codes import Feature, Service
from firmware.calls.conversation import talk
from firmware.calls.entering import reaches
from firmware.calls.gathering import gather
from firmware.calls.leg import Manner
from firmware.calls.meeting import guest
from firmware.calls.paging import page
from firmware.calls.park import ParkSlot, vacant
from firmware.calls.plan import Internal, MeetAt, ParkAt
from firmware.calls.ringing import Outcome, ring
from firmware.calls.services import serve
from firmware.calls.visit import visit
from firmware.media import NoPorts, NotAcceptable


async def feature(call: Call, wanted: Service | ParkAt | MeetAt) -> Ending:
    """Serve a call to the box itself."""
    try:
        return await _serve(call, wanted)
    except NoPorts:
        return Ending(Cause.OVERLOAD, By.BOX)
    except NotAcceptable:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)


async def _serve(call: Call, wanted: Service | ParkAt | MeetAt) -> Ending:
    house = call.house
    match wanted:
        case ParkAt(number):
            ending = await _stay(call, number)
        case MeetAt(number) if not house.meetings.takes(number):
            ending = Ending(Cause.BUSY, By.BOX)
        case MeetAt():
            ending = await visit(call, guest(house, wanted))
        case Service(Feature.PARK):
            ending = await _stay(call, vacant(house.slots, call.plan.slots))
        case Service(Feature.INTERCOM, number):
            ending = await _intercom(call, number)
        case Service(Feature.PAGE, number):
            ending = await page(call, number)
        case Service(Feature.MEET):
            ending = await gather(call)
        case Service(Feature.ECHO):
            ending = await visit(call, echo(house, call.caller.dialled))
        case Service(Feature.NUMBER):
            ending = await visit(call, own_number(house, call.caller))
        case Service():
            ending = await serve(call, wanted)
    return ending


async def _stay(call: Call, slot: str | None) -> Ending:
    """Hold a free slot for who dialled it, until they transfer somebody there or the time is over."""
    caller = call.caller
    if slot is None or call.house.slots.get(slot) is not None:
        return Ending(Cause.BUSY, By.BOX)
    if caller.description is None:
        return Ending(Cause.NOT_ACCEPTABLE, By.BOX)
    bridge = call.open_bridge()
    offer = bridge.offer("caller", caller.description)
    leg = ParkSlot(call.house, bridge, slot, caller.party)
    call.adopt(leg)
    return await talk(call, bridge, Outcome(leg, await leg.offer(offer), offer))


async def _intercom(call: Call, number: str) -> Ending:
    """Speak from somebody's phone, which answers by itself; not while it talks or is not to be disturbed."""
    caller, house = call.caller, call.house
    route = call.plan.route(number, caller.party)
    if not isinstance(route, Internal) or route.extension == caller.party.extension:
        return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
    call.callee = route.callee
    mine = caller.party.extension or ""
    if not reaches(house.settings.intercom, call.plan, mine, route.extension):
        return Ending(Cause.NOT_ALLOWED, By.BOX)
    if call.plan.handling(route.extension).dnd or house.present.busy(route.extension):
        return Ending(Cause.BUSY, By.CALLEE)
    bridge = call.open_bridge()
    offers = None if caller.description is None else bridge.offers("caller", caller.description)
    phones = house.dialer.dial(route.extension, caller.party, offers, (), Manner.INTERCOM)
    for phone in phones:
        call.adopt(phone)
    outcome = await ring(call, bridge, phones) if phones else Ending(Cause.UNREACHABLE, By.BOX)
    return outcome if isinstance(outcome, Ending) else await talk(call, bridge, outcome)
