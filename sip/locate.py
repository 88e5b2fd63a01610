"""Where to send a request for a URI (RFC 3263 section 4), with whatever answers DNS questions handed in.

    which transport   the URI's parameter, or a numeric host or a port (UDP; TLS for sips), or NAPTR, or
                      whichever transport has SRV records
    which host, port  numeric: as written; a port is written: A/AAAA of the host with that port;
                      else SRV, and where there is none A/AAAA with the transport's port

A question nobody answers counts as one answered with nothing: what comes after it is tried. Bounded in
questions asked and in targets given, whatever the answers are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, Protocol

from sip.flow import Address
from sip.grammar import strip_brackets
from sip.uri import SipUri

Located = Literal["UDP", "TCP", "TLS"]

MOST_TARGETS: Final = 16
MOST_QUESTIONS: Final = 24

_PORTS: Final[dict[Located, int]] = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
_SRV: Final[dict[Located, str]] = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}
_SERVICES: Final[dict[str, Located]] = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}


@dataclass(frozen=True, slots=True)
class Naptr:
    """One NAPTR record (RFC 3403): only those with flag "s" and a SIP service are of use."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """One SRV record (RFC 2782); target "." says that the service is decidedly not there."""

    priority: int
    weight: int
    port: int
    target: str


class Resolver(Protocol):
    """Answers DNS questions. An empty answer: there is none of that kind, or nobody could be asked."""

    async def naptr(self, name: str) -> Sequence[Naptr]:
        """Return the NAPTR records of a name."""

    async def srv(self, name: str) -> Sequence[Srv]:
        """Return the SRV records of a name such as _sip._udp.example.com."""

    async def addresses(self, name: str) -> Sequence[str]:
        """Return the IP addresses of a host that the box can reach by its own, best first; no brackets."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place to try. `name` is the domain a TLS peer must prove to be (RFC 5922 section 4)."""

    transport: Located
    address: Address
    name: str


async def locate(
    uri: SipUri,
    resolver: Resolver,
    below: Callable[[int], int],
    transports: Sequence[Located] = ("UDP", "TCP", "TLS"),
) -> list[Target]:
    """Return where to send a request for `uri`, in the order to try; empty when there is nowhere.

    `transports` are those we speak, the preferred one first: the order counts where neither the URI nor a
    NAPTR record decides. `below(n)` gives a random whole number from 0 to n - 1.
    """
    search = _Search(strip_brackets(uri.params.get("maddr") or uri.host), _Counted(resolver), below)
    chosen = _written(uri)
    numeric = is_numeric(search.host)
    if chosen is None and (numeric or uri.port is not None):
        chosen = "TLS" if uri.scheme == "sips" else "UDP"
    if chosen is not None:
        if chosen in transports and uri.is_sip:
            await search.through(chosen, uri.port, numeric=numeric)
        return search.targets
    able = [each for each in transports if uri.scheme != "sips" or each == "TLS"]
    if uri.is_sip and able and not await search.by_naptr(able):
        await search.by_srv(able)
    return search.targets


def is_numeric(host: str) -> bool:
    """Tell whether a host is an IP address, for which nobody need be asked; IPv6 without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    # A zone (fe80::1%eth0) is a matter of one machine; no URI may hold it (RFC 5954 2).
    return "%" not in host


def _written(uri: SipUri) -> Located | None:
    """Return the transport the URI asks for; None when it leaves that open.

    `transport=tls` is deprecated and common (RFC 3261 26.2.2); sips with tcp means TLS over it. What there
    is no such thing as (sips over UDP, sctp, ws) comes back as it is and is found among no transports.
    """
    word = uri.transport.upper()
    if not word:
        return None
    if uri.scheme == "sips":
        word = {"TCP": "TLS", "UDP": "sips over UDP"}.get(word, word)
    return word  # type: ignore[return-value]  # compared with those we speak before it is used


class _Counted:
    """A resolver that says nothing more once enough has been asked."""

    __slots__ = ("_left", "_resolver")

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._left = MOST_QUESTIONS

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return await self._resolver.naptr(name) if self._more() else ()

    async def srv(self, name: str) -> Sequence[Srv]:
        return await self._resolver.srv(name) if self._more() else ()

    async def addresses(self, name: str) -> Sequence[str]:
        return await self._resolver.addresses(name) if self._more() else ()

    def _more(self) -> bool:
        self._left -= 1
        return self._left >= 0


class _Search:
    """The targets found so far for one host."""

    __slots__ = ("_below", "_resolver", "host", "targets")

    def __init__(self, host: str, resolver: Resolver, below: Callable[[int], int]) -> None:
        self.host = host
        self.targets: list[Target] = []
        self._resolver = resolver
        self._below = below

    async def through(self, transport: Located, port: int | None, *, numeric: bool) -> None:
        """Find the targets of a transport that is settled (4.2)."""
        if numeric:
            self._add(transport, self.host, port or _PORTS[transport])
        elif port is not None:
            await self._addresses(transport, self.host, port)
        elif not await self._srv(transport, _SRV[transport] + self.host):
            await self._addresses(transport, self.host, _PORTS[transport])

    async def by_naptr(self, able: Sequence[Located]) -> bool:
        """Follow NAPTR records (4.1); False when none of them is of use.

        Only those of the lowest order with a service of ours count, by preference (RFC 3403 4.1).
        """
        records = [
            (record, _SERVICES[record.service.upper()])
            for record in await self._resolver.naptr(self.host)
            if record.flags.lower() == "s" and _SERVICES.get(record.service.upper()) in able
        ]
        if not records:
            return False
        first = min(record.order for record, _ in records)
        records.sort(key=lambda each: each[0].preference)
        found = [
            await self._srv(transport, record.replacement)
            for record, transport in records
            if record.order == first
        ]
        return any(found)

    async def by_srv(self, able: Sequence[Located]) -> None:
        """Ask for each transport until one has SRV records; with none, take the usual one (4.1, 4.2)."""
        for transport in able:
            if await self._srv(transport, _SRV[transport] + self.host):
                return
        usual = able[0] if "UDP" not in able else "UDP"
        await self._addresses(usual, self.host, _PORTS[usual])

    async def _srv(self, transport: Located, name: str) -> bool:
        """Add what the SRV records of a name lead to; False when there are none."""
        records = await self._resolver.srv(name)
        for record in by_weight(records, self._below):
            if record.target.strip("."):
                await self._addresses(transport, record.target.rstrip("."), record.port)
        return bool(records)

    async def _addresses(self, transport: Located, host: str, port: int) -> None:
        if len(self.targets) >= MOST_TARGETS:
            return
        found = (host,) if is_numeric(host) else await self._resolver.addresses(host)
        for address in found:
            self._add(transport, address, port)

    def _add(self, transport: Located, address: str, port: int) -> None:
        target = Target(transport, (address, port), self.host)
        if target not in self.targets and len(self.targets) < MOST_TARGETS and 0 < port < 65536:
            self.targets.append(target)


def by_weight(records: Iterable[Srv], below: Callable[[int], int]) -> list[Srv]:
    """Order SRV records: by priority, and within one by chance in proportion to weight (RFC 2782)."""
    left = sorted(records, key=lambda record: (record.priority, record.weight))
    ordered: list[Srv] = []
    while left:
        equals = [record for record in left if record.priority == left[0].priority]
        # "Running sums": a record of weight 0 keeps a small chance, for it stands in front.
        place = below(sum(record.weight for record in equals) + 1)
        for record in equals:
            place -= record.weight
            if place <= 0:
                ordered.append(record)
                left.remove(record)
                break
    return ordered
