"""Keeping one trunk usable: where its carrier is, registered there, and whether it answers.

The carrier is located anew before every REGISTER and whenever it fails (one that moved to other addresses is
found again); between registrations OPTIONS ask whether it is there. It is down when two of them in a row meet
silence, and up again when one is answered or a registration is granted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from firmware.clock import Clock
from firmware.journal import Journal, Kind, Level
from firmware.lines.trunk_access import Access
from provisioning.site_trunk import Trunk, split_host
from sip.flow import Address, Flow
from sip.locate import Located, Resolver, Target, locate
from sip.message import Response
from sip.nameaddr import NameAddr
from sip.registration import Again, Failed, Granted, Moved, Registration, Verdict, pause, refresh
from sip.stack import Stack
from sip.uri import SipUri

UP: Final = Kind("trunk.up", "trunk {trunk} is up")
DOWN: Final = Kind("trunk.down", "trunk {trunk} is down (status {status})", Level.WARNING)
FAULT: Final = Kind("trunk.fault", "trunk {trunk}: {fault}", Level.ALARM)

MOST_SERVERS: Final = 6
"""Servers of a carrier that are asked in one go."""
DOUBT_SECONDS: Final = 30.0
"""How long a trunk nobody checks is left alone after a call found it silent."""
OUTAGE_CEILING: Final = 120.0
"""Longest pause before asking again a carrier that did not answer; one that refused us waits longer."""
FAILED_SECONDS: Final = 120.0
"""How long a server that failed is tried after the others (RFC 3263 4.3)."""
_CHECK_SECONDS: Final = 300.0


class Open(Protocol):
    """Gives a flow to a far end; `Transports.open` is one."""

    def __call__(
        self, transport: Located, remote: Address, *, name: str = "", trust: str = "", large: bool = False
    ) -> Flow:
        """Return it at once; what cannot be had is closed soon. `large`: large requests may take TCP."""


class Names(Resolver, Protocol):
    """DNS, as far as trunks use it; `DnsResolver` is one."""

    def doubt(self) -> None:
        """Ask again next time, whatever the TTLs of the answers there are."""


@dataclass(slots=True)
class Tools:
    """What every trunk works with; `resolver` may be replaced.

    `token` gives the user part of a trunk's contact: nobody can guess it, and it outlives a restart, so that
    the carrier does not call twice. `changed` is called when a trunk has found its carrier elsewhere.
    `media6` is the media address that carriers on IPv6 are told, where there is one beside the usual.
    """

    stack: Stack
    open: Open
    resolver: Names
    clock: Clock
    journal: Journal
    token: Callable[[str], str]
    changed: Callable[[], None] = lambda: None
    media6: str = ""


def below(limit: int) -> int:
    """Return a random whole number from 0 to `limit` - 1."""
    return int.from_bytes(os.urandom(4), "big") % limit


class Watch:
    """Watches over one trunk. `number` is its place in the site file, for the journal."""

    def __init__(self, trunk: Trunk, number: int, access: Access, tools: Tools) -> None:
        self.trunk = trunk
        self.access = access
        self.targets: list[Target] = []
        """The carrier's servers, the one to try first in front."""
        self.flow: Flow | None = None
        """The way we are registered by."""
        self.routes: tuple[str, ...] = ()
        self.registered_until: float | None = None
        self.failure = ""
        """Why it was last down, in plain words."""
        self.token = tools.token(trunk.name)
        self._number = number
        self._tools = tools
        self._registration = Registration(
            trunk.host, self.token, os.urandom(16).hex(), expires=trunk.expires, bulk=trunk.bulk
        )
        self._refresh_at = 0.0
        self._failures = 0
        self._answers: bool | None = None  # whether the carrier answered when last asked
        self._doubt_until = 0.0
        self._failed: dict[Target, float] = {}  # servers that failed, and until when that counts
        self._doubted = False  # a server failed since its name was last looked up
        self._was_up: bool | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- for the line ------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether calls are worth trying."""
        now = self._tools.clock.now()
        if self.trunk.mode == "register" and not self._registered(now):
            return False
        return self._answers is not False and now >= self._doubt_until

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> asyncio.Future[None]:
        """Watch no longer and end the registration; what is returned is done when the carrier has said so."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(_: Response | None) -> None:
            if not over.done():
                over.set_result(None)

        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self.registered_until is not None and self.targets:
            self._send_register(self.targets[0], done, end=True)
            self.registered_until = None
        else:
            done(None)
        return over

    def told(self, target: Target, answered: bool) -> None:
        """Hear from a call whether a server answered it; a silent one goes to the end of the line."""
        if answered:
            return
        self._fails(target)
        if self.trunk.options_seconds:
            self._wake.set()
        else:
            self._doubt_until = self._tools.clock.now() + DOUBT_SECONDS

    def check(self) -> None:
        """Look again now."""
        self._refresh_at = 0.0
        self._wake.set()

    def flow_closed(self, flow: Flow) -> None:
        """Register anew when the connection is gone that calls would come in by."""
        if self.flow is not None and flow.id == self.flow.id:
            self.check()

    async def find(self) -> list[Target]:
        """Locate the carrier; what was known stays when nobody can tell.

        After a failure DNS is asked anew. The order is kept while the servers are the same, so that calls and
        registration keep to one; it is that of DNS again once a failure is forgotten.
        """
        if self._doubted:
            self._doubted = False
            self._tools.resolver.doubt()
        found = await locate(self._server(), self._tools.resolver, below)
        if not found:
            if not self.targets:
                self.failure = "the carrier's name is not found in DNS"
            return self.targets
        now = self._tools.clock.now()
        rested = [target for target, until in self._failed.items() if now >= until]
        for target in rested:
            del self._failed[target]
        if set(found) != set(self.targets) or rested:
            self._failed = {target: until for target, until in self._failed.items() if target in found}
            self.targets = sorted(found, key=self._failed.__contains__)
            self._tools.changed()
        return self.targets

    def _fails(self, target: Target) -> None:
        """Try a server after the others for a while, and look its name up anew."""
        self._doubted = True
        if target in self.targets:
            self._failed[target] = self._tools.clock.now() + FAILED_SECONDS
            self.targets.remove(target)
            self.targets.append(target)

    # -- the rounds --------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                seconds = await (self._registering() if self.trunk.mode == "register" else self._asking())
            except Exception as fault:  # noqa: BLE001 - a trunk must come back, whatever went wrong
                self._tools.journal.fault(FAULT, fault, trunk=self._number)
                seconds = DOUBT_SECONDS
            self._wake.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _registering(self) -> float:
        now = self._tools.clock.now()
        if not self._registered(now) or now >= self._refresh_at:
            return await self._register()
        asked = self.targets[0]
        if not await self._is_there(asked):
            self._fails(asked)
            return await self._register()
        return self._until_next()

    async def _asking(self) -> float:
        await self.find()
        if not self.trunk.options_seconds:
            self._say(0)
            return _CHECK_SECONDS
        status = 0
        for target in self.targets[:MOST_SERVERS]:
            if await self._is_there(target):
                self._prefer(target)
                status = 200
                break
            self._fails(target)
        self._answers = bool(status)
        if not status and self.targets:
            self.failure = "the carrier does not answer"
        self._say(status)
        return float(self.trunk.options_seconds)

    def _until_next(self) -> float:
        left = max(1.0, self._refresh_at - self._tools.clock.now())
        return min(left, self.trunk.options_seconds or left)

    def _registered(self, now: float) -> bool:
        return self.registered_until is not None and now < self.registered_until

    def _say(self, status: int) -> None:
        """Journal what changed, and let the house know."""
        if self.up is not self._was_up:
            self._was_up = self.up
            if self.up:
                self._tools.journal.log(UP, trunk=self._number)
            else:
                self._tools.journal.log(DOWN, trunk=self._number, status=status)

    # -- OPTIONS -----------------------------------------------------------------------------------

    async def _is_there(self, target: Target | None = None) -> bool:
        """Ask a server twice whether it is there; anything it says but 503 is a yes."""
        if not self.trunk.options_seconds:
            return True
        target = target or self.targets[0]
        for _ in range(2):
            response = await self._reply(lambda done: self._send_options(target, done))
            if response is not None and response.status != 503:
                self._answers = True
                return True
        return False

    def _send_options(self, target: Target, done: Callable[[Response | None], None]) -> None:
        tools, flow = self._tools, self.way(target)
        me, home = self.address(flow), SipUri(host=self.trunk.home)
        tools.stack.request(
            "OPTIONS", str(home), flow,
            caller=me, callee=str(NameAddr(home)), now=tools.clock.now(), done=done,
            headers=(("Contact", f"<{self._registration.contact(tools.stack.host(flow), flow)}>"),
                     ("Accept", "application/sdp"), *self.route()),
        )  # fmt: skip

    # -- REGISTER ----------------------------------------------------------------------------------

    async def _register(self) -> float:
        verdict: Verdict = Failed(0, elsewhere=True)
        for target in list(await self.find())[:MOST_SERVERS]:
            verdict = await self._ask(target)
            if isinstance(verdict, Granted):
                self._granted(target, verdict)
                return self._until_next()
            if not (isinstance(verdict, Failed) and verdict.elsewhere):
                break
            self._fails(target)
        failed = verdict if isinstance(verdict, Failed) else Failed(0, elsewhere=False)
        self._failures += 1
        self._answers = bool(failed.status)
        if not self._registered(self._tools.clock.now()) or not failed.elsewhere or not failed.status:
            self.registered_until = None
        if self.targets:
            self.failure = _words(failed.status, known=self.access.known)
        self._say(failed.status)
        ceiling = OUTAGE_CEILING if failed.elsewhere else 1800.0
        return max(pause(self._failures, below, ceiling), float(failed.wait))

    async def _ask(self, target: Target) -> Verdict:
        """Register at one server, on the terms it wants; a move within its host is followed once."""
        verdict: Verdict = Again()
        for _ in range(3):
            verdict = await self._once(target)
            if isinstance(verdict, Moved):
                moved = await locate(verdict.uri, self._tools.resolver, below)
                if not moved:
                    return Failed(0, elsewhere=False)
                target = moved[0]
            elif not isinstance(verdict, Again):
                break
        return verdict

    async def _once(self, target: Target) -> Verdict:
        contact = ""

        def send(done: Callable[[Response | None], None]) -> None:
            nonlocal contact
            contact = self._send_register(target, done)

        return self._registration.judge(await self._reply(send), contact)

    def _send_register(
        self, target: Target, done: Callable[[Response | None], None], *, end: bool = False
    ) -> str:
        tools, flow = self._tools, self.way(target)
        registration = self._registration
        contact = registration.contact(tools.stack.host(flow), flow)
        me = str(NameAddr(SipUri(user=self.trunk.user, host=self.trunk.home)))
        tools.stack.request(
            "REGISTER", str(SipUri(host=self.trunk.home)), flow,
            caller=me, callee=me, now=tools.clock.now(), done=done,
            headers=(*self._proxy(), *registration.lines(contact, end=end)),
            credentials=self.access, call_id=registration.call_id, cseq=registration.cseq + 1,
        )  # fmt: skip
        registration.cseq += 4  # the challenges of one REGISTER take numbers too
        return contact

    def _granted(self, target: Target, granted: Granted) -> None:
        now = self._tools.clock.now()
        self.registered_until = now + granted.seconds
        self._refresh_at = now + refresh(granted.seconds, below)
        self.routes = granted.routes
        self.flow = self.way(target)
        self._answers = True
        self._failures = 0
        self.failure = ""
        self._prefer(target)
        self._say(200)

    def _prefer(self, target: Target) -> None:
        if self.targets[:1] != [target]:
            self.targets = [target, *(each for each in self.targets if each != target)]
            self._tools.changed()

    # -- what requests of ours have in common ------------------------------------------------------

    def way(self, target: Target) -> Flow:
        """Return the flow to a server; over TCP for what is too large, but where the site says UDP."""
        trunk = self.trunk
        return self._tools.open(
            target.transport,
            target.address,
            name=target.name,
            trust=trunk.authorities,
            large=not trunk.transport,
        )

    def address(self, flow: Flow) -> str:
        """Return our address at the carrier's, or where we are where we have none."""
        trunk = self.trunk
        host = trunk.home if trunk.user else self._tools.stack.host(flow)
        return str(NameAddr(SipUri(user=trunk.user, host=host)))

    def route(self) -> tuple[tuple[str, str], ...]:
        """Return the Route of requests outside dialogs: what the registrar told, else the outbound proxy."""
        return tuple(("Route", route) for route in self.routes) or self._proxy()

    def _proxy(self) -> tuple[tuple[str, str], ...]:
        return (("Route", f"<{self._server().with_param('lr')}>"),) if self.trunk.proxy else ()

    def _server(self) -> SipUri:
        """Return the URI whose servers are to be found."""
        trunk = self.trunk
        host, port = split_host(trunk.proxy) if trunk.proxy else (trunk.host, trunk.port)
        params = {"transport": trunk.transport} if trunk.transport else {}
        return SipUri(host=host, port=port or None, params=params)

    async def _reply(self, send: Callable[[Callable[[Response | None], None]], None]) -> Response | None:
        """Send a request and wait for its answer, but not as long as timer F would (RFC 3261 17.1.2.2)."""
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        def done(response: Response | None) -> None:
            if not answer.done():
                answer.set_result(response)

        send(done)
        try:
            async with asyncio.timeout(self.trunk.answer_seconds):
                return await answer
        except TimeoutError:
            return None


def _words(status: int, *, known: bool) -> str:
    """Say in plain words what kept us from registering."""
    if status in {401, 407}:
        return "the carrier does not accept the password" if known else "the carrier wants a password"
    return {
        0: "the carrier does not answer",
        403: "the carrier refuses this account (403)",
        404: "the carrier does not know this user (404)",
        503: "the carrier is overloaded or closed (503)",
    }.get(status, f"the carrier refused with {status}")
