"""Reliable provisional answers, both directions (RFC 3262)."""

from __future__ import annotations

import pytest

from sip.errors import LocalError
from sip.message import Request, Response
from sip.reliable import RAck, rseq_of
from sip.uac import UacSession
from sip.uas import UasSession
from tests.sip.net import ANSWER, OFFER, Bench, Ear, Phone, only, reply, request, response

SUPPORTED = (("Supported", "timer, 100rel"),)
REQUIRED = (("Require", "100REL"),)
OTHER = ANSWER.replace(b"5000", b"6000")


def asked(
    headers: tuple[tuple[str, str], ...], body: bytes = OFFER
) -> tuple[Bench, Phone, Request, UasSession]:
    bench, phone = Bench(), Phone()
    invite = phone.invite(headers=headers, body=body)
    bench.feed(invite)
    return bench, phone, invite, bench.user.sessions[0]


def prack(
    phone: Phone, invite: Request, provisional: Response, body: bytes = b"", rseq: int | None = None
) -> Request:
    number = rseq_of(provisional) if rseq is None else rseq
    rack = (("RAck", f"{number} {invite.cseq_number} INVITE"),)
    return phone.request("PRACK", to_tag=provisional.to_tag, headers=rack, body=body)


# -- who is called -------------------------------------------------------------------------------------


def test_who_does_not_know_it_gets_none() -> None:
    bench, _, _, session = asked(())
    session.ring(bench.now, 183, ANSWER)
    progress = response(bench.take(), 183)
    assert progress.get("RSeq") is None
    assert progress.get("Require") is None
    assert session.settled is None


def test_it_is_used_where_it_is_required_or_protects_early_media() -> None:
    bench, phone, invite, session = asked(SUPPORTED)
    session.ring(bench.now)
    assert response(bench.take(), 180).get("RSeq") is None
    session.ring(bench.now, 183, ANSWER)
    assert response(bench.take(), 183).get("Require") == "100rel"
    bench, phone, invite, session = asked(REQUIRED)
    session.ring(bench.now)
    ringing = response(bench.take(), 180)
    assert ringing.get("Require") == "100rel"
    assert response(bench.feed(prack(phone, invite, ringing)), 200).cseq_method == "PRACK"


def test_it_repeats_doubling_until_its_prack_on_tcp_too() -> None:
    bench, phone, invite, session = asked(REQUIRED)
    session.ring(bench.now)
    ringing = response(bench.take(), 180)
    begin, repeats = bench.now, []
    while bench.now < begin + 16:
        for message in bench.wait(0.25):
            assert bytes(message) == bytes(ringing)
            repeats.append(bench.now - begin)
    assert repeats == [0.5, 1.5, 3.5, 7.5, 15.5]
    bench.feed(prack(phone, invite, ringing))
    assert bench.wait(40) == []
    session.accept(ANSWER, bench.now)
    assert response(bench.take(), 200).body == ANSWER


def test_without_prack_the_call_is_refused_after_64_t1() -> None:
    bench, _, _, session = asked(REQUIRED)
    session.ring(bench.now)
    bench.wait(31.9)
    assert session.state == "early"
    assert response(bench.wait(0.2), 504)
    assert bench.user.ear.value("ended") == ("timeout", 408, True)
    assert bench.drained()


def test_one_is_outstanding_and_numbers_grow_by_one() -> None:
    bench, phone, invite, session = asked(REQUIRED)
    session.ring(bench.now)
    session.ring(bench.now, 183, ANSWER)
    session.ring(bench.now, 182)
    first = response(bench.take(), 180)
    messages = bench.feed(prack(phone, invite, first))
    second = response(messages, 183)
    assert rseq_of(second) == (rseq_of(first) or 0) + 1
    third = response(bench.feed(prack(phone, invite, second)), 182)
    assert rseq_of(third) == (rseq_of(first) or 0) + 2
    bench.feed(prack(phone, invite, third))
    session.hangup(bench.now)
    assert bench.user.ear.names == ["ended"]


def test_what_may_wait_for_a_prack_is_bounded() -> None:
    bench, _, _, session = asked(REQUIRED)
    for _ in range(40):
        session.ring(bench.now)
    assert bench.stack.counters["too many provisional answers"] == 31


def test_a_prack_of_nothing_is_481_and_one_that_cannot_be_read_400() -> None:
    bench, phone, invite, session = asked(REQUIRED)
    session.ring(bench.now)
    ringing = response(bench.take(), 180)
    assert response(bench.feed(prack(phone, invite, ringing, rseq=7)), 481)
    bad = phone.request("PRACK", to_tag=session.tag, headers=(("RAck", "1 INVITE"),))
    assert response(bench.feed(bad), 400)
    assert response(bench.feed(prack(phone, invite, ringing)), 200)
    assert response(bench.feed(prack(phone, invite, ringing)), 481)


def test_the_2xx_waits_for_the_prack_of_a_description_and_says_nothing_new() -> None:
    """Trap 6."""
    bench, phone, invite, session = asked(SUPPORTED)
    session.ring(bench.now, 183, ANSWER)
    progress = response(bench.take(), 183)
    session.accept(OTHER, bench.now)
    session.ring(bench.now)
    assert bench.take() == []
    assert session.answering
    messages = bench.feed(prack(phone, invite, progress))
    assert [(m.start_line.split()[1], m.cseq_method) for m in messages] == [
        ("200", "PRACK"),
        ("200", "INVITE"),
    ]
    assert messages[1].body == b""
    assert session.settled == ANSWER
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=invite.cseq_number))
    assert bench.user.ear.heard == [("acked", None)]


def test_the_2xx_does_not_wait_for_a_ringing_without_description() -> None:
    bench, phone, invite, session = asked(REQUIRED)
    session.ring(bench.now)
    ringing = response(bench.take(), 180)
    session.accept(ANSWER, bench.now)
    assert response(bench.take(), 200).body == ANSWER
    # The PRACK that crossed it is answered all the same.
    assert response(bench.feed(prack(phone, invite, ringing)), 200).cseq_method == "PRACK"
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=invite.cseq_number))
    assert bench.wait(40) == []


def test_while_the_2xx_waits_the_caller_may_cancel_and_we_may_hang_up() -> None:
    for leave in ("cancel", "hangup"):
        bench, phone, invite, session = asked(SUPPORTED)
        session.ring(bench.now, 183, ANSWER)
        session.accept(ANSWER, bench.now)
        bench.take()
        if leave == "cancel":
            messages = bench.feed(phone.same_branch("CANCEL", invite))
        else:
            session.hangup(bench.now, 487)
            messages = bench.take()
        assert response([m for m in messages if m.cseq_method == "INVITE"], 487)
        assert bench.user.ear.names == ["ended"]
        assert bench.drained()


def test_an_offer_of_ours_in_a_reliable_answer_is_answered_in_prack() -> None:
    bench, phone, invite, session = asked(SUPPORTED, body=b"")
    session.ring(bench.now, 183, OFFER)
    progress = response(bench.take(), 183)
    assert progress.body == OFFER
    session.accept(OFFER, bench.now)
    bench.feed(prack(phone, invite, progress, ANSWER))
    assert bench.user.ear.heard == [("pracked", ANSWER)]
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=invite.cseq_number))
    assert bench.user.ear.heard[1:] == [("acked", None)]
    assert session.state == "confirmed"


def test_a_prack_that_owes_an_answer_and_has_none_ends_the_call() -> None:
    bench, phone, invite, session = asked(SUPPORTED, body=b"")
    session.ring(bench.now, 183, OFFER)
    messages = bench.feed(prack(phone, invite, response(bench.take(), 183)))
    assert [m.cseq_method for m in messages] == ["PRACK", "INVITE"]
    assert bench.user.ear.value("ended") == ("protocol", 400, True)


def test_without_an_offer_nothing_reliable_is_said_before_there_is_one() -> None:
    bench, _, _, session = asked(REQUIRED, body=b"")
    session.ring(bench.now)
    assert bench.take() == []


def test_a_further_offer_in_prack_is_refused_but_acknowledges() -> None:
    bench, phone, invite, session = asked(SUPPORTED)
    session.ring(bench.now, 183, ANSWER)
    progress = response(bench.take(), 183)
    assert response(bench.feed(prack(phone, invite, progress, OFFER)), 488)
    assert bench.wait(20) == []
    assert session.state == "early"


# -- who calls -----------------------------------------------------------------------------------------


def calling(offer: bytes | None = OFFER, *, reliable: bool = True) -> tuple[Bench, Ear, UacSession, Request]:
    bench, ear = Bench(), Ear()
    session = bench.stack.invite(
        "sip:102@192.0.2.9:5062",
        bench.flow,
        caller="<sip:101@192.0.2.1>",
        callee="<sip:102@192.0.2.1>",
        offer=offer,
        listener=ear,
        now=bench.now,
        credentials=lambda *_: "Digest x",
        reliable=reliable,
    )
    return bench, ear, session, request(bench.take(), "INVITE")


def rel(invite: Request, rseq: int | str, status: int = 183, tag: str = "far", body: bytes = b"") -> Response:
    return reply(invite, status, tag, body, headers=(("Require", "100rel"), ("RSeq", str(rseq))))


def test_every_reliable_answer_gets_its_prack_in_order_and_once() -> None:
    bench, ear, _, invite = calling()
    assert "100rel" in invite.values("Supported")
    first = request(bench.feed(rel(invite, 7, 180)), "PRACK")
    assert (first.get("RAck"), first.cseq_number, first.to_tag) == ("7 1 INVITE", 2, "far")
    assert first.uri == "sip:102@192.0.2.9:5062"
    bench.feed(first.respond(200))
    assert bench.feed(rel(invite, 7, 180)) == []
    assert bench.feed(rel(invite, 9)) == []
    second = request(bench.feed(rel(invite, 8, body=ANSWER)), "PRACK")
    assert (second.get("RAck"), second.cseq_number) == ("8 1 INVITE", 3)
    bench.feed(second.respond(200))
    assert ear.heard == [("progress", 180), ("progress", 183)]
    assert bench.stack.counters["1xx out of order"] == 2


@pytest.mark.parametrize("rseq", ["", "0", "x", "-1", "99999999999", "4294967296"])
def test_a_number_that_cannot_be_is_no_promise(rseq: str) -> None:
    bench, ear, _, invite = calling()
    assert bench.feed(rel(invite, rseq)) == []
    assert ear.heard == [("progress", 183)]


def test_a_description_that_came_for_certain_is_the_one() -> None:
    """Trap 11: a 2xx may leave it out, or repeat another one, which does not count."""
    for body in (b"", OTHER):
        bench, ear, session, invite = calling()
        bench.feed(request(bench.feed(rel(invite, 1, body=ANSWER)), "PRACK").respond(200))
        ack = request(bench.feed(reply(invite, 200, body=body)), "ACK")
        assert ack.cseq_number == 1
        assert ear.value("answered") == ANSWER
        session.hangup(bench.now)
        assert request(bench.take(), "BYE").cseq_number == 3


def test_another_fork_that_answers_brings_its_own_description() -> None:
    bench, ear, _, invite = calling()
    bench.feed(request(bench.feed(rel(invite, 1, body=ANSWER, tag="one")), "PRACK").respond(200))
    bench.feed(request(bench.feed(rel(invite, 77, body=OTHER, tag="two")), "PRACK").respond(200))
    bench.feed(reply(invite, 200, "three", OFFER))
    assert ear.value("answered") == OFFER
    messages = bench.feed(reply(invite, 200, "one", ANSWER))
    assert request(messages, "BYE").cseq_number == 3  # 1 was the INVITE, 2 its PRACK


def test_early_forks_are_bounded() -> None:
    bench, ear, _, invite = calling()
    for number in range(30):
        bench.feed(rel(invite, 1, tag=f"fork{number}"))
    assert bench.stack.counters["too many forks"] == 18
    assert len(ear.heard) == 12


def test_a_challenged_prack_goes_again_with_credentials() -> None:
    bench, _, _, invite = calling()
    first = request(bench.feed(rel(invite, 1)), "PRACK")
    challenge = first.respond(401, headers=[("WWW-Authenticate", 'Digest realm="x", nonce="y"')])
    again = request(bench.feed(challenge), "PRACK")
    assert again.get("Authorization") == "Digest x"
    assert (again.get("RAck"), again.cseq_number) == ("1 1 INVITE", 3)


def test_an_offer_in_a_reliable_answer_is_answered_in_prack_and_the_ack_says_nothing() -> None:
    """Trap 6, the other way round."""
    bench, ear, session, invite = calling(None)
    assert bench.feed(rel(invite, 1, body=OFFER)) == []
    assert session.owes_prack
    session.prack(ANSWER, bench.now)
    sent = request(bench.take(), "PRACK")
    assert sent.body == ANSWER
    bench.feed(sent.respond(200))
    ack = request(bench.feed(reply(invite, 200)), "ACK")
    assert ack.body == b""
    assert ear.heard == [("progress", 183), ("answered", None)]
    with pytest.raises(LocalError):
        session.prack(ANSWER, bench.now)


def test_who_cannot_answer_before_the_call_is_taken_does_not_say_it_could() -> None:
    bench, ear, _, invite = calling(None, reliable=False)
    assert "100rel" not in invite.values("Supported")
    assert bench.feed(rel(invite, 1, body=OFFER)) == []
    bench.feed(reply(invite, 200, body=OFFER))
    assert ear.value("answered") == OFFER


def test_an_update_within_an_early_dialog_is_served_and_a_bye_is_not() -> None:
    bench, _, session, invite = calling()
    bench.feed(request(bench.feed(rel(invite, 1, body=ANSWER)), "PRACK").respond(200))
    phone = Phone()
    phone.call_id, phone.tag = session.call_id, "far"
    update = phone.request("UPDATE", to_tag=invite.from_tag)
    assert response(bench.feed(update), 200).get("Contact")
    offer = phone.request("UPDATE", to_tag=invite.from_tag, body=OFFER)
    assert response(bench.feed(offer), 500).get("Retry-After")
    assert response(bench.feed(phone.request("UPDATE", to_tag=invite.from_tag, cseq=1)), 500)
    assert response(bench.feed(phone.request("BYE", to_tag=invite.from_tag)), 481)
    assert only(bench.feed(reply(invite, 200))).start_line.startswith("ACK")
    assert session.state == "confirmed"


def test_rack_is_read_as_it_is_written() -> None:
    value = RAck(2**32 - 1, 7, "INVITE")
    message = Request.new("PRACK", "sip:a@b", [("RAck", str(value))])
    assert RAck.of(message) == value
    for bad in ("", "1", "a 1 INVITE", "1 b INVITE", "1 2 3 4", "4294967296 1 INVITE"):
        assert RAck.of(Request.new("PRACK", "sip:a@b", [("RAck", bad)])) is None
