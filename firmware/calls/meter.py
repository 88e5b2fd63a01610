"""The meter of a call outside: it pays every minute before it begins, so no cap is ever passed.

What was not answered is given back; a call whose next minute does not fit ends. Help never comes here.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from weakref import ref

from firmware.calls.call import By, Call, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.decisions import Matter
from firmware.calls.house import House
from firmware.calls.leg import Ended, Leg, Party
from firmware.calls.money import Price, Purses, Tariff, line_purse
from firmware.calls.plan import Plan
from firmware.journal import Kind, Level

MINUTE: Final = 60.0

SPENT = Kind(
    "call.spent", "{caller} has spent what it may in a day: calls that cost are refused", Level.ALARM
)
LINE_SPENT = Kind(
    "call.line.spent", "line {line} has cost what it may in a day: calls that cost pass it over", Level.ALARM
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays for one call on one line, and what it costs."""

    house: House
    plan: Plan
    by: Party
    line: str
    place: int
    price: Price

    @property
    def purses(self) -> tuple[str, str]:
        """The purses it is paid from: the extension's and the line's."""
        return self.by.extension or "", line_purse(self.line)

    def lacking(self, amount: int) -> str | None:
        """Return the purse that an amount does not fit into any more, and have people told once a day."""
        tariff = tariff_of(self.plan)
        purses = today(self.house, self.plan)
        for purse in self.purses:
            if not purses.fits(tariff, purse, amount):
                self._tell(tariff, purses, purse)
                return purse
        return None

    def pay(self, amount: int) -> None:
        """Spend, or give back."""
        purses = today(self.house, self.plan)
        for purse in self.purses:
            purses.pay(purse, amount)

    def meter(self, leg: Leg) -> None:
        """Pay every minute of an answered leg before it begins; end it when one does not fit."""
        if self.price.minute:
            asyncio.get_running_loop().call_later(MINUTE, _next_minute, self, ref(leg))

    def _tell(self, tariff: Tariff, purses: Purses, purse: str) -> None:
        journal, mine = self.house.journal, purse == self.purses[0]
        if purse not in purses.told:
            purses.told.add(purse)
            if mine:
                journal.log(SPENT, caller=personal(self.by))
            else:
                journal.log(LINE_SPENT, line=self.place)
        cap = tariff.amount(tariff.cap(purse) or 0)
        who = f"extension {self.by.number}" if mine else f"line {self.line}"
        self.house.decisions.note(
            Matter.MONEY, purse, f"{who} may cost {cap} a day, and the next minute would have cost more"
        )


def _next_minute(account: Account, wanted: "ref[Leg]") -> None:
    leg = wanted()
    if leg is None or leg.over:
        return
    if account.lacking(account.price.minute) is None:
        account.pay(account.price.minute)
        account.meter(leg)
        return
    owner = leg.owner
    if isinstance(owner, Call):
        owner.end(Ending(Cause.SPENT, By.BOX))
    else:
        leg.hangup(Cause.SPENT)
        if owner is not None:
            owner.deliver(leg, Ended(Cause.SPENT, far=False))


def tariff_of(plan: Plan) -> Tariff:
    """Return what calls outside cost here."""
    found = None if plan.dialling is None else plan.dialling.tariff
    return found or Tariff()


def today(house: House, plan: Plan) -> Purses:
    """Return what was spent on the site's day."""
    wall = house.clock.wall()
    return house.purses.on(int(wall // 86400) if plan.dialling is None else plan.dialling.hours.day(wall))
