"""The dial plan: what a dialled number means, in an order nobody can change.

1. Emergency numbers, before anything that could shadow or refuse them.
2. Permission: whoever is not one of our extensions may call emergency numbers only.
3. Extensions, by number or alias; ring groups; park slots; star codes. None of these can be an emergency
   number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from firmware.calls.codes import Codes, Service
from firmware.calls.leg import Party
from firmware.store.model import Forward, Group, Occasion

_SEPARATORS = str.maketrans("", "", "-.() ")  # visual separators, RFC 3966 section 5.1.1
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
    def waiting(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Handling:
    """What an extension wants done with its calls."""

    forwards: dict[Occasion, Forward] = field(default_factory=dict, repr=False)
    dnd: bool = False
    waiting: bool = True


_AS_USUAL = Handling()


@dataclass(frozen=True, slots=True)
class Emergency:
    """Help is wanted: goes out on whatever line there is."""


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
class NotAllowed:
    """The caller may not call this."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has this number."""


Route = Emergency | Internal | Hunt | ParkAt | Service | NotAllowed | Unknown


@dataclass(frozen=True, slots=True, init=False)
class Plan:
    """An immutable snapshot; a change of extensions or of the site makes a new one."""

    emergency: frozenset[str]
    _parties: dict[str, Party] = field(repr=False)
    _handling: dict[str, Handling] = field(repr=False)
    _hunts: dict[str, Hunt] = field(repr=False)
    _codes: Codes = field(repr=False)
    slots: dict[str, ParkAt]

    def __init__(
        self,
        emergency: Iterable[str],
        extensions: Iterable[Callable],
        groups: Iterable[Group] = (),
        codes: Codes | None = None,
        slots: Iterable[str] = (),
    ) -> None:
        """Build the plan. Of the park slots those remain whose number nobody has.

        Raises ValueError if there is no emergency number: no box runs without one.
        """
        numbers = frozenset(number.translate(_SEPARATORS) for number in emergency)
        if not numbers or "" in numbers:
            raise ValueError("a dial plan needs at least one emergency number")
        parties: dict[str, Party] = {}
        people: dict[str, Party] = {}
        handling: dict[str, Handling] = {}
        for extension in extensions:
            people[extension.id] = party = Party(extension.id, extension.number, extension.name)
            if extension.dnd or extension.forwards or not extension.waiting:
                forwards = {forward.occasion: forward for forward in extension.forwards}
                handling[extension.id] = Handling(forwards, extension.dnd, extension.waiting)
            for alias in extension.aliases:
                parties.setdefault(alias.translate(_SEPARATORS), party)
            parties[extension.number.translate(_SEPARATORS)] = party  # a number is stronger than an alias
        object.__setattr__(self, "emergency", numbers)
        object.__setattr__(self, "_parties", parties)
        object.__setattr__(self, "_handling", handling)
        object.__setattr__(self, "_hunts", {group.number: _hunt(group, people) for group in groups})
        object.__setattr__(self, "_codes", codes or Codes({}))
        taken = {*numbers, *parties, *self._hunts}
        object.__setattr__(self, "slots", {slot: ParkAt(slot) for slot in slots if slot not in taken})

    def is_emergency(self, dialled: str) -> bool:
        """Tell whether this is a call for help."""
        lowered = dialled.lower()
        if lowered == _EMERGENCY_URN or lowered.startswith(_EMERGENCY_URN + "."):
            return True
        return dialled.translate(_SEPARATORS) in self.emergency

    def route(self, dialled: str, caller: Party) -> Route:
        """Decide what becomes of a call."""
        if self.is_emergency(dialled):
            return Emergency()
        if caller.extension is None:
            return NotAllowed()
        number = dialled.translate(_SEPARATORS)
        callee = self._parties.get(number)
        if callee is not None and callee.extension is not None:
            return Internal(callee.extension, callee)
        return self._hunts.get(number) or self.slots.get(number) or self._codes.find(number) or Unknown()

    def feature(self, dialled: str) -> ParkAt | Service | None:
        """Return the slot or code that a number is, None for whatever else it means."""
        number = dialled.translate(_SEPARATORS)
        if self.is_emergency(dialled) or number in self._parties or number in self._hunts:
            return None
        return self.slots.get(number) or self._codes.find(number)

    def together(self, one: str, other: str) -> bool:
        """Tell whether two extensions are one or members of one ring group."""
        return one == other or any(
            {one, other} <= {member.extension for member in hunt.members} for hunt in self._hunts.values()
        )

    def handling(self, extension: str) -> Handling:
        """Return what an extension wants done with its calls."""
        return self._handling.get(extension, _AS_USUAL)

    def onward(self, target: str, by: Party) -> Internal | Hunt | None:
        """Return where a forward of `by` leads; None where it may not lead: help, nobody, themselves."""
        route = self.route(target, by)
        if isinstance(route, Hunt) or (isinstance(route, Internal) and route.extension != by.extension):
            return route
        return None


def _hunt(group: Group, people: dict[str, Party]) -> Hunt:
    members = tuple(people[each] for each in group.members if each in people)
    return Hunt(group, members, people.get(group.last or ""))
