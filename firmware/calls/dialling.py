"""The site's word on outside numbers, as the dial plan asks: what is meant, what it may cost, who answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firmware.calls.hours import Hours
from firmware.calls.money import Tariff
from firmware.calls.numbers import Numbering, is_e164
from firmware.store.model import Outward, Reach


@dataclass(frozen=True, slots=True)
class Caps:
    """The most calls outside: of an extension at once and begun within an hour; of a line in an hour."""

    at_once: int = 4
    hourly: int = 60
    line_hourly: int = 600


@dataclass(frozen=True, slots=True)
class Head:
    """All numbers that begin with `start` and have `digits` more: those are the number inside."""

    start: str
    digits: int

    def inside(self, key: str) -> str | None:
        """Return the number inside that a key means."""
        if key.startswith(self.start) and len(key) == len(self.start) + self.digits:
            return key[len(self.start) :]
        return None


@dataclass(frozen=True, slots=True)
class Dialling:
    """What the plan knows of the outside. `home` is the country, such as "de", "" if nobody said.

    `direct` has the numbers inside by their E.164 keys, `heads` whole ranges; `reception` is where calls from
    outside go that nothing else names. `allow` and `countries` hold for extensions of which nothing else is
    said. `services` are short numbers that cost no more than a call. `send_on`: callers from outside may be
    sent on to outside numbers.
    """

    numbering: Numbering = field(default_factory=Numbering)
    home: str = ""
    main: str = ""
    reception: str = ""
    direct: Mapping[str, str] = field(default_factory=dict)
    heads: tuple[Head, ...] = ()
    allow: frozenset[Reach] = frozenset({Reach.INTERNAL, Reach.NATIONAL, Reach.MOBILE})
    countries: tuple[str, ...] = ()
    services: frozenset[str] = frozenset()
    send_on: bool = False
    caps: Caps = field(default_factory=Caps)
    hours: Hours = field(default_factory=Hours)
    tariff: Tariff | None = None
    """What calls cost, and may cost in a day; None: nobody counts."""

    def inside(self, key: str) -> str | None:
        """Return the number inside that is meant by one of the site's own keys, None if it is no such key."""
        found = self.direct.get(key)
        if found is None:
            found = next((inner for head in self.heads if (inner := head.inside(key)) is not None), None)
        if found is None and key == self.main:
            found = self.reception or None
        return found

    def reaches(self, key: str) -> tuple[Reach, str]:
        """Return what calling a key means, and its country ("" if it has none)."""
        from firmware.calls.reach import kind_of

        return kind_of(key, self.home)

    def service(self, dialled: str) -> tuple[str, Reach] | None:
        """Return a service number as carriers take it, and what calling it means; None if there is none."""
        digits = self.numbering.short(dialled)
        if digits in self.services:
            return digits, Reach.NATIONAL
        if not 2 <= len(digits) <= 6 or not digits.isdecimal():
            return None
        from firmware.calls.reach import short_kind

        found = short_kind(digits, self.home)
        return None if found is None else (digits, found.reach)

    def allows(self, wishes: Outward, reach: Reach, country: str = "") -> bool:
        """Tell whether an extension may call what means this."""
        reaches = self.allow if wishes.reach is None else wishes.reach
        if reach in reaches:
            return True
        countries = self.countries if wishes.countries is None else wishes.countries
        return reach is Reach.INTERNATIONAL and country in countries

    def shown(self, wishes: Outward, numbers: Sequence[str]) -> str:
        """Return what who is called outside sees: the extension's own number, else the site's; "" the line's.

        `numbers` are the extension's number and its aliases.
        """
        if wishes.shown:
            return wishes.shown
        for number in numbers[1:]:
            key = self.numbering.full(number)
            if key is not None:
                return key
        for head in self.heads:
            for number in numbers:
                if len(number) == head.digits and is_e164(head.start + number):
                    return head.start + number
        return self.main
