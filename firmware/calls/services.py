"""Star codes at work: what somebody dials to change how their own calls are handled."""

import asyncio

from firmware.calls.call import By, Call, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.codes import Feature, Service
from firmware.calls.house import Preferences
from firmware.calls.leg import Ended
from firmware.errors import OperatorError
from firmware.journal import Kind, Level
from firmware.media import NoPorts, NotAcceptable
from firmware.store.model import Occasion

SAVE_SECONDS = 5.0
CONFIRM_SECONDS = 1.0

CHANGED = Kind("call.service", "{caller} dialled {feature}")
FAILED = Kind("call.service.failed", "{caller} dialled {feature}, which was not done", Level.WARNING)

_FORWARDS = {
    Feature.FORWARD_ALWAYS: Occasion.ALWAYS,
    Feature.FORWARD_ALWAYS_OFF: Occasion.ALWAYS,
    Feature.FORWARD_BUSY: Occasion.BUSY,
    Feature.FORWARD_BUSY_OFF: Occasion.BUSY,
    Feature.FORWARD_NO_ANSWER: Occasion.NO_ANSWER,
    Feature.FORWARD_NO_ANSWER_OFF: Occasion.NO_ANSWER,
    Feature.FORWARD_UNREACHABLE: Occasion.UNREACHABLE,
    Feature.FORWARD_UNREACHABLE_OFF: Occasion.UNREACHABLE,
}


async def serve(call: Call, service: Service) -> Ending:
    """Do what a code asks, kept before it is confirmed; confirm by a call that is answered and ends."""
    caller, preferences = call.caller.party, call.house.preferences
    if preferences is None or caller.extension is None:
        return Ending(Cause.NOT_ALLOWED, By.BOX)
    if service.number and call.plan.onward(service.number, caller) is None:
        return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
    try:
        async with asyncio.timeout(SAVE_SECONDS):
            done = await _carry_out(preferences, caller.extension, service)
    except (OperatorError, TimeoutError):
        call.house.journal.log(FAILED, caller=personal(caller), feature=service.feature)
        return Ending(Cause.FAILED, By.BOX)
    if not done:
        return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
    call.house.journal.log(CHANGED, caller=personal(caller), feature=service.feature)
    return await _confirm(call)


async def _carry_out(preferences: Preferences, extension: str, service: Service) -> bool:
    match service:
        case Service(Feature.DND | Feature.DND_OFF as feature):
            await preferences.disturb(extension, allowed=feature is Feature.DND_OFF)
        case Service(Feature.CALL_WAITING | Feature.CALL_WAITING_OFF as feature):
            await preferences.wait(extension, allowed=feature is Feature.CALL_WAITING)
        case Service(feature, number) if feature in _FORWARDS and (number or feature.value.endswith("_off")):
            await preferences.forward(extension, _FORWARDS[feature], number or None)
        case _:
            return False  # a code that wants a number came without one
    return True


async def _confirm(call: Call) -> Ending:
    """Answer in silence and hang up: phones show a call that was made, not one that failed."""
    caller = call.caller
    if caller.description is not None:
        try:
            caller.answer(call.open_bridge().hush(caller.description))
        except (NoPorts, NotAcceptable):
            return Ending(Cause.NORMAL, By.BOX)
        call.took()
        try:
            async with asyncio.timeout(CONFIRM_SECONDS) as limit:
                while not isinstance((await call.event())[1], Ended):
                    pass
            return Ending(Cause.NORMAL, By.CALLER)
        except TimeoutError:
            if not limit.expired():
                raise
    return Ending(Cause.NORMAL, By.BOX)
