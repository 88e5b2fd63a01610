"""`Call`: one call while it lives: its legs, its bridge, how far it is, when that was, and how it ended."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from firmware.calls.cause import Cause
from firmware.calls.house import Bridge, House
from firmware.calls.lamps import Lamp, Light
from firmware.calls.leg import Leg, LegEvent, Party
from firmware.calls.plan import Plan
from firmware.calls.scope import Scope
from firmware.labels import Personal
from firmware.media import Description, Side


class State(Enum):
    """How far a call is."""

    DIALLING = "dialling"
    RINGING = "ringing"
    TALKING = "talking"


class By(Enum):
    """Who ended a call."""

    CALLER = "caller"
    CALLEE = "callee"
    OPERATOR = "operator"
    BOX = "box"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call ended and whose doing it was."""

    cause: Cause
    by: By


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant by both clocks: unix seconds, and seconds since boot."""

    wall: float
    now: float


@dataclass(frozen=True, slots=True)
class CallView:
    """What operations show of a running call. `since` and `answered` are unix seconds."""

    id: str
    state: State
    since: float
    answered: float | None
    caller: Personal
    callee: Personal | None


class Asker(Protocol):
    """For whom somebody is sought: a calling leg, or a party that is to be handed over."""

    @property
    def party(self) -> Party:
        """Who it is."""

    @property
    def description(self) -> Description | None:
        """The offer it brought; without one it hears no early media."""

    def ring(self) -> None:
        """Tell it that somebody's phone rings."""

    def early_media(self, answer: Description) -> None:
        """Let it hear a phone that has not answered yet."""

    def faces(self, party: Party) -> None:
        """Note whose phone that is."""


class Seeker(Protocol):
    """What a search needs of the scope it works in; `Call` is one."""

    callee: Party | None
    state: State

    @property
    def caller(self) -> Asker:
        """For whom it is."""

    @property
    def house(self) -> House:
        """What there is to ring."""

    @property
    def plan(self) -> Plan:
        """What numbers mean."""

    @property
    def referrer(self) -> Party | None:
        """Who hands somebody over to whoever is found, None when nobody does."""

    @property
    def place(self) -> Side:
        """The side of the bridge that whoever is found will have."""

    def adopt(self, leg: Leg) -> None:
        """Take a leg over."""

    def deliver(self, leg: Leg, event: LegEvent) -> None:
        """Take an event of a leg."""

    async def event(self) -> tuple[Leg, LegEvent]:
        """Return the next event of a leg."""


class Table(Protocol):
    """The answered part of a call as another call sees it; `Conversation` is one."""

    def other(self, leg: Leg) -> Leg | None:
        """Return who talks with this leg, None when nobody may be taken away just now."""

    def told(self, leg: Leg) -> Description | None:
        """Return what a leg was last given."""


def personal(party: Party) -> Personal:
    """Return a party as the journal and lists of calls may show it."""
    if party.private:
        return Personal("num", "anonymous")
    return Personal("num" if party.extension is None else "ext", party.number)


class Call(Scope):
    """One call: the scope that owns its legs, and the facts its record will hold."""

    __slots__ = (
        "answered", "bridge", "callee", "caller", "ending", "help", "house", "id", "plan", "started", "state",
        "table", "task",
    )  # fmt: skip

    def __init__(self, call_id: str, caller: Leg, plan: Plan, house: House) -> None:
        super().__init__()
        self.id = call_id
        self.house = house
        self.plan = plan
        self.caller = caller
        self.callee: Party | None = None
        self.bridge: Bridge | None = None
        self.state = State.DIALLING
        self.started = self.moment()
        self.answered: Moment | None = None
        self.ending: Ending | None = None
        self.help = False
        """It is a call for help: makes way for no other."""
        self.table: Table | None = None
        self.task: asyncio.Task[Ending] | None = None
        self.adopt(caller)

    @property
    def referrer(self) -> None:
        """Nobody: the caller asked for themselves."""

    @property
    def place(self) -> Side:
        """The side of who is called."""
        return "callee"

    @property
    def emergency(self) -> bool:
        """Whether it calls for help: nobody else may come into it."""
        return self.help or self.plan.is_emergency(self.caller.dialled)

    def moment(self) -> Moment:
        """Return this instant."""
        return Moment(self.house.clock.wall(), self.house.clock.now())

    def took(self) -> None:
        """Note that the call is answered."""
        self.answered = self.moment()
        self.state = State.TALKING
        self._stir()

    def adopt(self, leg: Leg) -> None:
        """Take a leg over."""
        self.house.present.enter(leg)
        super().adopt(leg)
        self._stir()

    def part(self, leg: Leg) -> None:
        """Let go of a leg."""
        self._stir()
        self.house.present.leave(leg)
        super().part(leg)

    def deliver(self, leg: Leg, event: LegEvent) -> None:
        """Take an event of one of our legs."""
        super().deliver(leg, event)
        self._stir()

    def light(self, extension: str) -> Light | None:
        """Return what a lamp, of an extension or a slot, shows of this call."""
        found: Light | None = None
        for leg in self._legs:
            if leg.lamp == extension and not leg.over:
                made = leg is self.caller
                if self.state is State.TALKING:
                    return Light(self.id, Lamp.CONFIRMED, made)
                ringing = self.state is State.RINGING or not made
                found = found or Light(self.id, Lamp.EARLY if ringing else Lamp.TRYING, made)
                dialog = None if made else leg.dialog
                if dialog is not None:
                    return Light(self.id, Lamp.EARLY, made, dialog)
        return found

    def handed_over(self) -> None:
        """Note that somebody else talks in this call now."""
        self._stir()

    def _stir(self) -> None:
        self.house.lamps.note(leg.lamp for leg in self._legs)

    def open_bridge(self, *, urgent: bool = False) -> Bridge:
        """Take the media ports of this call; it ends if the bridge reports that a side fell silent."""
        self.bridge = self.house.media.open(urgent=urgent)
        self.bridge.on_timeout = self._media_lost
        self.bridge.call = self.id
        return self.bridge

    def end(self, ending: Ending) -> None:
        """End the call from outside its flow: cancel its task, whatever that waits for. First come."""
        if self.ending is None:
            self.ending = ending
            if self.task is not None:
                self.task.cancel()

    def close(self, cause: Cause) -> list[Exception]:
        """Stop media, hang up every leg, let go of everything. Returns what went wrong on the way."""
        self._stir()
        for leg in self._legs:
            self.house.present.leave(leg)
        faults = super().close(cause)
        bridge, self.bridge, self.task, self.table = self.bridge, None, None, None
        if bridge is not None:
            try:
                bridge.close()
            except Exception as fault:  # noqa: BLE001 - what was released so far stays released, the record follows
                faults.append(fault)
        return faults

    def view(self) -> CallView:
        """Return what operations may show."""
        callee = None if self.callee is None else personal(self.callee)
        answered = None if self.answered is None else self.answered.wall
        return CallView(self.id, self.state, self.started.wall, answered, personal(self.caller.party), callee)

    def _media_lost(self, _: Side) -> None:
        self.end(Ending(Cause.MEDIA_TIMEOUT, By.BOX))
