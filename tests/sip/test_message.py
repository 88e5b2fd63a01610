from __future__ import annotations

import pytest

from sip.errors import BadMessage, LocalError
from sip.message import MAX_ELEMENTS, MAX_MESSAGE, Request, Response, parse
from sip.uri import SipUri
from tests.sip.messages import SDP, invite, lines


def request(*text: str, body: bytes = b"") -> Request:
    message = parse(lines(*text, body=body))
    assert isinstance(message, Request)
    return message


def test_request() -> None:
    message = parse(invite())
    assert isinstance(message, Request)
    assert (message.method, message.uri, message.version) == ("INVITE", "sip:102@192.0.2.1", "SIP/2.0")
    assert message.request_uri == SipUri.parse("sip:102@192.0.2.1")
    assert (message.via.host, message.branch) == ("192.0.2.10", "z9hG4bK-one")
    assert (message.from_.display, message.from_tag, message.to_tag) == ("One", "from1", "")
    assert (message.cseq_number, message.cseq_method, message.call_id) == (2, "INVITE", "call-1@192.0.2.10")
    assert (message.max_forwards, message.expires, message.content_type) == (70, None, "application/sdp")
    assert message.contacts[0].uri.transport == "udp"
    assert message.body == SDP
    assert bytes(message) == invite()


def test_response() -> None:
    message = parse(lines("SIP/2.0 486 Besetzt, später", "Via: SIP/2.0/UDP a;branch=b", "CSeq: 1 INVITE"))
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (486, "Besetzt, später")


@pytest.mark.parametrize("start", ["SIP/2.0 200", "SIP/2.0 200 "])
def test_reason_may_be_empty(start: str) -> None:
    message = parse(lines(start))
    assert isinstance(message, Response)
    assert message.reason == ""


def test_the_request_uri_can_be_rewritten() -> None:
    message = request("INVITE sip:a@b SIP/2.0")
    assert message.request_uri.user == "a"
    message.uri = "sip:c@d"
    assert message.request_uri.user == "c"
    assert bytes(message).startswith(b"INVITE sip:c@d SIP/2.0\r\n")


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("<sip:a@b>", ""),
        ("<sip:a@b>;tag=x", "x"),
        ("<sip:a@b>;y=1;tag=x;z", "x"),
        ("<sip:a@b> ; TAG = x ; z", "x"),
        ("sip:a@b;tag=x", "x"),
        ("<sip:a@b;tag=uri>", ""),
        ('"n;tag=no>" <sip:a@b>;tag=x', "x"),
        ('"n;tag=no" <sip:a@b>', ""),
        ('<sip:a@b>;q=">;tag=no";tag=x', "x"),
        ('<sip:a@b>;q=">;tag=no"', ""),
        ("<sip:a@b>;mytag=no;tag=x", "x"),
    ],
)
def test_cheap_tag_is_the_tag(value: str, tag: str) -> None:
    message = request("OPTIONS sip:a SIP/2.0", f"From: {value}", f"To: {value}")
    assert message.from_tag == message.from_.tag == tag
    assert message.to_tag == message.to.tag == tag


@pytest.mark.parametrize(
    ("value", "branch"),
    [
        ("SIP/2.0/UDP a;branch=x", "x"),
        ("SIP/2.0/UDP a;rport;branch=x;y", "x"),
        ("SIP/2.0/UDP a ; BRANCH = x", "x"),
        ("SIP/2.0/UDP a, SIP/2.0/UDP b;branch=x", ""),
        ("SIP/2.0/UDP a;branch=x, SIP/2.0/UDP b;branch=y", "x"),
        ('SIP/2.0/UDP a;q=",;branch=no";branch=x', "x"),
        ("SIP/2.0/UDP a", ""),
    ],
)
def test_cheap_branch_is_the_branch(value: str, branch: str) -> None:
    message = request("OPTIONS sip:a SIP/2.0", f"Via: {value}")
    assert message.branch == message.via.branch == branch


def test_absent_and_malformed_are_told_apart() -> None:
    message = request("OPTIONS sip:a SIP/2.0", "To: <", "Max-Forwards: x", "Expires: x", "Contact: <")
    for read in ("from_", "via", "cseq", "call_id", "branch", "from_tag"):
        with pytest.raises(BadMessage) as caught:
            getattr(message, read)
        assert caught.value.layer == "semantic"
        assert caught.value.partial is message
    for read, header in (("to", "To"), ("max_forwards", "Max-Forwards"), ("contacts", "Contact")):
        with pytest.raises(BadMessage) as caught:
            getattr(message, read)
        assert (caught.value.layer, caught.value.header) == ("header", header)
    assert message.expires == 3600
    assert message.routes == message.record_routes == []
    assert message.date is None


def test_body_ends_where_content_length_says() -> None:
    head = ("OPTIONS sip:a SIP/2.0", "l: 3")
    assert request(*head, body=b"\0\r\nmore").body == b"\0\r\n"
    assert request("OPTIONS sip:a SIP/2.0", body=b"all of it").body == b"all of it"
    for length in ("4", "-1", "", "1, 1", "9" * 5000):
        with pytest.raises(BadMessage) as caught:
            request("OPTIONS sip:a SIP/2.0", f"Content-Length: {length}", body=b"abc")
        assert caught.value.layer == "framing"
        assert isinstance(caught.value.partial, Request)
    with pytest.raises(BadMessage):
        request(*head, "Content-Length: 3", body=b"abc")


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n\r\n", b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS sip:a\r\n\r\n", b" SIP/2.0\r\n\r\n"],
)
def test_what_is_not_sip_has_no_partial(data: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(data)
    assert caught.value.layer == "start"
    assert caught.value.partial is None


@pytest.mark.parametrize(
    "start",
    [
        "OPTIONS  sip:a SIP/2.0",
        "OPTIONS sip:a  SIP/2.0",
        "OPTIONS sip:a SIP/2.0 ",
        "OPTIONS sip:a b SIP/2.0",
        "OPTIONS <sip:a> SIP/2.0",
        "OPTIONS\tsip:a SIP/2.0",
        " OPTIONS sip:a SIP/2.0",
    ],
)
def test_bad_request_line_can_be_answered(start: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(lines(start, "Via: SIP/2.0/UDP a;branch=b", "CSeq: 1 OPTIONS"))
    assert caught.value.layer == "start"
    assert isinstance(caught.value.partial, Request)
    assert b"Via: SIP/2.0/UDP a;branch=b\r\n" in bytes(caught.value.partial.respond(caught.value.status))


@pytest.mark.parametrize("code", ["99", "099", "700", "2000", "20", "2x0", "²00", ""])
def test_bad_status(code: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(lines(f"SIP/2.0 {code} OK"))
    assert caught.value.layer == "start"
    assert not isinstance(caught.value.partial, Request)


def test_another_version_parses() -> None:
    assert parse(lines("OPTIONS sip:a SIP/7.0")).version == "SIP/7.0"
    assert parse(lines("OPTIONS sip:a sip/2.0")).version == "SIP/2.0"


@pytest.mark.parametrize("line", ["No colon", ": empty", "two words: x", "Via", "Tö: x"])
def test_bad_header_line(line: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(lines("OPTIONS sip:a SIP/2.0", line, "To: <sip:a>"))
    assert caught.value.layer == "header"
    assert caught.value.partial is not None
    assert caught.value.partial.get("To") == "<sip:a>"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\r"])
def test_lone_line_ends_are_refused(end: bytes) -> None:
    data = lines("OPTIONS sip:a SIP/2.0", "A: b#Evil: 1").replace(b"#", end)
    with pytest.raises(BadMessage) as caught:
        parse(data)
    assert caught.value.layer == "framing"


def test_start_line_cannot_be_folded() -> None:
    with pytest.raises(BadMessage):
        parse(lines("OPTIONS sip:a SIP/2.0", " x: y"))


def test_leading_line_ends_are_skipped() -> None:
    assert bytes(parse(b"\r\n\r\n" + invite())) == invite()


def test_too_long() -> None:
    head = lines("OPTIONS sip:a SIP/2.0")
    parse(head + bytes(MAX_MESSAGE - len(head)))
    with pytest.raises(BadMessage) as caught:
        parse(head + bytes(MAX_MESSAGE - len(head) + 1))
    assert caught.value.status == 513


def test_any_octet_survives() -> None:
    data = lines("OPTIONS sip:a SIP/2.0", "X: # <>").replace(b"#", bytes(range(128, 256)) + b"\0\x7f")
    assert bytes(parse(data)) == data


def test_respond_copies_what_8_2_6_names() -> None:
    message = request(
        "INVITE sip:a SIP/2.0",
        "v: SIP/2.0/UDP one;branch=1,",
        " SIP/2.0/UDP two",
        "Via: SIP/2.0/UDP three",
        "Record-Route: <sip:r>",
        "Timestamp: 54",
        'f:   "A" <sip:a>;tag=1',
        "t: <sip:b>",
        "i: id",
        "CSeq: 1 INVITE",
    )
    response = message.respond(180, to_tag="2", headers=[("Contact", "<sip:b>")])
    assert bytes(response).decode().split("\r\n") == [
        "SIP/2.0 180 Ringing",
        "Via: SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two",
        "Via: SIP/2.0/UDP three",
        'From: "A" <sip:a>;tag=1',
        "To: <sip:b>;tag=2",
        "Call-ID: id",
        "CSeq: 1 INVITE",
        "Contact: <sip:b>",
        "Content-Length: 0",
        "",
        "",
    ]
    assert "Timestamp" not in response
    assert message.respond(100).get("Timestamp") == "54"
    assert message.respond(200, "Fine", body=b"xy").get("Content-Length") == "2"
    assert parse(bytes(response)).to_tag == response.to_tag == "2"


def test_respond_keeps_a_to_tag() -> None:
    message = request("BYE sip:a SIP/2.0", "To: <sip:b>;tag=old")
    assert message.respond(200, to_tag="new").get("To") == "<sip:b>;tag=old"


@pytest.mark.parametrize("status", [100, 200, 401])
def test_an_answer_in_bytes_is_what_a_response_prints(status: int) -> None:
    message = request(
        "INVITE sip:b SIP/2.0", "To: <sip:b>", "Timestamp: 54", "Via: SIP/2.0/UDP x, SIP/2.0/UDP y", "i: 1@a"
    )
    headers = [("X-Own", "a"), ("Contact", "<sip:b>"), ("Contact", "<sip:c>")]
    response = message.respond(status, to_tag="2", headers=headers, body=b"xy")
    assert message.answer(status, to_tag="2", headers=headers, body=b"xy") == bytes(response)
    assert response.all("Contact") == ["<sip:b>", "<sip:c>"]
    assert message.answer(status, "Fine", headers=[("Content-Length", "0")]).count(b"Content-Length") == 1
    with pytest.raises(LocalError):
        message.answer(status, headers=[("X-Own", "a\r\nb: c")])


def test_respond_to_a_wreck() -> None:
    message = request("BYE sip:a SIP/2.0", 'To: "<')
    assert (
        bytes(message.respond(400, to_tag="t"))
        == b'SIP/2.0 400 Bad Request\r\nTo: "<\r\nContent-Length: 0\r\n\r\n'
    )


def test_new() -> None:
    message = Request.new("INFO", SipUri.parse("sip:a@b"), [("v", "SIP/2.0/UDP x"), ("X-Own", "1")], b"body")
    assert bytes(message) == (
        b"INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbody"
    )


@pytest.mark.parametrize(
    ("method", "uri"),
    [("IN FO", "sip:a"), ("", "sip:a"), ("INFO", ""), ("INFO", "sip:a b"), ("INFO", "sip:a\r\nX: y")],
)
def test_new_refuses_nonsense(method: str, uri: str) -> None:
    with pytest.raises(LocalError):
        Request.new(method, uri, [])


def test_set_body() -> None:
    message = parse(invite())
    message.set_body(b"xyz", "text/plain")
    assert parse(bytes(message)).body == b"xyz"
    assert message.content_type == "text/plain"
    message.set_body(b"")
    assert "Content-Type" not in message
    assert message.get("Content-Length") == "0"


def test_date() -> None:
    assert request("OPTIONS sip:a SIP/2.0", "Date: Sat, 13 Nov 2010 23:29:00 GMT").date == 1289690940


@pytest.mark.parametrize(("header", "read"), [("Via", "vias"), ("Contact", "contacts"), ("Route", "routes")])
def test_lists_are_bounded(header: str, read: str) -> None:
    element = "SIP/2.0/UDP a" if header == "Via" else "<sip:a>"
    full = f"{header}: {','.join([element] * 64)}"
    assert len(getattr(request("OPTIONS sip:a SIP/2.0", full, full), read)) == MAX_ELEMENTS
    with pytest.raises(BadMessage):
        getattr(request("OPTIONS sip:a SIP/2.0", full, full, f"{header}: {element}"), read)
