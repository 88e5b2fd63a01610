"""Outside numbers: every way to write one leads to one key, its E.164 form with the +."""

from dataclasses import dataclass
from typing import Final

_SEPARATORS: Final = str.maketrans(
    "", "", "-.() /\u00a0"
)  # visual separators, RFC 3966 section 5.1.1, and two more
SHORTEST: Final = 7
LONGEST: Final = 15
"""Digits of an E.164 number, country code included (ITU-T E.164 section 6.2.1); fewer than 7 has none."""

LONE: Final = 6
"""Digits a local number needs where no outside prefix tells it from an extension somebody mistyped."""
_ANY: Final = 3
_NEVER: Final = LONGEST + 1


def plain(text: str) -> str:
    """Return a number without what is written only to read it better: +49 (0)30/123 is +4930123."""
    if "(0)" in text and text.lstrip().startswith("+") and not text.lstrip().startswith("+39"):
        text = text.replace("(0)", "", 1)  # Italian numbers keep their zero
    return text.translate(_SEPARATORS)


def is_e164(key: str) -> bool:
    """Tell whether a text is a number in the form of a key."""
    digits = key[1:]
    return (
        key.startswith("+")
        and SHORTEST <= len(digits) <= LONGEST
        and digits.isascii()
        and digits.isdecimal()
        and digits[0] != "0"
    )


@dataclass(frozen=True, slots=True)
class Numbering:
    """How numbers are dialled where the site stands; "" where there is no such thing.

    `country`: the country code, such as 49. `international`: what comes before one, such as 00. `trunk`: what
    comes before an area code, such as 0. `area`: the site's own area code, for numbers dialled without one.
    `outside`: what phones dial first to leave the house. `lengths`: how many digits a national number has
    where it is dialled without a trunk prefix.
    """

    country: str = ""
    international: str = "00"
    trunk: str = ""
    lengths: tuple[int, ...] = ()
    area: str = ""
    outside: str = ""

    def full(self, written: str) -> str | None:
        """Return the key of a number written in full, nationally or with country code; None if it is not."""
        return self._read(plain(written), _NEVER)

    def key(self, dialled: str) -> str | None:
        """Return the key of what a phone dialled or an operator wrote, None if it is no outside number.

        Where the site has an outside prefix, what does not begin with it must be a full number: with +,
        international or trunk prefix, or of a national number's length.
        """
        text = plain(dialled)
        if self.outside and text.startswith(self.outside):
            return self._read(text[len(self.outside) :], _ANY)
        return self._read(text, _NEVER if self.outside else LONE)

    def short(self, dialled: str) -> str:
        """Return a short number (a service, not a subscriber) as carriers take it: without outside prefix."""
        text = plain(dialled)
        return text[len(self.outside) :] if self.outside and text.startswith(self.outside) else text

    def received(self, dialled: str) -> tuple[str, ...]:
        """Return the keys a number may mean that a carrier hands over: it adds no outside prefix."""
        text = plain(dialled)
        found = [self._read(text, _ANY)]
        if self.country and text.startswith(self.country):
            found.append(self._read("+" + text, _NEVER))
        return tuple(key for key in found if key is not None)

    def _read(self, text: str, local: int) -> str | None:
        """Read a number; without any prefix it is a local one if it has `local` digits or more."""
        if text.startswith("+"):
            key = text
        elif self.international and text.startswith(self.international):
            key = "+" + text[len(self.international) :]
        elif not self.country:
            return None
        elif self.trunk and text.startswith(self.trunk):
            key = f"+{self.country}{text[len(self.trunk) :]}"
        elif len(text) in self.lengths:
            key = f"+{self.country}{text}"
        elif self.area and len(text) >= local:
            key = f"+{self.country}{self.area}{text}"
        else:
            return None
        return key if is_e164(key) else None
