"""Every cause can be said, and whatever a phone says has a cause."""

import pytest

from firmware.calls.cause import Cause
from firmware.lines.status import GOODBYES, cause_of_end, cause_of_status
from sip.listener import End
from sip.reasons import REASONS


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_final_status_and_one_reason(cause: Cause) -> None:
    status, headers = GOODBYES[cause]
    assert 400 <= status < 700
    assert status in REASONS
    assert status not in {401, 407, 408, 481}
    names = [name for name, _ in headers]
    assert names.count("Reason") == 1
    assert ("Retry-After" in names) == (cause in {Cause.OVERLOAD, Cause.SHUTDOWN})


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.NOT_ACCEPTABLE, Cause.NO_ANSWER])
def test_what_we_say_we_understand(cause: Cause) -> None:
    assert cause_of_status(GOODBYES[cause].status) is cause


@pytest.mark.parametrize("status", range(300, 700))
def test_every_refusal_has_a_cause(status: int) -> None:
    assert cause_of_end(End(status, "", far=True, why="rejected"), answered=False) in Cause


@pytest.mark.parametrize(
    ("why", "answered", "cause"),
    [
        ("bye", True, Cause.NORMAL),
        ("cancelled", False, Cause.CANCELLED),
        ("timeout", False, Cause.UNREACHABLE),
        ("timeout", True, Cause.FAILED),
        ("transport", True, Cause.UNREACHABLE),
        ("protocol", False, Cause.NOT_ACCEPTABLE),
    ],
)
def test_ends_that_are_no_refusals(why: str, answered: bool, cause: Cause) -> None:
    assert cause_of_end(End(0, "", far=True, why=why), answered=answered) is cause
