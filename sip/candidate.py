"""Candidates of ICE in a description (RFC 8839 5.1): places where an end may be reached.

candidate:1 1 UDP 2130706431 192.0.2.1 10000 typ host
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sip.errors import BadMessage

HOST_PRIORITY = 126 << 24 | 65535 << 8 | 255
"""Of the one host candidate of the one component that there is (RFC 8445 5.1.2.1)."""

_is_candidate = re.compile(
    r"([A-Za-z0-9+/]{1,32}) ([0-9]{1,3}) ([A-Za-z0-9-]++) ([0-9]{1,10}) ([A-Za-z0-9._:-]++) ([0-9]{1,5}) "
    r"typ ([A-Za-z0-9-]++)(?: .*+)?"
).fullmatch
_is_word = re.compile(r"[A-Za-z0-9+/]++").fullmatch
_SHORTEST = {"ice-ufrag": 4, "ice-pwd": 22}
_LONGEST = 64  # RFC 8839 5.4 allows 256; nobody is known to use them


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate: `address` may be a name, which nobody looks up here."""

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    kind: str

    @classmethod
    def parse(cls, value: str) -> Candidate:
        """Read an attribute's value; raise BadMessage. What follows the type is of no use to who is lite."""
        match = _is_candidate(value)
        if match is None:
            raise BadMessage("sdp", "malformed candidate")
        foundation, component, transport, priority, address, port, kind = match.groups()
        return cls(foundation, int(component), transport, int(priority), address, int(port), kind)

    def __str__(self) -> str:
        place = f"{self.address} {self.port} typ {self.kind}"
        return f"{self.foundation} {self.component} {self.transport} {self.priority} {place}"

    @classmethod
    def host(cls, address: str, port: int) -> Candidate:
        """Give the one candidate of an agent with one address and one component."""
        return cls("1", 1, "UDP", HOST_PRIORITY, address, port, "host")


def check_credential(name: str, value: str) -> str:
    """Return the value of ice-ufrag or ice-pwd; raise BadMessage where it cannot be one (RFC 8839 5.4)."""
    if not _is_word(value) or not _SHORTEST[name] <= len(value) <= _LONGEST:
        raise BadMessage("sdp", f"malformed {name}")
    return value
