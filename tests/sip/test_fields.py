from __future__ import annotations

import pytest

from sip.errors import BadMessage, LocalError
from sip.message import Request, parse
from tests.sip.messages import lines

MESSAGE = lines(
    "OPTIONS sip:a SIP/2.0",
    "v: SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two",
    "X-Thing:  a,b ",
    "VIA : SIP/2.0/UDP three",
    "t: <sip:a>",
    "Supported: a,",
    " b",
    "Subject:",
)


def test_reading() -> None:
    message = parse(MESSAGE)
    assert message.get("via") == "SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two"
    assert message.all("Via") == ["SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two", "SIP/2.0/UDP three"]
    assert message.values("v") == ["SIP/2.0/UDP one;branch=1", "SIP/2.0/UDP two", "SIP/2.0/UDP three"]
    assert message.values("x-thing") == ["a,b"]
    assert message.values("k") == ["a", "b"]
    assert message.get("Subject") == ""
    assert message.get("Expires") is None
    assert message.all("Expires") == message.values("Expires") == []
    assert "To" in message
    assert "From" not in message
    assert message.repeated == ["Via"]
    assert message.headers[:3] == [
        ("v", "SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two"),
        ("X-Thing", "a,b"),
        ("VIA", "SIP/2.0/UDP three"),
    ]


def test_untouched_lines_leave_as_they_came() -> None:
    message = parse(MESSAGE)
    assert bytes(message) == MESSAGE
    message.add("Server", "x")
    assert bytes(message) == MESSAGE[:-2] + b"Server: x\r\n\r\n"


def test_set_replaces_all_where_the_first_stood() -> None:
    message = parse(MESSAGE)
    message.set("via", "SIP/2.0/UDP four")
    assert message.all("Via") == ["SIP/2.0/UDP four"]
    assert message.repeated == []
    assert message.headers[0] == ("Via", "SIP/2.0/UDP four")
    assert message.headers[2][0] == "t"
    assert parse(bytes(message)).headers == message.headers


def test_replace_first_leaves_the_rest() -> None:
    message = parse(MESSAGE)
    assert message.via.host == "one"
    message.replace_first("Via", "SIP/2.0/UDP zero")
    assert message.via.host == "zero"
    assert message.values("Via") == ["SIP/2.0/UDP zero", "SIP/2.0/UDP two", "SIP/2.0/UDP three"]
    assert parse(bytes(message)).values("Via") == message.values("Via")
    with pytest.raises(LocalError):
        message.replace_first("Route", "<sip:a>")


def test_prepend_goes_on_top() -> None:
    message = parse(MESSAGE)
    message.prepend("Via", "SIP/2.0/UDP zero")
    assert message.values("Via")[:2] == ["SIP/2.0/UDP zero", "SIP/2.0/UDP one;branch=1"]
    assert message.via.host == "zero"
    assert bytes(message).startswith(b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP zero\r\nv: ")


def test_remove() -> None:
    message = parse(MESSAGE)
    message.remove("v")
    message.remove("Route")
    assert "Via" not in message
    assert [name for name, _ in message.headers] == ["X-Thing", "t", "Supported", "Subject"]


def test_typed_values_follow_edits() -> None:
    message = parse(MESSAGE)
    assert str(message.to.uri) == "sip:a"
    assert message.contacts == []
    message.set("To", "<sip:b>")
    message.add("Contact", "<sip:c>")
    assert str(message.to.uri) == "sip:b"
    assert [str(contact) for contact in message.contacts] == ["<sip:c>"]


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nEvil: 1"), ("X", "a\nb"), ("X\r\nY", "a"), ("", "a"), ("a b", "c")]
)
def test_nobody_can_smuggle_a_header(name: str, value: str) -> None:
    request = Request.new("OPTIONS", "sip:a", [])
    for edit in (request.add, request.set, request.prepend):
        with pytest.raises(LocalError):
            edit(name, value)


@pytest.mark.parametrize(
    "data",
    [
        lines("OPTIONS sip:a SIP/2.0", *["A: b"] * 257),
        lines("OPTIONS sip:a SIP/2.0", "A: " + "b" * 8190),
        lines("OPTIONS sip:a SIP/2.0", "A: b", *[" c"] * 17),
        lines("OPTIONS sip:a SIP/2.0", "A: b", " " + "c" * 5000, " " + "c" * 5000),
    ],
)
def test_limits(data: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(data)
    assert caught.value.layer == "framing"


def test_at_the_limits() -> None:
    parse(lines("OPTIONS sip:a SIP/2.0", *["A: b"] * 256))
    parse(lines("OPTIONS sip:a SIP/2.0", "A: " + "b" * 8189))
    folded = parse(lines("OPTIONS sip:a SIP/2.0", "A: b", *[" c"] * 16))
    assert folded.get("A") == "b" + " c" * 16
