"""What a client asks a registrar and makes of the answers (RFC 3261 10.2, 3608, 5626 4.5, 6140).

No socket and no timer: the owner sends REGISTER with `lines`, hands the final answer to `judge` and does what
that says. When to refresh and how long to wait after failures is told here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sip.contact import Contact
from sip.credentials import Headers
from sip.errors import BadMessage
from sip.flow import Flow, bracketed
from sip.message import Response
from sip.uri import SipUri

SHORTEST: Final = 10
"""No registrar is asked more often than each so many seconds, whatever it grants."""
LONGEST: Final = 86400
MOST_ROUTES: Final = 8

_BASE: Final = 30.0
_CEILING: Final = 1800.0
_ELSEWHERE: Final = frozenset({408, 430, 500, 502, 503, 504})


class Granted(NamedTuple):
    """Registered for `seconds`; requests of ours take `routes` (RFC 3608 5)."""

    seconds: int
    routes: tuple[str, ...]


class Again(NamedTuple):
    """Ask once more at once: the registrar wants other terms (423)."""


class Moved(NamedTuple):
    """Ask at another place of the same host (3xx)."""

    uri: SipUri


class Failed(NamedTuple):
    """Not registered. `elsewhere`: another server may do better. `wait`: seconds the registrar asks for.

    `status` is 0 where there was no answer at all.
    """

    status: int
    elsewhere: bool
    wait: int = 0


Verdict = Granted | Again | Moved | Failed


class Registration:
    """One registration: whose address, at which host, for how long.

    `token` is the user part of our Contact: whoever calls it has learnt it from the registrar. With `bulk`
    the Contact has none and stands for all numbers of the address (RFC 6140 5.1).
    """

    def __init__(self, host: str, token: str, call_id: str, *, expires: int, bulk: bool = False) -> None:
        self.token = token
        self.call_id = call_id
        self.cseq = 0
        self._host = host.lower()
        self._bulk = bulk
        self._expires = expires
        self._asked = expires

    def contact(self, host: str, flow: Flow) -> str:
        """Return the URI we register for a flow, on which we are known as `host`."""
        user = "" if self._bulk else f"{self.token}@"
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        return f"sip:{user}{bracketed(host)}:{flow.local[1]}{transport}{';bnc' if self._bulk else ''}"

    def lines(self, contact: str, *, end: bool = False) -> Headers:
        """Return the headers of the next REGISTER; `end` asks for an end of the registration."""
        self._asked = 0 if end else self._expires
        bulk = (("Require", "gin"), ("Proxy-Require", "gin")) if self._bulk else ()
        return (("Contact", f"<{contact}>"), ("Expires", str(self._asked)), ("Supported", "path"), *bulk)

    def judge(self, response: Response | None, contact: str) -> Verdict:
        """Say what a final answer to the last REGISTER means; None: there was none."""
        if response is None:
            return Failed(0, elsewhere=True)
        status = response.status
        if status < 300:
            return self._granted(response, contact)
        if status == 423:
            wanted = _seconds(response.get("Min-Expires"))
            if self._expires < wanted <= LONGEST:
                self._expires = wanted
                return Again()
        elif status < 400:
            return self._moved(response)
        return Failed(status, status in _ELSEWHERE, _seconds(response.get("Retry-After")))

    def _granted(self, response: Response, contact: str) -> Granted | Failed:
        seconds = self._asked if response.expires is None else response.expires
        try:
            mine = [each for each in response.contacts if self._is_ours(each, contact)]
            others = response.contacts
        except BadMessage:
            mine = others = []
        if mine and mine[0].expires is not None:
            seconds = mine[0].expires
        elif others and not mine:
            return Failed(response.status, elsewhere=False)  # it keeps addresses of others, and not ours
        if not seconds:
            return Failed(response.status, elsewhere=False)
        return Granted(min(seconds, LONGEST), tuple(response.values("Service-Route")[:MOST_ROUTES]))

    def _is_ours(self, contact: Contact, ours: str) -> bool:
        """Whether a contact is ours; registrars may put the address they saw in place of ours."""
        if contact.star:
            return False
        if not self._bulk:
            return contact.uri.user == self.token
        mine = SipUri.parse(ours)
        return (contact.uri.host.lower(), contact.uri.port) == (mine.host.lower(), mine.port)

    def _moved(self, response: Response) -> Moved | Failed:
        """Follow to the same host only: who may send our calls elsewhere is the site's business."""
        try:
            uri = response.contacts[0].uri if response.contacts else None
        except BadMessage:
            uri = None
        if uri is not None and uri.is_sip and uri.host.lower() == self._host:
            return Moved(SipUri(uri.scheme, host=uri.host, port=uri.port, params=uri.params))
        return Failed(response.status, elsewhere=False)


def refresh(seconds: int, below: Callable[[int], int]) -> float:
    """Return after how many seconds to refresh what was granted: at 80 to 90 % of it, by chance."""
    return max(float(SHORTEST), seconds * (800 + below(101)) / 1000) if seconds > SHORTEST else seconds / 2


def pause(failures: int, below: Callable[[int], int], ceiling: float = _CEILING) -> float:
    """Return how long to wait after so many failures in a row (RFC 5626 4.5).

    By chance from the upper half of 30 s, then of twice that each time, up to `ceiling`.
    """
    upper: float = min(ceiling, _BASE * 2.0 ** min(failures - 1, 10))
    return upper * (500 + below(501)) / 1000


def _seconds(text: str | None) -> int:
    """Read delta-seconds with whatever may follow them (RFC 3261 20.33); 0 when there are none."""
    digits = (text or "").partition(";")[0].partition("(")[0].strip()
    return min(int(digits), LONGEST) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0
