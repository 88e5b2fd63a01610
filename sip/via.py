"""The Via header field (RFC 3261 sections 18.2, 20.42; RFC 3581).

via-parm       =  sent-protocol LWS sent-by *( SEMI via-params )
sent-protocol  =  protocol-name SLASH protocol-version SLASH transport
sent-by        =  host [ COLON port ]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sip.errors import BadMessage
from sip.grammar import (
    HOST,
    TOKEN,
    Params,
    number,
    parse_params,
    print_host,
    print_params,
    strip_brackets,
)

MAGIC = "z9hG4bK"
"""What the branch of an RFC 3261 element begins with (8.1.1.7)."""

_S = r"[ \t]*+"
_VIA = re.compile(
    rf"({TOKEN}){_S}/{_S}({TOKEN}){_S}/{_S}({TOKEN})[ \t]++({HOST}){_S}(?::{_S}([0-9]{{1,5}}))?{_S}"
)
_REMEMBERED = 80  # greatest length of a hop worth remembering; this bounds the memory too


@dataclass(frozen=True, slots=True)
class Via:
    """One hop. `transport` is upper case, `host` without brackets, `port` None when not written."""

    transport: str
    host: str
    port: int | None = None
    params: Params = field(default_factory=dict)
    protocol: str = "SIP/2.0"

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one via-parm; raise BadMessage(layer="header")."""
        hop, semicolon, rest = text.partition(";")
        params = parse_params(semicolon + rest)
        known = _hop(hop) if len(hop) <= _REMEMBERED else _parse_hop(hop)
        return cls(known.transport, known.host, known.port, params, known.protocol)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.protocol}/{self.transport} {print_host(self.host)}{port}{print_params(self.params)}"

    @property
    def branch(self) -> str:
        """The branch parameter, "" when there is none (RFC 2543)."""
        return self.params.get("branch") or ""

    @property
    def received(self) -> str:
        """The address the request came from, without brackets (peers write both), or ""."""
        return strip_brackets(self.params.get("received") or "")

    @property
    def rport(self) -> int | None:
        """The port the request came from; None when not asked for or not yet filled in."""
        return number(self.params.get("rport") or "", 65535) or None

    def stamped(self, host: str, port: int) -> Via:
        """Give this Via as a server must leave it on a request from `host`:`port`.

        `received` is added when sent-by is another host (RFC 3261 18.2.1), and always together with
        `rport` when the client asked for that (RFC 3581 section 4).
        """
        asked = "rport" in self.params
        if not asked and self.host == host:
            return self
        params = dict(self.params)
        params["received"] = host
        if asked:
            params["rport"] = str(port)
        return replace(self, params=params)


def _parse_hop(text: str) -> Via:
    """Read what stands before the parameters."""
    match = _VIA.fullmatch(text)
    if match is None:
        raise BadMessage("header", "malformed", header="Via")
    name, version, transport, host, port_text = match.groups()
    port = None
    if port_text:
        port = number(port_text, 65535)
        if not port:
            raise BadMessage("header", "port out of range", header="Via")
    return Via(transport.upper(), strip_brackets(host), port, protocol=f"{name.upper()}/{version}")


_hop = lru_cache(maxsize=256)(_parse_hop)
"""The same, remembered: a phone writes the same hop into every message."""
