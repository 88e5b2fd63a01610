"""The lines to the outside: made when the site first names one; a box without any loads nothing for them."""

from typing import TYPE_CHECKING

from firmware.calls.supervisor import Calls
from firmware.clock import Clock
from firmware.journal import Journal
from firmware.lines.sip_endpoint import SipEndpoint
from firmware.store import Store
from provisioning.site import Site, Trunk
from sip.transport import Transports

if TYPE_CHECKING:
    from firmware.lines.trunk_line import TrunkState
    from firmware.lines.trunk_watch import Names, Tools
    from firmware.lines.trunks import Trunks


class Outside:
    """Trunks and what they need: a resolver, passwords from the store, flows."""

    def __init__(
        self,
        line: SipEndpoint,
        calls: Calls,
        transports: Transports,
        store: Store,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._line = line
        self._calls = calls
        self._transports = transports
        self._store = store
        self._journal = journal
        self._clock = clock
        self._trunks: Trunks | None = None
        self._tools: Tools | None = None
        self._site: Site | None = None

    def use(self, site: Site) -> None:
        """Have the trunks of a site, in its order; calls over others go on."""
        before, self._site = self._site, site
        if self._tools is not None:
            self._tools.media6 = site.media.address6
        if self._trunks is None:
            if not site.trunks:
                return
            self._trunks = self._make(site)
        elif (
            self._tools is not None
            and before is not None
            and (before.dns, _six(before)) != (site.dns, _six(site))
        ):
            self._tools.resolver = self._resolver(site)
        self._trunks.use(site.trunks)

    def states(self) -> "list[TrunkState]":
        """Return how the trunks are."""
        return [] if self._trunks is None else self._trunks.states()

    def secret_changed(self, trunk: str) -> None:
        """Have a trunk use its new password."""
        if self._trunks is not None:
            self._trunks.secret_changed(trunk)

    async def close(self) -> None:
        """Say goodbye to the carriers."""
        if self._trunks is not None:
            await self._trunks.close()

    def _make(self, site: Site) -> "Trunks":
        from firmware.lines.trunk_watch import Tools
        from firmware.lines.trunks import Trunks

        self._tools = Tools(
            self._line.stack,
            self._transports.open,
            self._resolver(site),
            self._clock,
            self._journal,
            self._token,
            media6=site.media.address6,
        )
        trunks = Trunks(self._tools, self._secret)
        self._line.trunks = trunks
        self._calls.house.lines = trunks
        return trunks

    def _resolver(self, site: Site) -> "Names":
        from firmware.lines.resolver import DnsResolver

        dns = site.dns
        if dns is None:
            return DnsResolver((), self._clock.now, self._transports.count)
        return DnsResolver(
            dns.servers,
            self._clock.now,
            self._transports.count,
            port=dns.port,
            seconds=float(dns.seconds),
            ipv6=_six(site),
        )

    def _secret(self, trunk: Trunk) -> str | None:
        found = self._store.secrets.get(trunk.secret_name)
        return found.decode() if found else None

    def _token(self, trunk: str) -> str:
        from hashlib import blake2b

        return blake2b(trunk.encode(), key=self._store.subkey("trunk contacts"), digest_size=10).hexdigest()


def _six(site: Site) -> bool:
    """Tell whether the box speaks IPv6 enough to call by it: it is reached by it, and has audio there."""
    return any(":" in one.address for one in site.listeners) and any(
        ":" in address for address in site.media.addresses
    )
