from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.date import LIMIT, parse_date, print_date
from sip.errors import BadMessage, LocalError


@given(st.integers(0, LIMIT - 1))
def test_survives(seconds: int) -> None:
    assert parse_date(print_date(seconds)) == seconds


def test_known() -> None:
    assert print_date(1289690940) == "Sat, 13 Nov 2010 23:29:00 GMT"
    assert print_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fri, 01 Jan 2010 16:00:00 EST",
        "Fri, 31 Feb 2010 16:00:00 GMT",
        "Fri, 01 Jan 2010 24:00:00 GMT",
        "Fri, 01 Jan 0000 00:00:00 GMT",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadMessage):
        parse_date(text)


@pytest.mark.parametrize("seconds", [-1, LIMIT])
def test_beyond_the_calendar(seconds: int) -> None:
    with pytest.raises(LocalError):
        print_date(seconds)
