"""A network in memory and virtual time: stacks and scripted phones that exchange datagrams."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from sip.answer import Answer
from sip.flow import Address, Flow
from sip.listener import End
from sip.message import Request, Response, parse
from sip.session import Session
from sip.stack import Handler, Stack, StackConfig
from sip.uas import UasSession

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")
BOX: Address = ("192.0.2.1", 5060)
PHONE: Address = ("192.0.2.9", 5062)


class Ear:
    """A session listener that writes down what it hears, and may react."""

    def __init__(self, react: Callable[[str, Session, object], None] | None = None) -> None:
        self.heard: list[tuple[str, object]] = []
        self.sessions: list[Session] = []
        self.react = react

    def _hear(self, what: str, session: Session, value: object) -> None:
        if session not in self.sessions:
            self.sessions.append(session)
        self.heard.append((what, value))
        if self.react is not None:
            self.react(what, session, value)

    def progress(self, session: Session, status: int, sdp: bytes | None) -> None:
        self._hear("progress", session, status)

    def answered(self, session: Session, sdp: bytes | None) -> None:
        self._hear("answered", session, sdp)

    def pracked(self, session: Session, answer: bytes) -> None:
        self._hear("pracked", session, answer)

    def acked(self, session: Session, sdp: bytes | None) -> None:
        self._hear("acked", session, sdp)

    def offered(self, session: Session, offer: bytes | None) -> None:
        self._hear("offered", session, offer)

    def reoffered(self, session: Session, answer: bytes | None) -> None:
        self._hear("reoffered", session, answer)

    def refused(self, session: Session, status: int) -> None:
        self._hear("refused", session, status)

    def ended(self, session: Session, end: End) -> None:
        self._hear("ended", session, (end.why, end.status, end.far))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    def value(self, what: str) -> object:
        """Return what the last event of that name told."""
        return next(value for name, value in reversed(self.heard) if name == what)


class User:
    """A stack's user: lets everybody in, unless told otherwise, and keeps the sessions that come."""

    def __init__(self) -> None:
        self.sessions: list[UasSession] = []
        self.ear = Ear()
        self.verdict: Callable[[Request], object] = lambda _: "somebody"
        self.asked: list[str] = []
        self.on_incoming: Callable[[UasSession, float], None] | None = None
        self.help = False

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        self.asked.append(request.method)
        return self.verdict(request)

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        session.listener = self.ear
        self.sessions.append(session)
        if self.on_incoming is not None:
            self.on_incoming(session, now)

    def urgent(self, request: Request) -> bool:
        return self.help


class Bench:
    """One stack at BOX and the bytes it sends; the far end is played by the test."""

    def __init__(
        self,
        transport: str = "UDP",
        config: StackConfig | None = None,
        handlers: dict[str, Handler] | None = None,
    ) -> None:
        self.now = 1000.0
        self.sent: list[tuple[Flow, bytes]] = []
        self.user = User()
        self.alive = True
        dice = random.Random(7)  # repeatable tests
        self.stack = Stack(self._send, self.user, config or StackConfig(), dice.randbytes, handlers)
        number = 0 if transport == "UDP" else 1
        self.flow = Flow(transport, BOX, PHONE, number)  # type: ignore[arg-type]  # a literal, in effect

    def _send(self, flow: Flow, data: bytes) -> bool:
        if self.alive:
            self.sent.append((flow, data))
        return self.alive

    def feed(self, message: bytes | Request | Response, flow: Flow | None = None) -> list[Request | Response]:
        """Hand a message to the stack and return what it sent at once."""
        self.sent.clear()
        self.stack.receive(bytes(message), flow or self.flow, self.now)
        return self.take()

    def take(self) -> list[Request | Response]:
        """Return what was sent since the last look."""
        taken = [parse(data) for _, data in self.sent]
        self.sent.clear()
        return taken

    def wait(self, seconds: float) -> list[Request | Response]:
        """Let time pass, deadline by deadline, and return what was sent meanwhile."""
        self.sent.clear()
        until = self.now + seconds
        while (deadline := self.stack.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.stack.run(self.now)
        self.now = until
        return self.take()

    def drained(self) -> bool:
        """Let everything linger out; say whether the stack is as empty as at birth."""
        self.wait(200)
        idle = self.stack.next_deadline() is None
        return idle and not self.stack.transaction_count and not self.stack.session_count


class Phone:
    """Builds the messages of a far end, with counters of its own."""

    _numbers = count(1)

    def __init__(self, address: Address = PHONE, transport: str = "UDP") -> None:
        self.address = address
        self.transport = transport
        self.call_id = f"call-{next(self._numbers)}@phone.invalid"
        self.tag = f"tag-{next(self._numbers)}"
        self.cseq = 0

    def branch(self) -> str:
        return f"z9hG4bK-{next(self._numbers)}"

    def request(
        self,
        method: str,
        *,
        uri: str = "sip:102@192.0.2.1",
        to_tag: str = "",
        branch: str | None = None,
        cseq: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        contact: bool = True,
        via: str | None = None,
    ) -> Request:
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        host, port = self.address
        branch = self.branch() if branch is None else branch
        lines = [
            ("Via", via or f"SIP/2.0/{self.transport} {host}:{port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:101@192.0.2.1>;tag={self.tag}"),
            ("To", f"<sip:102@192.0.2.1>{f';tag={to_tag}' if to_tag else ''}"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        if contact:
            lines.append(("Contact", f"<sip:101@{host}:{port}>"))
        if body:
            lines.append(("Content-Type", "application/sdp"))
        return Request.new(method, uri, [*lines, *headers], body)

    def invite(self, **options: object) -> Request:
        options.setdefault("body", OFFER)
        return self.request("INVITE", **options)  # type: ignore[arg-type]  # handed through

    def same_branch(self, method: str, invite: Request, to: str | None = None) -> Request:
        """Make the CANCEL, or the ACK of a non-2xx, of `invite`."""
        lines = [(name, invite.get(name) or "") for name in ("Via", "From", "Call-ID")]
        lines += [("To", to or invite.get("To") or ""), ("CSeq", f"{invite.cseq_number} {method}")]
        return Request.new(method, invite.uri, [*lines, ("Max-Forwards", "70")])


def only(messages: list[Request | Response]) -> Request | Response:
    """Return the one message there must be."""
    assert len(messages) == 1, [message.start_line for message in messages]
    return messages[0]


def response(messages: list[Request | Response], status: int) -> Response:
    """Return the one response of this status."""
    found = [message for message in messages if isinstance(message, Response) and message.status == status]
    assert len(found) == 1, [message.start_line for message in messages]
    return found[0]


def request(messages: list[Request | Response], method: str) -> Request:
    """Return the one request of this method."""
    found = [message for message in messages if isinstance(message, Request) and message.method == method]
    assert len(found) == 1, [message.start_line for message in messages]
    return found[0]


def reply(
    to: Request,
    status: int,
    tag: str = "far",
    body: bytes = b"",
    *,
    contact: str = "<sip:102@192.0.2.9:5062>",
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """Answer a request of the stack's as its far end would."""
    lines = [("Contact", contact)] if contact else []
    if body:
        lines.append(("Content-Type", "application/sdp"))
    return to.respond(status, to_tag=tag if status > 100 else None, headers=[*lines, *headers], body=body)


class Network:
    """Several stacks and a network that loses, delays and doubles datagrams as it is told."""

    def __init__(self, seed: int, loss: float = 0.0, double: float = 0.0, delay: float = 0.01) -> None:
        self.now = 0.0
        self.dice = random.Random(seed)  # repeatable tests
        self.loss, self.double, self.delay = loss, double, delay
        self.stacks: dict[Address, Stack] = {}
        self.users: dict[Address, User] = {}
        self.log: list[tuple[float, Address, Address, bytes]] = []
        self._flying: list[tuple[float, int, Flow, bytes]] = []
        self._order = count()

    def add(self, address: Address) -> Stack:
        user = User()
        stack = Stack(self._sender, user, StackConfig(), self.dice.randbytes)
        self.stacks[address], self.users[address] = stack, user
        return stack

    def flow(self, here: Address, there: Address) -> Flow:
        return Flow("UDP", here, there)

    def _sender(self, flow: Flow, data: bytes) -> bool:
        self.log.append((self.now, flow.local, flow.remote, data))
        copies = 1 + (self.dice.random() < self.double)
        for _ in range(copies):
            if self.dice.random() >= self.loss:
                at = self.now + self.dice.uniform(0.001, self.delay)
                heappush(self._flying, (at, next(self._order), Flow("UDP", flow.remote, flow.local), data))
        return True

    def _next(self) -> tuple[float | None, float | None]:
        """Return when the next datagram arrives and the next timer fires."""
        deadlines = [stack.next_deadline() for stack in self.stacks.values()]
        arrival = self._flying[0][0] if self._flying else None
        return arrival, min((deadline for deadline in deadlines if deadline is not None), default=None)

    def run(self, seconds: float) -> None:
        """Let this much time pass."""
        until = self.now + seconds
        while True:
            arrival, timer = self._next()
            if arrival is not None and arrival <= until and (timer is None or arrival <= timer):
                at, _, flow, data = heappop(self._flying)
                self.now = max(self.now, at)
                if flow.local in self.stacks:
                    self.stacks[flow.local].receive(data, flow, self.now)
            elif timer is not None and timer <= until:
                self.now = max(self.now, timer)
                for stack in self.stacks.values():
                    stack.run(self.now)
            else:
                break
        self.now = until


def refuse(status: int, *headers: tuple[str, str]) -> Callable[[Request], object]:
    """Return a gate's verdict that refuses everybody."""
    return lambda _: Answer(status, headers)
