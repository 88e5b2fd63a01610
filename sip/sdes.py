"""The crypto attribute: keys of SRTP carried in a description (SDES, RFC 4568; suites of RFC 6188 and 7714).

A key is as secret as the signalling that carries it. Nothing here is ever printed but into a description.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64
from dataclasses import dataclass, field
from typing import Final

from sip.errors import BadMessage
from sip.sdp import Media

SUITES: Final = {
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_128_GCM": 28,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_256_CM_HMAC_SHA1_32": 46,
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
"""Octets of master key and salt together, by suite."""

MOST = 16  # crypto attributes of one medium that are looked at

_is_crypto = re.compile(
    r"([0-9]{1,9})[ \t]++([A-Za-z0-9_]++)[ \t]++inline:([A-Za-z0-9+/]++=*+)(\|[^ \t;]*+)?([ \t]++[^ \t].*+)?"
).fullmatch


@dataclass(frozen=True, slots=True)
class Crypto:
    """One crypto attribute: `key` is master key and salt, `rest` is lifetime, MKI and session parameters."""

    tag: int
    suite: str
    key: bytes = field(repr=False)
    rest: str = field(default="", repr=False)

    @classmethod
    def parse(cls, value: str) -> Crypto:
        """Read an attribute's value; BadMessage if malformed, of an unknown suite or with several keys."""
        match = _is_crypto(value)
        if match is None:
            raise BadMessage("sdp", "malformed crypto attribute")
        tag, suite, key, life, parameters = match.groups()
        try:
            octets = a2b_base64(key, strict_mode=True)
        except Error:
            raise BadMessage("sdp", "malformed key") from None
        if len(octets) != SUITES.get(suite):
            raise BadMessage("sdp", "an unknown suite, or a key of the wrong length")
        return cls(int(tag), suite, octets, (life or "") + (parameters or ""))

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} inline:{b2a_base64(self.key, newline=False).decode()}{self.rest}"


def offered(medium: Media) -> list[Crypto]:
    """Return the usable keys of a medium as preferred there; what cannot be used is passed over (7.1.1)."""
    found = []
    for value in medium.get_all("crypto")[:MOST]:
        try:
            found.append(Crypto.parse(value))
        except BadMessage:
            continue
    return found


def chosen(offer: Media, answer: Media) -> Crypto:
    """Return the one key of an answer, of a tag and suite of its offer (6.1); BadMessage if it is not so."""
    keys = offered(answer)
    if len(keys) == 1 and len(answer.get_all("crypto")) == 1:
        for theirs in offered(offer):
            if (theirs.tag, theirs.suite) == (keys[0].tag, keys[0].suite):
                return keys[0]
    raise BadMessage("sdp", "the answer does not choose one key of the offer", status=488)
