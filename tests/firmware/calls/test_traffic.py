"""The ledger of calls outside: what counts, for how long, and who makes way."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.cause import Cause
from firmware.calls.leg import Party
from firmware.calls.traffic import HOUR, MOST_WINDOWS, Traffic
from tests.support.legs import ScriptedLeg


class Hand:
    """A clock moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def leg(name: str = "x") -> ScriptedLeg:
    return ScriptedLeg(name, Party(None, ""), [])


def test_a_leg_counts_until_it_is_over_or_gone() -> None:
    traffic = Traffic(Hand())
    one, two, three = leg("1"), leg("2"), leg("3")
    traffic.went(one, "isdn", "anna")
    traffic.went(two, "isdn", "ben")
    traffic.came(three, "sip")
    assert (traffic.on("isdn"), traffic.on("sip"), traffic.of("anna")) == (2, 1, 1)
    one.hangup(Cause.NORMAL)
    assert (traffic.on("isdn"), traffic.of("anna"), traffic.of("ben")) == (1, 0, 1)
    del two
    gc.collect()
    assert traffic.on("isdn") == 0
    assert traffic.line_hourly("isdn") == 2


@given(st.lists(st.integers(0, 3 * int(HOUR)), max_size=40))
def test_the_window_slides(moments: list[int]) -> None:
    clock = Hand()
    traffic = Traffic(clock)
    begun: list[int] = []
    for moment in sorted(moments):
        clock.now = float(moment)
        traffic.begins("anna")
        begun.append(moment)
        assert traffic.hourly("anna") == sum(each > moment - HOUR for each in begun)
    clock.now += HOUR
    assert traffic.hourly("anna") == 0


def test_a_window_is_bounded_and_can_be_begun_anew() -> None:
    clock = Hand()
    traffic = Traffic(clock)
    for _ in range(MOST_WINDOWS + 5):
        traffic.begins("anna")
    assert traffic.hourly("anna") == MOST_WINDOWS
    traffic.begins("ben")
    traffic.forget("anna")
    assert (traffic.hourly("anna"), traffic.hourly("ben")) == (0, 1)
    traffic.forget()
    assert traffic.hourly("ben") == 0


def test_the_youngest_that_went_out_makes_way_first_and_help_never_does() -> None:
    clock = Hand()
    traffic = Traffic(clock)
    old, young, came, helps = leg("old"), leg("young"), leg("came"), leg("helps")
    assert traffic.youngest("isdn") is None
    for at, each in enumerate((old, young)):
        clock.now = float(at)
        traffic.went(each, "isdn", "anna")
    clock.now = 9.0
    traffic.came(came, "isdn")
    traffic.calls_help(helps, "isdn")
    for expected in (young, old, came):
        assert traffic.youngest("isdn") is expected
        expected.hangup(Cause.NORMAL)
    assert traffic.youngest("isdn") is None
    assert traffic.on("isdn") == 1
