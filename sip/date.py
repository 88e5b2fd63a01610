"""The Date header field (RFC 3261 section 20.17): `Sat, 13 Nov 2010 23:29:00 GMT`, always GMT."""

from __future__ import annotations

import re

from sip.errors import BadMessage, LocalError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
LIMIT = 253402300800
"""First second of the year 10000, which a Date cannot say."""


def parse_date(text: str) -> int:
    """Give the seconds since 1970; raise BadMessage. The day of the week is not checked."""
    from datetime import UTC, datetime  # not needed on the way to the first answer

    match = _DATE.fullmatch(text)
    if match is None:
        raise BadMessage("header", "malformed", header="Date")
    day, year, hour, minute, second = map(int, match.group(1, 3, 4, 5, 6))
    try:
        moment = datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise BadMessage("header", "no such time", header="Date") from None
    return int(moment.timestamp())


def print_date(seconds: int) -> str:
    """Write seconds since 1970 as a Date."""
    from datetime import UTC, datetime

    if not 0 <= seconds < LIMIT:
        raise LocalError("a time that no Date can say")
    moment = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment:%Y %H:%M:%S} GMT"
