"""When and for how much calls may go out: `[dialling.hours]` and `[dialling.money]` in the site file.

Both have defaults that stop the fraud of a weekend; an emergency call is asked for neither.
"""

from dataclasses import dataclass
from typing import Final

from provisioning.site_check import Table

DAYS: Final = ["mo", "tu", "we", "th", "fr", "sa", "su"]
LOCKABLE: Final = ["national", "mobile", "international", "premium"]
PARTS: Final = 10_000
"""Parts of one unit of a currency: prices have up to four decimals."""

_MOST_PRICES: Final = 500
_SPAN: Final = 'days and hours such as "mo-fr 07:00-19:00"'


@dataclass(frozen=True, slots=True)
class Hours:
    """`zone` is a name of the IANA time zone database, "" for UTC; `open` has days and hours as written.

    `lock`: kinds of numbers that are closed at all other times.
    """

    zone: str = ""
    open: tuple[str, ...] = ("mo-fr 07:00-19:00",)
    lock: tuple[str, ...] = ("international", "premium")

    @property
    def spans(self) -> tuple[tuple[int, int, int], ...]:
        """Day (0: Monday), first minute, and the minute after the last, of each day."""
        return tuple(span for text in self.open for span in spans(text))


@dataclass(frozen=True, slots=True)
class Price:
    """What calls to numbers that begin with `start`, or to a `kind` of number, cost, in parts of a unit."""

    start: str
    kind: str
    call: int
    minute: int


USUAL_PRICES: Final = (
    Price("", "mobile", 0, 1_000),
    Price("", "international", 0, 10_000),
    Price("", "premium", 0, 30_000),
)
"""What is assumed of kinds whose price the site does not name: guesses on the side of caution."""


@dataclass(frozen=True, slots=True)
class Money:
    """What may be spent in a day, in parts of a unit; None: no end."""

    currency: str = "EUR"
    extension_day: int | None = 50 * PARTS
    line_day: int | None = 200 * PARTS
    prices: tuple[Price, ...] = USUAL_PRICES


def read_hours(table: Table) -> Hours:
    """Read when calls that cost may go out."""
    usual = Hours()
    zone = table.text("zone", 'a time zone such as "Europe/Berlin", "" for UTC', is_zone, "")
    hours = Hours(
        zone,
        table.texts("open", _SPAN, lambda text: bool(spans(text)), usual.open, empty=True),
        table.texts("lock", "one of " + ", ".join(LOCKABLE), LOCKABLE.__contains__, usual.lock, empty=True),
    )
    table.close()
    return hours


def read_money(table: Table) -> Money:
    """Read what calls cost, and may cost in a day."""
    usual = Money()
    currency = table.text("currency", 'three letters such as "EUR"', _is_currency, usual.currency)
    caps = [
        None if amount < 0 else amount
        for amount in (
            _amount(table, "extension_per_day", usual.extension_day or 0),
            _amount(table, "line_per_day", usual.line_day or 0),
        )
    ]
    prices: list[Price] = []
    for each in table.tables("price", _MOST_PRICES) if table.has("price") else []:
        to = each.text("to", "one of " + ", ".join(LOCKABLE) + ', or "+" and digits such as +43', _is_to)
        kind = to if to in LOCKABLE else ""
        price = Price("" if kind else to, kind, _amount(each, "call", 0), _amount(each, "minute", 0))
        if price.call < 0 or price.minute < 0:
            each.fault("to", "a price below nothing", "write prices from 0 on")
        if any((one.start, one.kind) == (price.start, price.kind) for one in prices):
            each.fault("to", f"{to} has a price already", "write each price once")
        each.close()
        prices.append(price)
    named = {price.kind for price in prices}
    table.close()
    usual_ones = tuple(price for price in USUAL_PRICES if price.kind not in named)
    return Money(currency, caps[0], caps[1], (*prices, *usual_ones))


def spans(text: str) -> list[tuple[int, int, int]]:
    """Return the days and minutes of such as "mo-fr 07:00-19:00"; [] for what is not written like that."""
    days, _, hours = text.partition(" ")
    first, _, last = days.partition("-")
    begin, _, end = hours.partition("-")
    last = last or first
    minutes = _minutes(begin), _minutes(end)
    if first not in DAYS or last not in DAYS or not 0 <= minutes[0] < minutes[1]:
        return []
    place, count = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7 + 1
    return [((place + each) % 7, *minutes) for each in range(count)]


def is_zone(text: str) -> bool:
    """Tell whether the time zone database has this name."""
    if not text:
        return True
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _minutes(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and text.isascii() and (hour + minute).isdecimal()):
        return -1
    found = int(hour) * 60 + int(minute)
    return found if int(minute) < 60 and found <= 1440 else -1


def _amount(table: Table, key: str, default: int) -> int:
    value = table.number(key, -1, 1_000_000, default / PARTS)
    return round(value * PARTS)


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def _is_to(text: str) -> bool:
    rest = text[1:]
    start = text.startswith("+") and 1 <= len(rest) <= 15 and rest.isascii() and rest.isdecimal()
    return text in LOCKABLE or (start and rest[0] != "0")
