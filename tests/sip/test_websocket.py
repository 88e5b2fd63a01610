"""One WebSocket, octet by octet; the client's frames are made by hand here (RFC 6455 5.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import BadMessage
from sip.framing import Ping
from sip.message import MAX_MESSAGE
from sip.websocket import Reply, WebSocketFramer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
HEADERS = {
    "Host": "192.0.2.1:8088",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "sip",
}
MESSAGE = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def handshake(start: str | None = "GET / HTTP/1.1", **changes: str | None) -> bytes:
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in {**HEADERS, **changed}.items() if value is not None]
    return "\r\n".join([str(start), *lines, "", ""]).encode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    mask = b"\x11\x22\x33\x44"
    length = len(payload)
    flag = 0x80 if masked else 0
    if length < 126:
        head = bytes([flag | length])
    elif length < 65536:
        head = bytes([flag | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([flag | 127]) + length.to_bytes(8, "big")
    if masked:
        head += mask
        payload = bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + head + payload


def opened(**changes: str | None) -> WebSocketFramer:
    framer = WebSocketFramer()
    (reply,) = framer.feed(handshake(**changes))
    assert isinstance(reply, Reply)
    assert framer.open
    return framer


def collect(framer: WebSocketFramer, data: bytes) -> tuple[list[object], str]:
    got: list[object] = []
    try:
        for item in framer.feed(data):
            got.append(item)  # noqa: PERF402  # what came before an exception counts
    except BadMessage as error:
        return got, error.why
    return got, ""


def test_the_handshake_of_the_rfc() -> None:
    framer = WebSocketFramer()
    assert list(framer.feed(handshake()[:40])) == []
    assert not framer.open
    (reply,) = framer.feed(handshake()[40:])
    assert isinstance(reply, Reply)
    head = reply.data.decode().lower()
    assert head.startswith("http/1.1 101 ")
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n".lower() in head.encode()
    assert "sec-websocket-protocol: sip\r\n" in head
    assert "extensions" not in head


def test_no_extension_is_agreed_on_and_sip_is_found_among_protocols() -> None:
    framer = WebSocketFramer()
    offer = {"Sec_WebSocket_Extensions": "permessage-deflate", "Sec_WebSocket_Protocol": "chat, sip"}
    (reply,) = framer.feed(handshake(**offer))
    assert isinstance(reply, Reply)
    assert b"xtensions" not in reply.data
    # A frame that claims to be compressed breaks the rules nobody agreed to change.
    got, why = collect(framer, bytes([0xC1]) + frame(TEXT, MESSAGE)[1:])
    assert why
    assert isinstance(got[0], Reply)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (handshake(Sec_WebSocket_Protocol=None), 400),
        (handshake(Sec_WebSocket_Protocol="xmpp"), 400),
        (handshake(Sec_WebSocket_Version="12"), 426),
        (handshake(Sec_WebSocket_Key=None), 400),
        (handshake(Upgrade=None), 400),
        (handshake(Connection="keep-alive"), 400),
        (handshake(Host=None), 400),
        (handshake("POST / HTTP/1.1"), 400),
        (handshake(Host="xn--\x7f"), 400),
        (handshake(Sec_WebSocket_Protocol="s\u00edp"), 400),
        (b"OPTIONS sip:a SIP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /" + b"a" * 100_000, 400),
        (handshake(Origin="https://evil.example.com"), 403),
    ],
)
def test_what_is_no_handshake_is_answered_and_closed(data: bytes, status: int) -> None:
    framer = WebSocketFramer()
    got, why = collect(framer, data)
    assert why
    assert framer.closed
    (reply,) = got
    assert isinstance(reply, Reply)
    assert reply.data.startswith(f"HTTP/1.1 {status} ".encode())
    assert list(framer.feed(handshake())) == []


@pytest.mark.parametrize(
    ("origins", "origin", "good"),
    [
        ((), None, True),  # no browser
        ((), "https://phone.example.com", False),
        (("https://phone.example.com",), "https://phone.example.com", True),
        (("https://phone.example.com",), "https://PHONE.example.com", True),
        (("https://phone.example.com",), "http://phone.example.com", False),
        (("https://phone.example.com",), "https://phone.example.com:8443", False),
        (("https://phone.example.com",), "null", False),
        (("*",), "https://anybody.example.net", True),
    ],
)
def test_whose_pages_may_connect(origins: tuple[str, ...], origin: str | None, good: bool) -> None:
    framer = WebSocketFramer(frozenset(origins))
    _, why = collect(framer, handshake(Origin=origin))
    assert why == ("" if good else "origin")
    assert framer.open is good


def test_two_origins_are_none() -> None:
    framer = WebSocketFramer(frozenset({"https://a.example.com"}))
    twice = handshake(Origin="https://a.example.com").replace(
        b"Host:", b"Origin: https://b.example.com\r\nHost:"
    )
    assert collect(framer, twice)[1] == "origin"


def test_a_message_is_one_message_text_or_binary_whole_or_in_frames() -> None:
    framer = opened()
    data = frame(TEXT, MESSAGE) + frame(BINARY, MESSAGE + b"\xff\x00") + frame(TEXT, MESSAGE[:9], fin=False)
    data += frame(PING, b"there?") + frame(0, MESSAGE[9:12], fin=False) + frame(0, MESSAGE[12:])
    items = list(framer.feed(data))
    assert items == [MESSAGE, MESSAGE + b"\xff\x00", Reply(frame(PONG, b"there?", masked=False)), MESSAGE]
    assert framer.buffered == 0


def test_octet_by_octet_gives_the_same() -> None:
    data = frame(TEXT, MESSAGE) + frame(TEXT, b"\r\n\r\n") + frame(BINARY, MESSAGE * 20)
    whole = list(opened().feed(data))
    framer = opened()
    assert [item for octet in data for item in framer.feed(bytes([octet]))] == whole
    assert [type(item) for item in whole] == [bytes, Ping, bytes]


def test_blank_messages_are_nothing_and_a_double_crlf_is_a_ping() -> None:
    framer = opened()
    assert list(framer.feed(frame(TEXT) + frame(TEXT, b"\r\n") + frame(TEXT, b"\r\n\r\n\r\n"))) == []
    (ping,) = framer.feed(frame(TEXT, b"\r\n\r\n"))
    assert isinstance(ping, Ping)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, MESSAGE, masked=False), 1002),
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(3, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(0, b"x"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(CLOSE, b"\x00"), 1002),
        (bytes([0x82, 0xFF]) + b"\xff" * 8 + b"\0" * 4, 1002),
    ],
)
def test_frames_the_rfc_does_not_allow_end_the_connection(data: bytes, code: int) -> None:
    framer = opened()
    got, why = collect(framer, data)
    assert why
    assert framer.closed
    (reply,) = got
    assert isinstance(reply, Reply)
    assert reply.data[0] == 0x80 | CLOSE
    assert int.from_bytes(reply.data[2:4], "big") == code


def test_a_message_without_end_is_cut_off_at_the_bound() -> None:
    framer = opened()
    piece, sent, got, why = b"a" * 60000, 0, list[object](), ""
    while not why:
        got, why = collect(framer, frame(0 if sent else TEXT, piece, fin=False))
        sent += len(piece)
        assert sent <= MAX_MESSAGE + len(piece)
    assert why == "message too long"
    (reply,) = got
    assert isinstance(reply, Reply)
    assert reply.data[2:4] == (1009).to_bytes(2, "big")


def test_a_close_is_answered_and_nothing_behind_it_is_heard() -> None:
    framer = opened()
    assert list(framer.feed(frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, MESSAGE))) == [
        Reply(frame(CLOSE, b"\x03\xe8bye", masked=False))
    ]
    assert framer.closed
    assert list(framer.feed(frame(TEXT, MESSAGE))) == []


def test_what_we_send_is_text_unless_it_is_not_utf_8() -> None:
    framer = opened()
    assert framer.wrap(MESSAGE) == frame(TEXT, MESSAGE, masked=False)
    assert framer.wrap(b"\xff" * 70000) == frame(BINARY, b"\xff" * 70000, masked=False)
    assert framer.ping() == frame(PING, masked=False)
    assert framer.goodbye()[:4] == bytes([0x80 | CLOSE, 2]) + (1001).to_bytes(2, "big")
    assert framer.closed


@given(st.lists(st.binary(max_size=60), max_size=5), st.booleans())
def test_nothing_but_bad_message_leaves(pieces: list[bytes], handshaken: bool) -> None:
    framer = opened() if handshaken else WebSocketFramer()
    for piece in pieces:
        _, why = collect(framer, piece)
        assert not why or framer.closed
