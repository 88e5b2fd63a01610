"""What the kernel relays of the forwarding plan, and what it saw: entries in the maps of the relay program.

The portable loop stays the learning plane: its sockets hear every packet that no entry matches. Once both
ends of a call have learned their sources, both entries are made and packets no longer reach the loop, but for
RTCP, telephone-event and strangers. Taking an entry out brings the next packet back to the socket; nothing is
lost between, so a call moves from tier to tier while it talks.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from struct import Struct
from typing import Final, NamedTuple, Protocol

from rtp.kernel.bpf import BpfError, Map
from rtp.kernel.program import MAPS
from rtp.kernel.route import interface
from rtp.plan import Row

EXPEDITED: Final = 46 << 2
"""DSCP of voice (EF, RFC 3246) as a traffic class octet."""
_PATH = Struct("!16s16sHH")
_LEG = Struct("=36s4I2B2x")
_ROW = Struct("=7Q8I")
_MAPPED = bytes(10) + b"\xff\xff"
Source = tuple[str, int] | tuple[str, int, int, int]


class Relayed(NamedTuple):
    """What the kernel saw of one end: packets that came, octets of payload, packets that went on.

    Telephone-events are among the packets that came, though the loop passes them on. `lost` and `jitter` (in
    units of the RTP clock) as in `rtp.reception`; `heard` in seconds of the monotonic clock, 0.0 before the
    first packet; `cut`: packets not sent on because their budget was spent.
    """

    packets: int = 0
    octets: int = 0
    forwarded: int = 0
    cut: int = 0
    lost: int = 0
    jitter: int = 0
    heard: float = 0.0

    def after(self, before: Relayed) -> Relayed:
        """Return what was seen in this spell and in those before it."""
        return Relayed(
            self.packets + before.packets,
            self.octets + before.octets,
            self.forwarded + before.forwarded,
            self.cut + before.cut,
            self.lost + before.lost,
            self.jitter or before.jitter,
            max(self.heard, before.heard),
        )


class RelayedEnd(Protocol):
    """What this needs of an end of the portable loop."""

    port: int

    @property
    def row(self) -> Row | None:
        """What it follows."""

    @property
    def peer(self) -> Source | None:
        """The source it has learned."""

    @property
    def local(self) -> str:
        """Our address towards its peer."""

    @property
    def route(self) -> RelayedEnd | None:
        """Where its packets go."""


def adopt(descriptors: list[int], ports: tuple[int, ...]) -> KernelTier:
    """Return the tier over maps that were handed in, in the order of MAPS; it owns the descriptors.

    Raises BpfError, and closes them, when they are not the maps of this program.
    """
    try:
        maps = {name: Map.of(fd) for name, fd in zip(MAPS, descriptors, strict=True)}
        if (maps["legs"].key_size, maps["legs"].value_size) != (_PATH.size, _LEG.size):
            raise ValueError
        if maps["statistics"].value_size != _ROW.size:
            raise ValueError
    except (BpfError, ValueError) as error:
        for fd in descriptors:
            os.close(fd)
        raise BpfError("the maps are not those of this relay", errno.EINVAL) from error
    return KernelTier(maps, interface, ports)


class KernelTier:
    """The entries of one media process.

    `reached(local, peer)` is the number of the network interface by which a far end is reached from an
    address of ours, 0 if it is in this machine, None if it is not reached. The maps were handed in; rows are
    counted at the places of their ports.
    """

    def __init__(
        self, maps: dict[str, Map], reached: Callable[[str, str], int | None], ports: tuple[int, ...]
    ) -> None:
        self._maps = maps
        self._legs, self._statistics = maps["legs"], maps["statistics"]
        self._reached = reached
        self._places = {port: place for place, port in enumerate(ports[: self._statistics.most])}
        self._entries: dict[int, tuple[bytes, bytes]] = {}
        self._spells: dict[int, Relayed] = {}  # what was seen before the present entry was made
        self.refused = 0
        """Entries the kernel did not take; their calls stay with the loop."""

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, end: RelayedEnd) -> None:
        """Count an end from nothing: its port has a new call."""
        self._spells.pop(end.port, None)
        self._count_anew(end.port)

    def follow(self, end: RelayedEnd) -> bool:
        """Make, change or take out the entry of an end, as its row and its partner's now want it.

        Returns whether the kernel relays what comes from it.
        """
        entry, before = self._wanted(end), self._entries.get(end.port)
        if entry == before:
            return entry is not None
        if before is not None and (entry is None or entry[0] != before[0]):
            self._legs.remove(before[0])
            del self._entries[end.port]
            self._spells[end.port] = self.seen(end)
            self._count_anew(end.port)
        if entry is None:
            return False
        try:
            self._legs.put(*entry)
        except BpfError:
            self.refused += 1
            return end.port in self._entries
        self._entries[end.port] = entry
        return True

    def seen(self, end: RelayedEnd) -> Relayed:
        """Return what the kernel saw of an end since its call began."""
        before = self._spells.get(end.port, _NOTHING)
        place = self._places.get(end.port)
        value = None if place is None else self._statistics.get(place.to_bytes(4, "little"))
        if value is None:
            return before
        received, octets, forwarded, cut, heard, earlier, cycles, *rest = _ROW.unpack(value)
        _, base, last, _, _, jitter, started, _ = rest
        expected = earlier + cycles + last - base + 1 if started else 0
        lost = max(0, expected - received)
        return Relayed(received, octets, forwarded, cut, lost, jitter >> 4, heard / 1e9).after(before)

    def prune(self) -> None:
        """Take out entries that an earlier media process left behind."""
        wanted = {path for path, _ in self._entries.values()}
        for path in self._legs.keys():  # noqa: SIM118 - a map of the kernel
            if path not in wanted:
                self._legs.remove(path)

    def clear(self) -> None:
        """Take every entry out: the loop has all calls again."""
        for path, _ in self._entries.values():
            self._legs.remove(path)
        self._entries.clear()

    def close(self) -> None:
        """Take every entry out and let go of the maps."""
        self.clear()
        for each in self._maps.values():
            each.close()

    def _count_anew(self, port: int) -> None:
        place = self._places.get(port)
        if place is not None:
            self._statistics.put(place.to_bytes(4, "little"), bytes(_ROW.size))

    def _wanted(self, end: RelayedEnd) -> tuple[bytes, bytes] | None:
        row, partner, place = end.row, end.route, self._places.get(end.port)
        if row is None or partner is None or partner.row is None or place is None:
            return None
        by_us = row.payloads or any(each.srtp or each.link for each in (row, partner.row))  # changed here
        if end.peer is None or partner.peer is None or by_us:
            return None
        if not row.direction & 1 or not partner.row.direction & 2:  # it may not send, the other not hear
            return None
        near, far = end.peer[0], partner.peer[0]
        if (":" in near) != (":" in far):  # the program changes addresses, not the version of IP
            return None
        out, budget = self._reached(partner.local, far), partner.row.budget
        if out is None:
            return None
        arrives = _PATH.pack(_packed(near), _packed(end.local), end.peer[1], end.port)
        leaves = _PATH.pack(_packed(partner.local), _packed(far), partner.port, partner.peer[1])
        return arrives, _LEG.pack(leaves, out, place, budget, row.clock, row.event, EXPEDITED)


_NOTHING = Relayed()


def _packed(host: str) -> bytes:
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host)
    return _MAPPED + socket.inet_aton(host)
