"""The Contact header field (RFC 3261 section 20.10; RFC 5626 for instance and reg-id)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sip.errors import BadMessage
from sip.grammar import number, unquote
from sip.nameaddr import NameAddr
from sip.uri import SipUri

EXPIRES_LIMIT = 2**32 - 1
EXPIRES_MALFORMED = 3600
"""What a malformed expiry counts as (RFC 3261 10.2.1.1 and 20.10)."""

_ALL = SipUri(scheme="", opaque="*")


def parse_expires(text: str) -> int:
    """Read delta-seconds as RFC 3261 20.10 wants it: malformed counts as 3600, too much as 2**32-1."""
    if not (text.isascii() and text.isdigit()):
        return EXPIRES_MALFORMED
    value = number(text, EXPIRES_LIMIT)
    return EXPIRES_LIMIT if value is None else value


@dataclass(frozen=True, slots=True)
class Contact(NameAddr):
    """Where somebody can be reached; the "*" of a REGISTER has `star` set and an empty URI."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one contact or "*"; raise BadMessage."""
        if text == "*":
            return cls(_ALL)
        # super() without arguments does not find its class in a slots dataclass.
        return super(Contact, cls).parse(text)

    def __str__(self) -> str:
        return "*" if self.star else NameAddr.__str__(self)

    @property
    def star(self) -> bool:
        """Whether this is the "*" that means all bindings (RFC 3261 10.2.2)."""
        return not self.uri.scheme

    @property
    def expires(self) -> int | None:
        """Seconds this contact asks for; None when it does not say."""
        text = self.params.get("expires", "")
        return None if text == "" else parse_expires(text or "")

    @property
    def q(self) -> int:
        """Preference in thousandths, 1000 when absent; raise BadMessage when malformed."""
        text = self.params.get("q", "1")
        whole, _, fraction = (text or "").partition(".")
        value = number(whole, 1) if whole else 0
        part = number(fraction.ljust(3, "0"), 999) if len(fraction) <= 3 else None
        if value is None or part is None or value * 1000 + part > 1000:
            raise BadMessage("header", "malformed q", header="Contact")
        return value * 1000 + part

    @property
    def instance(self) -> str:
        """The +sip.instance of the device without quotes and brackets (RFC 5626 4.1), or ""."""
        return unquote(self.params.get("+sip.instance") or "").removeprefix("<").removesuffix(">")

    @property
    def reg_id(self) -> int | None:
        """The reg-id parameter (RFC 5626 4.2), None when absent or malformed."""
        return number(self.params.get("reg-id") or "", 2**31 - 1) or None
