"""The dial plan: what a dialled number means, in an order nobody can change.

1. Emergency numbers, before anything that could shadow or refuse them.
2. Permission: whoever is not one of our extensions may call emergency numbers only.
3. Extensions, by number or alias; ring groups; park slots; conference rooms; star codes. None of these can be
   an emergency number.
4. Numbers outside, where the site has lines and the extension may call them.

Callers from outside come by another door: they reach extensions and groups, and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from firmware.calls.codes import Codes, Feature, Service
from firmware.calls.dialling import Dialling
from firmware.calls.leg import Party
from firmware.calls.numbers import plain
from firmware.calls.outside import CallerId
from firmware.store.model import AS_THE_SITE_SAYS, Forward, Group, Occasion, Outward, Reach

_PRESENTATION = frozenset({Feature.WITHHOLD, Feature.SHOW})
_EMERGENCY_URN = "urn:service:sos"  # RFC 5031 section 4.2; sub-services follow after a dot


class Callable(Protocol):
    """What the plan needs of an extension; the store's `Extension` is one."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def aliases(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def forwards(self) -> tuple[Forward, ...]: ...  # noqa: D102
    @property
    def dnd(self) -> bool: ...  # noqa: D102
    @property
    def private(self) -> bool: ...  # noqa: D102
    @property
    def waiting(self) -> bool: ...  # noqa: D102
    @property
    def outward(self) -> Outward: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Handling:
    """What an extension wants done with its calls."""

    forwards: dict[Occasion, Forward] = field(default_factory=dict, repr=False)
    dnd: bool = False
    waiting: bool = True


_AS_USUAL = Handling()


@dataclass(frozen=True, slots=True)
class Emergency:
    """Help is wanted: goes out on whatever line there is, as this number."""

    number: str


@dataclass(frozen=True, slots=True)
class Internal:
    """One of our extensions, by its id, and as the party of the call."""

    extension: str
    callee: Party


@dataclass(frozen=True, slots=True)
class Hunt:
    """A ring group, and those of its members there are; `last` has the call when none of them takes it."""

    group: Group
    members: tuple[Party, ...]
    last: Party | None


@dataclass(frozen=True, slots=True)
class ParkAt:
    """A park slot."""

    number: str


@dataclass(frozen=True, slots=True)
class MeetAt:
    """A conference room; with a `pin` whoever comes must press it."""

    number: str
    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outside:
    """A number outside: E.164 with its +, or a short one; `by` is who calls, or sends on, and may."""

    number: str = field(repr=False)
    reach: Reach
    by: Party


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The caller may not call this; `reach` says what it is where it is outside."""

    reach: Reach | None = None
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has this number."""


Route = Emergency | Internal | Hunt | ParkAt | MeetAt | Service | Outside | NotAllowed | Unknown
Way = Internal | Hunt | Outside
"""Where somebody can be sought."""


@dataclass(frozen=True, slots=True, init=False)
class Plan:
    """An immutable snapshot; a change of extensions or of the site makes a new one.

    `dialling` is None where the site has no lines. `services` names the number of an emergency service
    (RFC 5031) where it is not the first of `emergency`.
    """

    emergency: frozenset[str]
    dialling: Dialling | None
    _help: dict[str, str] = field(repr=False)
    _parties: dict[str, Party] = field(repr=False)
    _handling: dict[str, Handling] = field(repr=False)
    _outward: dict[str, Outward] = field(repr=False)
    _shown: dict[str, str] = field(repr=False)
    _hunts: dict[str, Hunt] = field(repr=False)
    _codes: Codes = field(repr=False)
    slots: dict[str, ParkAt]
    rooms: dict[str, MeetAt]

    def __init__(
        self,
        emergency: Iterable[str],
        extensions: Iterable[Callable],
        groups: Iterable[Group] = (),
        codes: Codes | None = None,
        dialling: Dialling | None = None,
        services: Mapping[str, str] | None = None,
        slots: Iterable[str] = (),
        rooms: Iterable[MeetAt] = (),
    ) -> None:
        """Build the plan. Of the park slots and rooms those remain whose number nobody has.

        Raises ValueError if there is no emergency number: no box runs without one.
        """
        numbers = [plain(number) for number in emergency]
        if not numbers or "" in numbers:
            raise ValueError("a dial plan needs at least one emergency number")
        parties: dict[str, Party] = {}
        people: dict[str, Party] = {}
        handling: dict[str, Handling] = {}
        outward: dict[str, Outward] = {}
        shown: dict[str, str] = {}
        for extension in extensions:
            people[extension.id] = party = Party(
                extension.id, extension.number, extension.name, extension.private
            )
            if extension.dnd or extension.forwards or not extension.waiting:
                forwards = {forward.occasion: forward for forward in extension.forwards}
                handling[extension.id] = Handling(forwards, extension.dnd, extension.waiting)
            if extension.outward is not AS_THE_SITE_SAYS:
                outward[extension.id] = extension.outward
            for alias in extension.aliases:
                parties.setdefault(plain(alias), party)
                key = None if dialling is None else dialling.numbering.full(alias)
                if key is not None:
                    parties.setdefault(key, party)
            if dialling is not None:
                own = (extension.number, *extension.aliases)
                shown[extension.id] = dialling.shown(extension.outward, own)
            parties[plain(extension.number)] = party  # a number is stronger than an alias
        object.__setattr__(self, "emergency", frozenset(numbers))
        object.__setattr__(self, "dialling", dialling)
        object.__setattr__(self, "_help", _help(numbers, dialling, services or {}))
        object.__setattr__(self, "_parties", parties)
        object.__setattr__(self, "_handling", handling)
        object.__setattr__(self, "_outward", outward)
        object.__setattr__(self, "_shown", shown)
        object.__setattr__(self, "_hunts", {group.number: _hunt(group, people) for group in groups})
        object.__setattr__(self, "_codes", codes or Codes({}))
        taken = {*numbers, *parties, *self._hunts}
        object.__setattr__(self, "slots", {slot: ParkAt(slot) for slot in slots if slot not in taken})
        taken |= self.slots.keys()
        object.__setattr__(self, "rooms", {room.number: room for room in rooms if room.number not in taken})

    def is_emergency(self, dialled: str) -> bool:
        """Tell whether this is a call for help."""
        return self.help(dialled) is not None

    def help(self, dialled: str) -> str | None:
        """Return the emergency number that is meant, None if this is no call for help."""
        dialled, _ = self.presentation(dialled)
        found = self._help.get(plain(dialled))
        if found is not None:
            return found
        lowered = dialled.lower()
        if lowered == _EMERGENCY_URN or lowered.startswith(_EMERGENCY_URN + "."):
            return self._help.get(lowered, self._help[_EMERGENCY_URN])
        return None

    def presentation(self, dialled: str) -> tuple[str, bool | None]:
        """Return the number behind a code that hides or shows who calls, and which; None: neither."""
        private: bool | None = None
        while dialled[:1] in {"*", "#"}:
            service = self._codes.find(dialled)
            if service is None or service.feature not in _PRESENTATION or not service.number:
                break
            dialled, private = service.number, service.feature is Feature.WITHHOLD
        return dialled, private

    def route(self, dialled: str, caller: Party) -> Route:
        """Decide what becomes of a call."""
        if caller.line is not None:
            return self._incoming(dialled)
        help_number = self.help(dialled)
        if help_number is not None:
            return Emergency(help_number)
        if caller.extension is None:
            return NotAllowed()
        number = plain(dialled)
        found = (
            self._inside(number)
            or self.slots.get(number)
            or self.rooms.get(number)
            or self._codes.find(number)
        )
        if found is not None:
            return found if self._may(caller, Reach.INTERNAL) else NotAllowed()
        return Unknown() if self.dialling is None else self._outside(self.dialling, number, caller)

    def feature(self, dialled: str, caller: Party) -> ParkAt | Service | None:
        """Return the slot or code that a number is to who may dial it, None for whatever else it means."""
        number = plain(dialled)
        if caller.extension is None or self.is_emergency(dialled) or self._inside(number) is not None:
            return None
        found = self.slots.get(number) or self._codes.find(number)
        return found if self._may(caller, Reach.INTERNAL) else None

    def together(self, one: str, other: str) -> bool:
        """Tell whether two extensions are one or members of one ring group."""
        return one == other or any(
            {one, other} <= {member.extension for member in hunt.members} for hunt in self._hunts.values()
        )

    def handling(self, extension: str) -> Handling:
        """Return what an extension wants done with its calls."""
        return self._handling.get(extension, _AS_USUAL)

    def outward(self, extension: str) -> Outward:
        """Return what an extension may do outside."""
        return self._outward.get(extension, AS_THE_SITE_SAYS)

    def caller_id(self, caller: Party, by: Party) -> CallerId:
        """Return who a line is told is calling, by no name; for callers from outside, who sends them on."""
        who = caller if caller.extension is not None else by
        main = "" if self.dialling is None else self.dialling.main
        return CallerId(self._shown.get(who.extension or "", main), private=caller.private or by.private)

    def help_id(self, caller: Party) -> CallerId:
        """Return who an emergency service is told is calling, and can call back: never withheld."""
        own = self.outward(caller.extension or "").help_number
        return CallerId(own) if own else replace(self.caller_id(caller, caller), private=False)

    def onward(self, target: str, by: Party, caller: Party | None = None) -> Way | None:
        """Return where a forward of `by` leads for a caller.

        None where it may not lead: help, nobody, themselves, what `by` may not call, and outside for callers
        from outside unless the site lets them.
        """
        route = self.route(target, by)
        if isinstance(route, Internal):
            return None if route.extension == by.extension else route
        if isinstance(route, Outside):
            return route if self.may_leave(caller) else None
        return route if isinstance(route, Hunt) else None

    def may_leave(self, caller: Party | None) -> bool:
        """Tell whether somebody may be sent on to a number outside: not who came from there, as a rule."""
        return caller is None or caller.line is None or (self.dialling is not None and self.dialling.send_on)

    def _inside(self, number: str) -> Internal | Hunt | None:
        callee = self._parties.get(number)
        if callee is not None and callee.extension is not None:
            return Internal(callee.extension, callee)
        return self._hunts.get(number)

    def _outside(self, dialling: Dialling, number: str, caller: Party) -> Route:
        country = ""
        service = dialling.service(number)
        if service is not None:
            key, reach = service
        else:
            found = dialling.numbering.key(number)
            if found is None:
                return Unknown()
            key = found
            own = self._own(dialling, key)
            if own is not None:
                return own if self._may(caller, Reach.INTERNAL) else NotAllowed()
            reach, country = dialling.reaches(key)
        if not dialling.allows(self.outward(caller.extension or ""), reach, country):
            return NotAllowed(reach, key)
        return Outside(key, reach, caller)

    def _own(self, dialling: Dialling, key: str) -> Internal | Hunt | None:
        """Return who has one of the site's own numbers."""
        inner = dialling.inside(key)
        return self._inside(key) or (None if inner is None else self._inside(inner))

    def _incoming(self, dialled: str) -> Internal | Hunt | Unknown:
        """Return whom a call from outside is for: by number, by rule, else the reception."""
        found: Internal | Hunt | None = None
        if self.dialling is not None:
            for key in self.dialling.numbering.received(dialled):
                found = found or self._own(self.dialling, key)
        found = found or self._inside(plain(dialled))
        if found is None and self.dialling is not None:
            found = self._inside(self.dialling.reception)
        return found or Unknown()

    def _may(self, caller: Party, reach: Reach) -> bool:
        reaches = self.outward(caller.extension or "").reach
        if reaches is None:
            return self.dialling is None or reach in self.dialling.allow
        return reach in reaches


def _hunt(group: Group, people: dict[str, Party]) -> Hunt:
    members = tuple(people[each] for each in group.members if each in people)
    return Hunt(group, members, people.get(group.last or ""))


def _help(numbers: list[str], dialling: Dialling | None, services: Mapping[str, str]) -> dict[str, str]:
    """Return everything that calls for help and the number it means; the numbers themselves come last."""
    outside = "" if dialling is None else dialling.numbering.outside
    found = {outside + number: number for number in numbers}
    found |= {f"{_EMERGENCY_URN}.{name}": number for name, number in services.items()}
    found[_EMERGENCY_URN] = numbers[0]
    return {**found, **{number: number for number in numbers}}
