"""Lamps: what an extension's key shows of a call at each step, and when somebody is told."""

import asyncio

from firmware.calls.cause import Cause
from firmware.calls.lamps import GATHER_SECONDS, Lamp, Lamps, Light
from tests.support.legs import Exchange, ladder
from tests.support.virtual_time import VirtualTimeLoop, run


def shown(x: Exchange, extension: str) -> list[tuple[Lamp, bool]]:
    return [(light.lamp, light.initiator) for light in x.calls.lights(extension)]


def test_both_ends_of_a_call_light_up_and_go_out() -> None:
    async def play(x: Exchange) -> None:
        told: list[frozenset[str]] = []
        x.calls.house.lamps.listener = told.append
        anna = await x.call("102")
        assert shown(x, "id-anna") == [(Lamp.TRYING, True)]
        assert shown(x, "id-ben") == [(Lamp.EARLY, False)]
        await x.phone().rings()
        assert shown(x, "id-anna") == [(Lamp.EARLY, True)]
        await x.phone().answers("b")
        assert shown(x, "id-anna") == [(Lamp.CONFIRMED, True)]
        assert shown(x, "id-ben") == [(Lamp.CONFIRMED, False)]
        assert x.calls.lights("id-nobody") == []
        await asyncio.sleep(1)
        assert told == [frozenset({"id-anna", "id-ben"})]
        await anna.hangs_up()
        assert x.calls.lights("id-anna") == []
        await asyncio.sleep(1)
        assert len(told) == 2

    ladder(play)


def test_a_phone_that_refused_goes_dark() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await x.phone().ends(Cause.BUSY)
        assert x.calls.lights("id-ben") == []
        del anna

    ladder(play)


def test_two_calls_are_two_lights() -> None:
    async def play(x: Exchange) -> None:
        first, second = await x.call("102"), await x.call("102", name="again")
        lights = x.calls.lights("id-anna")
        assert [light.lamp for light in lights] == [Lamp.TRYING, Lamp.TRYING]
        assert len({light.call for light in lights}) == 2
        assert all(isinstance(light, Light) for light in lights)
        await first.hangs_up()
        await second.hangs_up()

    ladder(play)


def test_changes_are_gathered() -> None:
    async def main() -> None:
        lamps = Lamps()
        lamps.note(["nobody listens"])
        told: list[frozenset[str]] = []
        lamps.listener = told.append
        lamps.note(["a", None])
        lamps.note(["b"])
        assert told == []
        await asyncio.sleep(GATHER_SECONDS * 2)
        lamps.note([None])
        lamps.note(["a"])
        await asyncio.sleep(GATHER_SECONDS * 2)
        assert told == [frozenset({"a", "b"}), frozenset({"a"})]

    run(main(), VirtualTimeLoop())
