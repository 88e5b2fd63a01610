"""Shared pieces of the SIP grammar (RFC 3261 section 25.1), after folded lines have been joined.

    token          =  1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
    quoted-string  =  SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE
    generic-param  =  token [ EQUAL gen-value ]
    gen-value      =  token / host / quoted-string
    host           =  hostname / IPv4address / IPv6reference

Read a little more freely than written: a parameter value may hold any printable character that cannot
end it (base64 tags exist), a host name may hold "_". Empty parameters (";;") are refused.

Every quantifier that meets hostile text is possessive, so that matching stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sip.errors import BadMessage

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"  # noqa: S105  # the RFC's word
QUOTED = r'"(?:[^"\\]++|\\.)*"'
HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._\-]*+)|\[[0-9A-Fa-f:.]++\])"
_VALUE = r'[^\x00-\x20;,"<>\x7f]++'
_PARAM = rf"[ \t]*+;[ \t]*+{TOKEN}(?:[ \t]*+=[ \t]*+(?:{QUOTED}|{_VALUE}))?"
PARAMS = rf"(?:{_PARAM})*[ \t]*+"

is_token = re.compile(TOKEN).fullmatch
is_host = re.compile(HOST).fullmatch
_is_params = re.compile(PARAMS, re.DOTALL).fullmatch
_each_param = re.compile(rf";[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({QUOTED}|{_VALUE}))?", re.DOTALL).finditer
_each_element = re.compile(rf'(?:[^,"<]++|{QUOTED}|<[^>]*+>|["<])+', re.DOTALL).finditer
_escape_quoted = re.compile(r'[\\"\x00-\x08\x0b\x0c\x0e-\x1f\x7f]').sub
_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_escapes = re.compile(rb"(?:%[0-9A-Fa-f]{2})+").sub

Params = Mapping[str, str | None]
"""Parameters by lower-case name, in order. A flag has the value None; a quoted value keeps its quotes."""


def parse_params(text: str) -> dict[str, str | None]:
    """Read `*( SEMI generic-param )`; raise BadMessage on anything else, or on a name that comes twice."""
    if text and not _is_params(text):
        raise BadMessage("header", "malformed parameters")
    return split_params(text)


def split_params(text: str) -> dict[str, str | None]:
    """Do as `parse_params` with text that is known to match PARAMS."""
    params: dict[str, str | None] = {}
    if not text:
        return params
    count = 0
    if '"' in text:
        for match in _each_param(text):
            params[match[1].lower()] = match[2]
            count += 1
    else:
        for part in text.split(";")[1:]:
            name, equal, value = part.partition("=")
            params[name.strip(" \t").lower()] = value.strip(" \t") if equal else None
            count += 1
    if count != len(params):
        raise BadMessage("header", "a parameter comes twice")
    return params


def print_params(params: Params) -> str:
    """Write parameters as they stand behind a value: `;name=value;flag`."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params.items()])


def split_commas(text: str) -> list[str]:
    """Split a header value at commas outside quotes and angle brackets; elements come stripped.

    Empty elements stay (the caller's grammar refuses them), except in an empty header.
    """
    if "," not in text:
        return [text] if text else []
    if '"' not in text and "<" not in text:
        return [part.strip(" \t") for part in text.split(",")]
    elements = []
    end = -1
    for match in _each_element(text):
        # Each gap of more than one comma is an element with nothing in it.
        elements.extend([""] * (match.start() - end - 1))
        elements.append(match[0].strip(" \t"))
        end = match.end()
    elements.extend([""] * (len(text) - end))
    return elements


def quote(text: str) -> str:
    """Make a quoted-string of any text without line ends."""
    return f'"{_escape_quoted(_backslash, text)}"'


def unquote(text: str) -> str:
    """Undo `quote`; text without quotes comes back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    # Backslashes pair off from the left, so what is left alone in each part is only there to escape.
    return "\\".join([part.replace("\\", "") for part in inner.split("\\\\")])


def unescape(text: str) -> str:
    """Decode %HH (RFC 3261 19.1.2) as UTF-8; bytes that are not UTF-8 survive as surrogates."""
    if "%" not in text:
        return text
    if _bad_escape(text):
        raise BadMessage("uri", "malformed %-escape")
    raw = text.encode("utf-8", "surrogateescape")
    decoded = _escapes(lambda match: bytes.fromhex(match[0].replace(b"%", b"").decode("ascii")), raw)
    return decoded.decode("utf-8", "surrogateescape")


def escaper(allowed: str) -> re.Pattern[bytes]:
    """Compile what `escape` must replace: every byte outside alphanumerics and `allowed`."""
    return re.compile(b"[^A-Za-z0-9" + re.escape(allowed.encode()) + b"]")


def escape(text: str, forbidden: re.Pattern[bytes]) -> str:
    """Encode as UTF-8 and replace every forbidden byte by %HH."""
    if text.isalnum() and text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return forbidden.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")


def number(text: str, limit: int) -> int | None:
    """Read 1*DIGIT up to `limit`; None when it is anything else or more."""
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > 20:
        # Zeros in front are harmless, but how long a number may be is not for the sender to say.
        text = text.lstrip("0") or "0"
        if len(text) > 20:
            return None
    value = int(text)
    return value if value <= limit else None


def strip_brackets(host: str) -> str:
    """Give an IPv6 reference without its brackets; other hosts as they are."""
    return host[1:-1] if host[:1] == "[" else host


def print_host(host: str) -> str:
    """Write a host, with brackets around an IPv6 address."""
    return f"[{host}]" if ":" in host else host


def _backslash(match: re.Match[str]) -> str:
    return "\\" + match[0]
