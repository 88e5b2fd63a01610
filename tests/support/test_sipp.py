"""The scenarios against each other, with nothing between them, and the driver's verdicts."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.sipp import Outcome, Sipp, row
from tests.support.sipwire import Message, Wire, digest, parameters, sdp

pytestmark = pytest.mark.e2e
CALLEE, CALLER = "127.0.93.1", "127.0.93.2"


class Registrar:
    """A registrar of three lines: challenges once, then says what the test wants."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 5060))
        self.socket.settimeout(5)

    def serve(self, *lines: str) -> list[Message]:
        asked = []
        for line in lines:
            data, source = self.socket.recvfrom(65535)
            request = Message.parse(data)
            asked.append(request)
            head = [
                f"SIP/2.0 {line}",
                *(f"{n}: {request.get(n)}" for n in ("Via", "From", "To", "Call-ID", "CSeq")),
            ]
            head += ['WWW-Authenticate: Digest realm="box", nonce="abc", algorithm=MD5, qop="auth"']
            self.socket.sendto(("\r\n".join(head) + "\r\nContent-Length: 0\r\n\r\n").encode(), source)
        return asked


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    server = Registrar("127.0.93.3")
    yield server
    server.socket.close()


def test_register_answers_the_challenge_with_a_long_password(tmp_path: Path, registrar: Registrar) -> None:
    secret = "x7-" * 20
    with Sipp(
        tmp_path / "r",
        "register",
        CALLER,
        server="127.0.93.3",
        rows=[row("101", secret)],
        words={"STATUS": 200},
    ) as phone:
        asked = registrar.serve("401 Unauthorized", "200 OK")
        phone.wait().expect(1)
    got = parameters(asked[1].get("authorization"))
    expected = parameters(
        digest(
            'Digest realm="box", nonce="abc", algorithm=MD5',
            "REGISTER",
            got["uri"],
            "101",
            secret,
            cnonce=got["cnonce"],
            count=int(got["nc"], 16),
        )
    )
    assert got["response"] == expected["response"]


def test_a_refusal_is_told_from_a_success(tmp_path: Path, registrar: Registrar) -> None:
    with Sipp(
        tmp_path / "r",
        "register",
        CALLER,
        server="127.0.93.3",
        rows=[row("101", "bad")],
        words={"STATUS": 200},
    ) as phone:
        registrar.serve("401 Unauthorized", "403 Forbidden")
        outcome = phone.wait()
    assert (outcome.succeeded, outcome.failed) == (0, 1)
    assert "403" in outcome.complaints
    with pytest.raises(AssertionError, match="1 not"):
        outcome.expect(1)


def both(
    tmp_path: Path, caller: str, callee: str, seconds: int = 15, **words: int
) -> tuple[Outcome, Outcome]:
    """Run caller against callee; the challenge every caller expects is given by a forged first answer."""
    with ExitStack() as stack:
        uas = stack.enter_context(
            Sipp(
                tmp_path / "uas",
                callee,
                CALLEE,
                port=5062,
                seconds=seconds,
                media_port=6200,
                echo=True,
                words=words,
            )
        )
        front = stack.enter_context(Front())
        uac = stack.enter_context(
            Sipp(
                tmp_path / "uac",
                caller,
                CALLER,
                server="127.0.93.4:5060",
                seconds=seconds,
                rows=[row("101", "s", "102", 6100)],
                words=words,
            )
        )
        while uac.process.poll() is None:
            front.turn()
        return uac.wait(), uas.wait()


class Front:
    """Between caller and callee: challenges a first INVITE, passes on everything else."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.93.4", 5060))
        self.socket.settimeout(0.2)

    def __enter__(self) -> "Front":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def turn(self) -> None:
        try:
            data, source = self.socket.recvfrom(65535)
        except TimeoutError:
            return
        message = Message.parse(data)
        if source[0] == CALLER and message.get("cseq") == "1 INVITE":
            head = [*(f"{n}: {message.get(n)}" for n in ("Via", "From", "Call-ID", "CSeq"))]
            head += [
                f"To: {message.get('to')};tag=f",
                'WWW-Authenticate: Digest realm="b", nonce="n", qop="auth"',
            ]
            answer = "SIP/2.0 401 Unauthorized\r\n" + "\r\n".join(head) + "\r\nContent-Length: 0\r\n\r\n"
            self.socket.sendto(answer.encode(), source)
        elif source[0] == CALLER and message.get("cseq") != "1 ACK":
            self.socket.sendto(data, (CALLEE, 5062))
        elif source[0] == CALLEE:
            self.socket.sendto(data, (CALLER, 5060))


@pytest.mark.parametrize(
    ("caller", "callee", "words"),
    [
        ("uac_talk", "uas_talk", {"TALK": 50, "RING": 20}),
        ("uac_listen", "uas_hangs_up", {"TALK": 50}),
        ("uac_hold", "uas_hold", {"TALK": 50}),
        ("uac_refused", "uas_refuse", {"STATUS": 486}),
        ("uac_cancel", "uas_ring", {"TALK": 50}),
    ],
)
def test_each_caller_meets_its_callee(
    tmp_path: Path, caller: str, callee: str, words: dict[str, int]
) -> None:
    uac, uas = both(tmp_path, caller, callee, **words)
    uac.expect(1)
    uas.expect(1)
    if caller == "uac_talk":
        assert uac.log == ("media 6100 6200",)


def test_a_hold_that_does_not_arrive_is_noticed(tmp_path: Path) -> None:
    _, uas = both(tmp_path, "uac_talk", "uas_hold", seconds=2, TALK=50, RING=20)
    assert (uas.code, uas.succeeded) == (1, 0)


def test_a_word_left_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="@STATUS@"):
        Sipp(tmp_path / "x", "register", CALLER)


def test_wire_reads_the_media_of_its_own_description() -> None:
    message = Message.parse(b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n" + sdp("127.0.93.9", 4000))
    assert (message.status, message.method, message.media) == (200, "INVITE", ("127.0.93.9", 4000))
    with Wire("127.0.93.8", ("127.0.93.9", 5060)) as wire:
        request = Message.parse(wire.request("OPTIONS", "sip:127.0.93.9", user="101"))
    assert (request.status, request.method, request.get("contact")) == (
        0,
        "OPTIONS",
        "<sip:101@127.0.93.8:5060>",
    )
