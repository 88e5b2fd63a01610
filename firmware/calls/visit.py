"""A call whose other end is the box."""

from firmware.calls.box_leg import BoxLeg
from firmware.calls.call import Call, Ending
from firmware.calls.conversation import talk
from firmware.calls.ringing import Outcome


async def visit(call: Call, leg: BoxLeg) -> Ending:
    """Answer a call with the box itself, until either ends it. Raises NoPorts, NotAcceptable."""
    call.adopt(leg)
    bridge = call.open_bridge()
    description = call.caller.description
    if description is None:
        return await talk(call, bridge, Outcome(leg, await leg.ask()))
    offer = bridge.offer("caller", description)
    return await talk(call, bridge, Outcome(leg, await leg.offer(offer), offer))
