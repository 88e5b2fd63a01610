"""Every message of RFC 4475 to the verdict, the layer and the answer that `torture/manifest.tsv` wants."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sip.capabilities import Capabilities
from sip.digest import Challenge, DigestServer
from sip.errors import BadMessage
from sip.framing import Ping, StreamFramer
from sip.message import Request, Response, parse
from sip.sdp import TYPE, SessionDescription
from sip.validate import validate

HERE = Path(__file__).parent / "torture"
ROWS = [row.split("\t") for row in (HERE / "manifest.tsv").read_text().splitlines()[1:]]
NAMES = [row[0] for row in ROWS]
CAPABILITIES = Capabilities(
    ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "MESSAGE"),
    types=("application/sdp", "multipart/mixed"),
)

# Words of the wire column that say: nothing in `sip.message` and `sip.validate` stops this one.
GOES_ON = (
    *(
        "2xx",
        "normal",
        "200",
        "lenient",
        "one-request-only",
        "accept-response",
        "RFC2543-matching",
        "ignore-Date",
    ),
    # Left to the registrar, the digest and the transaction layer.
    *("400(registrar", "401", "discard-response(top Via"),
)


def read(name: str) -> bytes:
    data = (HERE / name).read_bytes()
    return data + b"\r\n" if name == "baddn.dat" else data


def judge(data: bytes) -> Request | Response:
    """Read a message as strictly as we can; raise BadMessage."""
    message = parse(data)
    validate(message)
    _ = message.date
    return message


def answer(data: bytes) -> str:
    """Say what would be seen on the wire: a status, "discard" or "goes on"."""
    try:
        message = parse(data)
        validate(message)
    except BadMessage as error:
        return str(error.status) if isinstance(error.partial, Request) else "discard"
    refusal = CAPABILITIES.refusal(message) if isinstance(message, Request) else None
    return str(refusal.status) if refusal else "goes on"


def message_of(item: bytes | Ping) -> bytes:
    assert isinstance(item, bytes)
    return item


def test_the_archive_is_untouched() -> None:
    assert len(ROWS) == 49
    assert {path.name for path in HERE.glob("*.dat")} == set(NAMES)
    for row in ROWS:
        assert hashlib.sha256((HERE / row[0]).read_bytes()).hexdigest() == row[5]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_verdict_and_layer(row: list[str]) -> None:
    name, verdict = row[0], row[3]
    if verdict == "ok":
        judge(read(name))
        return
    _, layer, *headers = verdict.split(":")
    with pytest.raises(BadMessage) as caught:
        judge(read(name))
    assert caught.value.layer == layer
    if headers:
        assert caught.value.header in headers[0].split(",")


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_answer(row: list[str]) -> None:
    found = answer(read(row[0]))
    words = row[4].split("|")
    if found == "goes on":
        assert any(word.startswith(GOES_ON) for word in words)
    elif found == "discard":
        assert "discard-response" in words
    else:
        assert any(word.startswith(found) and not word.startswith(GOES_ON) for word in words)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_leaves_as_it_came(name: str) -> None:
    try:
        message = parse(read(name))
    except BadMessage:
        return
    assert bytes(message) == read(name)[: len(bytes(message))]
    assert parse(bytes(message)).headers == message.headers


def test_baddn_has_no_end_of_headers() -> None:
    with pytest.raises(BadMessage) as caught:
        parse((HERE / "baddn.dat").read_bytes())
    assert caught.value.layer == "framing"


def test_on_a_stream() -> None:
    # clerr waits for octets that never come.
    assert list(StreamFramer().feed(read("clerr.dat"))) == []
    for name in ("wsinv.dat", "mpart01.dat", "intmeth.dat"):
        assert list(StreamFramer().feed(read(name))) == [read(name)]
    # On a stream dblreq is two requests, with two octets too many behind them.
    items = StreamFramer().feed(read("dblreq.dat"))
    assert [parse(message_of(next(items))).cseq_method for _ in range(2)] == ["REGISTER", "INVITE"]
    with pytest.raises(BadMessage):
        next(items)


@pytest.mark.parametrize("name", ["ncl.dat", "mcl01.dat", "inv2543.dat"])
def test_streams_are_closed_with_a_400(name: str) -> None:
    with pytest.raises(BadMessage) as caught:
        list(StreamFramer().feed(read(name)))
    assert (caught.value.layer, caught.value.status) == ("framing", 400)
    assert isinstance(caught.value.partial, Request)


def test_dblreq_is_one_request_in_a_datagram() -> None:
    message = parse(read("dblreq.dat"))
    assert isinstance(message, Request)
    assert (message.method, message.body) == ("REGISTER", b"")


def test_wsinv_in_detail() -> None:
    message = judge(read("wsinv.dat"))
    assert (message.from_.display, message.from_tag, message.to_tag) == (
        'J Rosenberg \\"',
        "98asjd8",
        "1918181833n",
    )
    assert (message.cseq_number, message.max_forwards) == (9, 68)
    assert [via.branch for via in message.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert [via.transport for via in message.vias] == ["UDP", "TCP", "UDP"]
    assert message.get("NewFangledHeader") == "newfangled value continued newfangled value"
    contact = message.contacts[0]
    assert (contact.display, contact.q, contact.params["newparam"]) == ('Quoted string ""', 330, "newvalue")
    assert message.routes[0].uri.params == {"lr": None, "unknownwith": "value", "unknown-no-value": None}


def test_escapes_in_detail() -> None:
    message = judge(read("esc01.dat"))
    assert isinstance(message, Request)
    assert message.request_uri.user == "sips:user@example.com"
    assert message.to.uri.user == "user"
    assert message.contacts[0].uri.params == {"lr": None, "name": "value%41"}
    message = judge(read("escnull.dat"))
    assert message.to.uri.user == "null-\0-null"
    assert judge(read("regescrt.dat")).contacts[0].uri.headers == (("Route", "<sip:sip.example.com>"),)
    message = judge(read("semiuri.dat"))
    assert isinstance(message, Request)
    assert message.request_uri.user == "user;par=u@example.net"


def test_header_and_uri_parameters_are_told_apart() -> None:
    contact = judge(read("cparam01.dat")).contacts[0]
    assert "unknownparam" in contact.params
    assert "unknownparam" not in contact.uri.params
    contact = judge(read("cparam02.dat")).contacts[0]
    assert "unknownparam" in contact.uri.params
    assert "unknownparam" not in contact.params


def test_intmeth_in_detail() -> None:
    message = judge(read("intmeth.dat"))
    assert message.to.display == "BEL:\a NUL:\0 DEL:\x7f"
    assert message.from_.display == "token1~` token2'+_ token3*%!.-"
    assert message.cseq_number == 139122385


def test_an_unknown_scheme_counts_as_no_credentials() -> None:
    request = judge(read("regaut01.dat"))
    assert isinstance(request, Request)
    assert isinstance(DigestServer("example.com", bytes(32)).check(request, 0.0), Challenge)


def test_bodies() -> None:
    described = 0
    for name in NAMES:
        try:
            message = parse(read(name))
        except BadMessage:
            continue
        if message.content_type == TYPE:
            description = SessionDescription.parse(message.body)
            assert SessionDescription.parse(bytes(description)) == description
            described += 1
    assert described > 10
    assert b"\0" in parse(read("mpart01.dat")).body
