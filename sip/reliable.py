"""Provisional answers that arrive for certain (RFC 3262): what both ends need to read and to remember."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self

from sip.message import Message, Request, Response
from sip.transaction import T1

if TYPE_CHECKING:
    from sip.dialog import Dialog
    from sip.timers import Timer

TAG: Final = "100rel"
"""The option tag (section 8.1)."""
QUEUE: Final = 8
"""Reliable answers that may wait for the PRACK of the one before."""
_LARGEST: Final = 2**32 - 1


class RAck(NamedTuple):
    """Which reliable answer to which request a PRACK acknowledges (7.2)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def of(cls, request: Request) -> Self | None:
        """Return what a PRACK says, None when it cannot be read."""
        parts = (request.get("RAck") or "").split()
        if len(parts) != 3 or not all(_is_number(part) for part in parts[:2]):
            return None
        return cls(int(parts[0]), int(parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


class Pending:
    """A reliable answer of ours that repeats until its PRACK; `described`: it holds an offer or an answer."""

    __slots__ = ("data", "described", "interval", "limit", "offers", "repeat", "rseq")

    def __init__(self, rseq: int, data: bytes, *, described: bool, offers: bool) -> None:
        self.rseq = rseq
        self.data = data
        self.described = described
        self.offers = offers
        self.interval = T1
        self.repeat: Timer | None = None
        self.limit: Timer | None = None


class Early:
    """An early dialog of our INVITE with one fork: its reliable answers so far, and what it described."""

    __slots__ = ("dialog", "owed", "rseq", "sdp")

    def __init__(self, dialog: Dialog, rseq: int) -> None:
        self.dialog = dialog
        self.rseq = rseq
        self.sdp: bytes | None = None
        self.owed: RAck | None = None  # the PRACK that waits for our answer to its offer


def listed(message: Message, header: str, tag: str = TAG) -> bool:
    """Whether an option tag stands in Supported or Require."""
    return any(value.lower() == tag for value in message.values(header))


def rseq_of(response: Response) -> int | None:
    """Return the number of a reliable provisional answer, None for one that is not (section 4)."""
    number = response.get("RSeq") or ""
    if not _is_number(number) or not listed(response, "Require"):
        return None
    return int(number) or None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _LARGEST
