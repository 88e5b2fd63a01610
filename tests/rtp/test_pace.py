"""The loop rests only while it pays."""

from rtp.pace import LONGEST, STEP, Pace


def turns(pace: Pace, count: int, gap: float, taken: int, now: float = 1.0) -> list[float]:
    rests = []
    for i in range(1, count + 1):
        rests.append(pace.rest)
        pace.turned(now + i * gap, taken, 64)
    return rests


def test_one_call_never_rests() -> None:
    assert not any(turns(Pace(0.001), 100, 0.01, 2))


def test_thick_traffic_rests_after_a_while_and_as_long_as_it_pays() -> None:
    pace = Pace(0.001)
    rests = turns(pace, 20, 0.0001, 5)
    assert rests[:8] == [0.0] * 8
    assert rests[10:] == [0.001] * 10
    turns(pace, 1, 0.001, 3)
    assert pace.rest == 0


def test_no_rest_while_work_is_left() -> None:
    pace = Pace(0.001)
    turns(pace, 20, 0.0001, 64)
    assert pace.rest == 0
    turns(pace, 1, 0.0001, 5)
    assert pace.rest == 0.001


def test_the_thicker_the_traffic_the_longer_the_rest_up_to_a_bound() -> None:
    pace = Pace(0.001)
    turns(pace, 20, 0.0001, STEP)
    assert pace.rest == 0.002
    turns(pace, 1, 0.0001, 63)
    assert pace.rest == 0.001 * LONGEST
    turns(pace, 1, 0.0001, 5)
    assert pace.rest == 0.001


def test_no_rest_at_all() -> None:
    assert not any(turns(Pace(0.0), 100, 0.0, 64))
