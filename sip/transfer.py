"""Transfers: what a REFER asks for (RFC 3515, 4488, 3892) and what a Replaces header means (RFC 3891).

A `Referral` is a REFER of the far end and the subscription it makes: 202, a NOTIFY at once, one for
what becomes of it, a last one that ends the subscription. It lives on the dialog of its session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from sip.errors import BadMessage
from sip.grammar import is_token
from sip.nameaddr import NameAddr
from sip.reasons import REASONS

if TYPE_CHECKING:
    from sip.message import Request
    from sip.uri import SipUri

TAG: Final = "replaces"
LIFETIME: Final = 300
"""Seconds the subscription of a REFER says it lasts; it always ends before."""
_LONGEST: Final = 512


Headers = tuple[tuple[str, str], ...]
Notify = Callable[["Referral", Headers, bytes, float], None]


class Replaces(NamedTuple):
    """Which dialog of ours to replace: `to_tag` is our local tag, `from_tag` the far end's (RFC 3891 6.1)."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a header value; raise BadMessage."""
        call_id, *parameters = (part.strip() for part in text.split(";"))
        tags: dict[str, str] = {}
        early = False
        for parameter in parameters:
            name, _, value = (part.strip() for part in parameter.partition("="))
            name = name.lower()
            if name in tags:
                raise BadMessage("header", "a tag comes twice", header="Replaces")
            if name in {"to-tag", "from-tag"}:
                tags[name] = value
            early = early or name == "early-only"
        to_tag, from_tag = tags.get("to-tag", ""), tags.get("from-tag", "")
        readable = call_id and not any(blank in call_id for blank in " \t,") and len(text) <= _LONGEST
        if not (readable and is_token(to_tag) and is_token(from_tag)):
            raise BadMessage("header", "no dialog could be meant", header="Replaces")
        return cls(call_id, to_tag, from_tag, early)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def replaces_of(request: Request) -> Replaces | None:
    """Return what an INVITE wants to replace, None when nothing; raise BadMessage (RFC 3891 3)."""
    values = request.all("Replaces")
    if not values:
        return None
    if len(values) > 1:
        raise BadMessage("header", "a header comes twice", request, header="Replaces")
    try:
        return Replaces.parse(values[0])
    except BadMessage as error:
        raise BadMessage(error.layer, error.why, request, header="Replaces") from None


class ReferTo(NamedTuple):
    """Whom a REFER means: a SIP URI, and the dialog to replace there."""

    uri: SipUri
    replaces: Replaces | None

    @classmethod
    def of(cls, request: Request) -> Self | int:
        """Return what a REFER says, or the status that refuses it (RFC 3515 2.4.2)."""
        values = request.all("Refer-To")
        if len(values) != 1:
            return 400
        try:
            uri = NameAddr.parse(values[0]).uri
            if not uri.is_sip:
                return 416
            said = [value for name, value in uri.headers if name.lower() == "replaces"]
            if len(said) > 1 or uri.params.get("method", "INVITE") != "INVITE":
                return 400
            return cls(uri, Replaces.parse(said[0]) if said else None)
        except BadMessage:
            return 400


class Referral:
    """A REFER that waits for `accept` or `refuse`, then for the `notify` of what becomes of it.

    `target` and `replaces` are what it asks for. After the last `notify` all do nothing.
    """

    __slots__ = ("_notify", "_reply", "answered", "event", "replaces", "silent", "target")

    def __init__(
        self,
        target: ReferTo,
        event: str,
        *,
        silent: bool,
        reply: Callable[[int, Headers], None],
        notify: Notify,
    ) -> None:
        """Take what it asks for, its Event, whether no NOTIFY is wanted, and the ways to answer."""
        self.target = target.uri
        self.replaces = target.replaces
        self.event = event
        self.silent = silent
        self.answered = False
        self._reply: Callable[[int, Headers], None] | None = reply
        self._notify: Notify | None = notify

    def accept(self, now: float) -> None:
        """Answer 202, and NOTIFY at once that it is being tried (RFC 3515 2.4.4)."""
        reply, self._reply = self._reply, None
        if reply is not None:
            self.answered = True
            # RFC 4488 4: no subscription where the far end wants none.
            reply(202, (("Refer-Sub", "false"),) if self.silent else ())
            if self.silent:
                self._notify = None
            self.notify(100, now)

    def refuse(self, status: int) -> None:
        """Refuse the REFER: nothing will be tried."""
        reply, self._reply = self._reply, None
        if reply is not None:
            self.answered = True
            self._notify = None
            reply(status, ())

    def notify(self, status: int, now: float) -> None:
        """Tell how far it is; a final status ends the subscription."""
        notify = self._notify
        if notify is None or self._reply is not None:
            return
        over = status >= 200
        if over:
            self._notify = None
        state = "terminated;reason=noresource" if over else f"active;expires={LIFETIME}"
        headers = (
            ("Event", self.event),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        )
        notify(self, headers, f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}\r\n".encode(), now)

    def stop(self) -> None:
        """Forget the subscription: the far end has."""
        self._notify = None
