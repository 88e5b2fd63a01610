"""The dial plan: what a dialled number means, in an order nobody can change.

1. Emergency numbers, before anything that could shadow or refuse them.
2. Permission: whoever is not one of our extensions may call emergency numbers only.
3. Extensions, by number or alias.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from firmware.calls.leg import Party

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


@dataclass(frozen=True, slots=True)
class Emergency:
    """Help is wanted: goes out on whatever line there is."""


@dataclass(frozen=True, slots=True)
class Internal:
    """One of our extensions, by its id, and as the party of the call."""

    extension: str
    callee: Party


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The caller may not call this."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has this number."""


Route = Emergency | Internal | NotAllowed | Unknown


@dataclass(frozen=True, slots=True, init=False)
class Plan:
    """An immutable snapshot; a change of extensions or of the site makes a new one."""

    emergency: frozenset[str]
    _parties: dict[str, Party] = field(repr=False)

    def __init__(self, emergency: Iterable[str], extensions: Iterable[Callable]) -> None:
        """Build the plan. Raises ValueError if there is no emergency number: no box runs without one."""
        numbers = frozenset(number.translate(_SEPARATORS) for number in emergency)
        if not numbers or "" in numbers:
            raise ValueError("a dial plan needs at least one emergency number")
        parties: dict[str, Party] = {}
        for extension in extensions:
            party = Party(extension.id, extension.number, extension.name)
            for alias in extension.aliases:
                parties.setdefault(alias.translate(_SEPARATORS), party)
            parties[extension.number.translate(_SEPARATORS)] = party  # a number is stronger than an alias
        object.__setattr__(self, "emergency", numbers)
        object.__setattr__(self, "_parties", parties)

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
        callee = self._parties.get(dialled.translate(_SEPARATORS))
        if callee is None or callee.extension is None:
            return Unknown()
        return Internal(callee.extension, callee)
