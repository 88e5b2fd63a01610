"""Why a call is refused, told before the refusal: early media (183), then the answer it would have had.

Only phones in the house are told, only where nobody rang and nothing was heard before, and never who calls
for help. Without ports for it, or with audio the box does not speak, the refusal comes at once.
"""

import asyncio

from firmware.calls.box_leg import BoxLeg
from firmware.calls.call import By, Call, Ending, State
from firmware.calls.cause import Cause
from firmware.calls.leg import Ended, Party, decline
from firmware.calls.signals import INFORM, LEAD
from firmware.media import NoPorts, NotAcceptable, Prompt, Sound

EXPLAINED = frozenset(
    {Cause.UNKNOWN_NUMBER, Cause.NOT_ALLOWED, Cause.UNREACHABLE, Cause.NO_LINE, Cause.CAPPED}
)
"""Who is busy or does not answer is told by the phone's own tones. Prompts have the causes' words."""
LONGEST = 20.0


async def explain(call: Call, ending: Ending) -> None:
    """Let the caller hear why the call ends, if they are to; return once they did or have hung up."""
    caller = call.caller
    if not _wanted(call, ending) or caller.description is None:
        return
    leg = BoxLeg(call.house.media.place(), Party(None, caller.dialled))
    leg.on_start = lambda: leg.place.play(
        _sounds(leg, ending.cause, call.house.settings.language), done=leg.leave
    )
    call.adopt(leg)
    try:
        bridge = call.bridge or call.open_bridge()
        offer = bridge.offer("caller", caller.description)
        caller.early_media(bridge.answer("callee", leg.place.answer(offer, "sendonly")))
        async with asyncio.timeout(LONGEST) as limit:
            await _until_over(call, leg)
    except (NoPorts, NotAcceptable):
        pass
    except TimeoutError:
        if not limit.expired():
            raise


def _wanted(call: Call, ending: Ending) -> bool:
    caller = call.caller
    return (
        call.house.settings.announce
        and ending.cause in EXPLAINED
        and ending.by is not By.CALLER
        and caller.party.extension is not None
        and not caller.over
        and call.state is State.DIALLING
        and not call.emergency
    )


async def _until_over(call: Call, leg: BoxLeg) -> None:
    while True:
        who, event = await call.event()
        if isinstance(event, Ended) and who in (call.caller, leg):
            return
        decline(who, event)


def _sounds(leg: BoxLeg, cause: Cause, language: str) -> list[Sound]:
    """Return the prompt of a cause, without one the tone that informs."""
    prompt = Prompt(f"{language}/{cause.value}")
    return [LEAD, prompt] if leg.place.has(prompt) else [LEAD, INFORM, INFORM]
