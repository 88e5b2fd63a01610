"""A day of sixty phones in virtual time leaves nothing behind."""

import asyncio
import gc
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

import pytest

from tests.firmware.lines.day import PHONES, Office, bustle
from tests.support.virtual_time import VirtualTimeLoop, run

HOURS = int(os.environ.get("HOURS","24"))
LOSSY = range(8, 12)


def attributes(thing: object) -> Iterator[tuple[str, object]]:
    """Give what an object holds."""
    yield from getattr(thing, "__dict__", {}).items()
    for base in type(thing).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def tables(*roots: object) -> Counter[str]:
    """Count the entries of every container that objects of the product hold, by class and attribute."""
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [("", root) for root in roots]
    while todo:
        name, thing = todo.pop()
        if id(thing) in seen:
            continue
        if isinstance(thing, dict | WeakKeyDictionary | list | set | deque):
            seen.add(id(thing))
            sizes[name] += len(thing)
            inner = [*thing.keys(), *thing.values()] if isinstance(thing, Mapping) else thing
            todo.extend((f"{name}[]", each) for each in inner)
        elif type(thing).__module__.partition(".")[0] in ("sip", "firmware"):
            seen.add(id(thing))
            kind = type(thing).__name__
            todo.extend((f"{kind}.{attribute}", value) for attribute, value in attributes(thing))
    return sizes


async def measure(office: Office) -> Counter[str]:
    """Take all sizes of this moment."""
    gc.collect()
    sizes = tables(office.line, office.calls)
    sizes["tasks"] = len(asyncio.all_tasks())
    sizes["descriptors"] = len(os.listdir("/proc/self/fd"))
    sizes["objects"] = len(gc.get_objects())
    sizes["blocks"] = sys.getallocatedblocks()
    return sizes


async def live(office: Office) -> list[Counter[str]]:
    hours = []
    for phone in office.handsets:
        phone.live()
    await asyncio.sleep(5)
    for hour in range(HOURS):
        office.quiet = False
        office.loss, office.double = (0.1, 0.05) if hour in LOSSY else (0.0, 0.0)
        end = office.clock.now() + 3600
        await bustle(office, 2900, 10.0)
        office.loss = office.double = 0.0
        await office.renew()
        office.quiet = True
        await asyncio.sleep(200)
        hours.append(await measure(office))
        await asyncio.sleep(end - office.clock.now())
    return hours


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_a_day_leaves_nothing_behind() -> None:
    async def main() -> tuple[Office, list[Counter[str]]]:
        office = Office(24)
        return office, await live(office)

    office, hours = run(main(), VirtualTimeLoop())
    for name in sorted({name for hour in hours for name in hour}):
        print(f"{name:40}", *(hour[name] for hour in hours))
    print(office.datagrams, office.dialled, office.told, office.causes, office.outcomes, sep="\n")
    print(office.line.counters)
    assert 0
