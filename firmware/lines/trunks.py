"""All trunks in the order of the site file: reloaded while calls run, recognised when their carriers call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from firmware.lines.trunk_access import Access
from firmware.lines.trunk_line import TrunkLine, TrunkState
from firmware.lines.trunk_watch import Tools
from provisioning.site_trunk import Trunk
from sip.answer import Answer
from sip.flow import Flow
from sip.message import Request
from sip.session import Session

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

GOODBYE_SECONDS: Final = 1.0
"""How long carriers may take to hear that the box stops."""

_FORBIDDEN: Final = Answer(403)
_OUTSIDE: Final = frozenset({"INVITE", "OPTIONS"})
"""What a carrier asks of us outside dialogs; anything else passes the gate like from anybody."""


class Trunks:
    """The lines to carriers (`firmware.calls.outside.Lines`). `secret` gives a trunk's password."""

    def __init__(self, tools: Tools, secret: Callable[[Trunk], str | None]) -> None:
        self._tools = tools
        self._tools.changed = self._learn
        self._secret = secret
        self._lines: list[TrunkLine] = []
        self._sources: dict[str, list[TrunkLine]] = {}
        self._networks: list[tuple[IPv4Network | IPv6Network, TrunkLine]] = []
        self.counters = {
            "trunk: not its source": 0,
            "trunk: call by its contact alone": 0,
        }

    def lines(self) -> Sequence[TrunkLine]:
        """Return them in the order they are to be tried."""
        return self._lines

    def states(self) -> list[TrunkState]:
        """Return how each of them is."""
        return [line.state() for line in self._lines]

    def use(self, trunks: Sequence[Trunk]) -> None:
        """Take these for all there are. Those that did not change go on undisturbed; calls always do."""
        before = {line.trunk: line for line in self._lines}
        kept: list[TrunkLine] = []
        fresh: list[TrunkLine] = []
        for number, trunk in enumerate(trunks, 1):
            line = before.pop(trunk, None)
            if line is None:
                line = self._make(trunk, number)
                fresh.append(line)
            kept.append(line)
        self._replace(kept, list(before.values()), fresh)

    def secret_changed(self, name: str) -> None:
        """Begin anew with a trunk whose password is another now."""
        for place, line in enumerate(self._lines):
            if line.name == name:
                fresh = self._make(line.trunk, place + 1)
                lines = [*self._lines[:place], fresh, *self._lines[place + 1 :]]
                self._replace(lines, [line], [fresh])
                return

    async def close(self) -> None:
        """Say goodbye to every carrier; those that do not answer are given a second."""
        leaving = self._replace([], self._lines, [])
        if leaving:
            await asyncio.wait(leaving, timeout=GOODBYE_SECONDS)

    def flow_closed(self, flow: Flow) -> None:
        """Note that a connection is gone."""
        for line in self._lines:
            line.watch.flow_closed(flow)

    def as_line(self, identity: object) -> TrunkLine | None:
        """Return the trunk an identity is, None for anybody else."""
        return identity if isinstance(identity, TrunkLine) else None

    def whose(self, request: Request, flow: Flow, session: Session | None) -> TrunkLine | Answer | None:
        """Say which trunk a request is of; None: of none, the gate decides. An Answer refuses."""
        if session is not None:
            return self._within(session, flow)
        if request.method not in _OUTSIDE or request.to_tag:
            return None
        user = request.request_uri.user
        found = self._at(flow)
        for line in self._lines:
            if user == line.watch.token:
                if line not in found:
                    self.counters["trunk: call by its contact alone"] += 1
                return line
        if len(found) > 1:
            names = {user, request.to.uri.user}
            return next((line for line in found if line.trunk.user in names), found[0])
        return found[0] if found else None

    def _within(self, session: Session, flow: Flow) -> TrunkLine | Answer | None:
        owner = session.identity
        if not isinstance(owner, TrunkLine):
            return None
        if session.flow.remote[0] == flow.remote[0] or owner in self._at(flow):
            return owner
        self.counters["trunk: not its source"] += 1
        return _FORBIDDEN

    def _at(self, flow: Flow) -> list[TrunkLine]:
        """Return the trunks whose carrier sends from there."""
        host = flow.remote[0]
        found = [line for line in self._sources.get(host, ()) if line.is_source(flow)]
        if self._networks and not found:
            from ipaddress import ip_address

            address = ip_address(host.partition("%")[0])
            found = [
                line
                for network, line in self._networks
                if address in network and line.trunk.transport in {"", flow.transport.lower()}
                and (flow.transport != "TLS" or flow.peer == line.trunk.host)
            ]  # fmt: skip
        return found

    def _make(self, trunk: Trunk, number: int) -> TrunkLine:
        secret = self._secret(trunk) if trunk.realm_user else None
        return TrunkLine(trunk, number, Access(trunk.realm_user, secret), self._tools)

    def _replace(
        self, lines: list[TrunkLine], gone: list[TrunkLine], fresh: list[TrunkLine]
    ) -> list[asyncio.Future[None]]:
        self._lines = lines
        leaving = [line.close() for line in gone]
        for line in fresh:
            line.watch.start()
        self._learn()
        return leaving

    def _learn(self) -> None:
        """Note where carriers send from."""
        self._sources = {}
        for line in self._lines:
            for host in {target.address[0] for target in line.watch.targets}:
                self._sources.setdefault(host, []).append(line)
        self._networks = []
        if any(line.trunk.networks for line in self._lines):
            from ipaddress import ip_network

            self._networks = [
                (ip_network(text), line) for line in self._lines for text in line.trunk.networks
            ]
