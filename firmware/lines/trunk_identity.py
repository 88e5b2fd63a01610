"""Who is calling, towards a carrier and as a carrier says it (RFC 3261 8.1.1.3, 3323, 3325).

A carrier is trusted with the number of a private caller, so that it can bill and trace; whoever is called is
not. What a carrier asserts (P-Asserted-Identity) counts for more than a From anybody could write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from firmware.calls.leg import Diversion, Party
from firmware.calls.outside import CallerId
from firmware.lines.identity import ANONYMOUS, is_anonymous, wants_privacy
from firmware.lines.trunk_numbers import read, written
from sip.errors import BadMessage
from sip.message import Request
from sip.nameaddr import NameAddr
from sip.uri import SipUri

if TYPE_CHECKING:
    from provisioning.site_trunk import Trunk

_HEADERS: Final = {"asserted": "P-Asserted-Identity", "preferred": "P-Preferred-Identity"}


def caller_headers(
    caller: CallerId, trunk: Trunk, diversions: Sequence[Diversion] = ()
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return From without a tag, and the headers that say who calls.

    Numbers inside the house (of those who sent a call on) stay inside unless the trunk allows them.
    """
    number = caller.number if trunk.caller_id == "passthrough" and caller.number else trunk.number
    user = written(number, trunk) or trunk.user
    real = NameAddr(SipUri(user=user, host=trunk.home), "" if caller.private else caller.name)
    shown = real
    if caller.private and trunk.privacy == "anonymous":
        shown = ANONYMOUS
    elif trunk.identity != "from" and trunk.user:
        shown = NameAddr(SipUri(user=trunk.user, host=trunk.home), real.display)
    headers: list[tuple[str, str]] = []
    if trunk.identity != "from" and user:
        headers.append((_HEADERS[trunk.identity], str(real)))
    elif shown is ANONYMOUS and user:
        # Else the carrier would not know whose call it carries.
        headers.append((_HEADERS["preferred"], str(real)))
    if caller.private:
        headers.append(("Privacy", "id" if shown is ANONYMOUS else "user;id"))
    if trunk.diversion:
        headers += [("Diversion", _diversion(each, trunk)) for each in reversed(diversions)]
    return str(shown), tuple(headers)


def _diversion(diversion: Diversion, trunk: Trunk) -> str:
    """Name the line, not the extension, as who sent the call on (RFC 5806)."""
    party = diversion.party
    number = party.number if party.number.startswith("+") else trunk.number
    uri = SipUri(user=written(number, trunk) or trunk.user, host=trunk.home)
    return str(NameAddr(uri, params={"reason": "unconditional", "counter": "1"}))


def caller_of(request: Request, trunk: Trunk) -> Party:
    """Return who calls in, as far as the carrier tells."""
    private = wants_privacy(request)
    address = _asserted(request)
    shown = request.from_
    if address is None or is_anonymous(address):
        address = shown
    uri = address.uri
    number = uri.user if uri.is_sip else uri.opaque
    known = bool(number) and number.lower() not in {"anonymous", "unknown", "restricted"}
    return Party(
        None,
        read(number, trunk) if known else "",
        "" if private else address.display or (shown.display if shown.uri.user == uri.user else ""),
        private=private or not known,
        line=trunk.name,
    )


def _asserted(request: Request) -> NameAddr | None:
    """Return the first asserted identity that is a number or can be one (RFC 3325 9.1: tel and sip)."""
    for value in request.values("P-Asserted-Identity")[:2]:
        try:
            address = NameAddr.parse(value)
        except BadMessage:
            continue
        if address.uri.is_sip or address.uri.scheme == "tel":
            return address
    return None


def called(request: Request, token: str, trunk: Trunk) -> str:
    """Return the number a call from a carrier is for: E.164 with its + where it can be told.

    The Request-URI says it, unless that is our registered contact (`token`) or account, or says nothing: then
    P-Called-Party-ID (RFC 7315 4.2), then To.
    """
    user = request.request_uri.user
    if not user or user in {token, trunk.user}:
        for value in request.values("P-Called-Party-ID")[:1]:
            try:
                uri = NameAddr.parse(value).uri
            except BadMessage:
                continue
            user = uri.user or uri.opaque
        if not user or user in {token, trunk.user}:
            to = request.to.uri
            user = to.user or to.opaque
    user = user.partition(";")[0]
    if (not user or user == trunk.user) and trunk.number:
        return trunk.number
    return read(user, trunk)
