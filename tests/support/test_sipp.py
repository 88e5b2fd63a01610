"""The scenarios against each other, with nothing between them, and the driver's verdicts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.front import CHALLENGE, Front
from tests.support.loopback import address
from tests.support.sipp import Outcome, Sipp, row
from tests.support.sipwire import Message, Wire, digest, parameters, sdp

pytestmark = pytest.mark.e2e
CALLEE, CALLER = address(93, 1), address(93, 2)


CALLS = address(93, 4)


@pytest.fixture
def front() -> Iterator[Front]:
    with Front(CALLS, (CALLER, 5060), (CALLEE, 5062)) as front:
        yield front


def test_register_answers_the_challenge_with_a_long_password(tmp_path: Path, front: Front) -> None:
    secret = "x7-" * 20
    with Sipp(
        tmp_path / "r",
        "register",
        CALLER,
        server=CALLS,
        rows=[row("101", secret)],
        words={"STATUS": 200},
    ) as phone:
        phone.wait().expect(1)
    got = parameters(front.seen[1].get("authorization"))
    expected = parameters(
        digest(
            CHALLENGE,
            "REGISTER",
            got["uri"],
            "101",
            secret,
            cnonce=got["cnonce"],
            count=int(got["nc"], 16),
        )
    )
    assert got["response"] == expected["response"]


def test_a_refusal_is_told_from_a_success(tmp_path: Path, front: Front) -> None:
    front.registered = "403 Forbidden"
    with Sipp(
        tmp_path / "r",
        "register",
        CALLER,
        server=CALLS,
        rows=[row("101", "bad")],
        words={"STATUS": 200},
    ) as phone:
        outcome = phone.wait()
    assert (outcome.succeeded, outcome.failed) == (0, 1)
    assert "403" in outcome.complaints
    with pytest.raises(AssertionError, match="1 not"):
        outcome.expect(1)


def both(
    tmp_path: Path, caller: str, callee: str, seconds: int = 15, **words: int
) -> tuple[Outcome, Outcome]:
    """Run caller against callee with only the front between them."""
    with (
        Sipp(
            tmp_path / "uas",
            callee,
            CALLEE,
            port=5062,
            seconds=seconds,
            media_port=6200,
            echo=True,
            words=words,
        ) as uas,
        Front(CALLS, (CALLER, 5060), (CALLEE, 5062)),
        Sipp(
            tmp_path / "uac",
            caller,
            CALLER,
            server=CALLS,
            seconds=seconds,
            rows=[row("101", "s", "102", 6100)],
            words=words,
        ) as uac,
    ):
        return uac.wait(), uas.wait()


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
    message = Message.parse(b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n" + sdp(address(93, 9), 4000))
    assert (message.status, message.method, message.media) == (200, "INVITE", (address(93, 9), 4000))
    with Wire(address(93, 8), (address(93, 9), 5060)) as wire:
        request = Message.parse(wire.request("OPTIONS", "sip:box", user="101"))
    assert (request.status, request.method, request.get("contact")) == (
        0,
        "OPTIONS",
        f"<sip:101@{address(93, 8)}:5060>",
    )
