"""What a request is answered with, before there is a response message."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """A status with what belongs to it; the stack makes the response, with the right Via, tags and CSeq."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str | None = None
