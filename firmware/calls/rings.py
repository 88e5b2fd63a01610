"""Where it rings, who is in a call, who is parked where: what one call knows of the others."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from firmware.calls.leg import Leg, LegEvent, Party, Replaced


class Flow(Protocol):
    """The scope in which phones ring."""

    def adopt(self, leg: Leg) -> None:
        """Take a leg over."""

    def deliver(self, leg: Leg, event: LegEvent) -> None:
        """Take an event of one of its legs."""


class Ring:
    """Phones that ring for one caller."""

    __slots__ = ("_flow", "caller", "phones")

    def __init__(self, flow: Flow, caller: Party, phones: Sequence[Leg]) -> None:
        self._flow = flow
        self.caller = caller
        self.phones = phones

    def take(self, phone: Leg, newcomer: Leg) -> None:
        """Let a leg in that wants the call which one of the phones rings for."""
        self._flow.adopt(newcomer)
        self._flow.deliver(phone, Replaced(newcomer, ringing=True))


class Rings:
    """All of them, the longest first."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: dict[Ring, None] = {}

    def enter(self, ring: Ring) -> None:
        """Note that it rings."""
        self._all[ring] = None

    def leave(self, ring: Ring) -> None:
        """Note that it rings no longer."""
        del self._all[ring]

    def find(self, wanted: Callable[[Ring, Leg], bool]) -> tuple[Ring, Leg] | None:
        """Return the first ring, and its phone, that is wanted."""
        for ring in self._all:
            for phone in ring.phones:
                if not phone.over and wanted(ring, phone):
                    return ring, phone
        return None


class Present:
    """Which extensions are in calls."""

    __slots__ = ("_legs",)

    def __init__(self) -> None:
        self._legs: dict[str, set[Leg]] = {}

    def enter(self, leg: Leg) -> None:
        """Note that a leg is in a call."""
        if leg.party.extension is not None:
            self._legs.setdefault(leg.party.extension, set()).add(leg)

    def leave(self, leg: Leg) -> None:
        """Note that it is no longer."""
        legs = self._legs.get(leg.party.extension or "")
        if legs is not None:
            legs.discard(leg)
            if not legs:
                del self._legs[leg.party.extension or ""]

    def of(self, extension: str) -> list[Leg]:
        """Return the legs of an extension that are in a call, or ring."""
        return [leg for leg in self._legs.get(extension, ()) if not leg.over]

    def busy(self, extension: str) -> bool:
        """Tell whether an extension is in a call, or its phones ring."""
        return bool(self.of(extension))


class Slots:
    """Which slot is taken, and by which leg."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: dict[str, Leg] = {}

    def get(self, number: str) -> Leg | None:
        """Return the leg in a slot."""
        return self._taken.get(number)

    def put(self, number: str, leg: Leg) -> None:
        """Take a slot that is free."""
        self._taken[number] = leg

    def free(self, number: str) -> None:
        """Give a slot back."""
        self._taken.pop(number, None)

    def __iter__(self) -> Iterator[tuple[str, Leg]]:
        return iter(sorted(self._taken.items()))
