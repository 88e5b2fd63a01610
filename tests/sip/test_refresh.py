"""What a phone says again is served as if it were said for the first time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sip.answer import Answer
from sip.flow import Flow
from sip.message import Request, parse
from sip.refresh import REMEMBERED, Known, Refreshes, Wording, cut
from tests.sip.net import BOX, PHONE, Bench

FLOW = Flow("UDP", BOX, PHONE)
REGISTER = (
    b"REGISTER sip:192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK%s;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: Anna <sip:101@192.0.2.1>;tag=%s\r\n"
    b"To: <sip:101@192.0.2.1>\r\n"
    b"Call-ID: home@192.0.2.9\r\n"
    b"CSeq: %s REGISTER\r\n"
    b"Contact: <sip:101@192.0.2.9:5062>\r\n"
    b"%s"
    b"Expires: 300\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def said(
    branch: bytes = b"one", tag: bytes = b"t1", cseq: bytes = b"7", credentials: bytes | None = b"Digest x"
) -> bytes:
    line = b"" if credentials is None else b"Authorization: %s\r\n" % credentials
    return REGISTER % (branch, tag, cseq, line)


class Registrar:
    """A stack whose handler writes down all it is given; `full` forgets every wording at once."""

    def __init__(self, *, full: bool = False) -> None:
        self.bench = Bench(handlers={"REGISTER": self.serve})
        self.bench.stack._salt = 1
        self.full = full
        self.heard: list[tuple[object, ...]] = []
        self.bench.user.verdict = lambda one: (
            "Anna" if one.get("Authorization") == "Digest x" else Answer(401, (("WWW-Authenticate", "D"),))
        )

    def serve(self, request: Request, flow: Flow, identity: object, now: float) -> Answer:
        self.heard.append(
            (
                *(request.uri, request.request_uri, sorted(request.headers), request.via, request.from_),
                *(
                    request.to,
                    request.cseq,
                    request.call_id,
                    request.contacts,
                    request.expires,
                    request.branch,
                ),
                *(request.from_tag, request.max_forwards, request.body, flow, identity, now),
            )
        )
        return Answer(200, tuple(("Contact", f"{one};expires=300") for one in request.contacts))

    def feed(self, data: bytes) -> list[bytes]:
        before = len(self.bench.sent)
        self.bench.stack.receive(data, FLOW, self.bench.now)
        if self.full:
            self.bench.stack._refreshes = Refreshes()
        return [sent for _, sent in self.bench.sent[before:]]

    @property
    def known(self) -> int:
        return len(self.bench.stack._refreshes)


def test_what_is_said_again_is_not_read_again() -> None:
    registrar = Registrar()
    registrar.feed(said())
    assert registrar.known == 1
    known = next(iter(registrar.bench.stack._refreshes._known.values()))
    assert isinstance(known, Known)
    wording = cut(said(b"two", b"t2", b"8"))
    assert wording is not None
    assert registrar.bench.stack._refreshes.find(wording, FLOW) is known


def test_only_who_was_let_in_and_served_is_remembered() -> None:
    registrar = Registrar()
    registrar.feed(said(credentials=b"Digest y"))
    registrar.feed(said(credentials=None))
    assert registrar.known == 0


def test_another_way_is_not_the_same_phone() -> None:
    registrar = Registrar()
    registrar.feed(said())
    wording = cut(said())
    assert wording is not None
    assert registrar.bench.stack._refreshes.find(wording, FLOW.to(("192.0.2.10", 5062))) is None


def test_the_memory_is_bounded() -> None:
    registrar = Registrar()
    for number in range(REMEMBERED + 10):
        registrar.feed(said().replace(b"home@", b"home%d@" % number))
    assert registrar.known == REMEMBERED


def test_cut() -> None:
    wording = cut(said(b"a.b", b"t-1", b"12", b"Digest z"))
    assert wording is not None
    assert wording[1:] == ("a.b", "t-1", "12", "Digest z")
    bare = cut(said(credentials=None))
    assert bare is not None
    assert bare.same == wording.same
    assert bare.credentials is None


_texts = st.one_of(
    st.sampled_from(
        ["one", "two", "t1", "7", "8", "4294967296", "0", "", " ", ";x=y", ",", '"', "\r\n", "\n"]
    ),
    st.sampled_from(
        ["\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx", "\r\nAuthorization: Digest x", "\r\n x", "é", ">"]
    ),
    st.text(alphabet='ab;=,"<>\r\n :%\t', max_size=8),
)


@given(
    st.lists(
        st.tuples(_texts, _texts, _texts, st.none() | st.just("Digest x") | _texts), min_size=1, max_size=4
    )
)
def test_whatever_is_put_in_is_served_as_on_the_full_way(messages: list[tuple[str, ...]]) -> None:
    quick, full = Registrar(), Registrar(full=True)
    for registrar in (quick, full):
        registrar.feed(said())
    assert quick.known == 1
    for message in messages:
        data = said(*(None if text is None else text.encode() for text in message))
        assert quick.feed(data) == full.feed(data)
    assert quick.heard == full.heard


@given(
    st.integers(0, 420),
    st.integers(0, 3),
    st.sampled_from([b"", b"\r\n", b" ", b"x", b"\r\n x", b";", b"\xff"]),
)
def test_any_other_octet_takes_the_full_way(place: int, gone: int, new: bytes) -> None:
    quick, full = Registrar(), Registrar(full=True)
    for registrar in (quick, full):
        registrar.feed(said())
    data = said(b"two", b"t2", b"8")
    data = data[:place] + new + data[place + gone :]
    for _ in range(2):
        assert quick.feed(data) == full.feed(data)
    assert quick.heard == full.heard


def test_a_wording_whose_template_gives_another_answer_is_not_kept() -> None:
    refreshes = Refreshes()
    data = said()
    wording, request = cut(data), parse(data)
    assert isinstance(wording, Wording)
    assert isinstance(request, Request)
    request.set("To", "<sip:101@192.0.2.1>;tag=x")
    refreshes.learn(wording, request, FLOW, Answer(200), "y")
    assert len(refreshes) == 0
