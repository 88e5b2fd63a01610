"""Ring phones at once, of one person or of several; the first to answer has the call."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firmware.calls.call import By, Ending, Seeker, State
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Answered, EarlyMedia, Ended, Leg, LegEvent, Ringing, decline
from firmware.media import Description

# What the caller hears when every phone said something else: the first of these that any of them said.
_TELLING = (
    Cause.REJECTED, Cause.BUSY, Cause.NO_ANSWER, Cause.NOT_ACCEPTABLE, Cause.FAILED, Cause.UNKNOWN_NUMBER,
    Cause.NO_LINE,
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """The phone that answered, and the description it answered with."""

    phone: Leg
    description: Description


async def ring(
    call: Seeker, bridge: Bridge, phones: Sequence[Leg], seconds: float | None = None
) -> Outcome | Ending:
    """Wait until one phone answers, all have ended, the caller gives up or the time is over.

    `seconds` is that time, None: the site's. Whoever rejects the call does so for all their phones. The
    phones that lost are told that the call was answered elsewhere. On an `Ending` the phones still ringing
    are left as they are: to the call's end, which cancels them, or to `give_up`.
    """
    try:
        async with asyncio.timeout(seconds or call.house.settings.ring_seconds) as limit:
            outcome = await _first_answer(call, bridge, phones)
    except TimeoutError:
        if not limit.expired():
            raise
        return Ending(Cause.NO_ANSWER, By.BOX)
    if isinstance(outcome, Outcome):
        for phone in phones:
            if phone is not outcome.phone:
                phone.hangup(Cause.ANSWERED_ELSEWHERE)
    return outcome


def give_up(phones: Iterable[Leg]) -> None:
    """Stop ringing."""
    for phone in phones:
        phone.hangup(Cause.NO_ANSWER)


async def _first_answer(call: Seeker, bridge: Bridge, phones: Sequence[Leg]) -> Outcome | Ending:
    caller = call.caller
    playing: Leg | None = None  # one phone's early media at a time: two would talk over each other
    ended: dict[str, Cause] = {}
    while True:
        leg, event = await _event(call, phones)
        match event:
            case Ended() if leg is caller:
                return Ending(Cause.CANCELLED, By.CALLER)
            case Ended(cause):
                ended[leg.id] = cause
                if leg is playing:
                    playing = None
                _decline(leg, phones, ended)
                if len(ended) == len(phones):
                    return Ending(telling(ended.values()), By.CALLEE)
            case Ringing():
                if call.state is State.DIALLING:
                    call.state = State.RINGING
                    if all(phone.party == leg.party for phone in phones):
                        caller.faces(leg.party)  # where several people ring it is nobody yet
                    caller.ring()
            case EarlyMedia(description):
                if caller.description is not None and playing in (None, leg):
                    playing = leg
                    call.state = State.RINGING  # a 180 now would silence it
                    caller.early_media(bridge.answer("callee", description))
            case Answered(description):
                return Outcome(leg, description)
            case _:
                decline(leg, event)  # nothing may change before the first offer is answered, RFC 3311 5.2


async def _event(call: Seeker, phones: Sequence[Leg]) -> tuple[Leg, LegEvent]:
    while True:
        leg, event = await call.event()
        if leg is call.caller or leg in phones:  # else a phone said it before we gave it up
            return leg, event


def _decline(leg: Leg, phones: Sequence[Leg], ended: dict[str, Cause]) -> None:
    """Take all phones of a person who rejected for ended; silence them if the call goes on on others."""
    if ended[leg.id] is not Cause.REJECTED:
        return
    theirs = [phone for phone in phones if phone.party == leg.party and phone.id not in ended]
    ended.update({phone.id: Cause.REJECTED for phone in theirs})
    if len(ended) < len(phones):
        for phone in theirs:
            phone.hangup(Cause.ANSWERED_ELSEWHERE)


def telling(causes: Iterable[Cause]) -> Cause:
    """Return what a caller hears when every phone said something else."""
    said = set(causes)
    return next((cause for cause in _TELLING if cause in said), Cause.UNREACHABLE)
