"""Whose packets count: how the true source of a far end is learned before it is locked.

Phones behind a NAT send from another address than their description says, so the description is not the whole
truth; nor is whoever sends first, so a stranger to the description must prove to be a source.
"""

from __future__ import annotations

from rtp.plan import ANY, CLOSED, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    Source = tuple[str, int] | tuple[str, int, int, int]

BARRED = 2.0  # seconds in which late packets of the source before a learning window cannot lock it again


class Learning:
    """One learning window."""

    __slots__ = ("_barred", "_candidate", "_until")

    def __init__(self, leaving: Source | None = None, now: float = 0.0) -> None:
        self._barred = leaving
        self._until = now + BARRED
        self._candidate: tuple[Source, int, int] | None = None

    def valid(self, row: Row, host: str, source: Source, mark: tuple[int, int], now: float) -> bool:
        """Tell whether a well-formed packet makes its sender the source of this row.

        `host` is the described address as text, `mark` the packet's SSRC and sequence number. A stranger
        becomes a source with the second of two packets in sequence (RFC 3550 A.1), where the row takes any.
        """
        if row.learning == CLOSED:
            return False
        if source == self._barred and source[:2] != (host, row.rtp) and now < self._until:
            return False
        if source[0] == host:
            return True
        if row.learning != ANY:
            return False
        ssrc, sequence = mark
        before = self._candidate
        self._candidate = (source, ssrc, (sequence + 1) & 0xFFFF)
        return before == (source, ssrc, sequence)
