"""How the site calls outside and is called from there: `[dialling]` and `[emergency]` in the site file.

Nothing written here can take an emergency number away: those are recognised before any of it is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from provisioning.site_check import Document, Table
from provisioning.site_money import Hours, Money, read_hours, read_money

REACHES: Final = ["internal", "national", "mobile", "international", "premium"]
OPEN_AT_BIRTH: Final = ("internal", "national", "mobile")
"""International and premium numbers are opened by somebody who says so."""
SERVICES: Final = ["ambulance", "fire", "gas", "marine", "mountain", "physician", "poison", "police"]
"""Sub-services of urn:service:sos (RFC 5031 section 4.2) a country profile may name a number for."""

_MOST_RULES: Final = 500
_CODE: Final = 'a country code such as "49"'
_FULL: Final = "a full number such as +49301234567"
_INSIDE: Final = "the number of an extension or ring group"


@dataclass(frozen=True, slots=True)
class Home:
    """How numbers are dialled in a country.

    `region` is its ISO 3166-1 code, such as de; `code` its country code; `international` and `trunk` what is
    dialled before a country code and before an area code; `lengths` how many digits a national number has
    where it is dialled without a trunk prefix.
    """

    region: str = ""
    code: str = ""
    international: str = "00"
    trunk: str = ""
    lengths: tuple[int, ...] = ()


NOWHERE: Final = Home()
"""A country nobody named."""
UNSAID: Final = Home(international="")
"""What a site says that leaves it all to its country."""


@dataclass(frozen=True, slots=True)
class Did:
    """Where calls from outside to one number go, or to all that begin alike.

    With `digits`, `number` is what they begin with and that many digits follow; they are the number inside.
    """

    number: str
    to: str
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """What stops a fraud that nobody sees: calls outside at once, and begun within an hour."""

    extension_at_once: int = 4
    extension_hourly: int = 60
    line_hourly: int = 600


USUAL_CAPS: Final = Caps()
USUAL_HOURS: Final = Hours()
USUAL_MONEY: Final = Money()


@dataclass(frozen=True, slots=True)
class Dialling:
    """The site's word on outside numbers; "" and () where it says nothing."""

    home: Home = UNSAID
    area: str = ""
    outside: str = ""
    main: str = ""
    reception: str = ""
    did: tuple[Did, ...] = ()
    allow: tuple[str, ...] = OPEN_AT_BIRTH
    countries: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    send_on: bool = False
    """Whether callers from outside may be sent on to outside numbers."""
    caps: Caps = USUAL_CAPS
    hours: Hours = USUAL_HOURS
    money: Money = USUAL_MONEY


def read_home(table: Table) -> Home:
    """Read how a country dials, out of its profile."""
    lengths = table.texts("lengths", 'texts such as "10"', lambda text: _digits(text, 1, 2), (), empty=True)
    return Home(
        table.text(
            "region", "the country's two letters, such as de", lambda text: not text or is_region(text), ""
        ),
        table.text("country_code", _CODE, _is_country_code, ""),
        table.text("international_prefix", 'digits such as "00"', lambda text: _digits(text, 1, 4), "00"),
        table.text("trunk_prefix", 'digits such as "0", or ""', lambda text: _digits(text, 0, 2), ""),
        tuple(int(text) for text in lengths if _digits(text, 1, 2)),
    )


def read_services(table: Table) -> tuple[tuple[str, str], ...]:
    """Read which number an emergency service of a country has, where it is not the first of its list."""
    found = []
    for service in SERVICES:
        number = table.text(service, "an emergency number", lambda text: _digits(text, 0, 8), "")
        if number:
            found.append((service, number))
    table.close()
    return tuple(found)


def read_dialling(table: Table) -> Dialling:
    """Read the table; what the country decides is filled in by `at_home`."""
    code = table.text("country_code", _CODE, _is_country_code, "")
    international = table.text(
        "international_prefix", 'digits such as "00"', lambda text: _digits(text, 0, 4), ""
    )
    trunk = table.text("trunk_prefix", 'digits such as "0"', lambda text: _digits(text, 0, 2), "")
    dialling = Dialling(
        Home(code=code, international=international, trunk=trunk),
        table.text("area_code", 'digits such as "30"', lambda text: _digits(text, 0, 5), ""),
        table.text("outside_prefix", 'one or two digits, "" for none', lambda text: _digits(text, 0, 2), ""),
        table.text("main_number", _FULL, lambda text: not text or is_full(text), ""),
        table.text("reception", _INSIDE, lambda text: not text or _is_inside(text), ""),
        _rules(table),
        table.texts("allow", "one of " + ", ".join(REACHES), REACHES.__contains__, OPEN_AT_BIRTH, empty=True),
        table.texts("countries", "two letters such as at", is_region, (), empty=True),
        table.texts(
            "services", 'short numbers such as "115"', lambda text: _digits(text, 2, 6), (), empty=True
        ),
        table.flag("send_on", default=False),
        _caps(table.table("caps")),
        read_hours(table.table("hours")),
        read_money(table.table("money")),
    )
    table.close()
    return dialling


def read_notify(table: Table) -> tuple[str, ...]:
    """Read `[emergency]`: whose phones are told of a call for help."""
    found = table.texts("notify", _INSIDE, _is_inside, (), empty=True)
    table.close()
    return found


def at_home(document: Document, dialling: Dialling, country: Home, emergency: Iterable[str]) -> Dialling:
    """Fill in what the country decides, and note the faults that show only together with it."""
    own = dialling.home
    home = Home(
        country.region if own.code in {"", country.code} else "",
        own.code or country.code,
        own.international or country.international,
        own.trunk or country.trunk,
        country.lengths if own.code in {"", country.code} else (),
    )

    def fault(key: str, why: str, right: str) -> None:
        document.fault(("dialling", key), why, right)

    if dialling.area and not home.code:
        fault(
            "area_code", "there is no country code it could follow", 'write country_code, such as "49", too'
        )
    if dialling.area and home.trunk and dialling.area.startswith(home.trunk):
        right = f'write it without the leading {home.trunk}, such as "{dialling.area[len(home.trunk) :]}"'
        fault("area_code", f"{dialling.area} begins with the trunk prefix", right)
    if dialling.main and home.code and not dialling.main.startswith("+" + home.code):
        fault("main_number", "it is of another country", f"write a number that begins with +{home.code}")
    numbers = set(emergency)
    if dialling.outside in numbers:
        fault("outside_prefix", f"{dialling.outside} is an emergency number", 'write another, such as "0"')
    if dialling.reception in numbers:
        fault("reception", f"{dialling.reception} is an emergency number", "write an extension or ring group")
    for place, rule in enumerate(dialling.did):
        if rule.to in numbers:
            path = ("dialling", "did", place, "to")
            document.fault(path, f"{rule.to} is an emergency number", "write an extension or ring group")
    return replace(dialling, home=home)


def help_forms(emergency: Iterable[str], outside: str) -> dict[str, str]:
    """Return everything that is dialled to call for help, and the emergency number each means.

    With an outside prefix, people dial it before an emergency number too (9911, 0112): that is help as well.
    """
    numbers = list(emergency)
    forms = {outside + number: number for number in numbers} if outside else {}
    return {**forms, **{number: number for number in numbers}}


def is_full(text: str) -> bool:
    """Tell whether this is a number with country code: + and 7 to 15 digits (ITU-T E.164)."""
    return text.startswith("+") and _digits(text[1:], 7, 15) and text[1] != "0"


def is_region(text: str) -> bool:
    """Tell whether this can be a country's ISO 3166-1 code, in small letters."""
    return len(text) == 2 and text.isascii() and text.isalpha() and text.islower()


def _rules(table: Table) -> tuple[Did, ...]:
    rules: list[Did] = []
    for each in table.tables("did", _MOST_RULES) if table.has("did") else []:
        digits = each.integer("digits", 2, 6) if each.has("digits") else 0
        right = "what the numbers begin with, such as +4930123" if digits else _FULL
        number = each.text("number", right, _is_head if digits else is_full)
        to = "" if digits else each.text("to", _INSIDE, _is_inside)
        each.close()
        if any((rule.number, rule.digits) == (number, digits) for rule in rules):
            each.fault("number", f"{number} has a rule already", "write each number once")
        rules.append(Did(number, to, digits))
    return tuple(rules)


def _caps(table: Table) -> Caps:
    caps = Caps(
        table.integer("extension_at_once", 0, 100, USUAL_CAPS.extension_at_once),
        table.integer("extension_per_hour", 0, 10_000, USUAL_CAPS.extension_hourly),
        table.integer("line_per_hour", 0, 10_000, USUAL_CAPS.line_hourly),
    )
    table.close()
    return caps


def _is_head(text: str) -> bool:
    return text.startswith("+") and _digits(text[1:], 2, 13) and text[1] != "0"


def _is_inside(text: str) -> bool:
    return _digits(text, 2, 6)


def _is_country_code(text: str) -> bool:
    return not text or (_digits(text, 1, 3) and text[0] != "0")


def _digits(text: str, shortest: int, longest: int) -> bool:
    return shortest <= len(text) <= longest and (not text or (text.isascii() and text.isdecimal()))
