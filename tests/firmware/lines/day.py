"""An office of sixty phones for a day of virtual time: they call, hold, park, transfer, vanish, guess.

`Office` is the house of `house.py` with a network that can lose and double datagrams, and that keeps no
messages. Each function of SCENES is something people do; it returns when it is over, however badly it went.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.calls.plan import Plan
from firmware.journal import Field, Kind
from firmware.lines.sip_endpoint import SipSettings
from firmware.store.model import CallRecord, Extension, Forward, Group, Messages, Occasion, Strategy
from sip.digest import DigestClient
from sip.flow import Flow
from sip.listener import End
from sip.message import Request, Response, parse
from sip.session import Session
from sip.uas import UasSession
from tests.firmware.lines.house import BOX, SECRET, House, Kept, Phone, _numbers, sdp
from tests.firmware.lines.test_transfer import dialog

PHONES = 60
CODES = Codes({Feature.PICKUP: "**", Feature.PARK: "*68", Feature.INTERCOM: "*80"})
SLOTS = ("701", "702", "703", "704")
REACTIONS = ("take",) * 5 + ("busy", "decline", "ring", "vanish")
_FORWARDS = {
    250: Forward(Occasion.ALWAYS, "255"),
    251: Forward(Occasion.BUSY, "255"),
    252: Forward(Occasion.NO_ANSWER, "255", 10),
    253: Forward(Occasion.UNREACHABLE, "255"),
}
"""What these phones do with calls; 254 is not to be disturbed, 256 to 259 are ring groups."""


def _people() -> list[Extension]:
    return [
        Extension(
            f"id-{number}", "t", str(number), f"Person {number}", f"{SECRET} {number}",
            forwards=(_FORWARDS[number],) if number in _FORWARDS else (), dnd=number == 254,
        )
        for number in range(200, 200 + PHONES)
    ]  # fmt: skip


class Office(House):
    """The box and its sixty phones; `loss` and `double` are shares of the datagrams."""

    def __init__(self, seed: int) -> None:
        calls = Settings(ring_seconds=20, pickup=Circle.ALL, park_seconds=30)
        super().__init__(settings=SipSettings(session_seconds=90), calls=calls)
        self.dice = random.Random(seed)  # repeatable
        self.loss = self.double = 0.0
        self.quiet = False
        self.datagrams = self.dialled = 0
        self.told: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.extensions = _people()
        # Copies, so that a mailbox that changes replaces one object with another.
        self.kept = Kept([replace(each, messages=Messages(2, 1)) for each in self.extensions])
        self.proved = deque(maxlen=0)  # type: ignore[assignment]  # what is appended is gone
        self.journal.log = self._tell  # type: ignore[method-assign]
        self.start(calls)
        members = tuple(f"id-{number}" for number in range(256, 260))
        groups = [
            Group(f"g{number}", "t", str(number), "Group", strategy, 8, members, "id-255")
            for number, strategy in zip(range(300, 303), Strategy, strict=True)
        ]
        self.calls.plan = Plan(("112",), self.extensions, groups, CODES, slots=SLOTS)
        self.handsets = [Handset(self, 200 + each, each) for each in range(PHONES)]
        self.stranger = Handset(self, 299, 200)
        self.idle = self.handsets[:50]
        self.slots = list(SLOTS)

    def _tell(self, kind: Kind, /, **fields: Field) -> None:
        del fields
        self.told[kind.name] += 1

    def record_call(self, record: CallRecord) -> None:
        self.causes[record.cause] += 1

    def send(self, flow: Flow, data: bytes) -> bool:
        phone = self.phones.get(flow.remote)
        if phone is None:
            return flow.transport == "UDP"
        if flow.id and (flow.id != phone.flow.id or not phone.plugged):
            return False
        back = Flow(flow.transport, flow.remote, flow.local, flow.id)
        self.carry(flow, partial(phone.receive, data, back))
        return True

    def carry(self, flow: Flow, arrive: Callable[[], None]) -> None:
        """Carry a message; a datagram may be lost, doubled, or overtaken."""
        self.datagrams += 1
        loop, dice, unsafe = asyncio.get_running_loop(), self.dice, not flow.id
        if unsafe and self.loss and dice.random() < self.loss:
            return
        loop.call_later(0.001 + (dice.random() * 0.05 if unsafe and self.loss else 0), arrive)
        if unsafe and dice.random() < self.double:
            loop.call_later(0.06, arrive)

    def take(self, count: int) -> list["Handset"]:
        """Take that many idle phones, none if there are not so many."""
        if len(self.idle) < count:
            return []
        self.dice.shuffle(self.idle)
        return [self.idle.pop() for _ in range(count)]

    async def renew(self) -> None:
        """Let every phone register and subscribe anew."""
        for phone in self.handsets:
            phone.enrol()
            phone.watch()
        await asyncio.sleep(2)


class Handset(Phone):
    """A phone that goes by itself: refreshes what it has, reacts by `reaction`, serves re-INVITEs."""

    house: Office

    def __init__(self, house: Office, number: int, place: int) -> None:
        transport = "TCP" if place % 5 == 4 else "UDP"
        super().__init__(house, str(number), (f"192.168.1.{place + 10}", 5062), transport)  # type: ignore[arg-type]
        self.reaction = ""
        self.cseq = 1
        self.called: Session | None = None
        self.secret = self.client
        self.guess = DigestClient(self.number, "not the secret at all", house.dice.randbytes)

    # -- its wire

    def _send(self, flow: Flow, data: bytes) -> bool:
        if self.plugged:
            back = Flow(flow.transport, flow.remote, flow.local, flow.id)
            line, clock = self.house.line, self.house.clock
            self.house.carry(flow, lambda: line.stack.receive(data, back, clock.now()))
        return True

    def receive(self, data: bytes, flow: Flow) -> None:
        if self.plugged and data.startswith(b"NOTIFY "):
            notify = parse(data)
            assert isinstance(notify, Request)
            self._send(flow, bytes(notify.respond(200)))
        elif self.plugged:
            self.stack.receive(data, flow, self.now)

    def plug(self) -> None:
        """Come back, on a new connection if there was one, knowing of no call."""
        self.plugged = True
        if self.flow.id:
            self.flow = Flow(self.flow.transport, self.address, BOX, next(_numbers))
        self.enrol()

    # -- what it does by itself

    def live(self) -> None:
        """Refresh registration and subscriptions for good."""
        if self.plugged and not self.house.quiet:
            self.enrol()
            self.watch()
        asyncio.get_running_loop().call_later(self.house.dice.uniform(200, 400), self.live)

    def ask(self, method: str, user: str, *headers: tuple[str, str], call_id: str = "") -> None:
        """Send a request and forget it."""
        self.cseq += 4  # its answer to a challenge needs a number, too
        me = f"<sip:{self.number}@box.invalid>"
        transport = "" if self.flow.transport == "UDP" else ";transport=tcp"
        contact = ("Contact", f"<sip:{self.number}@{self.address[0]}:{self.address[1]}{transport}>")
        self.stack.request(
            method,
            f"sip:{user}@box.invalid" if user else "sip:box.invalid",
            self.flow,
            caller=me,
            callee=f"<sip:{user}@box.invalid>" if user else me,
            now=self.now,
            done=self._asked,
            headers=(contact, *headers),
            credentials=self.credentials,
            call_id=call_id,
            cseq=self.cseq,
        )

    def _asked(self, answer: Response | None) -> None:
        self.house.outcomes["no answer" if answer is None else f"answer {answer.status}"] += 1

    def enrol(self, expires: int = 1800) -> None:
        """Register."""
        self.ask(
            "REGISTER",
            "",
            ("Expires", str(expires)),
            call_id=f"registration of {self.number}".replace(" ", "-"),
        )

    def watch(self) -> None:
        """Subscribe to five lamps, one of them a slot's, and to the own mailbox; some phones only."""
        place = int(self.number) - 200
        if place % 3:
            return
        for lamp in [*(str(200 + (place + step) % PHONES) for step in (1, 7, 13, 50)), SLOTS[place % 4]]:
            self.ask("SUBSCRIBE", lamp, ("Event", "dialog"), ("Expires", "3600"))
        self.ask("SUBSCRIBE", self.number, ("Event", "message-summary"), ("Expires", "3600"))

    # -- calls

    def dial(self, number: str, *more: tuple[str, str]) -> Session:
        """Dial."""
        self.session = self.stack.invite(
            f"sip:{number}@box.invalid",
            self.flow,
            caller=f"<sip:{self.number}@box.invalid>",
            callee=f"<sip:{number}@box.invalid>",
            offer=sdp(4000),
            listener=self,
            now=self.now,
            headers=more,
            credentials=self.credentials,
        )
        return self.session

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        session.listener = self
        self.called = session
        reaction = self.reaction or self.house.dice.choice(REACTIONS)
        later = asyncio.get_running_loop().call_later
        if reaction != "vanish":
            session.ring(now)
        if reaction == "take":
            later(self.house.dice.uniform(1, 8), self._take, session)
        elif reaction in ("busy", "decline"):
            later(0.5, self._refuse, session, 486 if reaction == "busy" else 603)

    def _take(self, session: UasSession) -> None:
        if session.state != "ended":
            session.accept(sdp(5000), self.now)

    def _refuse(self, session: UasSession, status: int) -> None:
        if session.state != "ended":
            session.reject(status, self.now)

    def offered(self, session: Session, offer: bytes | None) -> None:
        del offer
        session.accept_offer(sdp(6000), self.now)

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        pass

    def refused(self, session: Session, status: int) -> None:
        pass

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        pass

    def answered(self, session: Session, sdp: bytes | None) -> None:
        pass

    def pracked(self, session: Session, answer: bytes) -> None:
        pass

    def acked(self, session: Session, sdp: bytes | None) -> None:
        pass

    def ended(self, session: Session, end: End) -> None:
        pass

    def transfer(self, target: str, session: Session) -> None:
        """Ask the box to send who is at the other end of a session elsewhere."""
        if session.state == "confirmed":
            headers = (("Refer-To", target), ("Contact", f"<sip:{self.number}@{self.address[0]}>"))
            session._send("REFER", self.now, self._referred, headers, aside=True)

    def _referred(self, _: object, status: int, *__: object) -> None:
        self.house.outcomes[f"REFER {status}"] += 1

    def drop(self) -> None:
        """Hang up whatever there is."""
        for session in list(self.stack._core.sessions.values()):
            session.hangup(self.now)


async def until(what: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so, at most that long."""
    for _ in range(int(seconds * 2)):
        if what():
            return True
        await asyncio.sleep(0.5)
    return what()


async def over(*phones: Handset) -> None:
    """Wait until these phones are in no call; in the end they hang up."""
    await until(lambda: not any(phone.stack.session_count for phone in phones), 40)
    for phone in phones:
        phone.drop()
    await until(lambda: not any(phone.stack.session_count for phone in phones), 100)


async def talking(a: Handset, b: Handset) -> bool:
    """Call and be answered."""
    b.reaction = "take"
    a.house.dialled += 1
    session = a.dial(b.number)
    return await until(lambda: session.state in ("confirmed", "ended"), 40) and session.state == "confirmed"


async def answered(office: Office, a: Handset, b: Handset) -> None:
    """Talk for a while, sometimes longer than a session timer."""
    if await talking(a, b):
        await asyncio.sleep(office.dice.choice((3, 10, 20, 40, 200)))
        office.dice.choice((a, b)).drop()


async def unanswered(office: Office, a: Handset, b: Handset) -> None:
    """Busy, declined, not answered, gone, or given up."""
    b.reaction = office.dice.choice(("busy", "decline", "ring", "vanish"))
    office.dialled += 1
    a.dial(b.number)
    if office.dice.random() < 0.4:
        await asyncio.sleep(office.dice.choice((0.0, 0.001, 0.05, 3, 9)))
        a.drop()


async def elsewhere(office: Office, a: Handset) -> None:
    """Try forwards, ring groups, numbers nobody has, calls for help, the intercom."""
    office.dialled += 1
    a.dial(
        office.dice.choice(("250", "251", "252", "253", "254", "300", "301", "302", "999", "112", "*80255"))
    )
    await asyncio.sleep(office.dice.choice((5, 30, 45)))
    a.drop()


async def hold(office: Office, a: Handset, b: Handset) -> None:
    """Hold and resume, from either end."""
    if await talking(a, b):
        for direction in ("sendonly", "sendrecv"):
            for phone, session in ((a, a.session), (b, b.called)):
                if session is not None and session.state == "confirmed":
                    session.reoffer(sdp(4010, f"a={direction}"), phone.now)
                await asyncio.sleep(4)
        a.drop()


async def picked_up(office: Office, a: Handset, b: Handset, c: Handset) -> None:
    """Somebody else takes a call that rings."""
    b.reaction = "ring"
    office.dialled += 1
    a.dial(b.number)
    await asyncio.sleep(4)
    c.dial(f"**{b.number}")  # comes into the call there is; makes none of its own
    await asyncio.sleep(15)
    office.dice.choice((a, c)).drop()


async def parked(office: Office, a: Handset, b: Handset, c: Handset) -> None:
    """Park somebody; somebody else takes them, or who parked is rung back."""
    if not office.slots or not await talking(a, b) or b.called is None:
        return
    if not office.slots:
        return
    slot = office.slots.pop()
    b.transfer(f"<sip:{slot}@192.168.1.1>", b.called)
    await asyncio.sleep(10)
    if office.dice.random() < 0.6 and any(view.slot == slot for view in office.calls.parked()):
        c.dial(slot)
        await asyncio.sleep(10)
        c.drop()
    else:
        await asyncio.sleep(50)
    a.drop()
    await over(a, b, c)
    office.slots.append(slot)


async def sent_on(office: Office, a: Handset, b: Handset, c: Handset) -> None:
    """Transfer blindly, to somebody who may not take it."""
    if await talking(a, b) and b.called is not None:
        c.reaction = office.dice.choice(("take", "take", "busy", "ring"))
        b.transfer(f"<sip:{c.number}@192.168.1.1>", b.called)
        await asyncio.sleep(30)
        office.dice.choice((a, c)).drop()


async def asked_first(office: Office, a: Handset, b: Handset, c: Handset) -> None:
    """Transfer after asking."""
    if not await talking(a, b):
        return
    with_b = a.session
    if await talking(a, c) and with_b is not None and a.session is not None and with_b.state == "confirmed":
        target = f"<sip:{c.number}@192.168.1.1?Replaces={quote(str(dialog(a.session)), safe='')}>"
        a.transfer(target, with_b)
        await asyncio.sleep(20)
        office.dice.choice((b, c)).drop()


async def vanished(office: Office, a: Handset, b: Handset) -> None:
    """Lose the plug while talking, which media or the session timer notice, and come back."""
    if not await talking(a, b):
        return
    gone = office.dice.choice((a, b))
    gone.unplug()
    await asyncio.sleep(20)
    if office.dice.random() < 0.5:
        for bridge in list(office.bridges):
            if bridge.on_timeout is not None and office.dice.random() < 0.3:
                bridge.on_timeout(office.dice.choice(("caller", "callee")))
    await asyncio.sleep(120)
    gone.drop()
    await asyncio.sleep(40)
    gone.plug()


async def odd(office: Office, a: Handset) -> None:
    """Wrong secrets, strangers, pings, nonsense, a subscription that lapses, a mailbox that fills."""
    dice = office.dice
    kind = dice.randrange(6)
    if kind == 0:
        a.client = a.guess
        a.enrol()
        a.dial("201")
        await asyncio.sleep(5)
        a.client = a.secret
    elif kind == 1:
        office.stranger.dial(dice.choice(("201", "0900123456")))
        office.stranger.enrol()
        await over(office.stranger)
    elif kind == 2:
        a.ask("OPTIONS", "")
    elif kind == 3:
        source = (f"203.0.113.{dice.randrange(1, 255)}", dice.randrange(1024, 65536))
        for junk in (
            dice.randbytes(200),
            b"INVITE sip:x SIP/2.0\r\n\r\n",
            b"OPTIONS sip:box.invalid SIP/2.0\r\nVia: x\r\n\r\n",
        ):
            office.line.stack.receive(junk, Flow("UDP", BOX, source), office.clock.now())
    elif kind == 4:
        a.ask("SUBSCRIBE", "205", ("Event", "dialog"), ("Expires", "120"))
    else:
        extension = office.kept.extensions.all[f"id-{a.number}"]
        office.kept.extensions.all[extension.id] = replace(extension, messages=Messages(dice.randrange(9), 1))
        office.line.extension_changed(extension.id)


Scene = Callable[..., Coroutine[Any, Any, None]]
SCENES: dict[Scene, tuple[int, int]] = {
    answered: (2, 8), unanswered: (2, 6), elsewhere: (1, 5), hold: (2, 2), picked_up: (3, 2), parked: (3, 2),
    sent_on: (3, 2), asked_first: (3, 2), vanished: (2, 1), odd: (1, 4),
}  # fmt: skip
"""What people do: how many of them it takes, and how often."""


async def play(office: Office, scene: Scene, people: list[Handset]) -> None:
    """Play a scene, and give its phones back in peace."""
    await scene(office, *people)
    await over(*people)
    for phone in people:
        phone.reaction, phone.session, phone.called = "", None, None
    office.idle.extend(people)


async def bustle(office: Office, seconds: float, pause: float) -> None:
    """Let people do things for that long, one about every `pause` seconds, and wait until all is over."""
    end = office.clock.now() + seconds
    running: set[asyncio.Task[None]] = set()
    while office.clock.now() < end:
        await asyncio.sleep(office.dice.expovariate(1 / pause))
        [scene] = office.dice.choices(list(SCENES), [weight for _, weight in SCENES.values()])
        people = office.take(SCENES[scene][0])
        if people:
            office.outcomes[f"scene {scene.__name__}"] += 1
            task = asyncio.create_task(play(office, scene, people))
            running.add(task)
            task.add_done_callback(running.discard)
    while running:
        await next(iter(running))
    await over(*office.handsets)
