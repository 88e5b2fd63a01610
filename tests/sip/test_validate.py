from __future__ import annotations

import pytest

from sip.errors import BadMessage
from sip.message import parse
from sip.validate import validate
from tests.sip.messages import invite, lines, register


def test_usual_messages() -> None:
    validate(parse(invite()))
    validate(parse(register()))


@pytest.mark.parametrize("header", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_mandatory(header: str) -> None:
    message = parse(invite())
    message.remove(header)
    with pytest.raises(BadMessage) as caught:
        validate(message)
    assert (caught.value.layer, caught.value.status) == ("semantic", 400)
    assert header in caught.value.reason


@pytest.mark.parametrize(
    "line",
    ["From: <sip:a>", "To: <sip:a>", "CSeq: 2 INVITE", "Call-ID: x", "Max-Forwards: 1", "c: application/sdp"],
)
def test_single(line: str) -> None:
    with pytest.raises(BadMessage) as caught:
        validate(parse(invite(line)))
    assert caught.value.layer == "semantic"


@pytest.mark.parametrize(
    ("old", "new", "layer"),
    [
        ("2 INVITE", "2 BYE", "semantic"),
        ("INVITE sip:102@192.0.2.1", "INVITE sip:102@192.0.2.1?Route=%3Csip:x%3E", "semantic"),
        ("INVITE sip:102@192.0.2.1", "INVITE sip:%zz@192.0.2.1", "start"),
        ("<sip:101@192.0.2.10:5060;transport=UDP>", "*", "header"),
        ("Max-Forwards: 70", "Max-Forwards: many", "header"),
        ("Max-Forwards: 70", "Route: <sip:a>, <", "header"),
        ("Max-Forwards: 70", "Record-Route: ,", "header"),
        ("Max-Forwards: 70", "Via: ,", "header"),
    ],
)
def test_nonsense(old: str, new: str, layer: str) -> None:
    with pytest.raises(BadMessage) as caught:
        validate(parse(invite().replace(old.encode(), new.encode(), 1)))
    assert (caught.value.layer, caught.value.status) == (layer, 400)
    assert caught.value.partial is not None


def test_version() -> None:
    with pytest.raises(BadMessage) as caught:
        validate(parse(invite().replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1)))
    assert (caught.value.status, caught.value.reason) == (505, "Version Not Supported")


def test_star_stands_alone() -> None:
    star = register().replace(b"<sip:101@192.0.2.10:5060>;expires=300", b"*")
    validate(parse(star))
    with pytest.raises(BadMessage):
        validate(parse(star.replace(b"Contact: *", b"Contact: *, <sip:a>")))


def test_old_peers_are_tolerated() -> None:
    message = parse(invite("Date: tomorrow"))
    message.remove("Max-Forwards")
    message.set("From", "<sip:101@192.0.2.1>")
    message.set("Via", "SIP/2.0/UDP 192.0.2.10")
    validate(message)


def test_responses() -> None:
    good = lines(
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP a;branch=b",
        "From: <sip:a>;tag=1",
        "To: <sip:b>;tag=2",
        "Call-ID: x",
        "CSeq: 1 INVITE",
    )
    validate(parse(good))
    with pytest.raises(BadMessage):
        validate(parse(good.replace(b"1 INVITE", b"99999999999 INVITE")))
