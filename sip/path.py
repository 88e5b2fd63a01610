"""Path: which proxies a request to a registered phone has to pass (RFC 3327).

The registrar keeps what a REGISTER says and writes it into the Route of requests to its Contact. Whoever
asks is told nothing that is not in the request already.
"""

from __future__ import annotations

from typing import Final

from sip.errors import BadMessage
from sip.message import Request
from sip.nameaddr import NameAddr

TAG: Final = "path"
"""The option tag of phones that want to be told their path (5.1)."""
MOST: Final = 8
LONGEST: Final = 1024
"""Proxies on the way, and octets of all of them, that are kept."""


def path_of(request: Request) -> tuple[str, ...]:
    """Return the path a REGISTER came by, the proxy nearest to us first; raise BadMessage.

    Each must be a loose router: a strict one would want the Request-URI rewritten.
    """
    if "Path" not in request:
        return ()
    found = tuple(request.values("Path"))
    if len(found) > MOST or sum(map(len, found)) > LONGEST:
        raise BadMessage("header", "path too long", header="Path")
    for value in found:
        uri = NameAddr.parse(value).uri
        if not uri.is_sip or "lr" not in uri.params:
            raise BadMessage("header", "not a loose router", header="Path")
    return found


def first_hop_serves_outbound(path: tuple[str, ...]) -> bool:
    """Whether the proxy nearest to the phone says that it keeps its flow (RFC 5626 5.1: `ob`)."""
    return bool(path) and "ob" in NameAddr.parse(path[-1]).uri.params


def told(request: Request) -> bool:
    """Whether the phone wants to be told its path."""
    return any(tag.lower() == TAG for tag in request.values("Supported"))
