"""What kind of number it is: who is reached decides what it may cost.

The numbering plans of the world come from `phonenumbers` (decision 0016), loaded at the first question: a
site without lines never has it in memory. What no plan knows counts as premium: nobody can say what it costs.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from firmware.store.model import Reach

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LONGEST_SHORT: Final = 6
"""Digits of the longest service number that is taken for one, such as 116117."""

_SATELLITES: Final = (870, 878, 881, 882, 883, 979)  # ITU-T E.164.1: networks of no country, and premium rate
_NO_COUNTRY: Final = "001"


class Ranked(NamedTuple):
    """What reaching a number means, and its country ("at"); "" where it has none."""

    reach: Reach
    country: str


@lru_cache(maxsize=256)
def kind_of(key: str, home: str) -> Ranked:
    """Return what reaching an E.164 key means for a site in `home`, a country such as "de"."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    try:
        number = phonenumbers.parse(key)
    except phonenumbers.NumberParseException:
        return Ranked(Reach.PREMIUM, "")
    country = _country(number)
    what = phonenumbers.number_type(number)
    if number.country_code in _SATELLITES or what in (
        Type.UNKNOWN, Type.PREMIUM_RATE, Type.SHARED_COST, Type.PERSONAL_NUMBER, Type.PAGER,
    ):  # fmt: skip
        return Ranked(Reach.PREMIUM, country)
    if country != home:
        return Ranked(Reach.INTERNATIONAL, country)
    return Ranked(Reach.MOBILE if what == Type.MOBILE else Reach.NATIONAL, country)


@lru_cache(maxsize=256)
def short_kind(digits: str, home: str) -> Ranked | None:
    """Return what reaching a service number of a country means, None where it has no such number."""
    if not 2 <= len(digits) <= LONGEST_SHORT or not (digits.isascii() and digits.isdecimal()) or not home:
        return None
    import phonenumbers
    from phonenumbers import ShortNumberCost as Cost

    code = phonenumbers.country_code_for_region(home.upper())
    if not code or digits.startswith("0"):
        return None
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(digits))
    if not phonenumbers.is_valid_short_number_for_region(number, home.upper()):
        return None
    cheap = phonenumbers.expected_cost_for_region(number, home.upper()) in (
        Cost.TOLL_FREE,
        Cost.STANDARD_RATE,
    )
    return Ranked(Reach.NATIONAL if cheap else Reach.PREMIUM, home)


def load_plans() -> None:
    """Load the numbering plans now."""
    is_country("de")


def country_of(code: str) -> str:
    """Return the country that has a country code, the largest where several share it; "" if none has."""
    import phonenumbers

    found = phonenumbers.region_code_for_country_code(int(code))
    return "" if found in {_NO_COUNTRY, phonenumbers.UNKNOWN_REGION} else found.lower()


def is_country(code: str) -> bool:
    """Tell whether some numbering plan is that of a country such as "at"."""
    import phonenumbers

    return code.upper() in phonenumbers.SUPPORTED_REGIONS


def _country(number: "PhoneNumber") -> str:
    import phonenumbers

    found = phonenumbers.region_code_for_number(number)
    return "" if found in {None, _NO_COUNTRY} else str(found).lower()
