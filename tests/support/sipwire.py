"""SIP by hand, for what no softphone will do: replayed nonces, odd requests, answers compared byte by byte.

Written without the product's own `sip` package, on purpose: what checks a message should not share its
mistakes.
"""

import hashlib
import itertools
import re
import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import Self

_count = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message as it came: first line, headers in order, body."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source: tuple[str, int] = ("", 0)
    at: float = 0.0

    @classmethod
    def parse(cls, data: bytes, source: tuple[str, int] = ("", 0)) -> Self:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = [line.partition(":") for line in lines]
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        return cls(first, headers, body, source, time.monotonic())

    @property
    def status(self) -> int:
        """Status of a response; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """Method of a request; of the CSeq for a response."""
        return self.get("cseq").split()[-1] if self.status else self.first.split()[0]

    def get(self, name: str) -> str:
        """Return the first header of that name, else an empty text."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Return all headers of that name."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def media(self) -> tuple[str, int]:
        """Address and port of the first audio stream in the SDP body."""
        text = self.body.decode()
        host = re.search(r"^c=IN IP[46] (\S+)", text, re.MULTILINE)
        port = re.search(r"^m=audio (\d+) ", text, re.MULTILINE)
        if not host or not port:
            raise AssertionError("the message carries no audio description")
        return host[1], int(port[1])


def bracketed(host: str) -> str:
    """Return an address as it stands in a URI."""
    return f"[{host}]" if ":" in host else host


def parameters(challenge: str) -> dict[str, str]:
    """Parameters of a Digest challenge, unquoted."""
    return {
        name.lower(): quoted or plain
        for name, quoted, plain in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', challenge)
    }


def digest(
    challenge: str,
    method: str,
    uri: str,
    user: str,
    secret: str,
    *,
    cnonce: str | None = None,
    count: int = 1,
) -> str:
    """Answer a Digest challenge (RFC 7616, qop=auth): the value of an Authorization header."""
    asked = parameters(challenge)
    algorithm = asked.get("algorithm", "MD5")
    name = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[algorithm.upper()]

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    ha1 = hashed(user, asked["realm"], secret)
    ha2 = hashed(method, uri)
    nc, cnonce = f"{count:08x}", cnonce or secrets.token_hex(8)
    response = hashed(ha1, asked["nonce"], nc, cnonce, "auth", ha2)
    return (
        f'Digest username="{user}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc={nc}, cnonce="{cnonce}"'
    )


def sdp(host: str, port: int, direction: str = "sendrecv", version: int = 1) -> bytes:
    """One PCMA/PCMU stream with telephone events."""
    family = "IP6" if ":" in host else "IP4"
    return (
        f"v=0\r\no=- 7 {version} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        f"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={direction}\r\n"
    ).encode()


@dataclass
class Wire:
    """One UDP socket that talks SIP with one server. A context manager."""

    address: str
    server: tuple[str, int]
    port: int = 5060
    received: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in self.address else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.socket.bind((self.address, self.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def request(
        self,
        method: str,
        uri: str,
        *,
        user: str,
        to: str = "",
        call_id: str = "",
        cseq: int = 1,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        tag: str = "",
        branch: str = "",
    ) -> bytes:
        """Build a request; `user` goes into From and Contact."""
        branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {bracketed(self.address)}:{self.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:{user}@{bracketed(self.server[0])}>;tag={tag or secrets.token_hex(4)}",
            f"To: {to or f'<sip:{user}@{bracketed(self.server[0])}>'}",
            f"Call-ID: {call_id or f'{next(_count)}-{secrets.token_hex(6)}'}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{user}@{bracketed(self.address)}:{self.port}>",
            *(f"{name}: {value}" for name, value in headers),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.server)

    def receive(self, seconds: float = 5.0) -> Message:
        """Return the next message; TimeoutError if none comes."""
        self.socket.settimeout(seconds)
        data, source = self.socket.recvfrom(65535)
        message = Message.parse(data, source)
        self.received.append(message)
        return message

    def answer_to(self, data: bytes, seconds: float = 5.0) -> Message:
        """Send a request; its final answer."""
        self.send(data)
        while True:
            message = self.receive(seconds)
            if message.status >= 200 and message.get("call-id") == Message.parse(data).get("call-id"):
                return message

    def register(self, user: str, secret: str, *, expires: int = 600, algorithm: str = "") -> Message:
        """REGISTER with digest; the last answer. `algorithm` picks among several challenges."""
        uri, call_id = f"sip:{bracketed(self.server[0])}", secrets.token_hex(8)
        first = self.answer_to(
            self.request("REGISTER", uri, user=user, call_id=call_id, headers=(("Expires", str(expires)),))
        )
        if first.status != 401:
            return first
        challenges = [c for c in first.all("www-authenticate") if algorithm in c]
        credentials = digest(challenges[0], "REGISTER", uri, user, secret)
        return self.answer_to(
            self.request(
                "REGISTER",
                uri,
                user=user,
                call_id=call_id,
                cseq=2,
                headers=(("Expires", str(expires)), ("Authorization", credentials)),
            )
        )
