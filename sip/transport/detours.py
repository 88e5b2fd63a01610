"""Which far ends on UDP may be sent large requests over TCP, and which of them lately took none."""

from __future__ import annotations

from typing import Final

from sip.flow import Address

PATIENCE: Final = 1.5
"""Seconds a far end may take to accept a connection for one large request; then it gets a datagram."""
SULK: Final = 3600.0
"""Seconds a far end that took none is not asked again."""
MOST: Final = 64


class Detours:
    """A bounded memory; far ends not named by `allow` never get a connection."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}

    def allow(self, remote: Address, *, large: bool) -> None:
        """Let a far end be asked, or not any more."""
        if not large:
            self._until.pop(remote, None)
        elif remote not in self._until:
            if len(self._until) >= MOST:
                del self._until[next(iter(self._until))]  # the one allowed longest ago
            self._until[remote] = 0.0

    def may(self, remote: Address, now: float) -> bool:
        """Whether a large request may go to that far end over TCP now."""
        until = self._until.get(remote)
        return until is not None and now >= until

    def refused(self, remote: Address, now: float) -> None:
        """Note that it took none."""
        if remote in self._until:
            self._until[remote] = now + SULK
