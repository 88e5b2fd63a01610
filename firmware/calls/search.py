"""Search: from what was dialled to a phone that answered, by way of forwards and ring groups.

It cannot run for ever: nobody is rung twice by forwards, a call is sent on at most MAX_FORWARDS times, and a
group is entered once. A forward that leads back (to the caller, too: a secretary must reach who forwards to
her) is not followed, so the phone it was set for rings. Emergency calls never come here.
"""

from collections.abc import Sequence

from firmware.calls.call import By, Ending, Seeker
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Diversion, Leg, Manner, Party
from firmware.calls.outward import outward
from firmware.calls.plan import Hunt, Internal, Outside, Way
from firmware.calls.ringing import Outcome, give_up, ring
from firmware.media import Offers
from firmware.store.model import Occasion, Strategy

MAX_FORWARDS = 5

_OCCASIONS = {
    Cause.BUSY: Occasion.BUSY,
    Cause.NO_ANSWER: Occasion.NO_ANSWER,
    Cause.UNREACHABLE: Occasion.UNREACHABLE,
}

# What the caller of a group hears when every step ended differently: the first of these.
_TELLING = (Cause.NO_ANSWER, Cause.BUSY, Cause.REJECTED)


class Search:
    """One search for one call, or for who is handed over in one; `offers` is what the phones are offered."""

    __slots__ = ("_bridge", "_call", "_diversions", "_manner", "_offers", "_seen")

    def __init__(
        self, call: Seeker, bridge: Bridge, offers: Offers | None, manner: Manner = Manner.USUAL
    ) -> None:
        self._manner = manner
        self._call = call
        self._bridge = bridge
        self._offers = offers
        self._seen = {call.caller.party.extension}
        self._diversions: list[Diversion] = []

    async def go(self, route: Way) -> Outcome | Ending:
        """Follow a route until somebody answers, or say why nobody did."""
        match route:
            case Internal():
                return await self._person(route.callee)
            case Hunt():
                return await self._group(route)
            case Outside():
                return await outward(self._call, self._bridge, self._offers, route, tuple(self._diversions))

    async def _person(self, callee: Party) -> Outcome | Ending:
        self._call.callee = callee
        self._seen.add(callee.extension)
        handling = self._call.plan.handling(callee.extension or "")
        route = self._onward(callee, Occasion.ALWAYS)
        if route is not None:
            return await self.go(route)
        phones: list[Leg] = []
        if self._silent(callee):
            result: Outcome | Ending = Ending(Cause.BUSY, By.CALLEE)
        else:
            phones = self._dial(callee)
            no_answer = handling.forwards.get(Occasion.NO_ANSWER)
            result = await self._ring(phones, None if no_answer is None else no_answer.seconds)
        occasion = None if isinstance(result, Outcome) else _OCCASIONS.get(result.cause)
        route = None if occasion is None else self._onward(callee, occasion)
        if route is None:
            return result
        give_up(phones)
        return await self.go(route)

    async def _group(self, hunt: Hunt) -> Outcome | Ending:
        group = hunt.group
        self._call.callee = Party(None, group.number, group.name)
        self._seen.add(group.id)
        self._seen.update(member.extension for member in hunt.members)
        phones: list[Leg] = []
        causes: set[Cause] = set()
        members = [each for each in hunt.members if not self._silent(each)]
        for step in [members] if group.strategy is Strategy.ALL else [[member] for member in members]:
            if group.strategy is Strategy.SEQUENTIAL:
                give_up(phones)
            fresh = [phone for member in step for phone in self._dial(member)]
            phones = [phone for phone in phones if not phone.over] + fresh
            if fresh:
                result = await self._ring(phones, group.seconds)
                if isinstance(result, Outcome) or result.cause is Cause.CANCELLED:
                    return result
                causes.add(result.cause)
        if hunt.last is not None:
            give_up(phones)
            return await self._person(hunt.last)
        told = next((cause for cause in _TELLING if cause in causes), Cause.UNREACHABLE)
        return Ending(told, By.CALLEE if causes else By.BOX)

    def _silent(self, callee: Party) -> bool:
        """Whether somebody's phones are not to ring: do not disturb, or they take one call at a time."""
        handling = self._call.plan.handling(callee.extension or "")
        busy = self._call.house.present.busy
        return handling.dnd or (not handling.waiting and busy(callee.extension or ""))

    def _dial(self, callee: Party) -> list[Leg]:
        call = self._call
        phones = call.house.dialer.dial(
            callee.extension or "",
            call.caller.party,
            self._offers,
            tuple(self._diversions),
            self._manner,
            referrer=call.referrer,
        )
        for phone in phones:
            call.adopt(phone)
        return list(phones)

    async def _ring(self, phones: Sequence[Leg], seconds: float | None) -> Outcome | Ending:
        if not phones:
            return Ending(Cause.UNREACHABLE, By.BOX)
        return await ring(self._call, self._bridge, phones, seconds)

    def _onward(self, callee: Party, occasion: Occasion) -> Way | None:
        plan = self._call.plan
        forward = plan.handling(callee.extension or "").forwards.get(occasion)
        if forward is None or len(self._diversions) >= MAX_FORWARDS:
            return None
        route = plan.onward(forward.target, callee, self._call.caller.party)
        if route is None or _place(route) in self._seen:
            return None
        self._diversions.append(Diversion(callee, occasion))
        return route


def only_one(call: Seeker, route: Way) -> bool:
    """Tell whether just one phone, or one line, can be called on this way, whatever comes of it."""
    house = call.house
    match route:
        case Internal():
            sent_on = call.plan.handling(route.extension).forwards
            return not sent_on and house.dialer.devices(route.extension) == 1
        case Outside():
            return house.lines is not None and len(house.lines.lines()) == 1
    return False


def _place(route: Way) -> str:
    match route:
        case Internal():
            return route.extension
        case Hunt():
            return route.group.id
        case Outside():
            return route.number
