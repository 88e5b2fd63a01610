"""A house in memory and virtual time: the real endpoint, the real calls, phones on real stacks, no socket.

Every message lies in `wire`, as (sender, receiver, text), for a test to look at.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Settings
from firmware.calls.plan import Plan
from firmware.calls.supervisor import Calls
from firmware.journal import Field, Journal, Kind
from firmware.lines.sip_endpoint import SipEndpoint, SipSettings
from firmware.media import Description, Offers, Side, Sound
from firmware.store.model import CallRecord, Extension, StoredBinding
from sip.digest import DigestClient
from sip.errors import RemoteError
from sip.flow import Address, Flow, Transport
from sip.listener import End
from sip.message import Request, Response, parse
from sip.nameaddr import NameAddr
from sip.session import Session
from sip.stack import Stack, StackConfig
from sip.transfer import Referral
from sip.uas import UasSession
from sip.uri import SipUri
from tests.support.places import ScriptedPlace
from tests.support.virtual_time import VirtualClock, VirtualTimeLoop, run, settle

BOX: Address = ("192.168.1.1", 5060)
SECRET = "a secret of sixteen"
CODES = Codes({Feature.WITHHOLD: "#31#", Feature.SHOW: "*31#"})


def sdp(port: int, *lines: str) -> bytes:
    """Return a description of one audio stream."""
    text = [
        "v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0",
        f"m=audio {port} RTP/AVP 0", *lines, "",
    ]  # fmt: skip
    return "\r\n".join(text).encode()


class Directory:
    """The store's extensions."""

    def __init__(self, extensions: list[Extension]) -> None:
        self.all = {extension.id: extension for extension in extensions}

    def list(self) -> tuple[Extension, ...]:
        return tuple(self.all.values())

    def get(self, extension: str) -> Extension | None:
        return self.all.get(extension)


class Kept:
    """The store, as far as the endpoint sees it."""

    def __init__(self, extensions: list[Extension]) -> None:
        self.extensions = Directory(extensions)
        self.bindings = self
        self.rows: dict[str, list[StoredBinding]] = {}

    def load(self) -> list[StoredBinding]:
        return [row for rows in self.rows.values() for row in rows]

    def save(self, extension: str, current: list[StoredBinding]) -> None:
        self.rows[extension] = current


class Through:
    """A bridge that passes descriptions on as they are."""

    def __init__(self, house: "House") -> None:
        self.on_timeout: Callable[[Side], None] | None = None
        self.call = ""
        self.music = True
        self.house = house
        house.bridges.add(self)

    def offers(self, side: Side, description: Description, *, sole: bool = False) -> Offers:
        offer = self.offer(side, description)
        line = offer.media[0].with_attribute("otherwise")
        other = offer.with_media(0, line) if self.house.otherwise else None
        return Offers(lambda: offer, lambda of: other if of == offer else None)

    def offer(self, side: Side, description: Description) -> Description:
        return description

    def answer(self, side: Side, description: Description) -> Description:
        return description

    def hush(self, description: Description) -> Description:
        return description

    def silent(self, description: Description) -> Description:
        return description

    def pause(self, side: Side, description: Description) -> Description:
        medium = description.media[0].with_direction("inactive")
        return description.with_media(0, medium)

    def close(self) -> None:
        self.house.bridges.discard(self)


class House:
    """The box, its wire, and what it kept."""

    def __init__(self, *, settings: SipSettings | None = None, calls: Settings | None = None) -> None:
        self.extensions = [
            Extension(f"id-{number}", "t", number, name, f"{SECRET} {number}", aliases)
            for number, name, aliases in (
                ("100", "Nora", ()), ("101", "Anna \u0141", ()), ("102", "Ben", ("055501427731",))
            )
        ]  # fmt: skip
        self.kept = Kept(self.extensions)
        self.wire: list[tuple[Address, Address, str]] = []
        self.events: list[tuple[Kind, dict[str, Field]]] = []
        self.records: list[CallRecord] = []
        self.bridges: set[Through] = set()
        self.otherwise = False  # whether a phone that takes no offer is made another
        self.played: list[tuple[int, list[str]]] = []
        self.sounds: set[Sound] = set()
        self.phones: dict[Address, Phone] = {}
        self.proved: list[Flow] = []
        self.clock = VirtualClock()
        self.journal = Journal(self.clock)
        self.journal.log = lambda kind, /, **fields: self.events.append((kind, fields))  # type: ignore[method-assign]
        self.settings = settings or SipSettings()
        self.line = self.start(calls)

    def start(self, calls: Settings | None = None) -> SipEndpoint:
        """Build the box, anew if there was one."""
        self.line = SipEndpoint(
            self.send, self.kept, self.journal, self.clock, self.settings, proved=self.proved.append
        )
        drive(self.line.stack, self.clock)
        self.calls = Calls(
            dialer=self.line,
            media=self,
            plan=Plan(("112",), self.extensions, codes=CODES),
            records=self,
            journal=self.journal,
            clock=self.clock,
            settings=calls,
        )
        self.line.calls = self.calls
        self.calls.house.lamps.listener = self.line.lamps_changed
        return self.line

    def crowded(self, share: float) -> bool:
        return False

    def open(self, *, urgent: bool = False) -> Through:
        return Through(self)

    def place(self, room: int = 0, flags: int = 0) -> ScriptedPlace:
        return ScriptedPlace(self, room or 1, flags)

    def record_call(self, record: CallRecord) -> None:
        self.records.append(record)

    def send(self, flow: Flow, data: bytes) -> bool:
        """Carry a message of the box to a phone."""
        self.wire.append((flow.local, flow.remote, data.decode()))
        phone = self.phones.get(flow.remote)
        if phone is None:
            return flow.transport == "UDP"
        back = Flow(flow.transport, flow.remote, flow.local, flow.id)
        asyncio.get_running_loop().call_later(0.001, phone.receive, data, back)
        return phone.plugged or flow.transport == "UDP"

    def feed(
        self, message: bytes | Request, source: Address, transport: Transport = "UDP", number: int = 0
    ) -> list[str]:
        """Hand the box a message from anywhere and return what it sends there at once."""
        before = len(self.wire)
        self.line.stack.receive(bytes(message), Flow(transport, BOX, source, number), self.clock.now())
        return [text for _, there, text in self.wire[before:] if there == source]

    def phone(self, number: str, last: int, transport: Transport = "UDP") -> "Phone":
        """Plug in a phone at 192.168.1.`last`."""
        return Phone(self, number, (f"192.168.1.{last}", 5062), transport)

    def sent_to(self, phone: "Phone", start: str) -> list[str]:
        """Return the messages a phone got that begin like this."""
        return [text for _, there, text in self.wire if there == phone.address and text.startswith(start)]

    async def assert_clean(self) -> None:
        """Nothing is left of any call, and the stacks run empty."""
        await asyncio.sleep(200)
        assert not self.calls.active()
        assert not self.bridges
        for stack in [self.line.stack, *(phone.stack for phone in self.phones.values() if phone.plugged)]:
            assert stack.session_count == 0
            assert stack.transaction_count == 0


def drive(stack: Stack, clock: VirtualClock) -> None:
    """Wake a stack at its deadlines, as `Transports` does."""
    loop = asyncio.get_running_loop()
    handle: list[asyncio.TimerHandle] = []

    def wake(when: float) -> None:
        while handle:
            handle.pop().cancel()
        handle.append(loop.call_later(max(0.0, when - clock.now()), run_it))

    def run_it() -> None:
        stack.run(clock.now())
        deadline = stack.next_deadline()
        if deadline is not None:
            wake(deadline)

    stack.on_deadline(wake)


_numbers = count(1)


class Phone:
    """A phone of the house: a real stack, and a listener that writes down what it hears."""

    def __init__(self, house: House, number: str, address: Address, transport: Transport) -> None:
        self.house = house
        self.number = number
        self.address = address
        self.plugged = True
        dice = random.Random(number)
        self.stack = Stack(self._send, self, StackConfig(), dice.randbytes)
        drive(self.stack, house.clock)
        self.flow = Flow(transport, address, BOX, 0 if transport == "UDP" else next(_numbers))
        self.client = DigestClient(number, f"{SECRET} {number}", dice.randbytes)
        self.heard: list[tuple[str, object]] = []
        self.session: Session | None = None
        house.phones[address] = self

    # -- its wire

    def _send(self, flow: Flow, data: bytes) -> bool:
        if self.plugged:
            self.house.wire.append((flow.local, flow.remote, data.decode()))
            back = Flow(flow.transport, flow.remote, flow.local, flow.id)
            loop = asyncio.get_running_loop()
            loop.call_later(0.001, lambda: self.house.line.stack.receive(data, back, self.house.clock.now()))
        return True

    def receive(self, data: bytes, flow: Flow) -> None:
        if self.plugged and data.startswith(b"NOTIFY "):
            notify = parse(data)
            assert isinstance(notify, Request)
            state = (notify.get("Subscription-State") or "").partition(";")[0]
            self.heard.append(("notify", f"{notify.get('Event')} {state} {notify.body.decode().strip()}"))
            self._send(flow, bytes(notify.respond(200)))
        elif self.plugged:
            self.stack.receive(data, flow, self.house.clock.now())

    def unplug(self) -> None:
        """Fall silent; a connection breaks."""
        self.plugged = False
        if self.flow.id:
            back = Flow(self.flow.transport, BOX, self.address, self.flow.id)
            self.house.line.stack.flow_closed(back, self.house.clock.now())

    # -- what its user does

    @property
    def now(self) -> float:
        return self.house.clock.now()

    def credentials(self, response: Response, request: Request) -> str | None:
        try:
            return self.client.answer(response, request)[1]
        except RemoteError:
            return None

    async def register(self, *, expires: int = 300, aor: str = "", name: str = "") -> int:
        """Register and return the status."""
        answers: list[Response | None] = []
        me = f"<sip:{aor or self.number}@box.invalid>"
        transport = "" if self.flow.transport == "UDP" else f";transport={self.flow.transport.lower()}"
        contact = f"{name}<sip:{self.number}@{self.address[0]}:{self.address[1]}{transport}>"
        self.stack.request(
            "REGISTER",
            "sip:box.invalid",
            self.flow,
            caller=me,
            callee=me,
            now=self.now,
            done=answers.append,
            headers=(("Contact", contact), ("Expires", str(expires))),
            credentials=self.credentials,
        )
        await asyncio.sleep(0.1)
        [answer] = answers
        assert answer is not None
        return answer.status

    async def call(
        self,
        dialled: str,
        offer: bytes | None = b"",
        *,
        claim: str = "",
        more: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Dial; `claim` is what it says of itself in From, `more` are further headers."""
        self.session = self.stack.invite(
            str(SipUri(user=dialled, host="box.invalid")),
            self.flow,
            caller=claim or f'"Somebody Else" <sip:{self.number}@{self.address[0]}>',
            callee=str(NameAddr(SipUri(user=dialled, host="box.invalid"))),
            offer=sdp(4000) if offer == b"" else offer,
            listener=self,
            now=self.now,
            headers=(("User-Agent", "LeakyPhone/1.0"), *more),
            credentials=self.credentials,
        )
        await asyncio.sleep(0.1)

    @property
    def ringing(self) -> UasSession:
        """The session this phone is called on."""
        assert isinstance(self.session, UasSession)
        return self.session

    async def answer(self, description: bytes = b"") -> None:
        self.ringing.accept(description or sdp(5000), self.now)
        await asyncio.sleep(0.1)

    async def ring(self) -> None:
        self.ringing.ring(self.now)
        await asyncio.sleep(0.1)

    async def reject(self, status: int) -> None:
        self.ringing.reject(status, self.now)
        await asyncio.sleep(0.1)

    async def hangup(self) -> None:
        assert self.session is not None
        self.session.hangup(self.now)
        await asyncio.sleep(0.1)

    async def reoffer(self, description: bytes) -> None:
        assert self.session is not None
        self.session.reoffer(description, self.now)
        await asyncio.sleep(0.1)

    async def refer(self, target: str, session: Session | None = None) -> int:
        """Ask for a transfer of a session, the newest if none is given; the answer's status."""
        session = session or self.session
        assert session is not None
        statuses: list[int] = []
        session._send(
            "REFER",
            self.now,
            lambda _, status, *__: statuses.append(status),
            (("Refer-To", target), ("Contact", f"<sip:{self.number}@{self.address[0]}>")),
            aside=True,
        )
        await asyncio.sleep(0.1)
        [status] = statuses
        return status

    @property
    def notified(self) -> list[object]:
        """What NOTIFYs said so far."""
        return [value for name, value in self.heard if name == "notify"]

    def last(self, what: str) -> object:
        """Return what the last event of that name told."""
        return next(value for name, value in reversed(self.heard) if name == what)

    # -- sip.stack.StackUser

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        return "the box"

    def urgent(self, request: Request) -> bool:
        return False

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        assert session.request is not None
        self.heard.append(("invite", session.request))
        self.session = session
        session.listener = self

    # -- sip.listener.SessionListener

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        self.heard.append(("progress", (status, sdp)))

    def answered(self, session: Session, sdp: bytes | None) -> None:
        self.heard.append(("answered", sdp))

    def pracked(self, session: Session, answer: bytes) -> None:
        self.heard.append(("pracked", answer))

    def acked(self, session: Session, sdp: bytes | None) -> None:
        self.heard.append(("acked", sdp))

    def offered(self, session: Session, offer: bytes | None) -> None:
        self.heard.append(("offered", offer))

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        self.heard.append(("reoffered", answer))

    def refused(self, session: Session, status: int) -> None:
        self.heard.append(("refused", status))

    def referred(self, session: Session, referral: Referral) -> None:
        self.heard.append(("referred", referral))

    def ended(self, session: Session, end: End) -> None:
        self.heard.append(("ended", end))


def play(scene: Callable[[House], Coroutine[Any, Any, None]], make: Callable[[], House] = House) -> House:
    """Play a scene in virtual time; the house must be clean after it."""

    async def main() -> House:
        house = make()
        await scene(house)
        await house.assert_clean()
        await settle()
        return house

    return run(main(), VirtualTimeLoop())


def headers(text: str, name: str) -> list[str]:
    """Return the values of a header in a message's text."""
    message = parse(text.encode())
    return list(message.all(name))
