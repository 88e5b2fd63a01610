"""What calls outside cost, what they may cost in a day, and what was spent so far.

Money is counted in ten-thousandths of the site's currency. The count is kept in memory: it begins anew at
midnight of the site and when the box starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from firmware.store.model import Reach

UNIT: Final = 10_000
"""Parts of one unit of the currency."""


class Price(NamedTuple):
    """What a call costs when it is answered, and for each minute that begins."""

    call: int = 0
    minute: int = 0

    @property
    def first(self) -> int:
        """What is paid at the answer."""
        return self.call + self.minute


FREE: Final = Price()


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices: of numbers that begin like this (longest first), else by kind; and what a day may cost.

    A cap of None is none.
    """

    currency: str = "EUR"
    extension_day: int | None = None
    line_day: int | None = None
    kinds: Mapping[Reach, Price] = field(default_factory=dict)
    starts: tuple[tuple[str, Price], ...] = ()

    def price(self, number: str, reach: Reach) -> Price:
        """Return what calling a number costs."""
        for start, price in self.starts:
            if number.startswith(start):
                return price
        return self.kinds.get(reach, FREE)

    def cap(self, purse: str) -> int | None:
        """Return what may be spent in a day from a purse."""
        return self.line_day if purse.startswith(_LINE) else self.extension_day

    def amount(self, parts: int) -> str:
        """Write money for people."""
        return f"{parts / UNIT:.2f} {self.currency}"


_LINE: Final = "line "


def line_purse(line: str) -> str:
    """Return the purse of a line; that of an extension is its id."""
    return _LINE + line


class Purses:
    """What was spent today, by extension and by line."""

    __slots__ = ("_day", "_spent", "told")

    def __init__(self) -> None:
        self._day = 0
        self._spent: dict[str, int] = {}
        self.told: set[str] = set()
        """Whose end of money somebody was told of today."""

    def on(self, day: int) -> "Purses":
        """Begin anew if it is another day than last time."""
        if day != self._day:
            self._day = day
            self._spent.clear()
            self.told.clear()
        return self

    def spent(self, purse: str) -> int:
        """Return what was spent from a purse."""
        return self._spent.get(purse, 0)

    def fits(self, tariff: Tariff, purse: str, amount: int) -> bool:
        """Tell whether an amount can still be spent; what costs nothing always can."""
        cap = tariff.cap(purse)
        return not amount or cap is None or self.spent(purse) + amount <= cap

    def pay(self, purse: str, amount: int) -> None:
        """Spend an amount, or give it back where it is negative."""
        self._spent[purse] = max(0, self.spent(purse) + amount)

    def forget(self, purse: str | None = None) -> None:
        """Begin the count of the day anew, for one or for all."""
        for each in [purse] if purse is not None else list(self._spent):
            self._spent.pop(each, None)
            self.told.discard(each)
