"""What can go wrong in `sip/`.

    SipError
    +-- LocalError      our own misuse: a bug of the caller, never caused by a packet
    +-- RemoteError     something that came off the wire
        +-- BadMessage  the only exception that leaves a parser

Texts never carry a value from the wire; values stay in attributes (`BadMessage.partial`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sip.message import Message


class SipError(Exception):
    """Base of every exception raised by `sip/`."""


class LocalError(SipError):
    """We tried something SIP does not allow."""


class RemoteError(SipError):
    """The far end did something wrong; `status` and `reason` are what to answer it, if anything."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class BadMessage(RemoteError):
    """What came off the wire cannot be read.

    `layer` says who objected: "framing" (ends and lengths), "start" (start line), "header" (one header
    field, named in `header`), "uri", "sdp", or "semantic" (readable parts that do not go together).
    `why` is fixed text. `partial` is as much of the message as was readable: when it is a `Request`
    other than ACK it can be answered with `status`; anything else is counted and dropped.
    """

    def __init__(
        self,
        layer: str,
        why: str,
        partial: Message | None = None,
        *,
        header: str = "",
        status: int = 400,
        reason: str = "",
    ) -> None:
        super().__init__(status, reason or (f"Bad {header}" if header else "Bad Request"))
        self.layer = layer
        self.why = why
        self.partial = partial
        self.header = header

    def __str__(self) -> str:
        where = f"{self.layer} {self.header}".rstrip()
        return f"{where}: {self.why}"
