"""Scripted phones, and a house without sockets around `Calls`: a test plays the far ends, reads the ladder.

The ladder is one line per thing said, in order: `anna -> ...` is what a far end told the box, `anna <- ...`
what the box told it. Descriptions are plain words here; what a bridge has passed on carries its mark, so `a`
from the caller reaches the callee as `a'`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from firmware.calls.cause import Cause
from firmware.calls.codes import Codes
from firmware.calls.house import Settings
from firmware.calls.leg import (
    Answered,
    Diversion,
    EarlyMedia,
    Ended,
    Leg,
    LegEvent,
    Manner,
    Party,
    Referred,
    Refused,
    Reoffer,
    Ringing,
)
from firmware.calls.plan import MeetAt, Plan
from firmware.calls.supervisor import Calls
from firmware.journal import Field, Journal, Kind
from firmware.media import Description, NoPorts, NotAcceptable, Offers, Side, Sound
from firmware.store.model import AS_THE_SITE_SAYS, CallRecord, Forward, Group, Occasion, Outward
from tests.support.places import ScriptedPlace
from tests.support.virtual_time import VirtualClock, VirtualTimeLoop, run, settle


class InjectedError(Exception):
    """A fault a test planted."""


victim: ContextVar[bool] = ContextVar("victim", default=False)
"""True in the context of the call that is to be hit by planted faults."""


class Faults:
    """Counts what the victim's call asks of the house and raises at one of these (from 1; 0: never)."""

    def __init__(self, at: int = 0) -> None:
        self.count = 0
        self.at = at

    def here(self) -> None:
        """Something was asked of the house."""
        if victim.get():
            self.count += 1
            if self.count == self.at:
                raise InjectedError


NO_FAULTS = Faults()


class ScriptedLeg(Leg):
    """A phone played by the test: what the box does to it is one line of the ladder each."""

    __slots__ = ("_asked", "faults", "ladder", "name", "said", "where")

    def __init__(
        self,
        name: str,
        party: Party,
        ladder: list[str],
        *,
        dialled: str = "",
        description: Description | None = None,
    ) -> None:
        super().__init__(f"leg-{name}", party, dialled=dialled, description=description)
        self.name = name
        self.ladder = ladder
        self.faults = NO_FAULTS
        self.where = ""
        self._asked: asyncio.Future[Description] | None = None

    @property
    def device(self) -> str:
        return self.where

    # what the box does

    def _told(self, line: str) -> None:
        self.faults.here()
        self.ladder.append(f"{self.name} <- {line}")

    def ring(self) -> None:
        if not self.over:
            self._told("180")

    def early_media(self, answer: Description) -> None:
        if not self.over:
            self._told(f"183 {answer}")

    def answer(self, answer: Description) -> None:
        if not self.over:
            self._told(f"200 {answer}")

    def send_hangup(self, cause: Cause) -> None:
        self.ladder.append(f"{self.name} <- hangup {cause.value}")
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(Refused(cause))
        self.faults.here()

    async def offer(self, offer: Description) -> Description:
        if self.over:
            raise Refused(Cause.FAILED)
        self._told(f"offer {offer}")
        self._asked = asyncio.get_running_loop().create_future()
        try:
            return await self._asked
        finally:
            self._asked = None

    async def ask(self) -> Description:
        if self.over:
            raise Refused(Cause.FAILED)
        self._told("ask")
        self._asked = asyncio.get_running_loop().create_future()
        try:
            return await self._asked
        finally:
            self._asked = None

    def accept(self, answer: Description) -> None:
        if not self.over:
            self._told(f"accept {answer}")

    def refuse(self, cause: Cause) -> None:
        if not self.over:
            self._told(f"refuse {cause.value}")

    # what the far end does

    async def _tell(self, line: str, event: LegEvent) -> None:
        self.ladder.append(f"{self.name} -> {line}")
        self.emit(event)
        await settle()

    async def rings(self) -> None:
        await self._tell("180", Ringing())

    async def plays(self, description: str) -> None:
        await self._tell(f"183 {description}", EarlyMedia(sdp(description)))

    async def answers(self, description: str) -> None:
        await self._tell(f"200 {description}", Answered(sdp(description)))

    async def offers(self, description: str | None) -> None:
        await self._tell(
            f"offer {description or '(none)'}", Reoffer(None if description is None else sdp(description))
        )

    async def refers(self, dialled: str, consulted: Leg | None = None) -> None:
        """Ask for a transfer: to a number, or to whom another leg of this phone talks with."""
        to = dialled if consulted is None else f"whom {cast(ScriptedLeg, consulted).name} talks with"
        await self._tell(f"REFER {to}", Referred(ScriptedReferral(self, dialled, consulted)))

    async def hangs_up(self) -> None:
        await self._ended("hangup", Ended(Cause.NORMAL))

    async def ends(self, cause: Cause, *, far: bool = True) -> None:
        await self._ended(cause.value, Ended(cause, far))

    async def _ended(self, line: str, event: Ended) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(Refused(event.cause))
        await self._tell(line, event)

    async def accepts(self, description: str) -> None:
        """Answer the box's offer; nothing happens if it made none."""
        self.ladder.append(f"{self.name} -> accept {description}")
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(sdp(description))
        await settle()

    async def refuses(self, cause: Cause) -> None:
        """Refuse the box's offer."""
        self.ladder.append(f"{self.name} -> refuse {cause.value}")
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(Refused(cause))
        await settle()


class ScriptedReferral:
    """A transfer a phone asks for; what it is told is a line of the ladder each."""

    def __init__(self, leg: ScriptedLeg, dialled: str, consulted: Leg | None) -> None:
        self._leg = leg
        self._over = False
        self.dialled = dialled
        self.consulted = consulted

    def _notify(self, word: str, *, last: bool) -> None:
        if not self._over:
            self._over = last
            self._leg._told(f"NOTIFY {word}")

    def ringing(self) -> None:
        self._notify("ringing", last=False)

    def done(self) -> None:
        self._notify("done", last=True)

    def failed(self, cause: Cause) -> None:
        self._notify(cause.value, last=True)


def sdp(word: str) -> Description:
    """Pass a plain word for a description: nobody here looks inside one."""
    return cast(Description, word)


class ScriptedBridge:
    """Marks what it passes on with a ', and finds the word "nonsense" not acceptable."""

    def __init__(self, media: "ScriptedMedia") -> None:
        self.on_timeout: Callable[[Side], None] | None = None
        self.call = ""
        self.music = True
        self.media = media
        self.open = True
        self.flows: tuple[str, ...] = ()
        self._offered = ""
        self.sole: bool | None = None  # what it was told when the call began

    def offer(self, side: Side, description: Description) -> Description:
        self.media.faults.here()
        if str(description) == "nonsense":
            raise NotAcceptable("nonsense")
        self._offered = str(description)
        return sdp(f"{description}'")

    def offers(self, side: Side, description: Description, *, sole: bool = False) -> Offers:
        self.sole = sole
        return Offers.same(self.offer(side, description))

    def answer(self, side: Side, description: Description) -> Description:
        self.media.faults.here()
        if str(description) == "nonsense":
            raise NotAcceptable("nonsense")
        self.flows = (self._offered, str(description))
        return sdp(f"{description}'")

    def hush(self, description: Description) -> Description:
        self.offer("caller", description)
        return self.answer("callee", sdp("silence"))

    def silent(self, description: Description) -> Description:
        return sdp(f"silent {description}")

    def pause(self, side: Side, description: Description) -> Description:
        self.media.faults.here()
        if str(description) == "nonsense":
            raise NotAcceptable("nonsense")
        return sdp(f"silent {description}")

    def close(self) -> None:
        self.open = False
        self.media.bridges.discard(self)
        self.media.faults.here()


class ScriptedMedia:
    """Opens scripted bridges and knows which are open."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.bridges: set[ScriptedBridge] = set()
        self.full = False
        self.most = 0
        """How many bridges an urgent call finds ports for when it is full."""
        self.places: list[ScriptedPlace] = []
        self.played: list[tuple[int, list[str]]] = []
        """What was played, and in which room."""
        self.sounds: set[Sound] = set()
        """Which prompts there are."""

    def place(self, room: int = 0, flags: int = 0) -> ScriptedPlace:
        self.places.append(ScriptedPlace(self, room or len(self.places) + 1, flags))
        return self.places[-1]

    def crowded(self, share: float) -> bool:
        """Full or not."""
        del share
        return self.full

    def open(self, *, urgent: bool = False) -> ScriptedBridge:
        self.faults.here()
        if self.full and not (urgent and len(self.bridges) < self.most):
            raise NoPorts("full")
        bridge = ScriptedBridge(self)
        self.bridges.add(bridge)
        return bridge


@dataclass(frozen=True, slots=True)
class Person:
    """An extension of the scripted house."""

    id: str
    number: str
    name: str
    aliases: tuple[str, ...] = ()
    forwards: tuple[Forward, ...] = ()
    dnd: bool = False
    outward: Outward = AS_THE_SITE_SAYS
    private: bool = False
    waiting: bool = True


class Exchange:
    """`Calls` with scripted phones: the people of the house, who dials, what was recorded and journalled."""

    def __init__(
        self,
        people: Sequence[Person] = (),
        settings: Settings | None = None,
        faults: Faults = NO_FAULTS,
        groups: Sequence[Group] = (),
        codes: Codes | None = None,
        slots: Sequence[str] = (),
        rooms: Sequence[MeetAt] = (),
    ) -> None:
        self.people = people or (
            Person("id-anna", "101", "Anna"),
            Person("id-ben", "102", "Ben", ("055501427731",)),
        )
        self.faults = faults
        self.ladder: list[str] = []
        self.records: list[CallRecord] = []
        self.events: list[tuple[Kind, dict[str, Field]]] = []
        self.media = ScriptedMedia(self.faults)
        self.phones: dict[str, list[str]] = {"102": ["ben"]}
        """The names of the phones each number has registered."""
        self.dialled: deque[ScriptedLeg] = deque()
        self.legs: list[ScriptedLeg] = []
        self.wishes: Exception | None = None
        """Raised by the next wish that is to be kept."""
        clock = VirtualClock()
        journal = Journal(clock)
        journal.log = lambda kind, /, **fields: self.events.append((kind, fields))  # type: ignore[method-assign]
        self.calls = Calls(
            tenant="t0" * 16,
            dialer=self,
            media=self.media,
            plan=Plan(("112", "911"), self.people, groups, codes, slots=slots, rooms=rooms),
            records=self,
            journal=journal,
            clock=clock,
            settings=settings,
            preferences=self,
        )

    # the house's ends of the seams

    async def forward(self, extension: str, occasion: Occasion, target: str | None) -> None:
        await self._wish(f"{extension} forward {occasion.value} {target or 'off'}")

    async def disturb(self, extension: str, *, allowed: bool) -> None:
        await self._wish(f"{extension} {'may be disturbed' if allowed else 'do not disturb'}")

    async def wait(self, extension: str, *, allowed: bool) -> None:
        await self._wish(f"{extension} {'second calls' if allowed else 'one call at a time'}")

    async def _wish(self, line: str) -> None:
        self.ladder.append(f"keep {line}")
        await asyncio.sleep(0.2)
        if self.wishes is not None:
            raise self.wishes

    def dial(
        self,
        extension: str,
        caller: Party,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
        manner: Manner = Manner.USUAL,
        *,
        referrer: Party | None = None,
    ) -> list[ScriptedLeg]:
        self.faults.here()
        person = next(person for person in self.people if person.id == extension)
        legs = []
        for name in self.phones.get(person.number, []):
            by = "".join(f" by {each.party.number} {each.occasion.value}" for each in diversions)
            by += "" if manner is Manner.USUAL else f", {manner.value}"
            offer = None if offers is None else offers.another()
            self.ladder.append(f"{name} <- INVITE from {caller.number} {offer or '(no offer)'}{by}")
            party = Party(person.id, person.number, person.name)
            legs.append(self._leg(ScriptedLeg(name, party, self.ladder)))
            legs[-1].invited = offer
        self.dialled.extend(legs)
        return legs

    def devices(self, extension: str) -> int:
        person = next(person for person in self.people if person.id == extension)
        return len(self.phones.get(person.number, []))

    def record_call(self, record: CallRecord) -> None:
        self.records.append(record)
        self.ladder.append(f"record {record.cause} by {record.ended_by}")
        self.faults.here()

    def _leg(self, leg: ScriptedLeg) -> ScriptedLeg:
        leg.faults = self.faults
        self.legs.append(leg)
        return leg

    # what a test does

    async def call(
        self, dialled: str, description: str | None = "a", name: str = "anna", *, known: bool = True
    ) -> ScriptedLeg:
        """Somebody dials; with the box's first reaction."""
        anna = self.people[0]
        party = Party(anna.id, anna.number, anna.name) if known else Party(None, "anonymous")
        return await self.call_from(party, name, dialled, description)

    async def call_from(self, party: Party, name: str, dialled: str, description: str | None) -> ScriptedLeg:
        """Dial as `call` does, as anybody."""
        self.ladder.append(f"{name} -> INVITE {dialled} {description or '(no offer)'}")
        offer = None if description is None else sdp(description)
        leg = self._leg(ScriptedLeg(name, party, self.ladder, dialled=dialled, description=offer))
        self.calls.incoming(leg)
        await settle()
        return leg

    async def passes(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)
        await settle()

    def phone(self, name: str = "") -> ScriptedLeg:
        """Return the phone of that name dialled last, any if no name is given. Raises LookupError."""
        for leg in reversed(self.dialled):
            if name in ("", leg.name):
                return leg
        raise LookupError(name)

    def assert_clean(self) -> None:
        """Nothing of any call is left: no call, no port, no leg that still hopes for something."""
        assert not self.calls.active()
        assert not self.media.bridges, "ports were not freed"
        assert all(leg.over for leg in self.legs), "a leg was not hung up"
        assert all(leg.owner is None for leg in self.legs), "an ended call still holds a leg"


def ladder(
    play: Callable[[Exchange], Coroutine[Any, Any, None]], exchange: Callable[[], Exchange] = Exchange
) -> list[str]:
    """Play a scene in virtual time and return its ladder; the exchange must be clean when it is over."""

    async def scene() -> list[str]:
        x = exchange()
        await play(x)
        await settle()
        x.assert_clean()
        return x.ladder

    return run(scene(), VirtualTimeLoop())


def lines(text: str) -> list[str]:
    """Return the lines of an indented block."""
    return [line.strip() for line in text.strip().splitlines()]
