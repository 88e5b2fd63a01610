"""What the kernel relays of the forwarding plan, and what it saw: entries in the maps of the relay program.

The portable loop stays the learning plane: its sockets hear every packet that no entry matches. Once both
ends of a call have learned their sources, both entries are made and packets no longer reach the loop, but for
RTCP, telephone-event and strangers. Taking an entry out brings the next packet back to the socket; nothing is
lost between, so a call moves from tier to tier while it talks.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from struct import Struct
from typing import Final, NamedTuple, Protocol

from rtp.kernel.bpf import BpfError, Map
from rtp.plan import Row

EXPEDITED: Final = 46 << 2
"""DSCP of voice (EF, RFC 3246) as a traffic class octet."""
_PATH = Struct("!16s16sHH")
_LEG = Struct("=36s4I2B2x")
_ROW = Struct("=7Q8I")
_MAPPED = bytes(10) + b"\xff\xff"
Source = tuple[str, int]


class Relayed(NamedTuple):
    """What the kernel saw of one end: packets that came, octets of payload, packets that went on.

    `lost` and `jitter` (in units of the RTP clock) as in `rtp.reception`; `heard` in seconds of the monotonic
    clock, 0.0 before the first packet; `cut`: packets not sent on because their budget was spent.
    """

    packets: int = 0
    octets: int = 0
    forwarded: int = 0
    cut: int = 0
    lost: int = 0
    jitter: int = 0
    heard: float = 0.0


class RelayedEnd(Protocol):
    """What this needs of an end of the portable loop."""

    port: int
    row: Row | None
    peer: Source | None

    @property
    def route(self) -> RelayedEnd | None:
        """Where its packets go."""


class KernelTier:
    """The entries of one media process.

    `host(peer)` is our address towards a far end, `interface(peer)` the number of the network interface by
    which it is reached, 0 if it is in this machine. The maps were handed in; rows are counted at the places
    of their ports.
    """

    def __init__(
        self, maps: dict[str, Map], host: Callable[[str], str], interface: Callable[[str], int],
        ports: tuple[int, ...],
    ) -> None:  # fmt: skip
        self._legs, self._statistics = maps["legs"], maps["statistics"]
        self._host = host
        self._interface = interface
        self._places = {port: place for place, port in enumerate(ports[: self._statistics.most])}
        self._entries: dict[int, tuple[bytes, bytes]] = {}
        self.refused = 0
        """Entries the kernel did not take; their calls stay with the loop."""

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, end: RelayedEnd) -> None:
        """Count an end from nothing: its port has a new call."""
        place = self._places.get(end.port)
        if place is not None:
            self._statistics.put(place.to_bytes(4, "little"), bytes(_ROW.size))

    def follow(self, end: RelayedEnd) -> None:
        """Make, change or take out the entry of an end, as its row and its partner's now want it."""
        entry, before = self._wanted(end), self._entries.get(end.port)
        if entry == before:
            return
        if before is not None and (entry is None or entry[0] != before[0]):
            self._legs.remove(before[0])
            del self._entries[end.port]
        if entry is not None:
            try:
                self._legs.put(*entry)
            except BpfError:
                self.refused += 1
                return
            self._entries[end.port] = entry

    def seen(self, end: RelayedEnd) -> Relayed:
        """Return what the kernel saw of an end since its call began."""
        place = self._places.get(end.port)
        value = None if place is None else self._statistics.get(place.to_bytes(4, "little"))
        if value is None:
            return Relayed()
        received, octets, forwarded, cut, heard, earlier, cycles, *rest = _ROW.unpack(value)
        _, base, last, _, _, jitter, started, _ = rest
        expected = earlier + cycles + last - base + 1 if started else 0
        return Relayed(
            received, octets, forwarded, cut, max(0, expected - received), jitter >> 4, heard / 1e9
        )

    def close(self) -> None:
        """Take every entry out: the loop has all calls again."""
        for path, _ in self._entries.values():
            self._legs.remove(path)
        self._entries.clear()

    def _wanted(self, end: RelayedEnd) -> tuple[bytes, bytes] | None:
        row, partner, place = end.row, end.route, self._places.get(end.port)
        if row is None or partner is None or partner.row is None or place is None:
            return None
        if end.peer is None or partner.peer is None or row.payloads:
            return None
        if not row.direction & 1 or not partner.row.direction & 2:  # it may not send, the other not hear
            return None
        near, far = end.peer[0], partner.peer[0]
        arrives = _PATH.pack(_packed(near), _packed(self._host(near)), end.peer[1], end.port)
        leaves = _PATH.pack(_packed(self._host(far)), _packed(far), partner.port, partner.peer[1])
        interface, budget = self._interface(far), partner.row.budget
        return arrives, _LEG.pack(leaves, interface, place, budget, row.clock, row.event, EXPEDITED)


def _packed(host: str) -> bytes:
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host)
    return _MAPPED + socket.inet_aton(host)
