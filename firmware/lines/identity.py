"""Who is told who somebody is: the one place that decides it (RFC 3323, 3325, 3892, 7044).

What a far end reads of a party (From, P-Asserted-Identity, Diversion, History-Info, Referred-By) is made
here, and somebody who wants to stay private (`Party.private`) is anonymous in all of it. Phones stand
outside the trust of RFC 3325: of somebody private they are told nothing, and what they say of themselves is
believed only as a choice among their own numbers. Who somebody is comes from the proof in the request, never
from its text; of the text only the wish for privacy counts. Calls for help always tell
(`firmware.calls.basic.present`).

Remote-Party-ID is never sent: the draft expired, and phones that read it read P-Asserted-Identity too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from firmware.calls.leg import Party
from firmware.store.model import Extension
from sip.answer import Answer
from sip.errors import BadMessage
from sip.message import Request
from sip.nameaddr import NameAddr
from sip.uri import SipUri

Headers = tuple[tuple[str, str], ...]

ANONYMOUS: Final = NameAddr(SipUri(user="anonymous", host="anonymous.invalid"), "Anonymous")
"""Who somebody is to those who are not told (RFC 3323 4.1.1.3)."""

NOBODY: Final[Headers] = (("P-Asserted-Identity", str(ANONYMOUS)),)
"""Takes back an identity that was asserted, when somebody private comes in the place of who had it."""

_HIDING: Final = frozenset({"id", "user"})
# The box makes every header anew and relays all media: header, session and history need nothing more.
_SERVED: Final = _HIDING | {"header", "session", "history", "none", "critical"}
_VISUAL: Final = str.maketrans("", "", "-.()")  # RFC 3966 5.1.1


def named(party: Party, host: str) -> NameAddr:
    """Return how a party is shown: number, and name, or nobody."""
    if party.private or not party.number:
        return ANONYMOUS
    return NameAddr(SipUri(user=party.number, host=host), party.name)


def asserted(party: Party, host: str) -> Headers:
    """Return the header that vouches for a party, none for somebody private (RFC 3325 5, 7)."""
    if party.private or not party.number:
        return ()
    return (("P-Asserted-Identity", str(named(party, host))),)


def referred_by(party: Party | None, host: str) -> Headers:
    """Return who handed the call over, made from who proved to be (RFC 3892); what they wrote is not."""
    if party is None or party.private or not party.number:
        return ()
    return (("Referred-By", str(NameAddr(SipUri(user=party.number, host=host)))),)


def is_anonymous(address: NameAddr) -> bool:
    """Tell whether an address is one of those that name nobody (RFC 3323 4.1)."""
    uri = address.uri
    return uri.host.lower() == "anonymous.invalid" or uri.user.lower() == "anonymous"


def wants_privacy(request: Request) -> bool:
    """Tell whether a request asks that nobody be told who makes it (RFC 3323 4.2, 3325 9.3), or hides it."""
    return bool("Privacy" in request and _wishes(request) & _HIDING) or is_anonymous(request.from_)


def unserved(request: Request) -> Answer | None:
    """Refuse a wish for privacy we cannot fulfil, if whoever calls then would rather not (RFC 3323 5)."""
    if "Privacy" not in request:
        return None
    wishes = _wishes(request)
    return Answer(500) if "critical" in wishes and wishes - _SERVED else None


def presented(request: Request, party: Party, extension: Extension | None) -> Party:
    """Return who calls: who proved to be `party`, under which of their numbers, and whether in private.

    `Privacy: none` shows who is private as a rule (RFC 3323 4.3); an anonymous From hides.
    """
    hidden = party.private
    if "Privacy" in request:
        wishes = _wishes(request)
        hidden = "none" not in wishes and (hidden or bool(wishes & _HIDING))
    if not hidden and is_anonymous(request.from_):
        hidden = True
    number = _preferred(request, extension) or party.number
    if (number, hidden) == (party.number, party.private):
        return party
    return replace(party, number=number, private=hidden)


def _wishes(request: Request) -> set[str]:
    """Return the words of all Privacy headers; a comma between them is no grammar but common."""
    text = ";".join(request.all("Privacy")).replace(",", ";")
    return {word.strip(" \t").lower() for word in text.split(";")} - {""}


def _preferred(request: Request, extension: Extension | None) -> str:
    """Return the own number a phone wants to call with, "" for none (RFC 3325 6, 9.2)."""
    if extension is None or "P-Preferred-Identity" not in request:
        return ""
    own = {extension.number, *extension.aliases}
    for value in request.values("P-Preferred-Identity")[:2]:
        try:
            uri = NameAddr.parse(value).uri
        except BadMessage:
            continue
        text = uri.user if uri.is_sip else uri.opaque if uri.scheme == "tel" else ""
        number = text.partition(";")[0].translate(_VISUAL)
        if number in own:
            return number
    return ""
