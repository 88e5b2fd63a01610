"""A carrier in the house's virtual time: registrar and callee with a real stack, and DNS for its names."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from firmware.calls.leg import Ended, Leg, LegEvent
from firmware.lines.trunk_line import TrunkLine
from firmware.lines.trunk_watch import Tools
from firmware.lines.trunks import Trunks
from provisioning.site_trunk import Trunk
from sip.answer import Answer
from sip.digest import DigestServer, Granted, ha1
from sip.flow import Address, Flow, Transport
from sip.locate import Naptr, Srv
from sip.message import Request, parse
from sip.registrar import Bindings, RegistrarLimits
from sip.sdp import SessionDescription
from sip.session import Session
from sip.stack import Stack, StackConfig
from tests.firmware.lines.house import BOX, House, Phone, drive, sdp
from tests.support.virtual_time import VirtualTimeLoop, run, settle

CARRIER: Address = ("203.0.113.1", 5060)
OTHER: Address = ("203.0.113.2", 5060)
USER, PASSWORD = "4930123456", "carried secretly"
OFFER = SessionDescription.parse(sdp(4000))
REGISTERED = Trunk("first", "register", "sip.carrier.test", user=USER, number="+4930123456")
FIXED = Trunk("second", "address", CARRIER[0])


class Zone:
    """DNS of the test: names to addresses, changed at will; what was asked is noted."""

    def __init__(self) -> None:
        self.hosts: dict[str, list[str]] = {"sip.carrier.test": [CARRIER[0]]}
        self.services: dict[str, list[Srv]] = {}
        self.asked: list[str] = []
        self.dead = False

    async def naptr(self, name: str) -> Sequence[Naptr]:
        self.asked.append(name)
        await asyncio.sleep(0.01)
        return ()

    async def srv(self, name: str) -> Sequence[Srv]:
        return () if self.dead else self.services.get(name, ())

    async def addresses(self, name: str) -> Sequence[str]:
        return () if self.dead else self.hosts.get(name.rstrip("."), ())


class Carrier(Phone):
    """One server of a carrier. `wants` are methods it wants proof for; `does` answers some at once."""

    def __init__(
        self, house: House, address: Address = CARRIER, *, wants: frozenset[str] = frozenset({"REGISTER"})
    ) -> None:
        super().__init__(house, "carrier", address, "UDP")
        self.stack = Stack(
            self._send, self, StackConfig(supported=("gin",)), os.urandom, {"REGISTER": self.serve}
        )
        drive(self.stack, house.clock)
        self.wants = wants
        self.does: dict[str, Answer] = {}
        self.extra: tuple[tuple[str, str], ...] = ()
        self.bindings = Bindings(RegistrarLimits(60, 600, 600, 10))
        self.seen: list[Request] = []
        self.password = PASSWORD
        self.digest = DigestServer(
            "carrier.test",
            os.urandom(32),
            ("MD5",),
            lambda user, name: ha1(user, "carrier.test", self.password, name),
        )

    def receive(self, data: bytes, flow: Flow) -> None:
        if self.plugged:
            message = parse(data)
            if isinstance(message, Request):
                self.seen.append(message)
            super().receive(data, flow)

    def got(self, method: str) -> list[Request]:
        """Return the requests of a method that came, repeats and all."""
        return [request for request in self.seen if request.method == method]

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        if request.method in self.does and not request.to_tag:
            return self.does[request.method]
        if request.method in self.wants and not request.to_tag:
            verdict = self.digest.check(request, now)
            if not isinstance(verdict, Granted):
                return Answer(401, tuple(verdict.headers))
        return "the box"

    def serve(self, request: Request, flow: Flow, identity: object, now: float) -> Answer:
        answer = self.bindings.register(request.to.uri.user, request, flow, now)
        return answer._replace(headers=(*answer.headers, *self.extra)) if answer.status == 200 else answer

    async def calls_in(
        self,
        number: str,
        *,
        caller: str = "<sip:+4940987654@carrier.test>",
        headers: tuple[tuple[str, str], ...] = (),
        uri: str = "",
    ) -> None:
        """Call the box, by its registered contact unless `uri` is given."""
        found = self.bindings.lookup(USER, self.now)
        self.session = self.stack.invite(
            uri or (found[0].uri if found else f"sip:{number}@{BOX[0]}"),
            Flow("UDP", self.address, BOX),
            caller=caller,
            callee=f"<sip:{number}@carrier.test>",
            offer=sdp(4000),
            listener=self,
            now=self.now,
            headers=headers,
        )
        await asyncio.sleep(0.1)


class Owner:
    """Owns a leg and writes down what it says."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.events: list[LegEvent] = []
        leg.owned_by(self)

    def deliver(self, leg: Leg, event: LegEvent) -> None:
        self.events.append(event)

    @property
    def said(self) -> list[str]:
        """The kinds of events so far, the last with its cause."""
        return [
            event.cause.value if isinstance(event, Ended) else type(event).__name__ for event in self.events
        ]


class Office:
    """A house with trunks."""

    def __init__(self, house: House, trunks: Sequence[Trunk], zone: Zone | None = None) -> None:
        self.house = house
        self.zone = zone or Zone()
        self.secrets: dict[str, str | None] = {"first": PASSWORD}
        self.streams: dict[tuple[str, Address], Flow] = {}
        self.took: list[Leg] = []
        tools = Tools(
            house.line.stack, self.way, self.zone, house.clock, house.journal, lambda name: f"tok-{name}"
        )
        self.trunks = house.line.trunks = Trunks(tools, lambda trunk: self.secrets.get(trunk.name))
        self.trunks.use(trunks)
        house.calls.incoming = self.took.append  # type: ignore[method-assign,assignment]

    def way(
        self, transport: Transport, remote: Address, *, name: str = "", trust: str = "", large: bool = False
    ) -> Flow:
        if transport == "UDP":
            return Flow("UDP", BOX, remote)
        number = len(self.streams) + 1
        return self.streams.setdefault((transport, remote), Flow(transport, BOX, remote, number, name))

    def line(self, number: int = 0) -> TrunkLine:
        return self.trunks.lines()[number]

    def words(self) -> list[str]:
        """Return what the journal says of trunks."""
        return [kind.name for kind, _ in self.house.events if kind.name.startswith("trunk.")]


def scene(
    play: Callable[[House], Coroutine[Any, Any, None]],
) -> None:
    """Play in virtual time; every trunk must be closed and the stacks empty after it."""

    async def main() -> None:
        house = House()
        await play(house)
        if house.line.trunks is not None:
            await house.line.trunks.close()
        await asyncio.sleep(0.1)
        await house.assert_clean()
        await settle()

    run(main(), VirtualTimeLoop())
