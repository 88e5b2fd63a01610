"""A leg has exactly one owner; what nobody owns any more is hung up."""

from firmware.calls.cause import Cause
from firmware.calls.leg import Ended, Party, Ringing
from firmware.calls.scope import Scope
from tests.support.legs import Faults, ScriptedLeg, victim
from tests.support.virtual_time import run


def leg(said: list[str]) -> ScriptedLeg:
    return ScriptedLeg("ben", Party("id-ben", "102"), said)


def test_events_before_adoption_are_kept_and_in_order() -> None:
    async def main() -> None:
        ben, scope = leg([]), Scope()
        ben.emit(Ringing())
        ben.emit(Ended(Cause.BUSY))
        ben.emit(Ringing())
        scope.adopt(ben)
        assert await scope.event() == (ben, Ringing())
        assert await scope.event() == (ben, Ended(Cause.BUSY))
        assert not scope._events, "something came after the end"

    run(main())


def test_adopt_moves_a_leg_with_the_events_nobody_saw() -> None:
    async def main() -> None:
        said: list[str] = []
        ben, carl = leg(said), leg([])
        first, second = Scope(), Scope()
        first.adopt(ben)
        first.adopt(carl)
        ben.emit(Ringing())
        carl.emit(Ended(Cause.BUSY))
        second.adopt(ben)
        assert await second.event() == (ben, Ringing())
        assert await first.event() == (carl, Ended(Cause.BUSY))
        first.close(Cause.NORMAL)
        assert not ben.over
        second.close(Cause.NORMAL)
        assert said == ["ben <- hangup normal"]
        assert ben.owner is None

    run(main())


def test_a_closed_scope_hangs_up_what_it_is_given() -> None:
    said: list[str] = []
    scope = Scope()
    scope.close(Cause.SHUTDOWN)
    scope.adopt(leg(said))
    assert said == ["ben <- hangup shutdown"]


def test_one_leg_that_fails_to_hang_up_does_not_save_the_next() -> None:
    said: list[str] = []
    scope = Scope()
    first, second = leg(said), leg(said)
    first.faults = Faults(1)
    victim.set(True)
    try:
        scope.adopt(first)
        scope.adopt(second)
        assert len(scope.close(Cause.NORMAL)) == 1
    finally:
        victim.set(False)
    assert said == ["ben <- hangup normal"] * 2


def test_hangup_is_said_once_and_silences_the_leg() -> None:
    async def main() -> None:
        said: list[str] = []
        ben, scope = leg(said), Scope()
        scope.adopt(ben)
        ben.hangup(Cause.NORMAL)
        ben.hangup(Cause.BUSY)
        ben.emit(Ringing())
        ben.ring()
        assert said == ["ben <- hangup normal"]
        assert not scope._events

    run(main())
