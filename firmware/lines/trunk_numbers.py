"""How a carrier writes numbers, and how we read what it wrote: E.164 with its + is what the house knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from provisioning.site_trunk import Trunk

SHORTEST: Final = 7
LONGEST: Final = 15
"""Digits of an E.164 number with its country code (ITU-T E.164 6.2.1); none in use has fewer than 7."""

_SEPARATORS: Final = str.maketrans("", "", "-.() ")  # RFC 3966 5.1.1


def written(number: str, trunk: Trunk) -> str:
    """Return a number as the carrier wants it; a short one (an emergency number) as it is dialled."""
    if not number.startswith("+") or trunk.number_format == "e164":
        return number
    national = f"+{trunk.country_code}"
    if trunk.number_format == "national" and number.startswith(national):
        return trunk.national_prefix + number[len(national) :]
    return f"00{number[1:]}"


def read(text: str, trunk: Trunk) -> str:
    """Return what the carrier calls a number as E.164 with its +, and what is none as it stands.

    Digits without any prefix are taken for international where the carrier writes E.164 (many leave out the
    plus), and left alone where it does not.
    """
    number = text.partition(";")[0].translate(_SEPARATORS)
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return text
    if number.startswith("+"):
        return number
    prefix = trunk.national_prefix
    if digits.startswith("00"):
        full = digits[2:]
    elif trunk.country_code and prefix and digits.startswith(prefix):
        full = trunk.country_code + digits[len(prefix) :]
    elif trunk.number_format == "e164" and digits[0] != "0":
        full = digits
    else:
        return number
    return f"+{full}" if SHORTEST <= len(full) <= LONGEST and full[0] != "0" else number
