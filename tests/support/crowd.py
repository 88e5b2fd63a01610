"""A crowd of callers and callees: many calls at once through the box, each with its two talkers."""

import heapq
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.load import RESEND, Credentials, Login, between, udp_socket
from tests.support.sipwire import sdp
from tests.support.streams import INTERVAL, Stream, Streams, percentile
from tests.support.voices import Voice, Voices


@dataclass
class Load:
    """What a crowd's calls brought. Delays in milliseconds; setup: INVITE with credentials until 200.

    `repeated`: messages sent again, by either side of the load, or heard again.
    """

    wanted: int = 0
    answered: int = 0
    refused: int = 0
    ended: int = 0
    repeated: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    setup_p50_ms: float = 0.0
    setup_p99_ms: float = 0.0
    packets_sent: int = 0
    packets_received: int = 0
    streams_unheard: int = 0
    delay_p50_ms: float = 0.0
    delay_p99_ms: float = 0.0


class _Call:
    """The calling side of one call."""

    __slots__ = (
        "answered",
        "began",
        "contact",
        "credentials",
        "cseq",
        "dialled",
        "number",
        "over",
        "request",
        "sent",
        "stream",
        "to",
    )

    def __init__(
        self, number: int, credentials: Credentials, dialled: str, stream: Stream | Voice | None
    ) -> None:
        self.number = number
        self.credentials = credentials
        self.dialled = dialled
        self.stream = stream
        self.cseq = 0
        self.to = self.contact = ""
        self.request = b""
        self.began = self.sent = 0.0
        self.answered = self.over = False


class Crowd:
    """Callers on one address, callees on another, any number of calls between them through the box.

    `addresses`: the callers' and the callees'. The callees' contacts must have been registered from theirs,
    port 5060 (see `storm`). Every call's two talkers live in `streams`, if given; without, calls carry no
    media. `Voices` are given their turns here, `Streams` have a thread.
    """

    def __init__(
        self,
        server: tuple[str, int],
        addresses: tuple[str, str],
        callers: Sequence[Login],
        dialled: Sequence[str],
        streams: Streams | Voices | None = None,
    ) -> None:
        self.server = server
        self.caller, self.callee = addresses
        self._credentials = [Credentials(login) for login in callers]
        self._dialled = list(dialled)
        self._streams = streams
        self._aim: Callable[..., None] | None = streams.aim if streams else None
        self._out = udp_socket(self.caller, 5060)
        self._in = udp_socket(self.callee, 5060)
        self._calls: dict[int, _Call] = {}
        self._answers: dict[bytes, bytes] = {}
        self._agenda: list[tuple[float, int, _Call]] = []
        self._setups: list[float] = []
        self._begun = 0
        self._packets: int | None = None
        self._salt = f"{time.monotonic_ns():x}"
        self.talking: set[_Call] = set()
        self.load = Load()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._in, select.POLLIN)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        self._in.close()

    def begin(self) -> None:
        """Dial the next call."""
        n = self._begun
        self._begun += 1
        self.load.wanted += 1
        stream = self._streams.add(self.caller) if self._streams else None
        call = _Call(
            n, self._credentials[n % len(self._credentials)], self._dialled[n % len(self._dialled)], stream
        )
        self._calls[n] = call
        self._invite(call, None)

    def hang_up(self, call: _Call) -> None:
        """End one call by BYE."""
        if call.over or not call.contact:
            return
        call.cseq += 1
        call.began = time.monotonic()
        self._send(call, self._head("BYE", call.contact, call) + "Content-Length: 0\r\n\r\n")

    def turn(self, seconds: float = 0.01) -> None:
        """Handle what has come, waiting at most so long for it."""
        for descriptor, _ in self._poll.poll(seconds * 1000):
            sock, heard = (
                (self._out, self._to_caller)
                if descriptor == self._out.fileno()
                else (self._in, self._to_callee)
            )
            for _ in range(64):
                try:
                    data = sock.recv(8192)
                except BlockingIOError:
                    break
                heard(data)

    def wait(self, seconds: float) -> None:
        """Handle what comes for so long."""
        self._until(lambda: False, seconds)

    def resend(self) -> None:
        """Send again what has waited half a second for its answer."""
        now = time.monotonic()
        for call in self._calls.values():
            if call.request and now - call.sent > RESEND:
                call.sent = now
                self.load.repeated += 1
                self._out.sendto(call.request, self.server)

    def settle(self, seconds: float) -> None:
        """Turn until every call is answered or refused."""
        self._until(lambda: len(self.talking) + self.load.refused >= self.load.wanted, seconds)

    def finish(self, seconds: float = 5.0) -> Load:
        """Hang up all, wait for the end of each, and tell the whole outcome."""
        for call in list(self.talking):
            self.hang_up(call)
        self._until(lambda: not self._calls, seconds)
        self._until(lambda: not self._answers, 1.0)  # the callees' goodbyes
        load = self.load
        load.setup_p50_ms = percentile(self._setups, 0.5) * 1e3
        load.setup_p99_ms = percentile(self._setups, 0.99) * 1e3
        if isinstance(self._streams, Voices):
            load.packets_sent, load.packets_received = self._streams.sent, self._streams.received
        elif self._streams:
            load.packets_sent = sum(stream.sent for stream in self._streams.streams)
            load.packets_received = sum(
                len(seen) for stream in self._streams.streams for seen in stream.received.values()
            )
            load.streams_unheard = sum(not stream.received for stream in self._streams.streams)
            load.delay_p50_ms = percentile(self._streams.delays, 0.5) * 1e3
            load.delay_p99_ms = percentile(self._streams.delays, 0.99) * 1e3
        return load

    def run(self, calls: int, rate: float, hold: float) -> Load:
        """Dial `calls` calls at `rate` a second, hang each up `hold` seconds after its answer.

        The talkers end a tenth of a second before, so that every packet that is sent ought to arrive.
        """
        self._packets = int((hold - 0.1) / INTERVAL)
        voices = self._streams if isinstance(self._streams, Voices) else None
        started = looked = time.monotonic()
        while True:
            now = time.monotonic()
            while self._begun < calls and now - started >= self._begun / rate:
                self.begin()
            while self._agenda and self._agenda[0][0] + hold <= now:
                self.hang_up(heapq.heappop(self._agenda)[2])
            if now - looked > 0.1:
                self.resend()
                looked = now
            if (self._begun >= calls and not self._calls) or now > started + calls / rate + hold + 15:
                return self.finish()
            self.turn(0.002)
            if voices:
                voices.turn()

    def _until(self, done: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            self.turn(0.05)
            self.resend()

    def _head(self, method: str, uri: str, call: _Call, cseq: int | None = None) -> str:
        cseq = call.cseq if cseq is None else cseq
        user, host = call.credentials.login.user, self.server[0]
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.caller}:5060;branch={self._branch(call, method, cseq)};rport\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:{user}@{host}>;tag=c{call.number}\r\n"
            f"To: {call.to or f'<sip:{call.dialled}@{host}>'}\r\n"
            f"Call-ID: {call.number}-crowd-{self._salt}\r\n"
            f"CSeq: {cseq} {method}\r\n"
            f"Contact: <sip:{user}@{self.caller}:5060>\r\n"
        )

    def _branch(self, call: _Call, method: str, cseq: int) -> str:
        return f"z9hG4bK{call.number}x{cseq}{'' if method == 'INVITE' else method}{self._salt}"

    def _send(self, call: _Call, text: str) -> None:
        call.request = text.encode()
        call.sent = time.monotonic()
        self._out.sendto(call.request, self.server)

    def _invite(self, call: _Call, challenge: bytes | None) -> None:
        call.cseq += 1
        uri = f"sip:{call.dialled}@{self.server[0]}:{self.server[1]}"
        secret = ""
        if challenge is not None:
            name = "Authorization" if challenge[8:11] == b"401" else "Proxy-Authorization"
            secret = f"{name}: {call.credentials.answer(challenge, 'INVITE', uri)}\r\n"
            call.began = time.monotonic()
        body = sdp(self.caller, call.stream.port if call.stream else 9).decode()
        self._send(
            call,
            f"{self._head('INVITE', uri, call)}{secret}Content-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}",
        )

    def _to_caller(self, data: bytes) -> None:
        call = self._calls.get(int(between(data, b"Call-ID: ", b"-crowd-") or -1))
        if not data.startswith(b"SIP/2.0"):
            self._out.sendto(_reply(data, "200 OK", ""), self.server)
            if call and data.startswith(b"BYE"):
                self._over(call)
            return
        cseq, _, method = between(data, b"CSeq: ", b"\r").partition(b" ")
        if call is None or int(cseq) != call.cseq:
            return
        status = int(data[8:11])
        if status < 200:
            if method == b"INVITE" and call.cseq == 2:
                call.request = b""  # a provisional answer ends the repeating (RFC 3261 17.1.1.2)
            return
        if method == b"BYE":
            self.load.ended += 1
            self._over(call)
        elif method == b"INVITE":
            self._final(call, status, data)

    def _final(self, call: _Call, status: int, data: bytes) -> None:
        to = between(data, b"\r\nTo: ", b"\r").decode()
        uri = f"sip:{call.dialled}@{self.server[0]}:{self.server[1]}"
        if status >= 300:
            first, call.to = call.to, to
            self._out.sendto(
                (
                    self._head("ACK", uri, call).replace(
                        self._branch(call, "ACK", call.cseq), self._branch(call, "INVITE", call.cseq)
                    )
                    + "Content-Length: 0\r\n\r\n"
                ).encode(),
                self.server,
            )
            call.to = first
            if status in {401, 407} and call.cseq == 1:
                self._invite(call, data)
                return
            self.load.refused += 1
            self.load.statuses[str(status)] = self.load.statuses.get(str(status), 0) + 1
            self._over(call)
            return
        call.to = to
        contact = between(data, b"\r\nContact: ", b"\r").decode()
        call.contact = contact.partition("<")[2].partition(">")[0] or contact
        self._out.sendto(
            (self._head("ACK", call.contact, call) + "Content-Length: 0\r\n\r\n").encode(), self.server
        )
        if call.answered:
            self.load.repeated += 1
            return
        call.answered = True
        call.request = b""
        now = time.monotonic()
        self._setups.append(now - call.began)
        self.load.answered += 1
        self.talking.add(call)
        heapq.heappush(self._agenda, (now, call.number, call))
        if call.stream and self._aim:
            self._aim(call.stream, _media(data), self._packets)

    def _over(self, call: _Call) -> None:
        call.over = True
        call.request = b""
        self._calls.pop(call.number, None)
        self.talking.discard(call)
        if call.stream:
            call.stream.remote = None

    def _to_callee(self, data: bytes) -> None:
        if data.startswith((b"ACK", b"SIP/2.0")):
            return
        key = between(data, b"Call-ID: ", b"\r")
        if not data.startswith(b"INVITE"):
            self._in.sendto(_reply(data, "200 OK", "c"), self.server)
            if data.startswith(b"BYE"):
                self._answers.pop(key, None)
            return
        answer = self._answers.get(key)
        if answer is None:
            body = sdp(self.callee, 9)
            if self._streams and self._aim:
                stream = self._streams.add(self.callee)
                self._aim(stream, _media(data), self._packets)
                body = sdp(self.callee, stream.port)
            contact = f"<sip:c@{self.callee}:5060>"
            answer = self._answers[key] = _reply(data, "200 OK", "c", contact, body)
        else:
            self.load.repeated += 1
        self._in.sendto(answer, self.server)


def _media(data: bytes) -> tuple[str, int]:
    host = between(data, b"\r\nc=IN IP4 ", b"\r").decode()
    return host, int(between(data, b"\r\nm=audio ", b" "))


def _reply(data: bytes, line: str, tag: str, contact: str = "", body: bytes = b"") -> bytes:
    head = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    kept = [one for one in head if one.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
    if tag:
        kept = [
            f"{one};tag={tag}" if one.lower().startswith("to:") and ";tag=" not in one else one
            for one in kept
        ]
    lines = [f"SIP/2.0 {line}", *kept]
    if contact:
        lines.append(f"Contact: {contact}")
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
