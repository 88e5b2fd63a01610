"""Addresses with a display name and parameters: From, To, Route, Record-Route, Refer-To and their kin.

    name-addr  =  [ display-name ] LAQUOT addr-spec RAQUOT
    addr-spec  =  SIP-URI / SIPS-URI / absoluteURI
    from-spec  =  ( name-addr / addr-spec ) *( SEMI from-param )

Without angle brackets a ";" begins the header's own parameters and the URI may hold neither "," nor "?"
(RFC 3261 section 20). A display name without quotes may hold letters beyond ASCII: phones send them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

from sip.errors import BadMessage
from sip.grammar import PARAMS, QUOTED, Params, is_token, print_params, quote, split_params, unquote
from sip.uri import SipUri

_WORD = r'[^\x00-\x20"#$&(),/:;<=>?@\[\\\]^{|}\x7f]'  # token, and all that is not ASCII
_WORDS = r'[^\x00-\x08\x0a-\x1f"#$&(),/:;<=>?@\[\\\]^{|}\x7f]'  # the same with the blanks between words
_NAME_ADDR = re.compile(rf"({QUOTED}|{_WORD}{_WORDS}*+)?[ \t]*+<([^<>\x00-\x20\x7f]++)>({PARAMS})", re.DOTALL)
_ADDR_SPEC = re.compile(rf"([^<>\x00-\x20\x7f;,?]++)({PARAMS})", re.DOTALL)


_REMEMBERED = 120  # greatest length of an address worth remembering; this bounds the memory too


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address. `display` is decoded, "" when absent; `params` are the header's, not the URI's."""

    uri: SipUri
    display: str = ""
    params: Params = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one address; raise BadMessage."""
        if len(text) > _REMEMBERED:
            return cls._parse(text)
        return _parse_again(cls, text)  # type: ignore[return-value,arg-type]  # of the class it was given

    @classmethod
    def _parse(cls, text: str) -> Self:
        address, found, tag = text.partition(">;tag=")
        if (
            found and len(text) <= _REMEMBERED and is_token(tag)
        ):  # nothing else follows the address: only the tag is new in a new call
            known = _parse_address(address + ">")
            return cls(known.uri, known.display, {"tag": tag})
        match = _NAME_ADDR.fullmatch(text)
        if match:
            display, uri, params = match.groups()
            name = "" if not display else unquote(display) if display[0] == '"' else display.rstrip(" \t")
        else:
            match = _ADDR_SPEC.fullmatch(text)
            if match is None:
                raise BadMessage("header", "malformed address")
            uri, params = match.groups()
            name = ""
        return cls(SipUri.parse(uri), name, split_params(params))

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{print_params(self.params)}"

    @property
    def tag(self) -> str:
        """The tag parameter, "" when there is none."""
        return self.params.get("tag") or ""

    def with_param(self, name: str, value: str | None = None) -> Self:
        """Give a copy with one header parameter set."""
        return replace(self, params={**self.params, name: value})

    def without_param(self, name: str) -> Self:
        """Give a copy without one header parameter, or this when it has none of that name."""
        if name not in self.params:
            return self
        return replace(self, params={key: value for key, value in self.params.items() if key != name})

    def with_tag(self, tag: str) -> Self:
        """Give a copy with this tag."""
        return self.with_param("tag", tag)


@lru_cache(maxsize=512)
def _parse_address(text: str) -> NameAddr:
    return NameAddr._parse(text)  # noqa: SLF001


@lru_cache(maxsize=512)
def _parse_again(kind: type[NameAddr], text: str) -> NameAddr:
    """Read a short address or remember it: the messages of one call say the same few again and again."""
    return kind._parse(text)  # noqa: SLF001
