"""REFER and Replaces (RFC 3515, 4488, 3891): traps 13 and 14."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import BadMessage
from sip.message import Request, Response
from sip.session import Session
from sip.transfer import Referral, ReferTo, Replaces
from sip.uas import UasSession
from tests.sip.net import ANSWER, OFFER, Bench, Phone, only, reply, request, response

TO = (("Refer-To", "<sip:103@192.0.2.1>"),)


def talking() -> tuple[Bench, Phone, UasSession]:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=1))
    bench.user.ear.heard.clear()
    bench.user.ear.react = lambda what, _, value: (
        value.accept(bench.now) if isinstance(value, Referral) else None
    )
    return bench, phone, session


def refer(phone: Phone, session: UasSession, *headers: tuple[str, str]) -> Request:
    return phone.request("REFER", to_tag=session.tag, headers=headers or TO)


def referral_of(bench: Bench) -> Referral:
    value = bench.user.ear.value("referred")
    assert isinstance(value, Referral)
    return value


def told(notify: Request) -> tuple[str | None, str | None, bytes]:
    return notify.get("Event"), notify.get("Subscription-State"), notify.body


def test_a_transfer_is_accepted_notified_at_once_and_told_its_end() -> None:
    bench, phone, session = talking()
    messages = bench.feed(refer(phone, session))
    assert response(messages, 202).get("Contact")
    first = request(messages, "NOTIFY")
    assert told(first) == ("refer", "active;expires=300", b"SIP/2.0 100 Trying\r\n")
    assert first.content_type == "message/sipfrag"
    assert first.get("Contact")
    bench.feed(first.respond(200))
    referral = referral_of(bench)
    assert str(referral.target) == "sip:103@192.0.2.1"
    referral.notify(180, bench.now)
    bench.feed(request(bench.take(), "NOTIFY").respond(200))
    referral.notify(200, bench.now)
    last = request(bench.take(), "NOTIFY")
    assert told(last) == ("refer", "terminated;reason=noresource", b"SIP/2.0 200 OK\r\n")
    referral.notify(486, bench.now)
    assert bench.take() == []
    assert session.state == "confirmed"


def test_a_second_transfer_has_an_id() -> None:
    bench, phone, session = talking()
    bench.feed(refer(phone, session))
    second = refer(phone, session)
    notify = request(bench.feed(second), "NOTIFY")
    assert notify.get("Event") == f"refer;id={second.cseq_number}"


def test_who_wants_no_subscription_gets_none() -> None:
    bench, phone, session = talking()
    headers = (*TO, ("Refer-Sub", "false"), ("Require", "norefersub"))
    accepted = only(bench.feed(refer(phone, session, *headers)))
    assert isinstance(accepted, Response)
    assert (accepted.status, accepted.get("Refer-Sub")) == (202, "false")
    referral_of(bench).notify(200, bench.now)
    assert bench.take() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("X", "y"),), 400),
        ((*TO, *TO), 400),
        ((("Refer-To", "<nonsense>"),), 400),
        ((("Refer-To", "<tel:103>"),), 416),
        ((("Refer-To", "<sip:103@h;method=BYE>"),), 400),
        ((("Refer-To", "<sip:103@h?Replaces=x>"),), 400),
        ((("Refer-To", "<sip:103@h?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&replaces=b>"),), 400),
    ],
)
def test_what_cannot_be_transferred_to(headers: tuple[tuple[str, str], ...], status: int) -> None:
    bench, phone, session = talking()
    assert response(bench.feed(refer(phone, session, *headers)), status)
    assert bench.user.ear.heard == []


def test_refer_to_carries_the_dialog_to_replace_percent_encoded() -> None:
    bench, phone, session = talking()
    uri = "<sip:103@192.0.2.1?Replaces=abc%40h%3Bto-tag%3D7%3Bfrom-tag%3Dx.1>"
    bench.feed(refer(phone, session, ("Refer-To", uri)))
    assert referral_of(bench).replaces == Replaces("abc@h", "7", "x.1")


def test_nobody_who_listens_declines() -> None:
    bench, phone, session = talking()
    bench.user.ear.react = None
    assert only(bench.feed(refer(phone, session))).start_line == "SIP/2.0 603 Decline"
    bench.user.ear.react = lambda what, _, value: value.refuse(403) if isinstance(value, Referral) else None
    assert only(bench.feed(refer(phone, session))).start_line == "SIP/2.0 403 Forbidden"
    referral_of(bench).accept(bench.now)
    assert bench.take() == []


def test_before_the_answer_there_is_nothing_to_transfer() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    assert response(bench.feed(refer(phone, session)), 603)


def test_the_far_end_may_hang_up_and_is_told_all_the_same_until_it_says_no() -> None:
    bench, phone, session = talking()
    bench.feed(request(bench.feed(refer(phone, session)), "NOTIFY").respond(200))
    bench.feed(phone.request("BYE", to_tag=session.tag))
    referral = referral_of(bench)
    referral.notify(180, bench.now)
    bench.feed(request(bench.take(), "NOTIFY").respond(481))
    referral.notify(200, bench.now)
    assert bench.take() == []
    assert bench.drained()


def test_a_notify_does_not_hinder_a_change() -> None:
    bench, phone, session = talking()
    bench.feed(refer(phone, session))
    session.reoffer(OFFER, bench.now)
    assert request(bench.take(), "INVITE")


# -- Replaces ------------------------------------------------------------------------------------------


def test_an_invite_takes_the_place_of_a_session() -> None:
    bench, phone, session = talking()
    value = f"{session.call_id};from-tag={phone.tag};to-tag={session.tag}"
    bench.feed(Phone().invite(headers=(("Replaces", value), ("Require", "replaces"))))
    assert bench.user.sessions[1].replaces is session
    bench.user.sessions[1].reject(486, bench.now)
    assert bench.user.sessions[1].replaces is None


def test_what_cannot_be_replaced() -> None:
    bench, phone, session = talking()
    good = f"{session.call_id};from-tag={phone.tag};to-tag={session.tag}"
    swapped = f"{session.call_id};to-tag={phone.tag};from-tag={session.tag}"

    def attempt(*values: str) -> int:
        answer = only(bench.feed(Phone().invite(headers=tuple(("Replaces", value) for value in values))))
        assert isinstance(answer, Response)
        return answer.status

    assert attempt(swapped) == 481
    assert attempt(f"x{good}") == 481
    assert attempt(f"{good};early-only") == 486
    assert attempt(good, good) == 400
    assert attempt("nonsense") == 400
    session.hangup(bench.now)
    bench.take()
    assert attempt(good) == 603
    assert len(bench.user.sessions) == 1


def test_a_session_that_rings_is_not_replaced_and_help_is_never_refused_for_it() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    session: Session = bench.user.sessions[0]
    value = f"{session.call_id};from-tag={phone.tag};to-tag={bench.user.sessions[0].tag}"
    assert response(bench.feed(Phone().invite(headers=(("Replaces", value),))), 481)
    bench.user.help = True
    bench.feed(Phone().invite(headers=(("Replaces", "nonsense"),)))
    assert bench.user.sessions[1].replaces is None


TOKEN = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=20)


@given(TOKEN, TOKEN, TOKEN, st.booleans())
def test_replaces_is_read_as_it_is_written(call_id: str, to_tag: str, from_tag: str, early: bool) -> None:
    value = Replaces(f"{call_id}@host", to_tag, from_tag, early)
    assert Replaces.parse(str(value)) == value


@given(st.text(max_size=60))
def test_nothing_but_bad_message_leaves_the_reading(text: str) -> None:
    with contextlib.suppress(BadMessage):
        Replaces.parse(text)
    value = ReferTo.of(Request.new("REFER", "sip:a@b", [("Refer-To", "".join(text.splitlines()))]))
    assert isinstance(value, int | ReferTo)


# -- a re-INVITE without an offer ----------------------------------------------------------------------


def test_the_far_end_is_asked_for_an_offer_and_answered_in_the_ack() -> None:
    bench, _, session = talking()
    session.reoffer(None, bench.now)
    invite = request(bench.take(), "INVITE")
    assert invite.body == b""
    assert invite.content_type == ""
    assert bench.feed(reply(invite, 200, body=OFFER)) == []
    assert bench.user.ear.heard == [("reoffered", OFFER)]
    session.ack(ANSWER, bench.now)
    ack = request(bench.take(), "ACK")
    assert (ack.body, ack.cseq_number) == (ANSWER, invite.cseq_number)
    assert session.said == ANSWER
    assert bytes(only(bench.feed(reply(invite, 200, body=OFFER)))) == bytes(ack)


def test_an_offer_that_does_not_come_is_a_refusal_and_one_not_answered_is_acknowledged() -> None:
    bench, phone, session = talking()
    session.reoffer(None, bench.now)
    assert request(bench.feed(reply(request(bench.take(), "INVITE"), 200)), "ACK").body == b""
    assert bench.user.ear.heard == [("refused", 488)]
    session.reoffer(None, bench.now)
    bench.feed(reply(request(bench.take(), "INVITE"), 200, body=OFFER))
    messages = bench.feed(phone.request("BYE", to_tag=session.tag))
    assert request(messages, "ACK").body == b""
    assert bench.drained()
