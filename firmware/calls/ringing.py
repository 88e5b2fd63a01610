"""Ring phones at once, of one person or of several; the first to answer has the call."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firmware.calls.call import By, Ending, Seeker, State
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Answered, EarlyMedia, Ended, Leg, LegEvent, Party, Replaced, Ringing, decline
from firmware.calls.rings import Ring
from firmware.calls.takers import Takers
from firmware.media import Description

# What the caller hears when every phone said something else: the first of these that any of them said.
_TELLING = (
    Cause.REJECTED, Cause.BUSY, Cause.NO_ANSWER, Cause.NOT_ACCEPTABLE, Cause.FAILED, Cause.UNKNOWN_NUMBER,
    Cause.NO_LINE,
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """The phone that answered, the description it answered with, and what it was `offered`."""

    phone: Leg
    description: Description
    offered: Description | None = None


async def ring(
    call: Seeker, bridge: Bridge, phones: Sequence[Leg], seconds: float | None = None
) -> Outcome | Ending:
    """Wait until one phone answers, all have ended, the caller gives up or the time is over.

    `seconds` is that time, None: the site's. Whoever rejects the call does so for all their phones. The
    phones that lost are told that the call was answered elsewhere, by somebody who picks it up perhaps. On
    an `Ending` the phones still ringing are left as they are: to the call's end, which cancels them, or to
    `give_up`.
    """
    rings, takers = call.house.rings, Takers(call, bridge)
    here = Ring(call, call.caller.party, phones)
    winner: Leg | None = None
    rings.enter(here)
    try:
        async with asyncio.timeout(seconds or call.house.settings.ring_seconds) as limit:
            outcome = await _first_answer(call, bridge, phones, takers)
            winner = outcome.phone if isinstance(outcome, Outcome) else None
    except TimeoutError:
        if not limit.expired():
            raise
        return Ending(Cause.NO_ANSWER, By.BOX)
    finally:
        rings.leave(here)
        takers.close(winner)
    if isinstance(outcome, Outcome):
        for phone in phones:
            if phone is not outcome.phone:
                phone.hangup(Cause.ANSWERED_ELSEWHERE)
    return outcome


def give_up(phones: Iterable[Leg]) -> None:
    """Stop ringing."""
    for phone in phones:
        phone.hangup(Cause.NO_ANSWER)


async def _first_answer(
    call: Seeker, bridge: Bridge, phones: Sequence[Leg], takers: Takers
) -> Outcome | Ending:
    caller = call.caller
    playing: Leg | None = None  # one phone's early media at a time: two would talk over each other
    ended: dict[str, Cause] = {}
    while True:
        leg, event = await _event(call, phones, takers)
        match event:
            case Ended() if leg is caller:
                return Ending(Cause.CANCELLED, By.CALLER)
            case Ended(cause):
                if leg is playing:
                    playing = None
                if not _goes_on(leg, cause, phones, ended, takers):
                    return Ending(telling(ended.values()), By.CALLEE)
            case Ringing():
                if call.state is State.DIALLING:
                    _tell_ringing(call, leg.party, phones)
            case EarlyMedia(description):
                if caller.description is not None and playing in (None, leg):
                    playing = leg
                    call.state = State.RINGING  # a 180 now would silence it
                    caller.early_media(bridge.answer("callee", description))
            case Answered(description):
                return Outcome(leg, description, takers.offered.get(leg, leg.invited))
            case Replaced(newcomer, ringing=True):
                takers.come(newcomer)
            case _:
                decline(leg, event)  # nothing may change before the first offer is answered, RFC 3311 5.2


def _tell_ringing(call: Seeker, party: Party, phones: Sequence[Leg]) -> None:
    call.state = State.RINGING
    if all(phone.party == party for phone in phones):
        call.caller.faces(party)  # where several people ring it is nobody yet
    call.caller.ring()


def _goes_on(leg: Leg, cause: Cause, phones: Sequence[Leg], ended: dict[str, Cause], takers: Takers) -> bool:
    """Note that a phone, or who picks up, is gone; tell whether anybody is left to answer."""
    if leg in takers:
        takers.gone(leg)
    else:
        ended[leg.id] = cause
        _decline(leg, phones, ended)
    return len(ended) < len(phones) or bool(takers)


async def _event(call: Seeker, phones: Sequence[Leg], takers: Takers) -> tuple[Leg, LegEvent]:
    while True:
        leg, event = await call.event()
        if takers.fault is not None:
            raise takers.fault
        if leg is call.caller or leg in phones or leg in takers:
            return leg, event
        if isinstance(event, Replaced):  # a phone said it, or was to be picked up, before we gave it up
            decline(leg, event)


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
