"""URIs in SIP (RFC 3261 section 19.1).

    SIP-URI   =  "sip:" [ userinfo ] hostport uri-parameters [ headers ]
    userinfo  =  ( user / telephone-subscriber ) [ ":" password ] "@"

Values hold decoded text; printing escapes again what must be. An "@" cannot occur after the userinfo,
so the last one ends it. Any other scheme keeps everything behind its colon in `opaque`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sip.errors import BadMessage
from sip.grammar import (
    HOST,
    Params,
    escape,
    escaper,
    number,
    print_host,
    strip_brackets,
    unescape,
)

_HOSTPORT = re.compile(
    rf"({HOST})(?::([0-9]{{1,5}}))?(;[^?\x00-\x20\x7f<>\"]*+)?(?:\?([^\x00-\x20\x7f<>\"]++))?"
)
_USERINFO = re.compile(r"[^\x00-\x20\x7f<>\"@:]++(?::[^\x00-\x20\x7f<>\"@:]*+)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+")
_OPAQUE = re.compile(r"[^\x00-\x20\x7f<>\"]++")

_MARK = "-_.!~*'()"
_USER = escaper(_MARK + "&=+$,;?/")
_PASSWORD = escaper(_MARK + "&=+$,")
_PARAM = escaper(_MARK + "[]/:&+$")
_HEADER = escaper(_MARK + "[]/?:+$")

_REMEMBERED = 80  # greatest length of a URI worth remembering; this bounds the memory too
_COMPARED = ("transport", "user", "ttl", "method", "maddr")  # 19.1.4: never ignored


@dataclass(frozen=True, slots=True)
class SipUri:
    """One URI. For `sip` and `sips` all parts are decoded; for other schemes only `opaque` is filled.

    `user` is "" when the URI has no userinfo; `host` has no brackets; parameter names are lower case.
    """

    scheme: str = "sip"
    user: str = ""
    password: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Read an absolute URI; raise BadMessage(layer="uri")."""
        return _parse_again(text) if len(text) <= _REMEMBERED else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> SipUri:
        scheme, colon, rest = text.partition(":")
        if scheme not in {"sip", "sips"}:
            if not colon or not _SCHEME.fullmatch(scheme):
                raise BadMessage("uri", "no scheme")
            scheme = scheme.lower()
            if scheme not in {"sip", "sips"}:
                if not _OPAQUE.fullmatch(rest):
                    raise BadMessage("uri", "characters that no URI may hold")
                return cls(scheme=scheme, opaque=rest)
        userinfo, at, tail = rest.rpartition("@")
        user, password = "", None
        if at:
            if not _USERINFO.fullmatch(userinfo):
                raise BadMessage("uri", "malformed user part")
            user, separator, secret = userinfo.partition(":")
            user = unescape(user)
            password = unescape(secret) if separator else None
        match = _HOSTPORT.fullmatch(tail)
        if match is None:
            raise BadMessage("uri", "malformed host, port or parameters")
        host, port, params, headers = match.groups()
        return cls(
            scheme,
            user,
            password,
            strip_brackets(host),
            _port(port) if port else None,
            _parse_params(params) if params else {},
            _parse_headers(headers) if headers else (),
        )

    def __str__(self) -> str:
        if not self.host:
            return f"{self.scheme}:{self.opaque}" if self.scheme else self.opaque
        text = f"{self.scheme}:"
        if self.user:
            text += escape(self.user, _USER)
            if self.password is not None:
                text += ":" + escape(self.password, _PASSWORD)
            text += "@"
        text += print_host(self.host)
        if self.port is not None:
            text += f":{self.port}"
        for name, value in self.params.items():
            text += ";" + escape(name, _PARAM)
            if value is not None:
                text += "=" + escape(value, _PARAM)
        if self.headers:
            pairs = [f"{escape(name, _HEADER)}={escape(value, _HEADER)}" for name, value in self.headers]
            text += "?" + "&".join(pairs)
        return text

    @property
    def is_sip(self) -> bool:
        """Whether this is a `sip` or `sips` URI."""
        return bool(self.host)

    @property
    def transport(self) -> str:
        """The transport parameter in lower case, or ""."""
        return (self.params.get("transport") or "").lower()

    def matches(self, other: SipUri) -> bool:
        """Compare by RFC 3261 19.1.4 (not transitive, so this is not `==`)."""
        if not self.is_sip:
            return self.scheme == other.scheme and self.opaque == other.opaque
        if (self.scheme, self.user, self.password, self.port) != (
            other.scheme,
            other.user,
            other.password,
            other.port,
        ) or not _same_host(self.host, other.host):
            return False
        for name in _COMPARED:
            if (name in self.params) != (name in other.params):
                return False
        for name, value in self.params.items():
            if name in other.params and (value or "").lower() != (other.params[name] or "").lower():
                return False
        return _comparable(self.headers) == _comparable(other.headers)

    def with_param(self, name: str, value: str | None = None) -> SipUri:
        """Give a copy with one parameter set."""
        return replace(self, params={**self.params, name: value})

    def without_params(self, *names: str) -> SipUri:
        """Give a copy without the named parameters."""
        return replace(self, params={name: value for name, value in self.params.items() if name not in names})


@lru_cache(maxsize=512)
def _parse_again(text: str) -> SipUri:
    """Read a short URI or remember it: phones say the same few all day, and values may be shared."""
    return SipUri._parse(text)  # noqa: SLF001


def _port(text: str) -> int:
    port = number(text, 65535)
    if not port:
        raise BadMessage("uri", "port out of range")
    return port


def _parse_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    parts = text.split(";")
    for part in parts[1:]:
        name, equal, value = part.partition("=")
        if not name:
            raise BadMessage("uri", "empty parameter")
        params[unescape(name).lower()] = unescape(value) if equal else None
    if len(params) != len(parts) - 1:
        raise BadMessage("uri", "a parameter comes twice")
    return params


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for part in text.split("&"):
        name, equal, value = part.partition("=")
        if not name or not equal:
            raise BadMessage("uri", "malformed header in a URI")
        headers.append((unescape(name), unescape(value)))
    return tuple(headers)


def _same_host(one: str, other: str) -> bool:
    """Compare hosts: IPv6 addresses by value, however they are written (RFC 5954 4.2)."""
    if one.lower() == other.lower():
        return True
    if ":" not in one or ":" not in other:
        return False
    from ipaddress import IPv6Address  # two addresses that differ in writing are rare

    try:
        return IPv6Address(one) == IPv6Address(other)
    except ValueError:
        return False


def _comparable(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)
