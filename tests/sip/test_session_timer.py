"""Session timers (RFC 4028), trap 12: both directions, both refreshers, both ways to refresh."""

from __future__ import annotations

from typing import Any

import pytest

from sip.message import Request, Response
from sip.session import Session
from sip.session_timer import SessionExpires, SessionTimer, grant, min_se, too_short
from sip.stack import StackConfig
from sip.timers import Timers
from sip.uac import UacSession
from tests.sip.net import ANSWER, OFFER, Bench, Ear, Phone, only, reply, request, response

Headers = tuple[tuple[str, str], ...]
TIMER: Headers = (("Supported", "timer"),)


def message(*headers: tuple[str, str]) -> Request:
    return Request.new("INVITE", "sip:a@b", list(headers))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1800", SessionExpires(1800)),
        ("90;refresher=uac", SessionExpires(90, "uac")),
        (" 90 ; x=y ; Refresher = UAS", SessionExpires(90, "uas")),
        ("90;refresher=me", SessionExpires(90)),
        ("9999999999", SessionExpires(2**32 - 1)),
        ("99999999999", None),
        ("", None),
        ("-1", None),
        ("soon", None),
    ],
)
def test_session_expires_is_read(text: str, value: SessionExpires | None) -> None:
    assert SessionExpires.of(message(("Session-Expires", text))) == value
    assert SessionExpires.of(message(("x", text))) == (value if text else None)
    if value is not None:
        assert SessionExpires.of(message(("Session-Expires", str(value)))) == value


def test_min_se_is_never_below_90() -> None:
    assert min_se(message()) == 90
    assert min_se(message(("Min-SE", "30"))) == 90
    assert min_se(message(("Min-SE", "x"))) == 90
    assert min_se(message(("Min-SE", "300;y"))) == 300


def asks(seconds: int, refresher: str = "", supported: str = "timer", *more: tuple[str, str]) -> Request:
    value = f"{seconds};refresher={refresher}" if refresher else str(seconds)
    return message(("Session-Expires", value), ("Supported", supported), *more)


@pytest.mark.parametrize(
    ("asked", "ours", "granted"),
    [
        (message(), None, None),
        (message(*TIMER), None, SessionExpires(1800, "uac")),
        (message(*TIMER), True, SessionExpires(1800, "uas")),
        (asks(600), None, SessionExpires(600, "uac")),
        (asks(600, "uas"), None, SessionExpires(600, "uas")),
        (asks(600, "uac"), True, SessionExpires(600, "uac")),
        (asks(600), True, SessionExpires(600, "uas")),
        (asks(9000), None, SessionExpires(1800, "uac")),
        (asks(9000, "", "timer", ("Min-SE", "4000")), None, SessionExpires(4000, "uac")),
        (asks(600, "uac", "x"), None, SessionExpires(600, "uas")),
        (asks(20, "", "x"), None, None),
    ],
)
def test_what_is_granted(asked: Request, ours: bool | None, granted: SessionExpires | None) -> None:
    assert grant(asked, usual=1800, shortest=90, ours=ours) == granted


def test_what_is_granted_by_who_does_not_ask_for_it() -> None:
    assert grant(message(*TIMER), usual=0, shortest=90, ours=None) is None
    assert grant(asks(600), usual=0, shortest=90, ours=None) == SessionExpires(600, "uac")


def test_only_who_knows_422_gets_it() -> None:
    assert too_short(asks(89), 90)
    assert not too_short(asks(90), 90)
    assert not too_short(asks(89, "", "x"), 90)
    assert not too_short(message(*TIMER), 90)


# -- who is called -------------------------------------------------------------------------------------


def called(
    headers: Headers, *, config: StackConfig | None = None, allow: str = "INVITE, UPDATE"
) -> tuple[Bench, Phone, Response]:
    bench, phone = Bench(config=config), Phone()
    bench.feed(phone.invite(headers=(*headers, ("Allow", allow))))
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    ok = response(bench.take(), 200)
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=1))
    bench.user.ear.heard.clear()
    return bench, phone, ok


def refreshed(message: Request, *headers: tuple[str, str], body: bytes = b"") -> Response:
    return reply(message, 200, body=body, headers=headers)


def test_too_short_an_interval_is_422_without_any_state() -> None:
    bench, phone = Bench(), Phone()
    invite = phone.invite(headers=(*TIMER, ("Session-Expires", "30")))
    refusal = response(bench.feed(invite), 422)
    assert refusal.get("Min-SE") == "90"
    assert bench.stack.session_count == bench.stack.transaction_count == 0


def test_a_call_for_help_is_never_422() -> None:
    bench, phone = Bench(), Phone()
    bench.user.help = True
    bench.feed(phone.invite(headers=(*TIMER, ("Session-Expires", "30"))))
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    assert response(bench.take(), 200).get("Session-Expires") is None


def test_nobody_who_does_not_know_timers_gets_one() -> None:
    _, _, ok = called(())
    assert ok.get("Session-Expires") is None
    assert ok.get("Require") is None


def test_the_far_end_refreshes_and_is_given_up_before_the_interval_ends() -> None:
    bench, phone, ok = called((*TIMER, ("Session-Expires", "300")))
    assert ok.get("Session-Expires") == "300;refresher=uac"
    assert ok.get("Require") == "timer"
    assert bench.wait(250) == []
    update = phone.request("UPDATE", to_tag=ok.to_tag, headers=(*TIMER, ("Session-Expires", "300")))
    assert response(bench.feed(update), 200).get("Session-Expires") == "300;refresher=uac"
    assert bench.user.ear.heard == []
    assert bench.wait(267.9) == []
    assert request(bench.wait(0.2), "BYE")
    assert bench.user.ear.value("ended") == ("timeout", 408, True)
    assert bench.drained()


def test_a_third_of_a_short_interval_is_the_margin() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "90")))
    assert bench.wait(59.9) == []
    assert request(bench.wait(0.2), "BYE")


def test_a_refresh_that_says_the_same_again_is_answered_at_once() -> None:
    bench, phone, ok = called((*TIMER, ("Session-Expires", "300")))
    again = phone.invite(to_tag=ok.to_tag, headers=(*TIMER, ("Session-Expires", "300")))
    answer = only(bench.feed(again))
    assert (answer.body, answer.get("Session-Expires")) == (ANSWER, "300;refresher=uac")
    assert bench.user.ear.heard == []
    bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=again.cseq_number))
    # What is no refresh, or changes something, is the owner's to answer.
    bench.feed(phone.invite(to_tag=ok.to_tag, body=ANSWER, headers=(*TIMER, ("Session-Expires", "300"))))
    assert bench.user.ear.names == ["acked", "offered"]


def test_a_refresh_too_short_is_422_and_the_session_goes_on() -> None:
    bench, phone, ok = called((*TIMER, ("Session-Expires", "300")))
    for method, body in (("UPDATE", b""), ("INVITE", OFFER)):
        short = phone.request(
            method, to_tag=ok.to_tag, body=body, headers=(*TIMER, ("Session-Expires", "60"))
        )
        assert response(bench.feed(short), 422).get("Min-SE") == "90"
    assert bench.user.ear.heard == []


def test_we_refresh_by_update_at_half_the_interval_and_change_nothing() -> None:
    bench, _, ok = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    assert ok.get("Require") is None
    for _ in range(3):
        assert bench.wait(149.9) == []
        update = request(bench.wait(0.2), "UPDATE")
        assert update.get("Session-Expires") == "300;refresher=uac"
        assert update.body == b""
        bench.feed(refreshed(update, ("Session-Expires", "300;refresher=uac")))
    assert bench.user.ear.heard == []


def test_who_does_not_know_update_is_refreshed_by_the_same_description() -> None:
    bench, _, ok = called((*TIMER, ("Session-Expires", "300;refresher=uas")), allow="INVITE, BYE")
    invite = request(bench.wait(150.1), "INVITE")
    assert (invite.body, invite.get("Session-Expires")) == (ANSWER, "300;refresher=uac")
    ack = request(bench.feed(refreshed(invite, ("Session-Expires", "300;refresher=uac"), body=OFFER)), "ACK")
    assert ack.cseq_number == invite.cseq_number
    assert bench.user.ear.heard == []
    assert request(bench.wait(150.1), "INVITE")
    del ok


@pytest.mark.parametrize("status", [405, 501])
def test_who_refuses_update_is_refreshed_by_invite(status: int) -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    update = request(bench.wait(150.1), "UPDATE")
    bench.feed(update.respond(status))
    assert request(bench.wait(10.1), "INVITE").body == ANSWER


def test_a_refresh_the_far_end_is_too_busy_for_is_tried_again_until_the_end() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    seen = 0
    update = request(bench.wait(150.1), "UPDATE")
    while True:
        bench.feed(update.respond(500))
        messages = bench.wait(10.1)
        if not messages or messages[0].start_line.startswith("BYE"):
            break
        update, seen = request(messages, "UPDATE"), seen + 1
    assert seen == 11
    assert bench.user.ear.value("ended") == ("timeout", 408, True)


def test_a_refresh_to_nobody_ends_the_session() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    bench.feed(request(bench.wait(150.1), "UPDATE").respond(481))
    assert bench.user.ear.value("ended") == ("timeout", 481, True)
    assert bench.drained()


def test_a_refresh_refused_for_its_interval_goes_again_with_a_longer_one() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    update = request(bench.wait(150.1), "UPDATE")
    again = request(bench.feed(update.respond(422, headers=[("Min-SE", "400")])), "UPDATE")
    assert (again.get("Session-Expires"), again.get("Min-SE")) == ("400;refresher=uac", "400")
    # One that asks for no more than it was offered would go round for ever.
    assert bench.feed(again.respond(422, headers=[("Min-SE", "400")])) == []


def test_a_far_end_that_no_longer_wants_a_timer_has_none() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")))
    bench.feed(refreshed(request(bench.wait(150.1), "UPDATE")))
    assert bench.wait(5000) == []
    assert bench.user.sessions[0].state == "confirmed"


def test_a_change_of_the_owner_waits_for_a_refresh_and_is_told_alone() -> None:
    bench, _, _ = called((*TIMER, ("Session-Expires", "300;refresher=uas")), allow="INVITE")
    refresh = request(bench.wait(150.1), "INVITE")
    session: Session = bench.user.sessions[0]
    session.reoffer(OFFER, bench.now)
    assert bench.take() == []
    messages = bench.feed(refreshed(refresh, ("Session-Expires", "300;refresher=uac"), body=OFFER))
    change = request(messages, "INVITE")
    assert (change.body, change.get("Session-Expires")) == (OFFER, "300;refresher=uac")
    bench.feed(refreshed(change, ("Session-Expires", "300;refresher=uac"), body=ANSWER))
    assert bench.user.ear.heard == [("reoffered", ANSWER)]
    assert request(bench.wait(150.1), "INVITE").body == OFFER  # the newest description that stands


# -- who calls -----------------------------------------------------------------------------------------


def calling(**config: Any) -> tuple[Bench, Ear, UacSession, Request]:
    bench, ear = Bench(config=StackConfig(**config)), Ear()
    session = bench.stack.invite(
        "sip:102@192.0.2.9:5062",
        bench.flow,
        caller="<sip:101@192.0.2.1>",
        callee="<sip:102@192.0.2.1>",
        offer=OFFER,
        listener=ear,
        now=bench.now,
        credentials=lambda *_: "Digest x",
    )
    return bench, ear, session, request(bench.take(), "INVITE")


def test_the_invite_asks_and_the_answer_decides() -> None:
    for value, refresher in (("1800;refresher=uac", True), ("1800;refresher=uas", False), ("1800", True)):
        bench, ear, _, invite = calling()
        assert invite.get("Session-Expires") == "1800"
        assert "timer" in invite.values("Supported")
        headers = (("Session-Expires", value), ("Allow", "UPDATE"))
        bench.feed(reply(invite, 200, body=ANSWER, headers=headers))
        sent = bench.wait(900.1)
        assert bool(sent) == refresher
        if not refresher:
            assert bench.wait(867.8) == []
            assert request(bench.wait(0.2), "BYE")
            assert ear.value("ended") == ("timeout", 408, True)


def test_without_a_word_of_it_in_the_answer_there_is_no_timer() -> None:
    bench, _, session, invite = calling()
    bench.feed(reply(invite, 200, body=ANSWER))
    assert bench.wait(10000) == []
    assert session.state == "confirmed"


def test_a_site_that_wants_none_asks_for_none() -> None:
    _, _, _, invite = calling(session_seconds=0)
    assert invite.get("Session-Expires") is None
    assert "timer" in invite.values("Supported")


def test_a_422_is_obeyed_once_and_a_challenge_answered_before_and_after() -> None:
    challenge = (("WWW-Authenticate", 'Digest realm="x", nonce="y"'),)
    short = (("Min-SE", "900"),)
    bench, ear, _, invite = calling(session_seconds=600)
    second = request(bench.feed(reply(invite, 401, headers=challenge)), "INVITE")
    third = request(bench.feed(reply(second, 422, headers=short)), "INVITE")
    assert (third.get("Session-Expires"), third.get("Min-SE")) == ("900", "900")
    fourth = request(bench.feed(reply(third, 401, headers=challenge)), "INVITE")
    assert (fourth.get("Authorization"), fourth.cseq_number) == ("Digest x", 4)
    assert only(bench.feed(reply(fourth, 422, headers=short))).start_line.startswith("ACK")
    assert ear.value("ended") == ("rejected", 422, True)
    assert bench.drained()


def test_one_more_try_leaves_no_earlier_one_behind() -> None:
    """A change of ours may begin the interval anew while a refresh is on its way that then fails."""
    timers = Timers()
    timer = SessionTimer(timers, lambda _: None, lambda _: None)
    timer.start(1800, 0.0, ours=True)
    timer.again(1.0)
    timer.stop()
    assert len(timers) == 0
