"""The line's failure or the callee's word."""

import pytest

from firmware.calls.cause import Cause
from firmware.lines.trunk_status import line_cause, may_try_next
from sip.listener import End
from tests.sip.test_registration import answer


@pytest.mark.parametrize(
    ("end", "rang", "cause", "on"),
    [
        (End(408, "", far=True, why="timeout"), False, Cause.NO_LINE, True),
        (End(408, "", far=True, why="timeout"), True, Cause.NO_ANSWER, True),
        (End(503, "", far=True, why="transport"), False, Cause.NO_LINE, True),
        (End(488, "", far=True, why="protocol"), False, Cause.NOT_ACCEPTABLE, False),
        (End(408, "", far=True, why="rejected"), True, Cause.NO_ANSWER, True),
        (End(403, "", far=True, why="rejected"), True, Cause.REJECTED, False),
        (End(403, "", far=True, why="rejected"), False, Cause.NO_LINE, False),
        (End(401, "", far=True, why="rejected"), False, Cause.NO_LINE, False),
        (End(486, "", far=True, why="rejected"), False, Cause.BUSY, False),
        (End(699, "", far=True, why="rejected"), False, Cause.NO_LINE, False),
    ],
)
def test_ends(end: End, rang: bool, cause: Cause, on: bool) -> None:
    assert line_cause(end, rang=rang) is cause
    assert may_try_next(end) is on


@pytest.mark.parametrize(
    ("reason", "cause", "on"),
    [
        ("Q.850;cause=17", Cause.BUSY, False),
        ('q.850 ; text="a" ; cause=34', Cause.NO_LINE, True),
        ("Q.850;cause=170", Cause.NO_LINE, True),
        ("Q.850;cause=99", Cause.NO_LINE, True),
        ("SIP;cause=486", Cause.NO_LINE, True),
        ("SIP;cause=480, Q.850;cause=1", Cause.UNKNOWN_NUMBER, False),
    ],
)
def test_the_cause_of_the_network_counts_for_more(reason: str, cause: Cause, on: bool) -> None:
    end = End(503, "", far=True, why="rejected", response=answer(503, f"Reason: {reason}"))
    assert line_cause(end, rang=False) is cause
    assert may_try_next(end) is on
