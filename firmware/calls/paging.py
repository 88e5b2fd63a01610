"""Paging: one speaks, the phones of a group answer by themselves and play it; nobody hears them.

Who talks, whose phone rings already or who is not to be disturbed is left out. Each phone has ports of its
own; where there are none left, it is left out too, and a call for help ends a page as it ends any call.
"""

import asyncio

from firmware.calls.box_leg import BoxLeg
from firmware.calls.call import By, Call, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.entering import reaches
from firmware.calls.house import Bridge, Place
from firmware.calls.leg import Answered, Ended, Leg, Manner, Party, Reoffer, decline
from firmware.calls.plan import Hunt
from firmware.calls.scope import Scope
from firmware.calls.signals import BEEP
from firmware.calls.visit import visit
from firmware.journal import Kind
from firmware.labels import Personal
from firmware.media import Description, NoPorts, NotAcceptable
from rtp.seat import DEAF, MUTED

MOST = 31  # phones of one page: with who speaks they fill a room
ANSWER_SECONDS = 10.0  # for a phone to answer by itself; one that rings instead is given up
PAGE_SECONDS = 120.0

PAGED = Kind("call.paged", "{call}: {caller} pages {group}, {phones} extensions")


async def page(call: Call, number: str) -> Ending:
    """Speak from the phones of a group."""
    caller, house = call.caller, call.house
    route = call.plan.route(number, caller.party)
    if not isinstance(route, Hunt):
        return Ending(Cause.UNKNOWN_NUMBER, By.BOX)
    mine = caller.party.extension or ""
    allowed = [
        party
        for party in route.members
        if party.extension not in {None, mine}
        and reaches(house.settings.intercom, call.plan, mine, party.extension or "")
    ]
    if not allowed:
        return Ending(Cause.NOT_ALLOWED, By.BOX)
    free = [party for party in allowed if _free(call, party.extension or "")]
    if not free:
        return Ending(Cause.BUSY, By.BOX)
    house.journal.log(
        PAGED,
        call=Personal("call", call.id),
        caller=personal(caller.party),
        group=Personal("num", number),
        phones=len(free[:MOST]),
    )
    speaker = BoxLeg(house.media.place(0, DEAF), Party(None, number))
    speaker.on_start = lambda: speaker.place.play([BEEP])
    listeners = _Listeners(call, speaker)
    try:
        async with asyncio.TaskGroup() as tree:
            fan = tree.create_task(listeners.run(free[:MOST]))
            try:
                ending = await visit(call, speaker)
            except NoPorts:
                ending = Ending(Cause.OVERLOAD, By.BOX)
            except NotAcceptable:
                ending = Ending(Cause.NOT_ACCEPTABLE, By.BOX)
            fan.cancel()
    finally:
        listeners.finish()
    return ending


def _free(call: Call, extension: str) -> bool:
    return not call.plan.handling(extension).dnd and not call.house.present.busy(extension)


class _Listeners(Scope):
    """The phones of one page."""

    __slots__ = ("_bridges", "_call", "_heard", "_ringing", "_speaker")

    def __init__(self, call: Call, speaker: BoxLeg) -> None:
        super().__init__()
        self._call = call
        self._speaker = speaker
        self._bridges: dict[str, tuple[Bridge, Place]] = {}  # by extension
        self._ringing: set[Leg] = set()
        self._heard: set[Leg] = set()

    async def run(self, members: list[Party]) -> None:
        """Call them and hear what their phones do, until none is left or the time is over."""
        for member in members:
            self._ring(member.extension or "")
        loop = asyncio.get_running_loop()
        impatient = loop.call_later(ANSWER_SECONDS, self._give_up)
        try:
            async with asyncio.timeout(PAGE_SECONDS) as limit:
                while self._ringing or self._heard:
                    self._take(*await self.event())
            self._speaker.leave(Cause.UNREACHABLE)
        except TimeoutError:
            if not limit.expired():
                raise
            self._speaker.leave()
        finally:
            impatient.cancel()

    def finish(self) -> None:
        """Hang up all of them and give their ports back."""
        for leg in self._legs:
            self._call.house.present.leave(leg)
        faults = super().close(Cause.NORMAL)
        for bridge, _ in self._bridges.values():
            bridge.close()
        self._bridges.clear()
        if faults:
            raise faults[0]

    def _ring(self, extension: str) -> None:
        house = self._call.house
        try:
            bridge = house.media.open()
        except NoPorts:
            return
        place = house.media.place(self._speaker.place.room, MUTED)
        self._bridges[extension] = bridge, place
        offers = bridge.offers("caller", place.offer("sendonly"))
        for leg in house.dialer.dial(extension, self._call.caller.party, offers, (), Manner.INTERCOM):
            house.present.enter(leg)
            self.adopt(leg)
            self._ringing.add(leg)

    def _take(self, leg: Leg, event: object) -> None:
        match event:
            case Answered(description) if leg in self._ringing:
                self._answered(leg, description)
            case Ended():
                self._gone(leg)
            case Reoffer(offer) if offer is not None and leg in self._heard:
                self._changed(leg, offer)
            case Reoffer():
                decline(leg, event)
            case _:
                pass

    def _answered(self, leg: Leg, description: Description) -> None:
        bridge, place = self._bridges[leg.party.extension or ""]
        self._ringing.discard(leg)
        try:
            bridge.answer("callee", description)
        except NotAcceptable:
            self._drop(leg, Cause.NOT_ACCEPTABLE)
            return
        self._heard.add(leg)
        place.play([BEEP])
        for other in tuple(self._ringing):
            if other.party.extension == leg.party.extension:
                self._drop(other, Cause.ANSWERED_ELSEWHERE)

    def _changed(self, leg: Leg, offer: Description) -> None:
        bridge, place = self._bridges[leg.party.extension or ""]
        try:
            leg.accept(bridge.answer("caller", place.answer(bridge.offer("callee", offer), "sendonly")))
        except NotAcceptable:
            leg.refuse(Cause.NOT_ACCEPTABLE)

    def _give_up(self) -> None:
        for leg in tuple(self._ringing):
            self._drop(leg, Cause.NO_ANSWER)
        if not self._heard:
            self._speaker.leave(Cause.UNREACHABLE)

    def _drop(self, leg: Leg, cause: Cause) -> None:
        leg.hangup(cause)
        self._gone(leg)

    def _gone(self, leg: Leg) -> None:
        self._call.house.present.leave(leg)
        self._ringing.discard(leg)
        self._heard.discard(leg)
