"""What operations act on: the store always, the running box where there is one."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from firmware.clock import Clock
from firmware.journal.journal import Journal
from firmware.operations.operation import BoxNeeded
from firmware.store.store import Store
from provisioning.site import Site

if TYPE_CHECKING:
    from firmware.calls.decisions import Decision

T = TypeVar("T")

OFFLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone registered for an extension."""

    transport: str
    address: str
    remaining: float
    """Seconds until the registration lapses."""


@dataclass(frozen=True, slots=True)
class ActiveCall:
    """A call that is running: its state is one of dialling, ringing, talking."""

    id: str
    state: str
    caller: str
    callee: str
    since: float
    answered: float | None


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody in a conference. `since` is in unix seconds, `speaking`: the loudest there just now.

    `muted`: nobody hears them, as they wanted; `locked`: nobody else is let in.
    """

    room: str
    call: str
    who: str
    since: float
    speaking: bool
    muted: bool
    locked: bool


@dataclass(frozen=True, slots=True)
class Parked:
    """Somebody in a park slot, by whom, and since when in unix seconds."""

    slot: str
    call: str
    who: str
    by: str
    since: float


@dataclass(frozen=True, slots=True)
class TrunkView:
    """How a trunk is: `until` is when its registration lapses (unix seconds), `failure` why it is down.

    `server` is where it was last found, "" where nobody is known. `password`: whether it has one.
    """

    name: str
    mode: str
    server: str
    up: bool
    until: float | None
    failure: str
    calls: int
    most: int
    password: bool


class Live(Protocol):
    """What main lends the operations of a running box."""

    def site(self) -> Site:
        """Return the site in force."""
        ...

    def phones(self, extension: str) -> Sequence[Phone]:
        """Return the phones registered for an extension id."""
        ...

    def active_calls(self) -> Sequence[ActiveCall]:
        """Return the running calls."""
        ...

    def parked(self) -> Sequence[Parked]:
        """Return who is parked."""
        ...

    def conferences(self) -> Sequence[Attendee]:
        """Return who is in a conference room."""
        ...

    def hangup(self, call: str) -> bool:
        """End a running call; False when there is none of that id."""
        ...

    def extension_changed(self, extension: str | None) -> None:
        """Make new calls and registrations follow the store; None: any number of extensions changed."""
        ...

    def trunks(self) -> Sequence[TrunkView]:
        """Return how the trunks are, in the order of the site file."""
        ...

    def outside_calls(self, extension: str) -> tuple[int, int]:
        """Return how many calls outside an extension (its id) has now, and began within the hour."""
        ...

    def forget_calls(self, extension: str | None) -> None:
        """Begin the count of the hour anew for an extension; None: for all, and for the lines."""
        ...

    def decisions(self) -> "Sequence[Decision]":
        """Return what the box refused by itself within the week, newest first."""
        ...

    def take_back(self, number: int) -> "Decision | None":
        """Take such a decision back and return it; None if there is none of that number."""
        ...

    def trunk_changed(self, name: str) -> None:
        """Have a trunk use the password the store has now."""
        ...

    async def reload(self) -> Sequence[str]:
        """Put the site file into force; return each difference in words. Raises SiteError."""
        ...

    def stop(self) -> None:
        """Begin to shut down."""
        ...

    async def counters(self) -> dict[str, int]:
        """Return what was refused, dropped or odd since the start."""
        ...

    def listeners(self) -> Sequence[str]:
        """Return where the box listens now."""
        ...

    def started(self) -> float:
        """Return when the box started, in unix seconds."""
        ...

    def memory(self) -> int:
        """Return the PSS of all processes of the box in bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What one operation may use. Without `live` the operation runs on the store alone, under its lock."""

    store: Store
    journal: Journal
    clock: Clock
    site: Callable[[], Site]
    live: Live | None = None

    async def durable(self, write: "Future[T]") -> T:
        """Wait until the store has put something on the disk; raises what the store refused it with."""
        return await asyncio.wait_for(asyncio.wrap_future(write), OFFLINE_SECONDS)

    def box(self) -> Live:
        """Return the running box, or refuse."""
        if self.live is None:
            raise BoxNeeded("no box is running on this state directory; start it with `branchline run`")
        return self.live
