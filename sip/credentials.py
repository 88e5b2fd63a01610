"""Answering a challenge (RFC 3261 22.2, 22.3): the same request again, with credentials and the next CSeq."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sip.message import Request, Response

Headers = tuple[tuple[str, str], ...]
Credentials = Callable[[Response, Request], str | None]
"""Given a 401 or 407 and the request it refuses: the value of (Proxy-)Authorization, or None to give up."""

TRIES: Final = 2
"""How often a request goes out again: once for the challenge, once more for a stale nonce."""

_HEADER: Final = {401: "Authorization", 407: "Proxy-Authorization"}


def authorized(
    headers: Headers, credentials: Credentials | None, response: Response, request: Request | None
) -> Headers | None:
    """Return `headers` with the answer to the challenge in `response`, or None when there is none to give."""
    name = _HEADER.get(response.status)
    if name is None or credentials is None or request is None:
        return None
    value = credentials(response, request)
    if not value:
        return None
    return (*((other, text) for other, text in headers if other != name), (name, value))
