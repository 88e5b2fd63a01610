"""A storm of registrations."""

import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.load import RESEND, Credentials, Login, between, udp_socket
from tests.support.streams import percentile


@dataclass
class Storm:
    """What a storm brought: a registration is a REGISTER, its challenge, the answer to that and a 200."""

    seconds: float = 0.0
    registered: int = 0
    refused: int = 0
    resent: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def rate(self) -> float:
        """Registrations a second."""
        return self.registered / self.seconds if self.seconds else 0.0


class _Phone:
    """One phone of a storm: registers again as soon as it is registered."""

    def __init__(self, number: int, login: Login, server: str, contact: str) -> None:
        self.number = number
        self.credentials = Credentials(login)
        self.user, self.server, self.contact = login.user, server, contact
        self.cseq = 0
        self.challenged = False
        self.request = b""
        self.began = self.resend_at = 0.0

    def register(self, challenge: bytes | None) -> bytes:
        self.cseq += 1
        self.challenged = challenge is not None
        uri = f"sip:{self.server}"
        secret = ""
        if challenge is not None:
            secret = f"Authorization: {self.credentials.answer(challenge, 'REGISTER', uri)}\r\n"
        self.request = (
            f"REGISTER {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.contact};branch=z9hG4bK{self.number}x{self.cseq}x{id(self):x};rport\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:{self.user}@{self.server}>;tag=t{self.number}\r\n"
            f"To: <sip:{self.user}@{self.server}>\r\n"
            f"Call-ID: {self.number}-storm-{id(self):x}\r\n"
            f"CSeq: {self.cseq} REGISTER\r\n"
            f"Contact: <sip:{self.user}@{self.contact}>\r\n"
            f"{secret}Expires: 600\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        return self.request


def storm(
    server: tuple[str, int],
    address: str,
    logins: Sequence[Login],
    *,
    seconds: float = 0.0,
    rate: float = 0.0,
    port: int = 5060,
) -> Storm:
    """Register a phone for each login from address:port.

    Either once each (`seconds` 0, also the way to bring phones in before calls), or again and again for
    `seconds`: as fast as the box answers, or at `rate` registrations a second. A lost answer is asked for
    again.
    """
    with udp_socket(address, port) as sock:
        return _Run(
            sock, server, [_Phone(n, one, server[0], f"{address}:{port}") for n, one in enumerate(logins)]
        ).run(seconds, rate)


class _Run:
    def __init__(self, sock: socket.socket, server: tuple[str, int], phones: list[_Phone]) -> None:
        self.sock, self.server = sock, server
        self.idle = deque(phones)
        self.busy: dict[int, _Phone] = {}
        self.result = Storm()
        self.delays: list[float] = []
        self.again = False

    def run(self, seconds: float, rate: float) -> Storm:
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        started = now = time.monotonic()
        begun = 0
        while self.busy or now == started or (now < started + seconds):
            now = time.monotonic()
            self.again = now < started + seconds
            while self.idle and (self.again or not seconds) and (not rate or begun < (now - started) * rate):
                self._begin(self.idle.popleft(), now)
                begun += 1
            if now > started + seconds + 10:
                self.result.refused += len(self.busy)
                break
            if poll.poll(2 if rate and self.again else 50):
                self._receive()
            else:
                self._resend(now)
        self.result.seconds = time.monotonic() - started
        self.result.p50_ms = percentile(self.delays, 0.5) * 1e3
        self.result.p99_ms = percentile(self.delays, 0.99) * 1e3
        return self.result

    def _begin(self, phone: _Phone, now: float) -> None:
        phone.began, phone.resend_at = now, now + RESEND
        self.sock.sendto(phone.register(None), self.server)
        self.busy[phone.number] = phone

    def _resend(self, now: float) -> None:
        for phone in self.busy.values():
            if phone.resend_at < now:
                phone.resend_at = now + RESEND
                self.result.resent += 1
                self.sock.sendto(phone.request, self.server)

    def _receive(self) -> None:
        for _ in range(64):
            try:
                data = self.sock.recv(4096)
            except BlockingIOError:
                return
            phone = self.busy.get(int(between(data, b"Call-ID: ", b"-storm-") or -1))
            if phone is None or between(data, b"CSeq: ", b" ") != b"%d" % phone.cseq:
                continue
            if data[8:11] == b"401" and not phone.challenged:
                self.sock.sendto(phone.register(data), self.server)
                phone.resend_at = time.monotonic() + RESEND
                continue
            if data[8:11] == b"200":
                self.result.registered += 1
                self.delays.append(time.monotonic() - phone.began)
            else:
                self.result.refused += 1
            del self.busy[phone.number]
            if self.again:
                self.idle.append(phone)
