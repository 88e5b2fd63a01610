"""The password of a trunk answers challenges, once each, and appears nowhere."""

from firmware.lines.trunk_access import Access
from sip.message import Request
from tests.sip.test_registration import answer

CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n1"'
LINES = [
    ("Via", "SIP/2.0/UDP a;branch=z9hG4bKx"), ("From", "<sip:a@b>;tag=1"), ("To", "<sip:a@b>"),
    ("Call-ID", "c"), ("CSeq", "1 REGISTER"),
]  # fmt: skip


def request(*more: tuple[str, str]) -> Request:
    return Request.new("REGISTER", "sip:b", [*LINES, *more], b"")


def test_a_challenge_is_answered() -> None:
    value = Access("user", "hidden words")(answer(401, CHALLENGE), request())
    assert value is not None
    assert value.startswith('Digest username="user", realm="r", nonce="n1"')
    assert "hidden" not in value


def test_the_same_again_is_a_wrong_password_but_a_stale_nonce_is_not() -> None:
    access = Access("user", "hidden words")
    tried = request(("Authorization", "Digest x=y"))
    assert access(answer(401, CHALLENGE), tried) is None
    assert access(answer(401, CHALLENGE + ", stale=TRUE"), tried) is not None


def test_without_a_password_or_a_challenge_we_know_there_is_no_answer() -> None:
    assert not Access("user", None).known
    assert Access("user", None)(answer(401, CHALLENGE), request()) is None
    assert Access("user", "x")(answer(401, 'WWW-Authenticate: Basic realm="r"'), request()) is None
    assert "hidden words" not in repr(Access("user", "hidden words"))
