"""Nothing but BadMessage ever leaves the reading of a SIP message, and what is read means one thing only.

    python -m tests.fuzz.sip_message --seconds 60 [--seed 1]

tries mutated messages for that long; an input that breaks something is written to the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sip.capabilities import Capabilities
from sip.digest import DigestServer, ha1
from sip.errors import BadMessage
from sip.framing import Ping, StreamFramer
from sip.message import Message, Request, parse
from sip.sdp import SessionDescription
from sip.uri import SipUri
from sip.validate import validate
from tests.fuzz.campaign import run

FOUND = Path(__file__).parent / "corpus" / "sip_message"
TORTURE = Path(__file__).parent.parent / "sip" / "torture"

WORDS = [
    *(
        b"\r\n",
        b"\r\n ",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b";",
        b";;",
        b",",
        b"<",
        b">",
        b'"',
        b"\\",
    ),
    *(
        b'\\"',
        b"%",
        b"%00",
        b"%zz",
        b"@",
        b"?",
        b"=",
        b"*",
        b"[",
        b"]",
        b"[::1]",
        b"/",
        b"\xff",
        b"\xc3\xa9",
        b"\x85",
    ),
    *(
        b"SIP/2.0",
        b"SIP/2.0/UDP ",
        b"sip:",
        b"sips:a@b",
        b"tel:1",
        b"z9hG4bK",
        b";branch=",
        b";tag=",
        b";lr",
        b";rport",
    ),
    *(
        b";expires=",
        b"-1",
        b"0",
        b"65536",
        b"2147483648",
        b"99999999999999999999999",
        "²".encode(),
        b"l: ",
        b"Via: ",
    ),
    *(
        b"Content-Length: 0\r\n",
        b"Contact: *\r\n",
        b"Route: <sip:a;lr>\r\n",
        b"To: ",
        b"CSeq: 1 ACK\r\n",
        b"INVITE ",
    ),
    *(
        b"Require: x\r\n",
        b"Accept: */*\r\n",
        b"Content-Type: application/sdp\r\n",
        b"Date: x\r\n",
        b"Expires: x\r\n",
    ),
    *(
        b'Authorization: Digest username="u", realm="r", nonce="n", uri="sip:a", response="x"\r\n',
        b"qop=auth",
        b"nc=1",
    ),
    *(b"v=0\r\n", b"m=audio 1 RTP/AVP 0\r\n", b"c=IN IP4 0.0.0.0\r\n", b"a=", b"a=rtpmap:"),
]

_TYPED = (
    *("via", "vias", "from_", "to", "cseq", "call_id", "contacts", "routes", "record_routes", "max_forwards"),
    *("expires", "content_type", "date", "branch", "from_tag", "to_tag", "cseq_number", "cseq_method"),
)
_CAPABILITIES = Capabilities(("INVITE", "ACK", "BYE", "REGISTER"))


def check(data: bytes) -> None:
    """Do with `data` whatever is done with octets off the wire; raise on anything but BadMessage."""
    _check_stream(data)
    try:
        message = parse(data)
    except BadMessage as error:
        if error.partial is not None:
            _answer_wreck(error.partial)
        return
    assert bytes(parse(bytes(message))) == bytes(message)
    _check_values(message)
    try:
        validate(message)
    except BadMessage:
        return
    _check_valid(message)


def _answer_wreck(partial: Message) -> None:
    """Print and answer what could be read of a broken message, as a server would."""
    bytes(partial)
    if isinstance(partial, Request):
        bytes(partial.respond(400, to_tag="t"))


def _check_stream(data: bytes) -> None:
    try:
        whole = list(StreamFramer().feed(data))
    except BadMessage:
        return
    framer = StreamFramer()
    pieces: list[bytes | Ping] = []
    for at in range(0, len(data), 7):
        pieces.extend(framer.feed(data[at : at + 7]))
    assert pieces == whole


def _check_values(message: Message) -> None:
    for name in _TYPED:
        try:
            getattr(message, name)
        except BadMessage:
            continue
    for name, _ in message.headers:
        message.values(name)
    try:
        description = SessionDescription.parse(message.body)
        assert SessionDescription.parse(bytes(description)) == description
    except BadMessage:
        return


def _check_valid(message: Message) -> None:
    """Whatever passed `validate` can be used without fear, and both ways of reading it agree."""
    assert (message.branch, message.from_tag, message.to_tag) == (
        message.via.branch,
        message.from_.tag,
        message.to.tag,
    )
    for address in (message.from_, message.to, *message.contacts, *message.routes, *message.record_routes):
        assert type(address).parse(str(address)) == address
    for via in message.vias:
        assert type(via).parse(str(via.stamped("192.0.2.1", 5060))).received in {"192.0.2.1", via.received}
    if isinstance(message, Request):
        assert SipUri.parse(str(message.request_uri)) == message.request_uri
        answer = parse(bytes(message.respond(200, to_tag="t")))
        validate(answer)
        assert (answer.branch, answer.from_tag) == (message.branch, message.from_tag)
        assert answer.to_tag == (message.to_tag or "t")
        _CAPABILITIES.refusal(message)
        DigestServer("r", bytes(32), ("MD5",), lambda user, name: ha1(user, "r", "s", name)).check(
            message, 1.0
        )


def corpus() -> list[bytes]:
    """Give the messages to begin with: RFC 4475 and what was found before."""
    return [path.read_bytes() for folder in (TORTURE, FOUND) for path in sorted(folder.glob("*.dat"))]


if __name__ == "__main__":
    sys.exit(run("sip_message", check, corpus(), WORDS))
