"""Our password at a carrier: an answer to its challenges, and nothing else, ever."""

from __future__ import annotations

import os

from sip.digest import DigestClient, parse_auth
from sip.errors import RemoteError
from sip.message import Request, Response

_ANSWERS = {401: "Authorization", 407: "Proxy-Authorization"}


class Access:
    """Credentials of one trunk, as `sip.stack` asks for them. Without a secret no challenge is answered."""

    __slots__ = ("_client",)

    def __init__(self, user: str, secret: str | None) -> None:
        self._client = DigestClient(user, secret, os.urandom) if secret else None

    @property
    def known(self) -> bool:
        """Whether there is a password."""
        return self._client is not None

    def __call__(self, response: Response, request: Request) -> str | None:
        """Answer a challenge; the same one twice is a wrong password, and carriers lock who goes on."""
        if self._client is None or (_ANSWERS[response.status] in request and not _stale(response)):
            return None
        try:
            return self._client.answer(response, request)[1]
        except RemoteError:
            return None


def _stale(response: Response) -> bool:
    ask = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
    challenges = [parse_auth(value) or {} for value in response.all(ask)]
    return any(each.get("stale", "").lower() == "true" for each in challenges)
