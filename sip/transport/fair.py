"""Fair shares of a socket under a flood, before anything is parsed or judged.

Nobody is limited while the box keeps up. Once datagrams pile up, each source has so many a second: little for
a stranger, plenty for an address and port that has proved who is there, so that a whole office behind one
address, or a carrier, is not held to the share of one stranger; all strangers together leave room for the
proven. An IPv6 source is its /64. A call for help has a reserve of its own per source that no flood uses up.
Every table is bounded; who was heard of the longest time ago goes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sip.flow import Address, network

SOURCES: Final = 4096
"""Sources whose share is remembered, and addresses that are proven."""


class Share(NamedTuple):
    """Datagrams a second, and how many at once after a rest."""

    rate: float
    burst: float


STRANGER: Final = Share(50, 100)
PROVEN: Final = Share(1000, 2000)
STRANGERS: Final = Share(1000, 1000)
HELP: Final = Share(2, 10)

_INVITE: Final = b"INVITE "


class Shares:
    """What each source has left. `urgent(uri)` tells whether a Request-URI calls for help."""

    def __init__(self, urgent: Callable[[str], bool] = lambda _: False) -> None:
        """Begin with full shares."""
        self._urgent = urgent
        self.emergency: tuple[str, ...] = ()
        """Emergency numbers, for the kernel's sieve; `urgent` decides."""
        self._left: dict[object, tuple[float, float]] = {}  # (left, when that was true)
        self._proven: dict[Address, None] = {}

    def prove(self, remote: Address) -> None:
        """Note that somebody has proved from there who they are."""
        if remote not in self._proven:
            if len(self._proven) >= SOURCES:
                del self._proven[next(iter(self._proven))]
            self._proven[remote] = None

    def admits(self, data: bytes, remote: Address, now: float) -> bool:
        """Whether a datagram is within the share of who sent it; takes it from there."""
        if remote in self._proven:
            within = self._take(remote, PROVEN, now)
        else:
            source = network(remote[0])
            within = self._take(source, STRANGER, now) and self._take(None, STRANGERS, now)
        return within or (data.startswith(_INVITE) and self._helps(data, remote, now))

    def _helps(self, data: bytes, remote: Address, now: float) -> bool:
        uri = data[len(_INVITE) : 256].partition(b" ")[0].decode("ascii", "replace")
        return self._urgent(uri) and self._take((network(remote[0]), "help"), HELP, now)

    def _take(self, key: object, share: Share, now: float) -> bool:
        table = self._left
        left, then = table.pop(key, (share.burst, now))
        left = min(share.burst, left + (now - then) * share.rate)
        if key not in table and len(table) >= SOURCES:
            del table[next(iter(table))]
        within = left >= 1
        table[key] = (left - 1 if within else left, now)
        return within
