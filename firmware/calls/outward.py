"""A call to a number outside: within hours, caps and money, on the first line that carries it."""

from collections.abc import Sequence

from firmware.calls.call import By, Ending, Seeker, personal
from firmware.calls.cause import Cause
from firmware.calls.decisions import Matter
from firmware.calls.house import Bridge
from firmware.calls.leg import Diversion, Party
from firmware.calls.meter import Account, tariff_of
from firmware.calls.plan import Outside, Plan
from firmware.calls.ringing import Outcome, ring
from firmware.calls.traffic import Traffic
from firmware.journal import Kind, Level
from firmware.media import Offers

OUTSIDE_SECONDS = 180.0
"""How long it may ring outside: as long as timer C lets a proxy wait (RFC 3261 16.6). Announcements and
waiting queues are heard before an answer."""

CAPPED = Kind("call.capped", "{caller} has as many calls outside as may be: refused", Level.WARNING)
LOCKED = Kind("call.locked", "{caller} calls off hours what is locked then ({reach}): refused", Level.WARNING)
LINE_CAPPED = Kind(
    "call.line.capped", "line {line} has had all the calls it may have within an hour", Level.WARNING
)
NEXT_LINE = Kind("call.line.failed", "line {line} did not take a call", Level.WARNING)
NO_LINE = Kind("call.line.none", "no line could take the call of {caller}", Level.WARNING)


async def outward(
    call: Seeker,
    bridge: Bridge,
    offers: Offers | None,
    route: Outside,
    diversions: Sequence[Diversion] = (),
) -> Outcome | Ending:
    """Try the lines in order until one takes the call; one that fails, not who is called, is passed over."""
    house, plan, by = call.house, call.plan, route.by
    payer = by.extension or ""
    refusal = _refusal(call, route)
    if refusal is not None:
        return Ending(refusal, By.BOX)
    house.traffic.begins(payer)
    price = tariff_of(plan).price(route.number, route.reach)
    caller = plan.caller_id(call.caller.party, by)
    result: Outcome | Ending = Ending(Cause.NO_LINE, By.BOX)
    for position, line in enumerate(() if house.lines is None else tuple(house.lines.lines()), 1):
        if not line.up or not house.traffic.room(line):
            continue
        if house.traffic.line_hourly(line.name) >= line_cap(plan):
            house.journal.log(LINE_CAPPED, line=position)
            result = Ending(Cause.CAPPED, By.BOX)
            continue
        account = Account(house, plan, by, line.name, position, price)
        lacking = account.lacking(price.first)
        if lacking is not None:
            result = Ending(Cause.SPENT, By.BOX)
            if lacking == payer:
                return result
            continue
        call.callee = Party(None, route.number, line=line.name)
        leg = line.dial(route.number, caller, offers, diversions)
        house.traffic.went(leg, line.name, payer)
        call.adopt(leg)
        account.pay(price.first)
        answered = False
        try:
            result = await ring(call, bridge, [leg], OUTSIDE_SECONDS)
            answered = isinstance(result, Outcome)
        finally:
            if answered:
                account.meter(leg)
            else:
                account.pay(-price.first)
        if isinstance(result, Outcome) or result.cause is not Cause.NO_LINE:
            return result
        house.journal.log(NEXT_LINE, line=position)
    house.journal.log(NO_LINE, caller=personal(by))
    return result


def _refusal(call: Seeker, route: Outside) -> Cause | None:
    """Return why a call may not begin now, and write down the reason."""
    house, plan, by = call.house, call.plan, route.by
    payer = by.extension or ""
    if capped(plan, house.traffic, payer):
        house.journal.log(CAPPED, caller=personal(by))
        at_once, hourly = caps_of(plan, payer)
        house.decisions.note(
            Matter.CALLS,
            payer,
            f"extension {by.number} may have {at_once} calls outside at once and begin {hourly} in an hour",
        )
        return Cause.CAPPED
    hours = None if plan.dialling is None else plan.dialling.hours
    closed = hours is not None and hours.closed(route.reach, house.clock.wall())
    if closed and not house.decisions.lifted(payer):
        house.journal.log(LOCKED, caller=personal(by), reach=route.reach)
        house.decisions.note(
            Matter.HOURS,
            payer,
            f"extension {by.number} called a number that counts as {route.reach.value} outside open hours",
        )
        return Cause.LOCKED
    return None


def line_cap(plan: Plan) -> int:
    """Return how many calls may go out on a line within an hour."""
    return 0 if plan.dialling is None else plan.dialling.caps.line_hourly


def capped(plan: Plan, traffic: Traffic, extension: str) -> bool:
    """Tell whether an extension has as many calls outside as it may have."""
    at_once, hourly = caps_of(plan, extension)
    return traffic.of(extension) >= at_once or traffic.hourly(extension) >= hourly


def caps_of(plan: Plan, extension: str) -> tuple[int, int]:
    """Return how many calls outside an extension may have at once, and begin within an hour."""
    own, dialling = plan.outward(extension), plan.dialling
    at_once = own.at_once if own.at_once is not None else 0 if dialling is None else dialling.caps.at_once
    hourly = own.hourly if own.hourly is not None else 0 if dialling is None else dialling.caps.hourly
    return at_once, hourly
