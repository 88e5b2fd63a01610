"""Extensions that accept less than the listener offers: it holds on every way in, and nobody can see it."""

import os
import re
from dataclasses import replace
from itertools import count

import pytest

from firmware.lines.guesses import BURST
from firmware.lines.sip_endpoint import SipSettings
from sip.digest import DigestClient
from sip.message import Request, Response, parse
from tests.firmware.lines.house import SECRET, House
from tests.support.virtual_time import VirtualTimeLoop, run

PHONE = ("192.168.1.77", 5070)
_cseq = count(1)


def register(user: str, credentials: str = "") -> Request:
    """Return a REGISTER that differs from the last one only in what a refresh changes."""
    unique, number = os.urandom(6).hex(), next(_cseq)
    request = Request.new(
        "REGISTER",
        "sip:box.invalid",
        [
            ("Via", f"SIP/2.0/UDP 192.168.1.77:5070;branch=z9hG4bK{unique};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{user}@box.invalid>;tag={unique}"),
            ("To", f"<sip:{user}@box.invalid>"),
            ("Call-ID", f"the-phone-of-{user}"),
            ("CSeq", f"{number} REGISTER"),
            ("Contact", f"<sip:{user}@192.168.1.77:5070>"),
        ],
    )
    if credentials:
        request.add("Authorization", credentials)
    return request


def ask(house: House, user: str, secret: str, algorithm: str) -> str:
    """Register, answering the challenge of one algorithm; return the last answer."""
    [challenge] = house.feed(register(user), PHONE)
    kept = re.sub(rf"WWW-Authenticate:(?![^\r]*algorithm={algorithm},)[^\r]*\r\n", "", challenge)
    response, asked = parse(kept.encode()), register(user)
    assert isinstance(response, Response)
    _, credentials = DigestClient(user, secret, os.urandom).answer(response, asked)
    assert f"algorithm={algorithm}" in credentials
    [answer] = house.feed(register(user, credentials), PHONE)
    return answer


def blank(answer: str) -> str:
    """Return an answer without who it is for and without random words."""
    return re.sub(
        r"[0-9a-f]{12,}", "#", re.sub(r"\b(101|102|777)\b", "who", re.sub(r"CSeq: \d+", "", answer))
    )


def narrow(house: House, *algorithms: str) -> None:
    """Let 101 prove who they are with these alone."""
    everybody = house.kept.extensions.all
    everybody["id-101"] = replace(everybody["id-101"], digest=algorithms)
    house.line.extension_changed("id-101")


def house_of(*algorithms: str) -> House:
    return House(settings=SipSettings(algorithms=algorithms))


def test_an_extension_accepts_only_what_it_names() -> None:
    async def scene() -> None:
        house = house_of("SHA-256", "MD5")
        narrow(house, "SHA-256", "SHA-512-256")
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 401")
        assert house.line.phones("id-101") == []
        assert ask(house, "101", f"{SECRET} 101", "SHA-256").startswith("SIP/2.0 200")
        assert ask(house, "102", f"{SECRET} 102", "MD5").startswith("SIP/2.0 200")
        narrow(house)
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 200")
        house.line.close()

    run(scene(), VirtualTimeLoop())


def test_too_weak_is_answered_and_counted_as_a_wrong_secret_and_nobody_learns_who_exists() -> None:
    async def scene() -> None:
        house = house_of("SHA-256", "MD5")
        narrow(house, "SHA-256")
        challenges = {blank(house.feed(register(user), PHONE)[0]) for user in ("101", "102", "777")}
        assert len(challenges) == 1
        assert "algorithm=MD5" in challenges.pop()
        weak = ask(house, "101", f"{SECRET} 101", "MD5")
        assert house.line.counters["gate: wrong secret"] == 1
        wrong = ask(house, "102", "wrong", "MD5")
        nobody = ask(house, "777", f"{SECRET} 777", "MD5")
        assert blank(weak) == blank(wrong) == blank(nobody)
        assert "stale" not in weak
        house.line.close()

    run(scene(), VirtualTimeLoop())


def test_weak_answers_again_and_again_are_slowed_down() -> None:
    async def scene() -> None:
        house = house_of("SHA-256", "MD5")
        narrow(house, "SHA-256")
        for _ in range(BURST + 10):
            ask(house, "101", f"{SECRET} 101", "MD5")
        assert house.line.counters["gate: wrong secret"] == BURST
        assert house.line.counters["gate: slowed down"] == 10
        house.line.close()

    run(scene(), VirtualTimeLoop())


def test_a_refresh_that_is_not_read_again_is_held_to_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        house = house_of("SHA-256", "MD5")
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 200")
        assert len(house.line.stack._refreshes) == 1
        read: list[object] = []
        monkeypatch.setattr(house.line.stack, "_on_request", lambda *about: read.append(about))
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 200")
        narrow(house, "SHA-256")
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 401")
        assert ask(house, "101", f"{SECRET} 101", "SHA-256").startswith("SIP/2.0 200")
        assert read == []
        house.line.close()

    run(scene(), VirtualTimeLoop())


def test_an_extension_that_accepts_nothing_offered_is_shut_out_and_nothing_else() -> None:
    async def scene() -> None:
        house = house_of("MD5")
        narrow(house, "SHA-256")
        assert ask(house, "101", f"{SECRET} 101", "MD5").startswith("SIP/2.0 401")
        assert ask(house, "102", f"{SECRET} 102", "MD5").startswith("SIP/2.0 200")
        house.line.close()

    run(scene(), VirtualTimeLoop())
