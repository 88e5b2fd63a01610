from __future__ import annotations

import pytest

from sip.capabilities import Capabilities
from sip.message import Request, parse
from tests.sip.messages import invite

CAPABILITIES = Capabilities(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"), ("timer",))


def refusal(data: bytes) -> str:
    request = parse(data)
    assert isinstance(request, Request)
    answer = CAPABILITIES.refusal(request)
    if answer is None:
        return ""
    return " ".join([str(answer.status), *(f"{name}: {value}" for name, value in answer.headers)])


def test_usual() -> None:
    assert refusal(invite("Require: timer", "Accept: text/plain, application/sdp;level=1")) == ""
    assert refusal(invite("Accept: */*")) == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("INVITE", "NEWMETHOD", "501 Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"),
        ("INVITE", "invite", "501 Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"),
        ("INVITE", "PUBLISH", "405 Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"),
        ("INVITE sip:102@192.0.2.1", "INVITE tel:102", "416"),
        ("INVITE sip:102@192.0.2.1", "INVITE urn:service:sosx", "416"),
        ("INVITE sip:102@192.0.2.1", "INVITE urn:service:sos", ""),
        ("INVITE sip:102@192.0.2.1", "INVITE urn:service:SOS.fire", ""),
        ("Max-Forwards: 70", "Require: timer, 100rel, x", "420 Unsupported: 100rel, x"),
        ("application/sdp", "text/plain", "415 Accept: application/sdp"),
        ("Max-Forwards: 70", "Content-Encoding: gzip", "415 Accept-Encoding: identity"),
        ("Max-Forwards: 70", "Accept: text/plain", "406"),
    ],
)
def test_refused(old: str, new: str, expected: str) -> None:
    assert refusal(invite().replace(old.encode(), new.encode())) == expected


def test_optional_content_is_passed_over() -> None:
    data = invite("Content-Disposition: render; handling = Optional").replace(
        b"application/sdp", b"text/plain"
    )
    assert refusal(data) == ""


def test_ack_and_cancel() -> None:
    assert refusal(invite("Require: x").replace(b"INVITE", b"ACK")) == ""
    assert refusal(invite("Require: x").replace(b"INVITE", b"CANCEL")) == ""
