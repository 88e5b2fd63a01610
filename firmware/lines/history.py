"""How a call came here, for the phone that rings: Diversion (RFC 5806) and History-Info (RFC 7044)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from firmware.calls.leg import Diversion, Party
from firmware.lines.identity import ANONYMOUS, named
from firmware.store.model import Occasion
from sip.nameaddr import NameAddr
from sip.uri import SipUri

# Diversion reason (RFC 5806 section 4) and the cause that goes with it (RFC 7544 section 7.3).
_WORDS: Final = {
    Occasion.ALWAYS: ("unconditional", 302),
    Occasion.BUSY: ("user-busy", 486),
    Occasion.NO_ANSWER: ("no-answer", 408),
    Occasion.UNREACHABLE: ("unavailable", 503),
}


def history(diversions: Sequence[Diversion], target: Party, host: str) -> tuple[tuple[str, str], ...]:
    """Return the headers for those who sent a call on, first to last, and who is called now; none: none.

    The latest diversion comes first (RFC 5806 section 3). In the history everybody has an index below whoever
    sent the call there, `mp` names that one (RFC 7044 section 10.1), and the cause stands in the URI
    (RFC 4458). Who is private has a place in it, and no name (RFC 7044 10.1.2, RFC 5806 privacy=full).
    """
    if not diversions:
        return ()
    lines = [("Diversion", _diversion(each, host)) for each in reversed(diversions)]
    index = "1"
    entries = [str(NameAddr(_uri(diversions[0].party, host), params={"index": index}))]
    reached = [*(each.party for each in diversions[1:]), target]
    for sender, party in zip(diversions, reached, strict=True):
        cause = str(_WORDS[sender.occasion][1])
        before, index = index, f"{index}.1"
        uri = _uri(party, host).with_param("cause", cause)
        entries.append(str(NameAddr(uri, params={"index": index, "mp": before})))
    return (*lines, ("History-Info", ", ".join(entries)))


def _diversion(diversion: Diversion, host: str) -> str:
    party = diversion.party
    params = {"reason": _WORDS[diversion.occasion][0], "counter": "1"}
    if party.private:
        params["privacy"] = "full"
    return str(replace(named(party, host), params=params))


def _uri(party: Party, host: str) -> SipUri:
    return ANONYMOUS.uri if party.private else SipUri(user=party.number, host=host)
