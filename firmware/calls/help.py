"""A call for help: out on the first line that can, whatever else is going on.

No permission, cap, limit or fault of another part holds it up. Lines that say they are down are tried too,
and where a line is taken the youngest other call on it makes way. The house is told, after it went out.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from firmware.calls.call import By, Call, Ending, Seeker, personal
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Ended, Leg, Party
from firmware.calls.outside import Line
from firmware.calls.ringing import Outcome, ring
from firmware.calls.traffic import Traffic
from firmware.journal import Kind, Level
from firmware.media import NoPorts, Offers

HELP_SECONDS = 3600.0
"""Whoever calls for help decides how long it rings; this is a guard, not a policy."""
ROUNDS = 2
PAUSE_SECONDS = 1.0

GOES_OUT = Kind("call.emergency", "EMERGENCY CALL by {caller} goes out on line {line}", Level.ALARM)
FAILED_LINE = Kind("call.emergency.line", "line {line} did not take an EMERGENCY CALL", Level.ALARM)
NO_LINES = Kind(
    "call.emergency.no_line",
    "EMERGENCY CALL by {caller} could not go out: this box has no line to the outside",
    Level.ALARM,
)
FAILED = Kind("call.emergency.failed", "EMERGENCY CALL by {caller} could not go out on any line", Level.ALARM)
MADE_WAY = Kind(
    "call.made_way", "a call by {caller} was ended: an emergency call needs its place", Level.ALARM
)
NOT_TOLD = Kind("call.emergency.untold", "nobody could be told of an emergency call: {fault}", Level.ALARM)


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the house is told of a call for help: who called, which number, from where if that is known."""

    caller: Party
    number: str = field(repr=False)
    location: str = field(default="", repr=False)


async def call_help(call: Seeker, bridge: Bridge, offers: Offers | None, number: str) -> Outcome | Ending:
    """Try every line until one takes the call; an Ending only when none does or the caller gives up."""
    house, plan, who = call.house, call.plan, call.caller.party
    bridge.music = False
    lines = () if house.lines is None else tuple(house.lines.lines())
    if not lines:
        house.journal.log(NO_LINES, caller=personal(who))
        return Ending(Cause.NO_LINE, By.BOX)
    told = False
    result: Outcome | Ending = Ending(Cause.NO_LINE, By.BOX)
    for again in range(ROUNDS):
        if again:
            await asyncio.sleep(PAUSE_SECONDS)
        for line in _places(lines, house.traffic, call):
            call.callee = Party(None, number, line=line.name)
            leg = line.dial(number, plan.help_id(who), offers)
            house.traffic.calls_help(leg, line.name)
            call.adopt(leg)
            house.journal.log(GOES_OUT, caller=personal(who), line=lines.index(line) + 1)
            if not told:
                told = True
                _tell(call, number)
            result = await ring(call, bridge, [leg], HELP_SECONDS)
            if isinstance(result, Outcome) or result.cause is Cause.CANCELLED:
                return result
            house.journal.log(FAILED_LINE, line=lines.index(line) + 1)
    house.journal.log(FAILED, caller=personal(who))
    return result


def open_for_help(call: Call) -> Bridge:
    """Take media ports for a call for help; another call makes way where there are none. Raises NoPorts."""
    call.help = True
    try:
        bridge = call.open_bridge(urgent=True)
    except NoPorts:
        victim = None if call.house.youngest is None else call.house.youngest()
        if victim is None:
            raise
        _end(call, victim)
        if victim.bridge is not None:
            victim.bridge.close()
        bridge = call.open_bridge(urgent=True)
    bridge.on_timeout = None  # who cannot speak is not hung up on
    return bridge


def _places(lines: Sequence[Line], traffic: Traffic, call: Seeker) -> Iterator[Line]:
    """Go through the lines: those with room; those where another call can make way; those that seem down."""
    tried = []
    for line in lines:
        if line.up and traffic.room(line):
            tried.append(line)
            yield line
    for line in sorted(lines, key=lambda each: not each.up):
        leg = traffic.youngest(line.name)
        if leg is not None:
            tried.append(line)
            _make_way(call, leg)
            yield line
    for line in lines:
        if line not in tried:
            yield line


def _make_way(call: Seeker, leg: Leg) -> None:
    owner = leg.owner
    leg.hangup(Cause.MADE_WAY)
    if isinstance(owner, Call):
        _end(call, owner)
    elif owner is not None:
        owner.deliver(leg, Ended(Cause.MADE_WAY, far=False))


def _end(call: Seeker, victim: Call) -> None:
    call.house.journal.log(MADE_WAY, caller=personal(victim.caller.party))
    victim.end(Ending(Cause.MADE_WAY, By.BOX))


def _tell(call: Seeker, number: str) -> None:
    alarm, who = call.house.alarm, call.caller.party
    if alarm is None:
        return
    try:
        alarm(Alarm(who, number, call.plan.outward(who.extension or "").location))
    except Exception as fault:  # noqa: BLE001 - whatever is wrong with telling people, the call goes on
        call.house.journal.fault(NOT_TOLD, fault)
