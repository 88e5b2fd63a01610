"""Two legs talk: offers of either are passed to the other, either may hand over, until one ends."""

import asyncio
from collections.abc import Coroutine
from traceback import clear_frames

from firmware.calls.call import By, Call, Ending
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Ended, Leg, Referral, Referred, Refused, Reoffer, Replaced, decline
from firmware.calls.park import ParkSlot
from firmware.calls.ringing import Outcome
from firmware.calls.transfer import Errand, Newcomer, fetch, reach, report
from firmware.media import Description, NotAcceptable, Side

OFFER_SECONDS = 40.0  # longer than any INVITE transaction waits, RFC 3261 17.1.1.2: a guard, not a policy


class Conversation:
    """The answered part of a call."""

    __slots__ = (
        "_told", "bridge", "call", "callee", "caller", "change", "handover", "joining", "left", "over",
        "stays",
    )  # fmt: skip

    def __init__(self, call: Call, bridge: Bridge, callee: Leg, offered: Description | None) -> None:
        self.call = call
        self.bridge = bridge
        self.caller = call.caller
        self.callee = callee
        self.change: asyncio.Task[None] | None = None  # the one change of the session under way
        self.handover: asyncio.Task[None] | None = None  # the one transfer under way
        self.stays: Leg | None = None  # who does not leave by it
        self.left: Ending | None = None  # who asked for it has hung up meanwhile
        self.joining = False  # a newcomer and who stays come to terms
        self.over = False
        self._told: dict[Leg, Description | None] = {callee: offered}  # what each leg was last given

    async def talk(self, description: Description) -> Ending:
        """Answer the caller with what the callee said and relay until either is gone."""
        offerless = self.caller.description is None
        answer = None if offerless else self.bridge.answer("callee", description)
        self.call.took()
        self.caller.faces(self.callee.party)
        if answer is not None:
            self._told[self.caller] = answer
            self.caller.answer(answer)
        self.call.table = self
        try:
            async with asyncio.TaskGroup() as tree:
                if offerless:
                    self._start(tree, self._offer_to_caller(description))
                ending = await self._relay(tree)
                self.over = True
                for task in (self.change, self.handover):
                    if task is not None:
                        task.cancel()
        finally:
            self.call.table = None
        return ending

    # -- what another call may know (firmware.calls.call.Table) ------------------------------------

    def other(self, leg: Leg) -> Leg | None:
        """Return who talks with this leg, None when nobody may be taken away just now."""
        if self.over or self._busy() or self._handing_over() or leg not in (self.caller, self.callee):
            return None
        return self._partner(leg)

    def told(self, leg: Leg) -> Description | None:
        """Return what a leg was last given."""
        return self._told.get(leg)

    # -- events ------------------------------------------------------------------------------------

    async def _relay(self, tree: asyncio.TaskGroup) -> Ending:
        while True:
            leg, event = await self.call.event()
            if leg not in (self.caller, self.callee):
                decline(leg, event)  # it has handed over, or is not in yet
                continue
            match event:
                case Ended(cause):
                    ending = Ending(cause, By.CALLER if leg is self.caller else By.CALLEE)
                    if not self._handing_over() or leg is self.stays:
                        return ending
                    self.left = ending
                case Referred(referral):
                    self._hand_over(tree, leg, referral)
                case Replaced(ringing=True):
                    decline(leg, event)
                case Replaced(newcomer) if self._busy() or (
                    self._handing_over() and not isinstance(leg, ParkSlot)
                ):
                    newcomer.hangup(Cause.GLARE)
                case Replaced(newcomer):
                    if self.handover is not None:
                        self.handover.cancel()  # who was parked is called back just now: no longer
                    self._start(tree, self._replace(leg, newcomer))
                case Reoffer() if self._busy():
                    leg.refuse(Cause.GLARE)
                case Reoffer(offer):
                    self._start(tree, self._offer_back(leg) if offer is None else self._pass_on(leg, offer))

    def _busy(self) -> bool:
        return self.joining or (self.change is not None and not self.change.done())

    def _handing_over(self) -> bool:
        return self.handover is not None and not self.handover.done()

    # -- changes of the session --------------------------------------------------------------------

    def _start(self, tree: asyncio.TaskGroup, change: Coroutine[None, None, None]) -> None:
        self.change = tree.create_task(change)
        self.change.add_done_callback(self._changed)

    def _changed(self, change: asyncio.Task[None]) -> None:
        try:
            change.exception()
        except (
            asyncio.CancelledError
        ):  # taken out of the task, it no longer holds the call's frames in a cycle
            if not self.over:  # a far end would wait for its answer for ever
                self.call.end(Ending(Cause.FAILED, By.BOX))

    async def _pass_on(self, leg: Leg, offer: Description) -> None:
        """One side changes the session (hold, codec): ask the other, answer the first as the other did."""
        try:
            answer = await self._ask_other(leg, offer)
        except Refused as refusal:
            leg.refuse(refusal.cause)
        else:
            self._told[leg] = answer
            leg.accept(answer)

    async def _offer_back(self, leg: Leg) -> None:
        """Offer to the side that asks for it what it has, and pass its answer on as an offer to the other."""
        try:
            offer = self._told.get(leg)
            if offer is None:  # the answer to its own first offer is still under way
                leg.refuse(Cause.GLARE)
                return
            answer = await self._offer(leg, offer)
            await self._ask_other(leg, answer)
        except Refused:
            pass  # either side goes on with what it has

    async def _offer_to_caller(self, offer: Description) -> None:
        """Answer a caller who came without an offer by the callee's; the answer comes with the ACK."""
        try:
            relayed = self.bridge.offer("callee", offer)
            answer = await self._offer(self.caller, relayed)
            self._told[self.callee] = accepted = self.bridge.answer("caller", answer)
            self.callee.accept(accepted)
        except Refused as refusal:
            self.call.end(Ending(refusal.cause, By.CALLER))
        except NotAcceptable:
            self.call.end(Ending(Cause.NOT_ACCEPTABLE, By.BOX))

    async def _ask_other(self, leg: Leg, offer: Description) -> Description:
        other = self._partner(leg)
        try:
            answer = await self._offer(other, self.bridge.offer(self._side(leg), offer))
            return self.bridge.answer(self._side(other), answer)
        except NotAcceptable:
            raise Refused(Cause.NOT_ACCEPTABLE) from None

    async def _offer(self, leg: Leg, offer: Description) -> Description:
        try:
            async with asyncio.timeout(OFFER_SECONDS) as limit:
                answer = await leg.offer(offer)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Refused(Cause.FAILED) from None
        self._told[leg] = offer
        return answer

    # -- handing over ------------------------------------------------------------------------------

    def _hand_over(self, tree: asyncio.TaskGroup, by: Leg, referral: Referral) -> None:
        if self._handing_over():
            referral.failed(Cause.GLARE)
            return
        self.stays = self._partner(by)
        self.handover = tree.create_task(self._transfer(by, self.stays, referral))
        self.handover.add_done_callback(_look_at)

    async def _transfer(self, by: Leg, stays: Leg, referral: Referral) -> None:
        """Bring whom `referral` means into the place of `by`; if that fails, the call goes on as it was."""
        call, consulted = self.call, referral.consulted
        errand = Errand(call, stays, by, referral, self._side(by))
        try:
            if consulted is None:
                newcomer = await reach(errand, self.bridge, by, referral, self._told.get(stays))
            else:
                newcomer = await fetch(consulted)
            await self._join(by, stays, newcomer)
        except Refused as refusal:
            referral.failed(refusal.cause)
            report(call, by, None, refusal.cause)
            if self.left is not None:
                call.end(self.left)
        else:
            referral.done()
            report(call, by, newcomer.leg.party)
            by.hangup(Cause.NORMAL)
            if consulted is not None and isinstance(newcomer.owner, Call):
                whose = By.CALLER if consulted is newcomer.owner.caller else By.CALLEE
                newcomer.owner.end(Ending(Cause.NORMAL, whose))
        finally:
            referral.failed(Cause.CANCELLED)  # said only if nothing was said before
            faults = errand.close(Cause.CANCELLED)
            if faults:
                raise faults[0]

    async def _join(self, by: Leg, stays: Leg, newcomer: Newcomer) -> None:
        leg, accepted = newcomer.leg, newcomer.before
        try:
            while self._busy() and self.change is not None:
                await asyncio.wait([self.change])
            self.joining = True
            relayed = self.bridge.offer(self._side(by), newcomer.offer)
            stays.faces(leg.party)
            answer = await self._offer(stays, relayed)
            if leg.over or (newcomer.owner is not None and leg.owner is not newcomer.owner):
                raise Refused(Cause.UNREACHABLE)
            accepted = self.bridge.answer(self._side(stays), answer)
        except NotAcceptable:
            stays.faces(by.party)
            raise Refused(Cause.NOT_ACCEPTABLE) from None
        except Refused:
            stays.faces(by.party)
            raise
        finally:
            self.joining = False
            if accepted is not None:
                leg.accept(accepted)
        self._take_place(by, leg, accepted)
        leg.faces(stays.party)
        if newcomer.owner is not None:  # it faced whoever asked, until now
            leg.show()

    async def _replace(self, leg: Leg, newcomer: Leg) -> None:
        """Let somebody who calls in take the place of `leg` (RFC 3891)."""
        other = self._partner(leg)
        try:
            if newcomer.description is None:
                raise Refused(Cause.NOT_ACCEPTABLE)
            other.faces(newcomer.party)
            answer = await self._ask_other(leg, newcomer.description)
            if newcomer.over:
                raise Refused(Cause.CANCELLED)
        except Refused as refusal:
            other.faces(leg.party)
            newcomer.hangup(refusal.cause)
            return
        newcomer.faces(other.party)
        newcomer.answer(answer)
        self._take_place(leg, newcomer, answer)
        report(self.call, leg, newcomer.party)
        leg.hangup(Cause.NORMAL)

    def _take_place(self, by: Leg, leg: Leg, given: Description) -> None:
        self._told.pop(by, None)
        self._told[leg] = given
        if leg.owner is not self.call:
            self.call.adopt(leg)
        if by is self.caller:
            self.caller = leg
        else:
            self.callee = leg
            if not isinstance(leg, ParkSlot):  # the record tells who talked
                self.call.callee = leg.party
        self.call.handed_over()

    def _partner(self, leg: Leg) -> Leg:
        return self.callee if leg is self.caller else self.caller

    def _side(self, leg: Leg) -> Side:
        return "caller" if leg is self.caller else "callee"


async def talk(call: Call, bridge: Bridge, found: Outcome) -> Ending:
    """Let the caller talk with who answered."""
    call.callee = found.phone.party
    return await Conversation(call, bridge, found.phone, found.offered).talk(found.description)


def _look_at(task: asyncio.Task[None]) -> None:
    """Take what a task raised out of it: kept there, it holds the frames of the call in a cycle."""
    try:
        task.exception()
    except asyncio.CancelledError as cancelled:
        clear_frames(cancelled.__traceback__)
