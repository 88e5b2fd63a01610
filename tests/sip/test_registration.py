"""What a registrar's answers mean to its client."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Flow
from sip.message import Response, parse
from sip.registration import LONGEST, Again, Failed, Granted, Moved, Registration, Verdict, pause, refresh
from sip.uri import SipUri

FLOW = Flow("UDP", ("192.0.2.1", 5060), ("203.0.113.1", 5060))
CONTACT = "sip:tok@192.0.2.1:5060"
CHANCE = Random(1).randrange


def made(*, expires: int = 600, bulk: bool = False) -> Registration:
    return Registration("carrier.test", "tok", "call", expires=expires, bulk=bulk)


def answer(status: int, *headers: str) -> Response:
    text = "\r\n".join(
        [
            f"SIP/2.0 {status} x", "Via: SIP/2.0/UDP a;branch=z9hG4bKx", "From: <sip:a@b>;tag=1",
            "To: <sip:a@b>;tag=2", "Call-ID: c", "CSeq: 1 REGISTER", *headers, "", "",
        ]
    )  # fmt: skip
    found = parse(text.encode())
    assert isinstance(found, Response)
    return found


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        (200, [f"Contact: <{CONTACT}>;expires=300"], Granted(300, ())),
        (200, ["Contact: <sip:o@x>;expires=9", f"Contact: <{CONTACT}>;expires=120"], Granted(120, ())),
        (200, ["Contact: <sip:tok@198.51.100.7:1024>;expires=90"], Granted(90, ())),  # the address it saw
        (200, [f"Contact: <{CONTACT}>", "Expires: 200"], Granted(200, ())),
        (200, ["Expires: 200"], Granted(200, ())),
        (200, [], Granted(600, ())),
        (200, [f"Contact: <{CONTACT}>;expires=99999999"], Granted(LONGEST, ())),
        (200, ["Service-Route: <sip:a;lr>, <sip:b;lr>"], Granted(600, ("<sip:a;lr>", "<sip:b;lr>"))),
        (200, ["Contact: <sip:other@x>;expires=300"], Failed(200, elsewhere=False)),
        (200, [f"Contact: <{CONTACT}>;expires=0"], Failed(200, elsewhere=False)),
        (200, ["Contact: <<<"], Granted(600, ())),
        (423, ["Min-Expires: 900"], Again()),
        (423, ["Min-Expires: 60"], Failed(423, elsewhere=False)),
        (423, [], Failed(423, elsewhere=False)),
        (302, ["Contact: <sip:x@CARRIER.test:5070;transport=tcp>"],
         Moved(SipUri(host="CARRIER.test", port=5070, params={"transport": "tcp"}))),
        (302, ["Contact: <sip:x@elsewhere.test>"], Failed(302, elsewhere=False)),
        (302, [], Failed(302, elsewhere=False)),
        (403, [], Failed(403, elsewhere=False)),
        (503, ["Retry-After: 40 (busy);duration=9"], Failed(503, elsewhere=True, wait=40)),
        (500, ["Retry-After: soon"], Failed(500, elsewhere=True)),
    ],
)  # fmt: skip
def test_verdicts(status: int, headers: list[str], verdict: Verdict) -> None:
    assert made().judge(answer(status, *headers), CONTACT) == verdict


def test_no_answer_sends_us_elsewhere() -> None:
    assert made().judge(None, CONTACT) == Failed(0, elsewhere=True)


def test_after_423_the_longer_time_is_asked_for_once() -> None:
    one = made()
    assert one.judge(answer(423, "Min-Expires: 900"), CONTACT) == Again()
    assert ("Expires", "900") in one.lines(CONTACT)
    assert one.judge(answer(423, "Min-Expires: 900"), CONTACT) == Failed(423, elsewhere=False)


def test_contacts_say_how_to_reach_us() -> None:
    assert made().contact("192.0.2.1", FLOW) == CONTACT
    tls = Flow("TLS", ("2001:db8::1", 5061), ("2001:db8::2", 5061), 3)
    assert made().contact("2001:db8::1", tls) == "sip:tok@[2001:db8::1]:5061;transport=tls"
    assert made(bulk=True).contact("192.0.2.1", FLOW) == "sip:192.0.2.1:5060;bnc"
    assert made(bulk=True).judge(
        answer(200, "Contact: <sip:192.0.2.1:5060;bnc>;expires=60"), CONTACT
    ) == Granted(60, ())
    assert ("Expires", "0") in made().lines(CONTACT, end=True)


@given(st.integers(1, LONGEST))
def test_a_refresh_comes_before_the_end_and_not_all_the_time(seconds: int) -> None:
    when = refresh(seconds, CHANCE)
    assert 0 < when <= max(seconds * 0.9, 10) or when == seconds / 2


@given(st.integers(1, 10**6))
def test_pauses_grow_and_end_growing(failures: int) -> None:
    assert 15 <= pause(1, CHANCE) <= 30
    assert pause(failures, CHANCE) <= 1800
    assert pause(failures, CHANCE, 120.0) <= 120
    if failures > 10:
        assert pause(failures, CHANCE) >= 900
