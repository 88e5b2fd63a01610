"""The CSeq header field (RFC 3261 sections 8.1.1.5, 20.16): `1*DIGIT LWS Method`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sip.errors import BadMessage
from sip.grammar import TOKEN, number

LIMIT = 2**31 - 1
"""Greatest sequence number (8.1.1.5: less than 2**31)."""

_CSEQ = re.compile(rf"([0-9]++)[ \t]++({TOKEN})")


@dataclass(frozen=True, slots=True)
class CSeq:
    """Place of a request within its dialog."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Read a CSeq value; raise BadMessage(layer="header")."""
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise BadMessage("header", "malformed", header="CSeq")
        value = number(match[1], LIMIT)
        if value is None:
            raise BadMessage("header", "number out of range", header="CSeq")
        return cls(value, match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
