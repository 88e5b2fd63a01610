"""One trunk as call control sees it: a `Line` that dials, and a recogniser of the calls its carrier makes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakSet

from firmware.calls.cause import Cause
from firmware.calls.leg import Diversion, Leg, Party
from firmware.calls.outside import CallerId
from firmware.lines.sip_leg import IncomingLeg, read
from firmware.lines.status import GOODBYES
from firmware.lines.trunk_access import Access
from firmware.lines.trunk_identity import called, caller_headers, caller_of
from firmware.lines.trunk_leg import TrunkLeg
from firmware.lines.trunk_numbers import written
from firmware.lines.trunk_watch import Tools, Watch
from firmware.media import Offers
from firmware.media.rewrite import moved
from provisioning.site_trunk import Trunk
from sip.flow import Flow
from sip.locate import Target
from sip.nameaddr import NameAddr
from sip.uac import UacSession
from sip.uas import UasSession
from sip.uri import SipUri


@dataclass(frozen=True, slots=True)
class TrunkState:
    """How a trunk is, for operations: `seconds` of its registration are left, None without one."""

    name: str
    mode: str
    server: str
    up: bool
    seconds: float | None
    failure: str
    calls: int
    most: int
    password: bool


class TrunkLine:
    """One trunk in use (`firmware.calls.outside.Line`). Replaced as a whole when its site table changes."""

    def __init__(self, trunk: Trunk, number: int, access: Access, tools: Tools) -> None:
        self.trunk = trunk
        self.watch = Watch(trunk, number, access, tools)
        self._access = access
        self._tools = tools
        self._legs: WeakSet[Leg] = WeakSet()
        self._finding: set[asyncio.Task[None]] = set()

    # -- firmware.calls.outside.Line

    @property
    def name(self) -> str:
        """Its name in the site file."""
        return self.trunk.name

    @property
    def up(self) -> bool:
        """Whether it is worth trying now."""
        return self.watch.up

    @property
    def most(self) -> int:
        """How many calls it carries at once."""
        return self.trunk.most

    @property
    def calls(self) -> int:
        """How many it carries now."""
        return sum(not leg.over for leg in self._legs)

    def dial(
        self,
        number: str,
        caller: CallerId,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
    ) -> Leg:
        """Call a number over the carrier's servers, one after the other until one takes it."""
        trunk, watch, tools = self.trunk, self.watch, self._tools
        user = written(number, trunk)
        shown, identity = caller_headers(caller, trunk, diversions)
        uri = SipUri(user=user, host=trunk.home)

        def invite(leg: TrunkLeg, target: Target) -> UacSession:
            offer = leg.invited
            if offer is not None and tools.media6 and ":" in target.address[0]:
                offer = moved(offer, tools.media6)
            session = tools.stack.invite(
                str(uri),
                watch.way(target),
                caller=shown,
                callee=str(NameAddr(uri)),
                offer=None if offer is None else bytes(offer),
                listener=leg,
                now=tools.clock.now(),
                headers=(*watch.route(), *identity),
                credentials=self._access,
                reliable=offer is not None,
            )
            session.identity = self
            return session

        leg = TrunkLeg(
            os.urandom(8).hex(),
            Party(None, number, line=trunk.name),
            tools.clock.now,
            offers=offers,
            invite=invite,
            silence=trunk.answer_seconds,
            told=watch.told,
        )
        self._legs.add(leg)
        if watch.targets:
            leg.through(watch.targets)
        else:
            task = asyncio.get_running_loop().create_task(self._find_for(leg))
            self._finding.add(task)
            task.add_done_callback(self._finding.discard)
        return leg

    async def _find_for(self, leg: TrunkLeg) -> None:
        """Locate the carrier for a call that cannot wait for the next round."""
        targets: list[Target] = []
        try:
            async with asyncio.timeout(self.trunk.answer_seconds):
                targets = await self.watch.find()
        except TimeoutError:
            targets = self.watch.targets
        if not leg.over:
            leg.through(targets)

    # -- what comes from the carrier

    def is_source(self, flow: Flow) -> bool:
        """Tell whether the carrier's servers send from there: address, transport, name where TLS proves one.

        What anybody may write into a message counts for nothing here.
        """
        for target in self.watch.targets:
            if target.transport == flow.transport and target.address[0] == flow.remote[0]:
                return flow.transport != "TLS" or flow.peer == target.name
        return False

    def take(self, session: UasSession, now: float) -> Leg | None:
        """Make a leg of the carrier's call; None when it is refused, which is said already."""
        request = session.request
        if request is None:
            return None
        description = None if session.offer is None else read(session.offer)
        refusal = None
        if session.replaces is not None:
            refusal = Cause.NOT_ALLOWED  # no carrier has a call of ours to take over (toll fraud)
        elif description is None and session.offer is not None:
            refusal = Cause.NOT_ACCEPTABLE
        elif self.calls >= self.trunk.most:
            refusal = Cause.BUSY
        if refusal is not None:
            goodbye = GOODBYES[refusal]
            session.reject(goodbye.status, now, headers=goodbye.headers)
            return None
        leg = IncomingLeg(
            os.urandom(8).hex(),
            caller_of(request, self.trunk),
            self._tools.clock.now,
            session,
            dialled=called(request, self.watch.token, self.trunk),
            description=description,
        )
        session.credentials = self._access
        self._legs.add(leg)
        return leg

    # -- for operations

    def state(self) -> TrunkState:
        """Tell how it is."""
        watch = self.watch
        until, now = watch.registered_until, self._tools.clock.now()
        left = until - now if until is not None and until > now else None
        server = ""
        if watch.targets:
            target = watch.targets[0]
            server = f"{target.transport} {target.address[0]}:{target.address[1]}"
        return TrunkState(
            self.name, self.trunk.mode, server, self.up, left,
            "" if self.up else watch.failure or "not asked yet", self.calls, self.most, self._access.known,
        )  # fmt: skip

    def close(self) -> asyncio.Future[None]:
        """Watch no longer; calls that run go on. What is returned is done when the carrier knows."""
        for task in self._finding:
            task.cancel()
        return self.watch.stop()
