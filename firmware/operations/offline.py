"""The same operations while no box runs: on the store alone, under its lock."""

import asyncio
from pathlib import Path
from typing import Any, Final

from firmware.clock import Clock
from firmware.journal.journal import Journal
from firmware.operations.context import Context
from firmware.operations.operation import BoxNeeded
from firmware.operations.registry import REGISTRY, Caller, perform
from firmware.store.keys import FileKey
from firmware.store.store import Store
from provisioning.site import read_site

SITE_FILE: Final = "site.toml"


def perform_offline(directory: str, caller: Caller, name: str, arguments: dict[str, object]) -> Any:
    """Open the store, carry out one operation, close it; raise OperatorError."""
    operation = REGISTRY.get(name)
    if operation is not None and not operation.offline:
        raise BoxNeeded("no box is running on this state directory; start it with `branchline run`")
    clock = Clock()
    journal = Journal(clock)
    store = Store.open(directory, FileKey(directory), clock, journal)
    try:
        journal.audit_to(store.record_audit)
        context = Context(store, journal, clock, lambda: read_site(Path(directory, SITE_FILE)))
        return asyncio.run(perform(context, caller, name, arguments))
    finally:
        store.close()
