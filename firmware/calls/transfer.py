"""Transfer: one party of a call hands its place to somebody else.

The other party talks on, on the same ports: the newcomer is asked for an offer, the one who stays answers it.
Until both have agreed nothing of the call changes, so a transfer that fails leaves it as it was.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from firmware.calls.call import Call, personal
from firmware.calls.cause import Cause
from firmware.calls.leg import (
    Answered,
    Ended,
    Leg,
    Party,
    Referral,
    Refused,
    Ringing,
    decline,
)
from firmware.calls.plan import Emergency, Internal, NotAllowed
from firmware.calls.ringing import telling
from firmware.calls.scope import Scope
from firmware.journal import Kind
from firmware.labels import Personal
from firmware.media import Description

TRANSFERRED = Kind("call.transferred", "{call}: {by} handed over to {to}")
NOT_TRANSFERRED = Kind("call.transfer.failed", "{call}: {by} could not hand over: {cause}")


@dataclass(slots=True)
class Newcomer:
    """Who comes into the call: the leg, what it offers, and what to answer if nobody wants it."""

    leg: Leg
    offer: Description
    before: Description | None = None
    owner: object = None  # the other call it was fetched from


def route(call: Call, by: Leg, referral: Referral) -> tuple[str, Party]:
    """Return the extension a blind transfer is for, by the rights of who transfers; raises Refused."""
    match call.plan.route(referral.dialled, by.party):
        case Internal(extension, party):
            return extension, party
        case Emergency():
            raise Refused(Cause.NO_LINE)
        case NotAllowed():
            raise Refused(Cause.NOT_ALLOWED)
    raise Refused(Cause.UNKNOWN_NUMBER)


async def reach(call: Call, scope: Scope, stays: Leg, by: Leg, referral: Referral) -> Newcomer:
    """Ring the phones of who is meant, in a scope of their own; raises Refused if nobody answers."""
    extension, _ = route(call, by, referral)
    phones = call.house.dialer.dial(extension, stays.party, None)
    for phone in phones:
        scope.adopt(phone)
    if not phones:
        raise Refused(Cause.UNREACHABLE)
    try:
        async with asyncio.timeout(call.house.settings.ring_seconds) as limit:
            newcomer = await _first_answer(scope, phones, referral)
    except TimeoutError:
        if not limit.expired():
            raise
        raise Refused(Cause.NO_ANSWER) from None
    for phone in phones:
        if phone is not newcomer.leg:
            phone.hangup(Cause.ANSWERED_ELSEWHERE)
    return newcomer


async def _first_answer(scope: Scope, phones: Sequence[Leg], referral: Referral) -> Newcomer:
    ended: dict[str, Cause] = {}
    while True:
        phone, event = await scope.event()
        match event:
            case Answered(offer):
                return Newcomer(phone, offer)
            case Ringing():
                referral.ringing()
            case Ended(cause):
                ended[phone.id] = cause
                if cause is Cause.REJECTED or len(ended) == len(phones):
                    raise Refused(telling(ended.values()))
            case _:
                decline(phone, event)


async def fetch(consulted: Leg) -> Newcomer:
    """Ask who talks with the consulted leg, in another call, for an offer; raises Refused."""
    call = consulted.owner
    table = call.table if isinstance(call, Call) else None
    leg = None if table is None else table.other(consulted)
    if table is None or leg is None:
        raise Refused(Cause.UNREACHABLE)
    before = table.told(leg)
    if before is None:
        raise Refused(Cause.UNREACHABLE)
    return Newcomer(leg, await leg.ask(), before, call)


def report(call: Call, by: Leg, to: Party | None, cause: Cause | None = None) -> None:
    """Journal how a transfer ended."""
    known: dict[str, Personal] = {"call": Personal("call", call.id), "by": personal(by.party)}
    if cause is None and to is not None:
        call.house.journal.log(TRANSFERRED, **known, to=personal(to))
    else:
        call.house.journal.log(NOT_TRANSFERRED, **known, cause=cause)
