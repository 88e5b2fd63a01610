"""The demo's verdicts fall when they should."""

import numpy as np
import pytest

from tests.demo.report import Talk, delay, speech, table, times
from tests.support.audio import RATE, Samples


def noise(seconds: float) -> Samples:
    return np.asarray(np.random.default_rng(7).normal(0, 3000, int(seconds * RATE)))


def heard(sent: Samples, *, before: bool = True, held: bool = False, after: bool = True) -> Samples:
    out = np.zeros(len(sent))
    for part, (start, end) in ((before, (0, 4)), (held, (4, 6)), (after, (6, 10))):
        if part:
            out[start * RATE : end * RATE] = sent[start * RATE : end * RATE]
    return np.asarray(np.r_[np.zeros(1234), out])


@pytest.mark.parametrize(
    ("parts", "verdicts"),
    [
        ({}, [True, True, True]),
        ({"before": False}, [False, True, True]),
        ({"after": False}, [True, False, True]),
        ({"held": True}, [True, True, False]),
    ],
)
def test_speech_must_be_heard_before_and_after_and_not_while_held(
    parts: dict[str, bool], verdicts: list[bool]
) -> None:
    sent = noise(10)
    lines = speech(Talk("a", sent, heard(sent, **parts), held=4, resumed=6, ended=10))
    assert [line.good for line in lines] == verdicts


def test_a_record_off_by_more_than_a_tenth_of_a_second_or_missing_fails() -> None:
    observed = {"started": 100.0, "answered": 103.0, "ended": 113.0}
    assert all(one.good for one in times({"started": 100.05, "answered": 102.95, "ended": 113.09}, observed))
    lines = times({"started": 100.11, "answered": None, "ended": 113.0}, observed)
    assert [line.good for line in lines] == [False, False, True]


def test_forty_milliseconds_of_delay_are_allowed_and_no_more() -> None:
    lines = delay((30.0, 50.1), (0.05, 0.1))
    assert [line.good for line in lines] == [True, False]
    assert "FAILED" in table(lines)
