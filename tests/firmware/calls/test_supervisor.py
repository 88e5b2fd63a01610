"""`Calls`: load, emergency, the operator's hand, shutdown, and the record's true times."""

import asyncio
import contextlib
import re

import pytest

from firmware.calls.call import State
from firmware.calls.cause import Cause
from firmware.calls.house import Settings
from firmware.journal import Level
from tests.support.legs import Exchange, ScriptedLeg, ladder, lines
from tests.support.virtual_time import run, settle


def test_record_has_the_true_times_by_both_clocks() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        await asyncio.sleep(4)
        await x.phone().answers("b")
        await asyncio.sleep(10)
        await anna.hangs_up()
        [record] = x.records
        assert record.answered is not None
        assert record.answered_boot is not None
        assert record.answered - record.started == pytest.approx(4)
        assert record.ended - record.answered == pytest.approx(10)
        assert record.answered_boot - record.started_boot == pytest.approx(4)
        assert record.ended_boot - record.answered_boot == pytest.approx(10)
        assert (record.caller, record.callee, record.dialled) == ("id-anna", "id-ben", "102")

    ladder(play)


def test_full_box_refuses_but_never_an_emergency() -> None:
    async def play(x: Exchange) -> None:
        first = await x.call("102")
        await x.call("102", name="carl")
        await x.call("112", name="dora", known=False)
        assert x.calls.refused == 1
        await first.ends(Cause.CANCELLED)
        again = await x.call("102", name="emil")
        await again.ends(Cause.CANCELLED)

    said = ladder(play, lambda: Exchange(settings=Settings(max_calls=1)))
    assert "carl <- hangup overload" in said
    assert "dora <- hangup no-line" in said
    assert "emil <- hangup overload" not in said


def test_above_four_fifths_only_what_helps_calls_there_are_finds_room() -> None:
    async def play(x: Exchange) -> None:
        callers = [await x.call("102", name=name) for name in ("anna", "carl", "dora")]
        assert not x.calls.turns_away("102")
        callers.append(await x.call("102", name="emil"))
        assert [x.calls.turns_away(number) for number in ("102", "103", "112", "**102", "*68")] == [
            True, True, False, False, False,
        ]  # fmt: skip
        assert x.calls.refused == 2
        await x.call("102", name="fred")  # whoever passed that has the rest
        await callers[0].ends(Cause.CANCELLED)
        await callers[1].ends(Cause.CANCELLED)
        assert not x.calls.turns_away("102")
        x.media.full = True
        assert x.calls.turns_away("102")
        x.media.full = False
        told = [kind.name for kind, _ in x.events if kind.name in {"call.crowded", "call.room"}]
        assert told == ["call.crowded", "call.room", "call.crowded"]
        await x.calls.close()

    ladder(play, lambda: Exchange(settings=Settings(max_calls=5)))


def test_emergency_without_a_line_ends_honestly_and_loudly() -> None:
    async def play(x: Exchange) -> None:
        await x.call("911", known=False)
        [alarm] = [kind for kind, _ in x.events if kind.level is Level.ALARM]
        assert alarm.name == "call.emergency.no_line"
        assert x.records[0].kind.value == "emergency"

    assert ladder(play) == lines("""
        anna -> INVITE 911 a
        anna <- hangup no-line
        record no-line by box
    """)


def test_a_stranger_may_call_nobody_else() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102", known=False)

    assert ladder(play)[-2:] == ["anna <- hangup not-allowed", "record not-allowed by box"]


def test_no_ports_left() -> None:
    async def play(x: Exchange) -> None:
        x.media.full = True
        await x.call("102")

    assert ladder(play)[-2:] == ["anna <- hangup overload", "record overload by box"]


def test_operator_sees_and_ends_a_call() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        assert x.calls.active()[0].state is State.DIALLING
        await x.phone().rings()
        assert x.calls.active()[0].state is State.RINGING
        await x.phone().answers("b")
        [view] = x.calls.active()
        assert view.state is State.TALKING
        assert view.answered is not None
        assert "102" not in re.sub("[0-9a-f]{6,}", "", repr(view))  # random ids may hold anything
        assert not x.calls.hangup("no such call")
        assert x.calls.hangup(view.id)
        await settle()

    assert ladder(play)[-3:] == lines("""
        anna <- hangup normal
        ben <- hangup normal
        record normal by box
    """)


def test_close_ends_every_call_and_takes_no_more() -> None:
    async def play(x: Exchange) -> None:
        await x.call("102")
        await x.phone().answers("b")
        await x.call("102", name="carl")
        await x.calls.close()
        assert not x.calls.active()
        await x.call("102", name="dora")
        await x.calls.close()

    said = ladder(play)
    assert said.count("record shutdown by box") == 2
    assert [line for line in said if line.endswith("hangup shutdown")] == [
        f"{name} <- hangup shutdown" for name in ("anna", "ben", "carl", "ben", "dora")
    ]


def test_close_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        x = Exchange()
        stuck = asyncio.Event()

        async def deaf(*_: object) -> None:
            while not stuck.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await stuck.wait()

        anna = await x.call("102")
        await x.phone().answers("b")
        monkeypatch.setattr(ScriptedLeg, "offer", deaf)
        await anna.offers("hold")
        start = asyncio.get_running_loop().time()
        await x.calls.close()
        assert asyncio.get_running_loop().time() - start <= 2.5
        x.assert_clean()
        assert [record.cause for record in x.records] == ["shutdown"]
        stuck.set()
        await settle()
        assert len(x.records) == 1

    run(play())


def test_a_new_plan_serves_new_calls() -> None:
    from firmware.calls.plan import Plan

    async def play(x: Exchange) -> None:
        anna = await x.call("102")
        x.calls.plan = Plan(("112",), ())
        await x.call("102", name="carl")
        await x.phone().answers("b")
        await anna.hangs_up()

    said = ladder(play)
    assert "carl <- hangup unknown-number" in said
    assert "anna <- 200 b'" in said


def test_nothing_personal_in_the_journal() -> None:
    async def play(x: Exchange) -> None:
        anna = await x.call("055501427731")
        await x.phone().answers("b")
        await anna.hangs_up()
        shown = repr([(kind.text, fields) for kind, fields in x.events])
        for secret in ("055501427731", "Anna", "Ben", "'102'", "'101'"):
            assert secret not in shown
        assert {kind.name for kind, _ in x.events} == {"call.started", "call.ended"}

    ladder(play)
