"""Fields of events: what may be shown is, everything else is refused."""

from enum import Enum

import pytest

from firmware.journal.event import REFUSED, Fault, Level, Word, show
from firmware.labels import Personal

CANARY = "Ottilie Kanarienvogel 055501427731"


class Colour(Enum):
    """An enum for the test."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"),
        (2.5, "2.5"),
        (0.12345, "0.123"),
        (10.0, "10"),
        (True, "yes"),
        (None, "-"),
        (Colour.RED, "red"),
        (Level.ALARM, "3"),
        (Word("UDP"), "UDP"),
    ],
)
def test_loggable_values_are_shown(value: object, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    "value", [CANARY, CANARY.encode(), [CANARY], {"a": CANARY}, ValueError(CANARY), object()]
)
def test_everything_else_is_refused(value: object) -> None:
    assert show(value) == REFUSED


def test_personal_values_are_masked() -> None:
    assert show(Personal("ext", CANARY)).startswith("ext~")
    assert CANARY not in show(Personal("ext", CANARY))


def broken() -> None:
    raise ValueError(CANARY)


def test_a_fault_is_type_and_place_without_text() -> None:
    with pytest.raises(ValueError, match="Ottilie") as caught:
        broken()
    text = str(Fault(caught.value))
    assert text.startswith("ValueError at tests/firmware/journal/test_event.py:")
    assert text.endswith(" broken")
    assert "Ottilie" not in text


def test_a_fault_in_a_library_names_our_line() -> None:
    with pytest.raises(Exception, match="Expecting") as caught:
        __import__("json").loads("{")
    assert "test_event.py" in str(Fault(caught.value))


def test_a_fault_tells_errno_and_how_many_more() -> None:
    group = ExceptionGroup(CANARY, [OSError(28, CANARY, CANARY), ValueError(CANARY)])
    assert str(Fault(group)) == "OSError errno 28 at ? and 1 more"
