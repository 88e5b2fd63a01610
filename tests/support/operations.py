"""Operations without a box: a real store in a directory, and a live box that is only written down."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from firmware.calls.decisions import Decision
from firmware.clock import Clock
from firmware.journal import Journal
from firmware.operations.context import ActiveCall, Attendee, Context, Parked, Phone, TrunkView
from firmware.operations.operation import Role
from firmware.operations.registry import Caller, perform
from firmware.store import FileKey, Store
from provisioning.site import Site, parse_site
from provisioning.site_default import default_site

ADMINISTRATOR = Caller(Role.ADMINISTRATOR)
SITE = parse_site(default_site("192.0.2.1"))


class WrittenLive:
    """A running box as a list of what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.calls: list[ActiveCall] = []
        self.slots: list[Parked] = []
        self.attendees: list[Attendee] = []
        self.registered: dict[str, list[Phone]] = {}
        self.changes: list[str] = []
        self.fails: Exception | None = None
        self.lines: list[TrunkView] = []
        self.decided: list[Decision] = []

    def site(self) -> Site:
        return SITE

    def phones(self, extension: str) -> Sequence[Phone]:
        return self.registered.get(extension, [])

    def active_calls(self) -> Sequence[ActiveCall]:
        return self.calls

    def conferences(self) -> Sequence[Attendee]:
        return self.attendees

    def parked(self) -> Sequence[Parked]:
        return self.slots

    def hangup(self, call: str) -> bool:
        self.told.append(("hangup", call))
        return any(one.id == call for one in self.calls)

    def trunks(self) -> Sequence[TrunkView]:
        return self.lines

    def outside_calls(self, extension: str) -> tuple[int, int]:
        self.told.append(("outside", extension))
        return (1, 7)

    def forget_calls(self, extension: str | None) -> None:
        self.told.append(("forget", extension))

    def decisions(self) -> Sequence[Decision]:
        return self.decided

    def take_back(self, number: int) -> Decision | None:
        self.told.append(("take back", number))
        return next((one for one in self.decided if one.number == number), None)

    def trunk_changed(self, name: str) -> None:
        self.told.append(("trunk", name))

    def extension_changed(self, extension: str | None) -> None:
        self.told.append(("changed", extension))

    async def reload(self) -> Sequence[str]:
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return self.changes

    def stop(self) -> None:
        self.told.append("stop")

    async def counters(self) -> dict[str, int]:
        return {"refused": 3}

    def listeners(self) -> Sequence[str]:
        return ["udp 192.0.2.1:5060"]

    def started(self) -> float:
        return 1000.0

    def memory(self) -> int:
        return 30_000_000


@contextlib.contextmanager
def opened(directory: Path, live: WrittenLive | None = None) -> Iterator[Context]:
    """Open the store of a directory, making it when there is none, with everything an operation wants."""
    clock = Clock()
    journal = Journal(clock)
    keys = FileKey.create(str(directory))
    if Store.exists(str(directory)):
        store = Store.open(str(directory), keys, clock, journal)
    else:
        store = Store.create(str(directory), keys, clock, journal)
    try:
        journal.audit_to(store.record_audit)
        yield Context(store, journal, clock, lambda: SITE, live)
    finally:
        store.close()


def carry_out(context: Context, name: str, caller: Caller = ADMINISTRATOR, /, **arguments: object) -> Any:
    """Carry out one operation and return its JSON answer."""
    return asyncio.run(perform(context, caller, name, arguments))
