from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import BadMessage
from sip.framing import MAX_HEAD, PING, Ping, StreamFramer
from sip.message import MAX_MESSAGE, Request
from tests.sip.messages import SDP, invite, lines, register

STREAM = (
    invite() + b"\r\n\r\n" + register() + b"\r\n" + invite("X-Body: binary", body=b"\r\n\r\n\0") + b"\r\n\r\n"
)
EXPECTED = [invite(), PING, register(), invite("X-Body: binary", body=b"\r\n\r\n\0"), PING]


def feed(framer: StreamFramer, *pieces: bytes) -> list[bytes | Ping]:
    return [item for piece in pieces for item in framer.feed(piece)]


def test_whole() -> None:
    assert feed(StreamFramer(), STREAM) == EXPECTED


def test_split_at_every_octet() -> None:
    for at in range(len(STREAM)):
        assert feed(StreamFramer(), STREAM[:at], STREAM[at:]) == EXPECTED
    framer = StreamFramer()
    assert feed(framer, *[STREAM[at : at + 1] for at in range(len(STREAM))]) == EXPECTED
    assert framer.buffered == 0


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_split_anywhere(places: list[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    assert feed(StreamFramer(), *pieces) == EXPECTED


@pytest.mark.parametrize("name", ["Content-Length", "l", "CONTENT-LENGTH ", "L\t"])
def test_spellings_of_content_length(name: str) -> None:
    data = lines("OPTIONS sip:a SIP/2.0", f"{name}:", "  2 ", "To: x", body=b"ab")
    assert feed(StreamFramer(), data + b"\r\n\r\n") == [data, PING]


def test_a_length_within_another_header_does_not_count() -> None:
    data = lines("OPTIONS sip:a SIP/2.0", "Subject: x", " l: 9", "X-Content-Length: 8", "l: 0")
    assert feed(StreamFramer(), data) == [data]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ((), 400),
        (("l: 1", "l: 1"), 400),
        (("l: -1",), 400),
        (("l: x",), 400),
        (("l:",), 400),
        ((f"l: {MAX_MESSAGE}",), 513),
    ],
)
def test_faults_come_behind_what_was_complete(length: tuple[str, ...], status: int) -> None:
    framer = StreamFramer()
    items = framer.feed(
        register() + lines("OPTIONS sip:a SIP/2.0", "Via: SIP/2.0/TCP a;branch=b", *length) + register()
    )
    assert next(items) == register()
    with pytest.raises(BadMessage) as caught:
        next(items)
    assert (caught.value.layer, caught.value.status) == ("framing", status)
    assert isinstance(caught.value.partial, Request)
    assert caught.value.partial.branch == "b"
    assert framer.buffered == 0
    with pytest.raises(BadMessage):
        feed(framer, register())
    assert framer.buffered == 0


def test_endless_headers() -> None:
    framer = StreamFramer()
    with pytest.raises(BadMessage) as caught:
        feed(framer, *[b"X: abcdef\r\n"] * MAX_HEAD)
    assert caught.value.status == 513
    assert framer.buffered == 0


def test_endless_pings_cost_nothing() -> None:
    framer = StreamFramer()
    assert feed(framer, b"\r\n\r\n" * 1000) == [PING] * 1000
    assert framer.buffered == 0


def test_waits_for_the_body() -> None:
    framer = StreamFramer()
    assert feed(framer, invite()[:-1]) == []
    assert framer.buffered == len(invite()) - 1
    assert feed(framer, SDP[-1:]) == [invite()]
