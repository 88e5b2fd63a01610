from __future__ import annotations

from sip.flow import Flow
from sip.message import Request, Response
from sip.uas import UasSession
from tests.sip.net import ANSWER, BOX, OFFER, PHONE, Bench, Phone, only, request, response


def ringing(transport: str = "UDP") -> tuple[Bench, Phone, Request, UasSession]:
    bench, phone = Bench(transport), Phone()
    invite = phone.invite()
    assert only(bench.feed(invite)).start_line == "SIP/2.0 100 Trying"
    return bench, phone, invite, bench.user.sessions[0]


def accepted(transport: str = "UDP") -> tuple[Bench, Phone, UasSession, Response]:
    bench, phone, _, session = ringing(transport)
    session.accept(ANSWER, bench.now)
    return bench, phone, session, response(bench.take(), 200)


def test_100_has_no_tag_and_leaves_before_the_user_hears() -> None:
    bench, phone = Bench(), Phone()
    seen: list[int] = []
    bench.user.on_incoming = lambda *_: seen.append(len(bench.sent))
    trying = only(bench.feed(phone.invite()))
    assert seen == [1]
    assert trying.to_tag == ""


def test_ring_early_media_and_answer_share_one_tag_and_tell_our_contact() -> None:
    bench, _, invite, session = ringing()
    session.ring(bench.now)
    session.ring(bench.now, 183, ANSWER)
    session.accept(ANSWER, bench.now)
    messages = bench.take()
    assert [message.start_line.split()[1] for message in messages] == ["180", "183", "200"]
    assert {message.to_tag for message in messages} == {session.tag}
    assert {message.get("Contact") for message in messages} == {"<sip:192.0.2.1:5060>"}
    assert messages[0].body == b""
    assert messages[1].body == messages[2].body == ANSWER
    assert messages[2].content_type == "application/sdp"
    assert session.request is None
    assert session.state == "confirmed"
    del invite


def test_the_2xx_repeats_until_its_ack_on_udp_and_tcp_alike() -> None:
    for transport in ("UDP", "TCP"):
        bench, phone, session, ok = accepted(transport)
        begin = bench.now
        repeats: list[float] = []
        while bench.now < begin + 12:
            if bench.wait(0.25):
                repeats.append(bench.now - begin)
        assert repeats == [0.5, 1.5, 3.5, 7.5, 11.5]
        bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=1))
        assert bench.wait(40) == []
        assert bench.user.ear.heard == [("acked", None)]
        assert session.state == "confirmed"


def test_without_ack_the_session_ends_with_bye_after_64_t1() -> None:
    bench, _, session, ok = accepted()
    bench.wait(31.9)
    assert session.state == "confirmed"
    bye = request(bench.wait(0.2), "BYE")
    assert bye.from_tag == ok.to_tag
    assert bench.user.ear.value("ended") == ("timeout", 408, True)
    assert bench.drained()


def test_an_ack_with_another_cseq_does_not_count() -> None:
    bench, phone, _, ok = accepted()
    bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=7))
    assert bench.stack.counters["stray ack"] == 1
    assert bench.wait(1)


def test_reject_is_final_and_its_ack_is_absorbed() -> None:
    bench, phone, invite, session = ringing()
    session.reject(486, bench.now, headers=(("Reason", "Q.850;cause=17"),))
    refusal = response(bench.take(), 486)
    assert refusal.get("Reason") == "Q.850;cause=17"
    assert bench.user.ear.value("ended") == ("cancelled", 486, False)
    assert response(bench.wait(0.6), 486)
    bench.feed(phone.same_branch("ACK", invite, refusal.get("To")))
    assert bench.wait(40) == []
    session.accept(ANSWER, bench.now)
    session.ring(bench.now)
    session.hangup(bench.now)
    assert bench.take() == []
    assert bench.drained()


def test_cancel_gets_200_and_the_invite_487_with_one_tag() -> None:
    bench, phone, invite, session = ringing()
    cancel = phone.same_branch("CANCEL", invite)
    messages = bench.feed(cancel)
    assert [(m.start_line.split()[1], m.cseq_method) for m in messages] == [
        ("200", "CANCEL"),
        ("487", "INVITE"),
    ]
    assert messages[0].to_tag == messages[1].to_tag == session.tag
    assert bench.user.ear.heard == [("ended", ("cancelled", 487, True))]
    # Its repeat finds the INVITE still lingering and changes nothing.
    assert [m.cseq_method for m in bench.feed(cancel)] == ["CANCEL"]
    assert len(bench.user.ear.heard) == 1
    bench.feed(phone.same_branch("ACK", invite, messages[1].get("To")))
    assert bench.drained()


def test_cancel_after_the_answer_changes_nothing() -> None:
    bench, phone, invite, session = ringing()
    session.accept(ANSWER, bench.now)
    bench.take()
    assert [m.start_line for m in bench.feed(phone.same_branch("CANCEL", invite))] == ["SIP/2.0 200 OK"]
    assert session.state == "confirmed"


def test_cancel_of_nothing_or_from_elsewhere_is_481() -> None:
    bench, phone, invite, session = ringing()
    assert response(bench.feed(phone.same_branch("CANCEL", phone.invite())), 481)
    stranger = Flow("UDP", BOX, ("192.0.2.66", 5062))
    assert response(bench.feed(phone.same_branch("CANCEL", invite), stranger), 481)
    assert session.state == "early"
    assert bench.stack.counters["cancel of nothing"] == 2


def test_bye_before_the_answer_ends_the_invite_with_487() -> None:
    bench, phone, _, session = ringing()
    session.ring(bench.now)
    messages = bench.feed(phone.request("BYE", to_tag=session.tag))
    assert {(m.start_line.split()[1], m.cseq_method) for m in messages} == {("200", "BYE"), ("487", "INVITE")}
    assert bench.user.ear.names == ["ended"]


def test_hanging_up_before_the_ack_waits_for_it_with_the_bye() -> None:
    bench, phone, session, ok = accepted()
    session.hangup(bench.now, headers=(("Reason", "SIP;cause=200"),))
    assert bench.take() == []
    assert bench.user.ear.names == ["ended"]
    bye = request(bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=1)), "BYE")
    assert bye.get("Reason") == "SIP;cause=200"
    bench.feed(bye.respond(200))
    assert bench.stack.session_count == 0
    assert bench.drained()
    assert bench.user.ear.names == ["ended"]


def test_hanging_up_without_any_ack_sends_bye_in_the_end() -> None:
    bench, _, session, _ = accepted()
    session.hangup(bench.now)
    assert [m for m in bench.wait(31) if isinstance(m, Request)] == []
    assert request(bench.wait(1.2), "BYE")
    assert bench.drained()


def test_an_invite_without_offer_is_answered_with_one_and_the_ack_brings_the_answer() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite(body=b""))
    session = bench.user.sessions[0]
    assert session.offer is None
    session.accept(OFFER, bench.now)
    ok = response(bench.take(), 200)
    assert ok.body == OFFER
    bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=1, body=ANSWER))
    assert bench.user.ear.heard == [("acked", ANSWER)]


def test_an_offer_never_answered_ends_the_session() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite(body=b""))
    bench.user.sessions[0].accept(OFFER, bench.now)
    ok = response(bench.take(), 200)
    assert request(bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=1)), "BYE")
    assert bench.user.ear.value("ended") == ("protocol", 400, True)


def test_ringing_is_repeated_each_minute_for_the_proxies_between() -> None:
    bench, _, _, session = ringing()
    session.ring(bench.now)
    bench.take()
    assert [m.start_line for m in bench.wait(130)] == ["SIP/2.0 180 Ringing"] * 2
    session.reject(480, bench.now)
    assert bench.drained()


def test_the_2xx_carries_the_record_route_of_its_own_request() -> None:
    bench, phone = Bench(), Phone()
    route = "<sip:192.0.2.7;lr>"
    bench.feed(phone.invite(headers=(("Record-Route", route),)))
    session = bench.user.sessions[0]
    session.ring(bench.now)
    session.accept(ANSWER, bench.now)
    messages = bench.take()
    assert [message.all("Record-Route") for message in messages] == [[route], [route]]


def test_a_lost_connection_ends_a_ringing_session() -> None:
    bench, _, _, session = ringing("TCP")
    bench.stack.flow_closed(bench.flow, bench.now)
    assert bench.user.ear.value("ended") == ("transport", 503, True)
    assert session.state == "ended"
    assert bench.drained()


def test_requests_go_where_the_far_end_was_heard_last() -> None:
    bench, phone, session, ok = accepted()
    bench.feed(phone.request("ACK", to_tag=ok.to_tag, cseq=1))
    moved = Flow("UDP", BOX, ("192.0.2.9", 9999))
    bench.feed(phone.request("UPDATE", to_tag=ok.to_tag), moved)
    session.hangup(bench.now)
    assert bench.sent[-1][0].remote == ("192.0.2.9", 9999)
    assert PHONE != ("192.0.2.9", 9999)
