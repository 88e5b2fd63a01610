"""Open hours, in the site's own time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.hours import Hours, Span
from firmware.store.model import Reach

OFFICE = Hours(
    "Europe/Berlin",
    tuple(Span(day, 7 * 60, 19 * 60) for day in range(5)),
    frozenset({Reach.INTERNATIONAL}),
)


@pytest.mark.parametrize(
    ("year", "month", "day", "hour", "minute", "closed"),
    [
        (2026, 1, 30, 6, 59, True),  # a Friday
        (2026, 1, 30, 7, 0, False),
        (2026, 1, 30, 18, 59, False),
        (2026, 1, 30, 19, 0, True),
        (2026, 1, 31, 12, 0, True),  # Saturday
        (2026, 7, 31, 7, 0, False),  # summer time
        (2026, 7, 31, 6, 59, True),
    ],
)
def test_the_week_of_an_office(
    year: int, month: int, day: int, hour: int, minute: int, *, closed: bool
) -> None:
    wall = datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert OFFICE.closed(Reach.INTERNATIONAL, wall) is closed
    assert not OFFICE.closed(Reach.NATIONAL, wall)


def test_the_day_is_the_sites() -> None:
    late = datetime(2026, 1, 30, 23, 30, tzinfo=UTC).timestamp()
    assert OFFICE.day(late) == Hours().day(late) + 1
    assert not Hours().closed(Reach.PREMIUM, late)


@given(st.integers(0, 4_000_000_000))
def test_without_open_hours_what_is_locked_always_is(wall: int) -> None:
    assert Hours("", (), frozenset({Reach.PREMIUM})).closed(Reach.PREMIUM, float(wall))
