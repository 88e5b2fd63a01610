"""Two legs talk: offers of either side are passed to the other until one of them ends."""

import asyncio
from collections.abc import Coroutine

from firmware.calls.call import By, Call, Ending
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge
from firmware.calls.leg import Ended, Leg, Refused, Reoffer
from firmware.media import Description, NotAcceptable, Side

OFFER_SECONDS = 40.0  # longer than any INVITE transaction waits, RFC 3261 17.1.1.2: a guard, not a policy


class Conversation:
    """The answered part of a call."""

    __slots__ = ("bridge", "call", "callee", "caller", "change", "over", "told")

    def __init__(self, call: Call, bridge: Bridge, callee: Leg, offered: Description | None) -> None:
        self.call = call
        self.bridge = bridge
        self.caller = call.caller
        self.callee = callee
        self.change: asyncio.Task[None] | None = None  # the one change of the session under way
        self.over = False
        self.told: dict[Leg, Description | None] = {callee: offered}  # what each leg was last given

    async def talk(self, description: Description) -> Ending:
        """Answer the caller with what the callee said and relay until either is gone."""
        self.call.took()
        offerless = self.caller.description is None
        if not offerless:
            self.told[self.caller] = answer = self.bridge.answer("callee", description)
            self.caller.answer(answer)
        async with asyncio.TaskGroup() as tree:
            if offerless:
                self._start(tree, self._offer_to_caller(description))
            ending = await self._relay(tree)
            self.over = True
            if self.change is not None:
                self.change.cancel()
        return ending

    async def _relay(self, tree: asyncio.TaskGroup) -> Ending:
        while True:
            leg, event = await self.call.event()
            match event:
                case Ended(cause):
                    return Ending(cause, By.CALLER if leg is self.caller else By.CALLEE)
                case Reoffer() if self.change is not None and not self.change.done():
                    leg.refuse(Cause.GLARE)
                case Reoffer(offer):
                    self._start(tree, self._offer_back(leg) if offer is None else self._pass_on(leg, offer))

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
            self.told[leg] = answer
            leg.accept(answer)

    async def _offer_back(self, leg: Leg) -> None:
        """Offer to the side that asks for it what it has, and pass its answer on as an offer to the other."""
        try:
            offer = self.told.get(leg)
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
            self.told[self.callee] = accepted = self.bridge.answer("caller", answer)
            self.callee.accept(accepted)
        except Refused as refusal:
            self.call.end(Ending(refusal.cause, By.CALLER))
        except NotAcceptable:
            self.call.end(Ending(Cause.NOT_ACCEPTABLE, By.BOX))

    async def _ask_other(self, leg: Leg, offer: Description) -> Description:
        other = self.callee if leg is self.caller else self.caller
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
        self.told[leg] = offer
        return answer

    def _side(self, leg: Leg) -> Side:
        return "caller" if leg is self.caller else "callee"
