"""Every door octets from outside come in by, each under its first octet; nothing but BadMessage may leave.

    python -m tests.fuzz.entries --seconds 60 [--seed 1]      mutated inputs
    python -m tests.fuzz.guided --seconds 60                  inputs that reach new code (atheris)

What guided runs found to reach code is kept in corpus/entries.txt, one input a line as Python writes octets.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

from sip.contact import Contact
from sip.date import parse_date
from sip.digest import DigestClient, DigestServer, ha1
from sip.errors import BadMessage, RemoteError
from sip.framing import Ping, StreamFramer
from sip.message import Request, Response, parse
from sip.sdp import SessionDescription
from sip.transfer import Replaces
from sip.uri import SipUri
from sip.via import Via
from sip.websocket import Reply, WebSocketFramer
from tests.fuzz import sip_message
from tests.fuzz.campaign import run

HERE = Path(__file__).parent
KEPT = HERE / "corpus" / "entries.txt"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: sip\r\nOrigin: https://a\r\n\r\n"
)
_SERVER = DigestServer("r", bytes(32), ("SHA-256", "MD5"), lambda user, name: ha1(user, "r", "s", name))


def text_of(data: bytes) -> str:
    """Read octets as the parser of messages does."""
    return data.decode("utf-8", "surrogateescape")


def _uri(data: bytes) -> None:
    uri = SipUri.parse(text_of(data))
    assert SipUri.parse(str(uri)) == uri
    assert uri.matches(uri)


def _contact(data: bytes) -> None:
    contact = Contact.parse(text_of(data))
    assert Contact.parse(str(contact)) == contact
    _ = contact.expires, contact.instance, contact.reg_id, contact.q


def _via(data: bytes) -> None:
    via = Via.parse(text_of(data))
    assert Via.parse(str(via)) == via
    _ = via.rport, via.received, via.branch


def _sdp(data: bytes) -> None:
    description = SessionDescription.parse(data)
    assert SessionDescription.parse(bytes(description)) == description


def _authorization(data: bytes) -> None:
    lines = [("Authorization", text_of(data).replace("\r", " ").replace("\n", " "))]
    request = parse(bytes(Request.new("REGISTER", "sip:r", lines)))
    assert isinstance(request, Request)
    _SERVER.check(request, 1.0)


def _challenge(data: bytes) -> None:
    value = text_of(data).replace("\r", " ").replace("\n", " ")
    request = Request.new("REGISTER", "sip:r", [])
    response = request.respond(401, headers=[("WWW-Authenticate", value)])
    read = parse(bytes(response))
    assert isinstance(read, Response)
    try:
        DigestClient("u", "s", bytes).answer(read, request)
    except RemoteError:
        return  # no challenge in it that we can answer


def _stream(data: bytes) -> None:
    whole: list[bytes | Ping] = []
    pieces: list[bytes | Ping] = []
    first, second = StreamFramer(), StreamFramer()
    why = ["", ""]
    try:
        whole.extend(first.feed(data))
    except BadMessage as error:
        why[0] = error.why
    try:
        for at in range(0, len(data), 5):
            pieces.extend(second.feed(data[at : at + 5]))
    except BadMessage as error:
        why[1] = error.why
    if not any(why):
        assert whole == pieces


def _handshake(data: bytes) -> None:
    for item in WebSocketFramer(frozenset({"https://a"})).feed(data):
        assert isinstance(item, bytes | Ping | Reply)


def _frames(data: bytes) -> None:
    framer = WebSocketFramer(frozenset({"*"}))
    list(framer.feed(HANDSHAKE))
    assert framer.open
    for at in range(0, len(data), 50):
        list(framer.feed(data[at : at + 50]))
    if framer.open:
        framer.wrap(b"x")


ENTRIES: tuple[Callable[[bytes], object], ...] = (
    sip_message.check,
    _uri,
    _contact,
    _via,
    _sdp,
    _authorization,
    _challenge,
    _stream,
    _handshake,
    _frames,
    lambda data: parse_date(text_of(data)),
    lambda data: Replaces.parse(text_of(data)),
)


def check(data: bytes) -> None:
    """Send all but the first octet in by the door it names."""
    try:
        ENTRIES[data[0] % len(ENTRIES) if data else 0](data[1:])
    except BadMessage:
        return


def kept() -> list[bytes]:
    """Give the inputs kept of guided runs."""
    return [ast.literal_eval(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def seeds() -> list[bytes]:
    """Give something to begin with for every door."""
    masked = b"\x81\x84\x01\x02\x03\x04" + bytes(
        octet ^ key for octet, key in zip(b"abcd", b"\x01\x02\x03\x04", strict=True)
    )
    first = {
        1: [b"sip:a:b@[::1]:5060;transport=tcp?x=y", b"tel:+1"],
        2: [b'"A" <sip:a@b>;expires=60;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1', b"*"],
        3: [b"SIP/2.0/UDP [::1]:5060;branch=z9hG4bK1;rport;received=::1"],
        4: [
            b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
            b"m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        ],
        5: [
            b'Digest username="u", realm="r", nonce="n", uri="sip:r", response="0", qop=auth, nc=00000001, '
            b'cnonce="c", algorithm=SHA-256, opaque=""'
        ],
        6: [b'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5, stale=true, opaque="o"'],
        7: [b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl: 2\r\n\r\nab"],
        8: [HANDSHAKE],
        9: [masked, b"\x88\x80\0\0\0\0", b"\x89\x80\0\0\0\0", b"\x01" + masked[1:] + b"\x80" + masked[1:]],
        10: [b"Sat, 13 Nov 2010 23:29:00 GMT"],
        11: [b"abc@d;to-tag=1;from-tag=2;early-only"],
    }
    messages = [bytes([0]) + data for data in sip_message.corpus()]
    return messages + [bytes([number]) + data for number, inputs in first.items() for data in inputs]


def corpus() -> list[bytes]:
    """Give the seeds, what guided runs kept, and what broke something before."""
    found = [path.read_bytes() for path in sorted((HERE / "corpus" / "entries").glob("*.dat"))]
    return seeds() + kept() + found


if __name__ == "__main__":
    sys.exit(run("entries", check, corpus(), sip_message.WORDS))
