from __future__ import annotations

import pytest

from sip.errors import LocalError
from sip.message import Request, Response
from sip.uac import UacSession
from tests.sip.net import ANSWER, OFFER, Bench, Ear, Phone, only, reply, request, response

BYE = "BYE sip:102@192.0.2.9:5062 SIP/2.0"


def calling(
    transport: str = "UDP", *, offer: bytes | None = OFFER, password: bool = False
) -> tuple[Bench, Ear, UacSession, Request]:
    bench, ear = Bench(transport), Ear()

    def credentials(response: Response, request: Request) -> str | None:
        assert response.get("WWW-Authenticate") or response.get("Proxy-Authenticate")
        return f'Digest username="box", nc={request.cseq_number}'

    session = bench.stack.invite(
        "sip:102@192.0.2.9:5062",
        bench.flow,
        caller='"Somebody" <sip:101@192.0.2.1>',
        callee="<sip:102@192.0.2.1>",
        offer=offer,
        listener=ear,
        now=bench.now,
        headers=(("Alert-Info", "<x:y>"),),
        credentials=credentials if password else None,
    )
    return bench, ear, session, request(bench.take(), "INVITE")


def test_the_invite_says_who_calls_whom_and_how_to_come_back() -> None:
    bench, _, session, invite = calling("TCP")
    assert invite.uri == "sip:102@192.0.2.9:5062"
    assert invite.via.host == "192.0.2.1"
    assert invite.via.transport == "TCP"
    assert invite.via.params["rport"] is None
    assert invite.get("Contact") == "<sip:192.0.2.1:5060;transport=tcp>"
    assert invite.get("Alert-Info") == "<x:y>"
    assert invite.from_tag
    assert invite.to_tag == ""
    assert invite.call_id == session.call_id
    assert invite.body == OFFER
    assert "INVITE" in (invite.get("Allow") or "")
    del bench


def test_no_two_invites_share_tag_branch_or_call_id() -> None:
    bench, _, _, first = calling()
    for _ in range(5):
        bench.stack.invite(
            "sip:1@h",
            bench.flow,
            caller="<sip:a@h>",
            callee="<sip:b@h>",
            offer=OFFER,
            listener=Ear(),
            now=bench.now,
        )
    invites = [first, *(message for message in bench.take() if isinstance(message, Request))]
    for read in ("branch", "from_tag", "call_id"):
        assert len({getattr(invite, read) for invite in invites}) == 6


def test_progress_then_answer_then_ack_on_a_new_branch() -> None:
    bench, ear, session, invite = calling()
    bench.feed(reply(invite, 100))
    bench.feed(reply(invite, 180))
    bench.feed(reply(invite, 183, body=ANSWER))
    ack = request(bench.feed(reply(invite, 200, body=ANSWER)), "ACK")
    assert ear.heard == [("progress", 180), ("progress", 183), ("answered", ANSWER)]
    assert ack.branch != invite.branch
    assert ack.cseq_number == invite.cseq_number
    assert ack.to_tag == "far"
    assert ack.uri == "sip:102@192.0.2.9:5062"
    assert session.state == "confirmed"


def test_a_repeated_2xx_gets_the_same_ack_even_after_the_end() -> None:
    bench, ear, session, invite = calling()
    ok = reply(invite, 200, body=ANSWER)
    ack = only(bench.feed(ok))
    assert bytes(only(bench.feed(ok))) == bytes(ack)
    session.hangup(bench.now)
    bye = request(bench.take(), "BYE")
    bench.feed(bye.respond(200))
    assert bench.stack.session_count == 0
    left = bench.stack._layer.clients.values()
    assert [transaction.last for transaction in left] == [b"", b""], "neither INVITE nor BYE goes out again"
    assert bytes(only(bench.feed(ok))) == bytes(ack)
    assert ear.names == ["answered", "ended"]
    assert bench.drained()


def test_other_forks_get_ack_and_bye() -> None:
    bench, ear, session, invite = calling()
    bench.feed(reply(invite, 180, "one"))
    bench.feed(reply(invite, 180, "two"))
    bench.feed(reply(invite, 200, "one", ANSWER))
    second = reply(invite, 200, "two", ANSWER, contact="<sip:other@192.0.2.8>")
    messages = bench.feed(second)
    assert [message.start_line for message in messages] == [
        "ACK sip:other@192.0.2.8 SIP/2.0",
        "BYE sip:other@192.0.2.8 SIP/2.0",
    ]
    assert {message.to_tag for message in messages} == {"two"}
    assert [m.start_line.split()[0] for m in bench.feed(second)] == ["ACK"]
    assert ear.names == ["progress", "progress", "answered"]
    assert session.state == "confirmed"
    session.hangup(bench.now)
    assert bench.drained()


def test_forks_are_bounded() -> None:
    bench, _, _, invite = calling()
    for number in range(30):
        bench.feed(reply(invite, 200, f"fork{number}", ANSWER))
    assert bench.stack.counters["too many forks"] > 0
    assert bench.stack.counters["extra fork"] < 20


def test_cancel_waits_for_a_provisional_answer() -> None:
    bench, ear, session, invite = calling()
    session.hangup(bench.now, headers=(("Reason", "SIP;cause=200"),))
    assert bench.take() == []
    assert ear.heard == [("ended", ("cancelled", 480, False))]
    cancel = only(bench.feed(reply(invite, 100)))
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.branch, cancel.uri) == ("CANCEL", invite.branch, invite.uri)
    assert cancel.get("Reason") == "SIP;cause=200"
    # No second CANCEL for a second provisional answer.
    assert bench.feed(reply(invite, 180)) == []
    bench.feed(cancel.respond(200))
    assert request(bench.feed(reply(invite, 487)), "ACK").branch == invite.branch
    assert ear.names == ["ended"]
    assert bench.stack.session_count == 0
    assert bench.drained()


def test_cancel_goes_at_once_after_a_provisional_answer() -> None:
    bench, _, session, invite = calling()
    bench.feed(reply(invite, 180))
    session.hangup(bench.now)
    assert request(bench.take(), "CANCEL")


def test_a_200_that_crosses_cancel_is_acknowledged_and_ended() -> None:
    bench, ear, session, invite = calling()
    bench.feed(reply(invite, 180))
    session.hangup(bench.now)
    cancel = request(bench.take(), "CANCEL")
    messages = bench.feed(reply(invite, 200, body=ANSWER))
    assert [message.start_line.split()[0] for message in messages] == ["ACK", "BYE"]
    bench.feed(cancel.respond(200))
    bench.feed(request(messages, "BYE").respond(200))
    assert ear.names == ["progress", "ended"]
    assert bench.stack.session_count == 0
    assert bench.drained()


def test_no_final_answer_after_cancel_is_as_good_as_one() -> None:
    bench, ear, session, invite = calling()
    bench.feed(reply(invite, 180))
    session.hangup(bench.now)
    bench.feed(request(bench.take(), "CANCEL").respond(200))
    bench.wait(33)
    assert bench.stack.session_count == 0
    assert ear.names == ["progress", "ended"]
    assert bench.drained()


def test_nobody_there_is_408_after_64_t1() -> None:
    bench, ear, _, _ = calling()
    assert len(bench.wait(33)) == 6
    assert ear.heard == [("ended", ("timeout", 408, True))]
    assert bench.drained()


def test_a_refusal_ends_the_session_with_its_status() -> None:
    bench, ear, _, invite = calling()
    bench.feed(reply(invite, 180))
    ack = request(bench.feed(reply(invite, 486)), "ACK")
    assert ack.branch == invite.branch
    assert ear.heard[-1] == ("ended", ("rejected", 486, True))
    assert bench.drained()


def test_a_challenge_is_answered_once_and_the_ack_carries_the_credentials() -> None:
    bench, ear, _, invite = calling(password=True)
    challenge = reply(invite, 407, headers=(("Proxy-Authenticate", 'Digest realm="x", nonce="y"'),))
    messages = bench.feed(challenge)
    again = request(messages, "INVITE")
    assert request(messages, "ACK").cseq_number == 1
    assert again.cseq_number == 2
    assert again.branch != invite.branch
    assert again.call_id == invite.call_id
    assert again.from_tag == invite.from_tag
    assert again.to_tag == ""
    assert again.body == OFFER
    assert again.get("Proxy-Authorization") == 'Digest username="box", nc=1'
    ack = request(bench.feed(reply(again, 200, body=ANSWER)), "ACK")
    assert ack.get("Proxy-Authorization") == 'Digest username="box", nc=1'
    assert ack.cseq_number == 2
    assert ear.names == ["answered"]


def test_challenges_without_end_end_the_call() -> None:
    bench, ear, _, invite = calling(password=True)
    for _ in range(9):
        challenge = reply(invite, 401, headers=(("WWW-Authenticate", 'Digest realm="x", nonce="y"'),))
        messages = [m for m in bench.feed(challenge) if isinstance(m, Request) and m.method == "INVITE"]
        if not messages:
            break
        invite = messages[0]
    assert invite.cseq_number == 3
    assert ear.heard == [("ended", ("rejected", 401, True))]


def test_without_credentials_a_challenge_is_a_refusal() -> None:
    bench, ear, _, invite = calling()
    bench.feed(reply(invite, 401, headers=(("WWW-Authenticate", 'Digest realm="x", nonce="y"'),)))
    assert ear.heard == [("ended", ("rejected", 401, True))]


def test_an_offerless_invite_waits_with_its_ack_for_our_answer() -> None:
    bench, ear, session, invite = calling(offer=None)
    assert invite.body == b""
    assert "Content-Type" not in invite
    ok = reply(invite, 200, body=OFFER)
    assert bench.feed(ok) == []
    assert ear.heard == [("answered", OFFER)]
    assert bench.feed(ok) == []
    session.ack(ANSWER, bench.now)
    ack = request(bench.take(), "ACK")
    assert ack.body == ANSWER
    assert bytes(only(bench.feed(ok))) == bytes(ack)
    with pytest.raises(LocalError):
        session.ack(ANSWER, bench.now)


def test_hanging_up_instead_of_answering_an_offer_acknowledges_first() -> None:
    bench, _, session, invite = calling(offer=None)
    bench.feed(reply(invite, 200, body=OFFER))
    session.hangup(bench.now)
    assert [message.start_line.split()[0] for message in bench.take()] == ["ACK", "BYE"]
    session.ack(ANSWER, bench.now)
    assert bench.take() == []


def test_a_2xx_without_description_ends_the_session() -> None:
    bench, ear, _, invite = calling()
    messages = bench.feed(reply(invite, 200))
    assert [message.start_line.split()[0] for message in messages] == ["ACK", "BYE"]
    assert ear.heard == [("ended", ("protocol", 488, True))]


@pytest.mark.parametrize("closed", [True, False])
def test_a_flow_that_is_gone_ends_the_call_with_503_after_invite_returned(closed: bool) -> None:
    bench, ear = Bench("TCP"), Ear()
    bench.alive = closed
    bench.stack.invite(
        "sip:1@h",
        bench.flow,
        caller="<sip:a@h>",
        callee="<sip:b@h>",
        offer=OFFER,
        listener=ear,
        now=bench.now,
    )
    assert ear.heard == []
    if closed:
        bench.stack.flow_closed(bench.flow, bench.now)
    bench.wait(0)
    assert ear.heard == [("ended", ("transport", 503, True))]
    assert bench.drained()


def test_the_route_set_of_the_far_side_is_followed_in_reverse() -> None:
    bench, _, session, invite = calling()
    routes = ("<sip:near.invalid;lr>", "<sip:far.invalid;lr>")
    ack = request(
        bench.feed(reply(invite, 200, body=ANSWER, headers=tuple(("Record-Route", r) for r in routes))), "ACK"
    )
    assert ack.all("Route") == list(routes[::-1])
    session.hangup(bench.now)
    assert request(bench.take(), "BYE").all("Route") == list(routes[::-1])


def test_the_callee_hangs_up() -> None:
    bench, ear, session, invite = calling()
    bench.feed(reply(invite, 200, body=ANSWER))
    bye = Phone().request("BYE", to_tag=invite.from_tag)
    bye.set("From", "<sip:102@192.0.2.1>;tag=far")
    bye.set("Call-ID", invite.call_id)
    assert response(bench.feed(bye), 200)
    assert ear.heard[-1] == ("ended", ("bye", 200, True))
    assert session.data is None
    assert bench.drained()
