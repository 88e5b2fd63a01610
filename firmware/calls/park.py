"""Park: a slot takes the place of who parks somebody, until somebody dials the slot.

A slot is a leg without a phone. Who is parked is offered a session without media, so nothing waits for
packets; whoever dials the slot replaces it as a Replaces would. After a while it asks for a transfer back to
who parked, as a phone would, and goes on like that until somebody takes the call or the parked one hangs up.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from firmware.calls.call import Call, personal
from firmware.calls.cause import Cause
from firmware.calls.house import Bridge, House
from firmware.calls.leg import Ended, Leg, Owner, Party, Referred
from firmware.calls.rings import Slots
from firmware.labels import Personal
from firmware.media import Description
from firmware.store.model import new_id

_LAMP = "slot "


def lamp_of(number: str) -> str:
    """Return the name of the lamp of a slot; no extension's id is like it."""
    return f"{_LAMP}{number}"


def vacant(slots: Slots, numbers: Iterable[str]) -> str | None:
    """Return the first slot nobody is in."""
    return next((number for number in numbers if slots.get(number) is None), None)


@dataclass(frozen=True, slots=True)
class ParkedView:
    """What operations show of somebody parked. `since` is in unix seconds."""

    slot: str
    call: str
    who: Personal
    by: Personal
    since: float


def views(call: Call) -> Iterator[ParkedView]:
    """Return who is parked in a call."""
    for slot, leg in call.house.slots:
        table = call.table
        if leg.owner is call and isinstance(leg, ParkSlot) and table is not None:
            other = table.other(leg)
            if other is not None:
                yield ParkedView(slot, call.id, personal(other.party), personal(leg.rights), leg.since)


class ParkSlot(Leg):
    """One slot while it is taken. `parker` is who asked for it, `heard` what who is there was last given."""

    __slots__ = ("_bridge", "_heard", "_house", "_parker", "_timer", "since")

    def __init__(
        self, house: House, bridge: Bridge, number: str, parker: Party, heard: Description | None = None
    ) -> None:
        super().__init__(new_id(), Party(None, number))
        self._house = house
        self._bridge = bridge
        self._parker = parker
        self._heard = heard
        self._timer: asyncio.TimerHandle | None = None
        self.since = house.clock.wall()
        house.slots.put(number, self)

    @property
    def lamp(self) -> str:
        """Which lamp shows it: the slot's."""
        return lamp_of(self.party.number)

    @property
    def rights(self) -> Party:
        """Those of who parked."""
        return self._parker

    def owned_by(self, owner: Owner) -> None:
        """Change hands; in a call the time runs from then on."""
        super().owned_by(owner)
        if isinstance(owner, Call) and not self.over:
            self.wait()

    def wait(self) -> None:
        """Let the time until who parked is called begin anew."""
        if self._timer is not None:
            self._timer.cancel()
        seconds = self._house.settings.park_seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        table = self.owner.table if isinstance(self.owner, Call) else None
        other = None if table is None else table.other(self)
        if other is None:
            self.wait()
        elif other.party.extension == self._parker.extension:
            self.emit(Ended(Cause.NO_ANSWER))  # who wanted to park somebody here never did
            self._let_go()
        else:
            self.emit(Referred(_Recall(self)))

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._house.slots.free(self.party.number)

    def send_hangup(self, cause: Cause) -> None:
        """Give the slot back."""
        del cause
        self._let_go()

    async def offer(self, offer: Description) -> Description:
        """Take an offer without media."""
        self._heard = offer
        return self._bridge.silent(offer)

    async def ask(self) -> Description:
        """Offer what was heard last, without media."""
        if self._heard is None:
            raise AssertionError("a slot is asked only by who has made it an offer before")
        return self._bridge.silent(self._heard)

    def accept(self, answer: Description) -> None:
        """Hear the answer to that."""
        self._heard = answer

    def ring(self) -> None:
        """Do nothing: nobody is there to hear it."""

    def early_media(self, answer: Description) -> None:
        """Do nothing: nobody is there to hear it."""

    def answer(self, answer: Description) -> None:
        """Do nothing: a slot does not call."""

    def refuse(self, cause: Cause) -> None:
        """Do nothing: a slot wants no change."""


class _Recall:
    """The transfer back that a slot asks for when the time is over."""

    __slots__ = ("_slot", "consulted", "dialled")

    def __init__(self, slot: ParkSlot) -> None:
        self._slot = slot
        self.dialled = slot.rights.number
        self.consulted: Leg | None = None

    def ringing(self) -> None:
        """Do nothing: a slot shows nothing."""

    def done(self) -> None:
        """Do nothing: the slot is hung up."""

    def failed(self, cause: Cause) -> None:
        """Wait on; nothing on a slot that is empty by now."""
        del cause
        if not self._slot.over:
            self._slot.wait()
