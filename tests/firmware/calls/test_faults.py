"""A fault at every await of a call, and at every word it says to its house: it ends alone, and cleanly."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from firmware.calls.call import Call
from firmware.calls.cause import Cause
from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Settings
from firmware.calls.leg import Party
from firmware.labels import Personal
from tests.support.injection import Injector, Kind
from tests.support.legs import Exchange, Faults, Person, ScriptedBridge, ScriptedLeg, victim
from tests.support.virtual_time import VirtualTimeLoop, run, settle

NEIGHBOURS = 19
Scene = Callable[[Exchange, int], Coroutine[Any, Any, None]]


async def full_call(x: Exchange, n: int) -> None:
    """Play two phones, early media, hold, a re-INVITE without offer, resume, hang-up."""
    caller = await dial(x, n, "a")
    desk, cordless = x.phone(f"desk{n}"), x.phone(f"cordless{n}")
    await desk.rings()
    await cordless.plays("early")
    await asyncio.sleep(3)
    await desk.answers("b")
    await asyncio.sleep(1)
    await caller.offers("hold")
    await desk.accepts("held")
    await asyncio.sleep(1)
    await desk.offers(None)
    await desk.accepts("b2")
    await caller.accepts("a2")
    await asyncio.sleep(1)
    await desk.offers("resume")
    await caller.accepts("resumed")
    await asyncio.sleep(1)
    await caller.hangs_up()


async def offerless_call(x: Exchange, n: int) -> None:
    """Play a call whose caller came without an offer, and which ends while a change is under way."""
    caller = await dial(x, n, None)
    await x.phone(f"desk{n}").rings()
    await x.phone(f"desk{n}").answers("b")
    await asyncio.sleep(1)
    await caller.accepts("a")
    await asyncio.sleep(1)
    await caller.offers("hold")
    await x.phone(f"desk{n}").hangs_up()


async def picked_up_call(x: Exchange, n: int) -> None:
    """Play a pickup, then a parking of who called, the time over, and somebody who dials the slot."""
    caller = await dial(x, n, "a")
    try:
        await _picked_up_and_parked(x, n, caller)
    finally:
        await caller.hangs_up()


async def _picked_up_and_parked(x: Exchange, n: int, caller: ScriptedLeg) -> None:
    await x.phone(f"desk{n}").rings()
    taker = await x.call_from(Party(f"to{n}", f"2{n:02}", ""), f"cordless{n}", f"**2{n:02}", "t")
    await asyncio.sleep(1)
    await taker.accepts("t2")
    await asyncio.sleep(1)
    await taker.refers(f"3{n:02}")
    await caller.accepts("quiet")
    await asyncio.sleep(70)
    await x.phone(f"desk{n}").ends(Cause.BUSY)
    await asyncio.sleep(1)
    again = await x.call_from(Party(f"to{n}", f"2{n:02}", ""), f"desk{n}", f"3{n:02}", "d")
    await caller.accepts("a2")
    await asyncio.sleep(1)
    await again.hangs_up()


async def dial(x: Exchange, n: int, offer: str | None) -> ScriptedLeg:
    return await x.call_from(Party(f"from{n}", f"1{n:02}", ""), f"caller{n}", f"2{n:02}", offer)


def street(scene: Scene, injector: Injector, faults: Faults) -> Exchange:
    """Play twenty calls at once in one house, number 0 the victim; check what must hold whatever happens."""

    async def play() -> Exchange:
        x = Exchange(
            [Person(f"to{n}", f"2{n:02}", "") for n in range(NEIGHBOURS + 1)],
            Settings(park_seconds=60),
            faults,
            codes=Codes({Feature.PICKUP: "**"}),
            slots=[f"3{n:02}" for n in range(NEIGHBOURS + 1)],
        )
        x.phones = {f"2{n:02}": [f"desk{n}", f"cordless{n}"] for n in range(NEIGHBOURS + 1)}
        await asyncio.gather(*(one(x, n) for n in range(NEIGHBOURS + 1)))
        await asyncio.sleep(100)  # whatever would still tick has fired by now
        await settle()
        x.assert_clean()
        first = sorted(record.caller or "" for record in x.records if record.caller != "to0")
        assert first == sorted(f"from{n}" for n in range(NEIGHBOURS + 1)), "not one record for every call"
        return x

    async def one(x: Exchange, n: int) -> None:
        victim.set(n == 0)
        try:
            await scene(x, n)
        except LookupError:
            assert n == 0, "a neighbour's phone was never dialled"

    loop = VirtualTimeLoop()
    loop.set_task_factory(injector)
    return run(play(), loop)


def story(x: Exchange, n: int) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return what one call said and left behind."""
    names = {f"caller{n}", f"desk{n}", f"cordless{n}"}
    said = [line for line in x.ladder if line.split()[0] in names]
    kept: list[tuple[object, ...]] = [
        (r.cause, r.ended_by, r.started, r.answered, r.ended) for r in x.records if r.caller == f"from{n}"
    ]
    return said, kept


def injector(at: int = 0, kind: Kind = Kind.ERROR) -> Injector:
    return Injector("firmware/calls/", at, kind)


def assert_neighbours_unharmed(x: Exchange, calm: Exchange) -> None:
    for n in range(1, NEIGHBOURS + 1):
        assert story(x, n) == story(calm, n)


async def operator_hangs_up(x: Exchange, n: int) -> None:
    """Play a call that is cancelled from outside while it talks."""
    await dial(x, n, "a")
    await x.phone(f"desk{n}").answers("b")
    x.calls.hangup(next(view.id for view in x.calls.active() if view.callee == Personal("ext", f"2{n:02}")))
    await settle()


SCENES = pytest.mark.parametrize("scene", [full_call, offerless_call])


@SCENES
@pytest.mark.parametrize("kind", list(Kind))
def test_fault_at_every_await(scene: Scene, kind: Kind) -> None:
    counting = injector()
    calm = street(scene, counting, Faults())
    assert counting.steps >= 9
    for at in range(1, counting.steps + 1):
        x = street(scene, injector(at, kind), Faults())
        _, kept = story(x, 0)
        assert [record[:2] for record in kept] == [("failed", "box")], f"step {at}"
        assert_neighbours_unharmed(x, calm)


@pytest.mark.parametrize("kind", list(Kind))
def test_fault_at_every_await_of_a_pickup_and_a_parking(kind: Kind) -> None:
    """As above, but a transfer that is cancelled has failed and no more: the call it was in goes on."""
    counting = injector()
    calm = street(picked_up_call, counting, Faults())
    assert counting.steps >= 12
    failed = 0
    for at in range(1, counting.steps + 1):
        x = street(picked_up_call, injector(at, kind), Faults())
        _, [first, *_] = story(x, 0)
        failed += first[:2] == ("failed", "box")
        assert kind is not Kind.ERROR or first[:2] == ("failed", "box"), f"step {at}"
        assert not list(x.calls.house.slots), f"step {at}: a slot was not freed"
        assert not x.calls.house.present._legs, f"step {at}: somebody is said to be in a call"
        assert_neighbours_unharmed(x, calm)
    assert failed >= 6


@pytest.mark.parametrize("scene", [full_call, offerless_call, picked_up_call])
def test_fault_in_everything_a_call_asks_of_its_house(scene: Scene) -> None:
    counting = Faults()
    calm = street(scene, injector(), counting)
    assert counting.count > 10
    for at in range(1, counting.count + 1):
        x = street(scene, injector(), Faults(at))
        assert_neighbours_unharmed(x, calm)
        assert any(kind.name.startswith("call.fault") for kind, _ in x.events), f"fault {at} was not told"


@pytest.mark.parametrize("scene", [full_call, offerless_call, picked_up_call, operator_hangs_up])
def test_a_finished_call_leaves_nothing_for_the_collector(scene: Scene) -> None:
    def leftovers() -> list[object]:
        kinds = (Call, ScriptedBridge, asyncio.Task)
        return [thing for thing in gc.get_objects() if isinstance(thing, kinds)]

    gc.collect()
    gc.disable()
    try:
        before = len(leftovers())
        street(scene, injector(), Faults())
        assert len(leftovers()) == before
    finally:
        gc.enable()
