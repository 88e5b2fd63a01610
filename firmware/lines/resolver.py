"""DNS for trunks: the site's servers are asked, nobody else, and only what RFC 3263 needs (`sip.locate`).

Nothing is sent before a question is put, and nothing at all where the site names no server:
/etc/resolv.conf is never read. Answers are kept as long as their TTL allows, failures briefly; while no
server answers, what was known before serves on (RFC 8767), so that a trunk outlives its DNS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sip.locate import Naptr, Srv

MOST_KEPT: Final = 256
"""Questions whose answers are remembered."""
MOST_RECORDS: Final = 64
"""Records taken of one answer."""
LONGEST: Final = 86400.0
"""Seconds an answer is kept at most; and how long after its TTL it may still serve while nobody answers."""
LONGEST_NONE: Final = 300.0
"""Seconds it is remembered at most that there is no such record (RFC 2308)."""
FAILED: Final = 20.0
"""Seconds before a question that nobody answered is put again."""

_PAYLOAD: Final = 1232  # octets of an answer by UDP that no path breaks in two; a longer one comes by TCP


@dataclass(frozen=True, slots=True)
class _Kept:
    records: tuple[Any, ...]
    until: float
    stale: float
    answered: bool = True


class DnsResolver:
    """Asks the given servers (IP addresses) over UDP and, for long answers, TCP (`sip.locate.Resolver`).

    `seconds`: how long one question may take altogether. `ipv6`: whether the box can reach IPv6 addresses.
    `count` is told of failures. Without servers every answer is empty.
    """

    def __init__(
        self,
        servers: Sequence[str],
        now: Callable[[], float],
        count: Callable[[str], None],
        *,
        port: int = 53,
        seconds: float = 3.0,
        ipv6: bool = False,
    ) -> None:
        self._servers = list(servers)
        self._port = port
        self._seconds = seconds
        self._ipv6 = ipv6
        self._now = now
        self._count = count
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def naptr(self, name: str) -> Sequence[Naptr]:
        """Return the NAPTR records of a name."""
        return [
            Naptr(one.order, one.preference, _text(one.flags), _text(one.service), one.replacement.to_text())
            for one in await self._records(name, "NAPTR")
        ]

    async def srv(self, name: str) -> Sequence[Srv]:
        """Return the SRV records of a name."""
        return [
            Srv(one.priority, one.weight, one.port, one.target.to_text())
            for one in await self._records(name, "SRV")
        ]

    async def addresses(self, name: str) -> Sequence[str]:
        """Return addresses, IPv4 first: an IPv6 address of the box may reach no further than its own LAN."""
        found = [one.address for one in await self._records(name, "A")]
        if self._ipv6:
            found += [one.address for one in await self._records(name, "AAAA")]
        return found

    def doubt(self) -> None:
        """Ask again next time, whatever the TTLs say; while nobody answers, what is known serves on."""
        now = self._now()
        for key, kept in self._kept.items():
            if kept.answered and kept.until > now:
                self._kept[key] = replace(kept, until=now)

    async def _records(self, name: str, kind: str) -> tuple[Any, ...]:
        if not self._servers:
            return ()
        key = (name.rstrip(".").lower(), kind)
        kept = self._kept.get(key)
        if kept is not None and self._now() < kept.until:
            return kept.records
        found = await self._ask(*key)
        now = self._now()
        if found is None:
            self._count("dns: nobody answered")
            known = kept is not None and now < kept.stale
            new = _Kept(
                kept.records if kept and known else (),
                now + FAILED,
                kept.stale if kept else 0.0,
                answered=False,
            )
        else:
            records, ttl = found
            until = now + min(ttl, LONGEST if records else LONGEST_NONE)
            new = _Kept(records[:MOST_RECORDS], until, until + LONGEST if records else 0.0)
        self._kept.pop(key, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]  # the one asked for longest ago
        self._kept[key] = new
        return new.records

    async def _ask(self, name: str, kind: str) -> tuple[tuple[Any, ...], float] | None:
        """Return the records and their TTL in seconds; None when no server could say anything."""
        # Imported with the first question: it takes memory that a box without such a trunk need not give.
        from dns.asyncbackend import get_backend
        from dns.asyncresolver import Resolver
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN

        resolver = Resolver(configure=False)  # or it would read /etc/resolv.conf
        resolver.nameservers = self._servers
        resolver.port = self._port
        resolver.lifetime = self._seconds
        resolver.timeout = max(0.2, self._seconds / len(self._servers) / 2)  # so that each is asked twice
        resolver.use_edns(0, 0, _PAYLOAD)
        try:
            answer = await resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, search=False, backend=get_backend("asyncio")
            )
        except NXDOMAIN as none:
            replies = none.kwargs["responses"].values()
            return (), float(min(reply.resolve_chaining().minimum_ttl for reply in replies))
        except (DNSException, OSError):
            return None
        return tuple(answer.rrset or ()), float(answer.chaining_result.minimum_ttl)


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace")
