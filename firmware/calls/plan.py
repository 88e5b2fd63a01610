"""The dial plan: what a dialled number means, in an order nobody can change.

1. Emergency numbers, before anything that could shadow or refuse them.
2. Permission: whoever is not one of our extensions may call emergency numbers only.
3. Extensions, by number or alias; ring groups; star codes. None of these can be an emergency number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from firmware.calls.codes import Codes, Feature, Service
from firmware.calls.leg import Party
from firmware.store.model import Forward, Group, Occasion

_SEPARATORS = str.maketrans("", "", "-.() ")  # visual separators, RFC 3966 section 5.1.1
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


@dataclass(frozen=True, slots=True)
class Handling:
    """What an extension wants done with its calls."""

    forwards: dict[Occasion, Forward] = field(default_factory=dict, repr=False)
    dnd: bool = False


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
class NotAllowed:
    """The caller may not call this."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has this number."""


Route = Emergency | Internal | Hunt | Service | NotAllowed | Unknown


@dataclass(frozen=True, slots=True, init=False)
class Plan:
    """An immutable snapshot; a change of extensions or of the site makes a new one."""

    emergency: frozenset[str]
    _parties: dict[str, Party] = field(repr=False)
    _handling: dict[str, Handling] = field(repr=False)
    _hunts: dict[str, Hunt] = field(repr=False)
    _codes: Codes = field(repr=False)

    def __init__(
        self,
        emergency: Iterable[str],
        extensions: Iterable[Callable],
        groups: Iterable[Group] = (),
        codes: Codes | None = None,
    ) -> None:
        """Build the plan. Raises ValueError if there is no emergency number: no box runs without one."""
        numbers = frozenset(number.translate(_SEPARATORS) for number in emergency)
        if not numbers or "" in numbers:
            raise ValueError("a dial plan needs at least one emergency number")
        parties: dict[str, Party] = {}
        people: dict[str, Party] = {}
        handling: dict[str, Handling] = {}
        for extension in extensions:
            people[extension.id] = party = Party(
                extension.id, extension.number, extension.name, extension.private
            )
            if extension.dnd or extension.forwards:
                forwards = {forward.occasion: forward for forward in extension.forwards}
                handling[extension.id] = Handling(forwards, extension.dnd)
            for alias in extension.aliases:
                parties.setdefault(alias.translate(_SEPARATORS), party)
            parties[extension.number.translate(_SEPARATORS)] = party  # a number is stronger than an alias
        object.__setattr__(self, "emergency", numbers)
        object.__setattr__(self, "_parties", parties)
        object.__setattr__(self, "_handling", handling)
        object.__setattr__(self, "_hunts", {group.number: _hunt(group, people) for group in groups})
        object.__setattr__(self, "_codes", codes or Codes({}))

    def is_emergency(self, dialled: str) -> bool:
        """Tell whether this is a call for help."""
        lowered = dialled.lower()
        if lowered == _EMERGENCY_URN or lowered.startswith(_EMERGENCY_URN + "."):
            return True
        return self.presentation(dialled)[0].translate(_SEPARATORS) in self.emergency

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
        if self.is_emergency(dialled):
            return Emergency()
        if caller.extension is None:
            return NotAllowed()
        number = dialled.translate(_SEPARATORS)
        callee = self._parties.get(number)
        if callee is not None and callee.extension is not None:
            return Internal(callee.extension, callee)
        return self._hunts.get(number) or self._codes.find(number) or Unknown()

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
