"""What was counted goes on over the process that counted it."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.media.tally import COUNTED, NEWEST, Tally
from rtp.control import Statistics

ZERO = dict.fromkeys(Statistics.__slots__, 0)


def told(**numbers: int) -> Statistics:
    return Statistics(**(ZERO | {"port": 4000} | numbers))


def test_every_number_is_counted_or_measured_or_neither_goes_on() -> None:
    assert {*COUNTED, *NEWEST, "port", "token", "idle"} == set(Statistics.__slots__)


def test_nothing_known_before_the_first_word() -> None:
    assert Tally().all is None
    gone = Tally()
    gone.lost()
    assert gone.all is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1000)), max_size=20))
def test_counts_never_fall_when_processes_do(steps: list[tuple[bool, int]]) -> None:
    tally = Tally()
    counted = total = 0
    for dies, more in steps:
        if dies:
            tally.lost()
            counted = 0
        else:
            counted += more
            total += more
            assert tally.take(told(packets=counted)).packets == total
    assert (tally.all.packets if tally.all else 0) == total


def test_of_measures_the_newest_that_there_is() -> None:
    tally = Tally()
    tally.take(told(jitter=40, round_trip=5000, idle=7, token=1))
    tally.lost()
    now = tally.take(told(jitter=8, idle=3, token=2))
    assert (now.jitter, now.round_trip, now.idle, now.token) == (8, 5000, 3, 2)
