"""Sessions that stand: changes both ways, glare, errors that end them and errors that do not."""

from __future__ import annotations

import pytest

from sip.errors import LocalError
from sip.message import Request
from sip.session import Session
from tests.sip.net import ANSWER, OFFER, Bench, Ear, Phone, only, reply, request, response

HOLD = OFFER + b"a=sendonly\r\n"


class Talk:
    """An established session; the far end is the caller, or with `outgoing` the callee."""

    def __init__(self, *, outgoing: bool = False, transport: str = "UDP") -> None:
        self.bench, self.phone = Bench(transport), Phone()
        bench = self.bench
        self.session: Session
        if outgoing:
            self.ear = Ear()
            self.session = bench.stack.invite(
                "sip:102@192.0.2.9:5062",
                bench.flow,
                caller="<sip:101@192.0.2.1>",
                callee="<sip:102@192.0.2.1>",
                offer=OFFER,
                listener=self.ear,
                now=bench.now,
            )
            invite = request(bench.take(), "INVITE")
            bench.feed(reply(invite, 200, self.phone.tag, ANSWER, contact="<sip:101@192.0.2.9:5062>"))
            self.phone.call_id = invite.call_id
            self.tag = invite.from_tag
        else:
            self.ear = bench.user.ear
            bench.feed(self.phone.invite())
            incoming = bench.user.sessions[0]
            incoming.accept(ANSWER, bench.now)
            self.tag = incoming.tag
            self.session = incoming
            bench.feed(self.phone.request("ACK", to_tag=self.tag, cseq=1))
        self.ear.heard.clear()

    def asks(self, method: str, body: bytes = HOLD, **options: object) -> Request:
        return self.phone.request(method, to_tag=self.tag, body=body, **options)  # type: ignore[arg-type]

    def reoffer(self, *, update: bool = False) -> Request:
        self.session.reoffer(HOLD, self.bench.now, update=update)
        return request(self.bench.take(), "UPDATE" if update else "INVITE")


@pytest.mark.parametrize("outgoing", [False, True])
def test_a_re_invite_of_the_far_end_is_offered_and_answered(outgoing: bool) -> None:
    talk = Talk(outgoing=outgoing)
    invite = talk.asks("INVITE", headers=())
    invite.set("Contact", "<sip:moved@192.0.2.50>")
    assert only(talk.bench.feed(invite)).start_line == "SIP/2.0 100 Trying"
    assert talk.ear.heard == [("offered", HOLD)]
    talk.session.accept_offer(ANSWER, talk.bench.now)
    ok = response(talk.bench.take(), 200)
    assert ok.body == ANSWER
    assert ok.to_tag == talk.tag
    assert response(talk.bench.wait(0.6), 200)
    talk.bench.feed(talk.phone.request("ACK", to_tag=talk.tag, cseq=talk.phone.cseq))
    assert talk.bench.wait(40) == []
    assert talk.ear.names == ["offered", "acked"]
    talk.session.hangup(talk.bench.now)
    assert request(talk.bench.take(), "BYE").uri == "sip:moved@192.0.2.50"


def test_a_re_invite_without_offer_wants_ours_and_its_ack_brings_the_answer() -> None:
    talk = Talk()
    talk.bench.feed(talk.asks("INVITE", b""))
    assert talk.ear.heard == [("offered", None)]
    talk.session.accept_offer(OFFER, talk.bench.now)
    assert response(talk.bench.take(), 200).body == OFFER
    talk.bench.feed(talk.phone.request("ACK", to_tag=talk.tag, cseq=talk.phone.cseq, body=ANSWER))
    assert talk.ear.heard[-1] == ("acked", ANSWER)


def test_an_update_with_offer_is_answered_once_and_one_without_at_once() -> None:
    talk = Talk()
    assert talk.bench.feed(talk.asks("UPDATE")) == []
    talk.session.accept_offer(ANSWER, talk.bench.now)
    assert response(talk.bench.take(), 200).body == ANSWER
    assert talk.bench.wait(40) == []
    ok = response(talk.bench.feed(talk.asks("UPDATE", b"")), 200)
    assert ok.get("Contact")
    assert talk.ear.names == ["offered"]


def test_a_refused_change_leaves_the_session() -> None:
    talk = Talk()
    invite = talk.asks("INVITE")
    invite.set("Contact", "<sip:moved@192.0.2.50>")
    talk.bench.feed(invite)
    talk.session.refuse_offer(talk.bench.now, 488)
    refusal = response(talk.bench.take(), 488)
    talk.bench.feed(talk.phone.same_branch("ACK", invite, refusal.get("To")))
    assert talk.session.state == "confirmed"
    talk.session.hangup(talk.bench.now)
    assert request(talk.bench.take(), "BYE").uri == "sip:101@192.0.2.9:5062"


def test_a_second_invite_before_the_first_is_answered_is_500_with_retry_after() -> None:
    talk = Talk()
    talk.bench.feed(talk.asks("INVITE"))
    second = response(talk.bench.feed(talk.asks("INVITE")), 500)
    assert 0 <= int(second.get("Retry-After") or "99") <= 10
    assert talk.ear.names == ["offered"]
    assert response(talk.bench.feed(talk.asks("UPDATE")), 500).get("Retry-After")


def test_before_the_first_answer_a_second_invite_and_update_are_500() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    tag = bench.user.sessions[0].tag
    assert response(bench.feed(phone.request("INVITE", to_tag=tag, body=OFFER)), 500).get("Retry-After")
    assert response(bench.feed(phone.request("UPDATE", to_tag=tag, body=OFFER)), 500).get("Retry-After")
    assert bench.user.ear.names == []


@pytest.mark.parametrize("cseq", [0, 1])
def test_a_cseq_that_is_not_newer_is_500(cseq: int) -> None:
    talk = Talk()
    assert response(talk.bench.feed(talk.asks("BYE", b"", cseq=cseq)), 500)
    assert talk.session.state == "confirmed"
    assert talk.bench.stack.counters["request out of order"] == 1


@pytest.mark.parametrize("update", [False, True])
def test_our_offer_goes_out_and_the_answer_comes_back(update: bool) -> None:
    talk = Talk()
    change = talk.reoffer(update=update)
    assert change.body == HOLD
    assert change.to_tag == talk.phone.tag
    assert change.get("Contact") == "<sip:192.0.2.1:5060>"
    sent = talk.bench.feed(reply(change, 200, body=ANSWER, contact="<sip:moved@192.0.2.50>"))
    assert [message.start_line for message in sent] == (
        [] if update else ["ACK sip:moved@192.0.2.50 SIP/2.0"]
    )
    assert talk.ear.heard == [("reoffered", ANSWER)]
    if not update:
        again = talk.bench.feed(reply(change, 200, body=ANSWER))
        assert [bytes(message) for message in again] == [bytes(message) for message in sent]


def test_one_offer_at_a_time_and_none_before_the_answer() -> None:
    talk = Talk()
    talk.reoffer()
    with pytest.raises(LocalError):
        talk.session.reoffer(HOLD, talk.bench.now)
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    with pytest.raises(LocalError):
        bench.user.sessions[0].reoffer(HOLD, bench.now)
    with pytest.raises(LocalError):
        talk.session.accept_offer(ANSWER, talk.bench.now)
    with pytest.raises(LocalError):
        talk.session.refuse_offer(talk.bench.now)


def test_a_failed_offer_leaves_the_session() -> None:
    talk = Talk()
    change = talk.reoffer()
    assert request(talk.bench.feed(reply(change, 488)), "ACK")
    assert talk.ear.heard == [("refused", 488)]
    assert talk.session.state == "confirmed"
    assert talk.reoffer().cseq_number == change.cseq_number + 1


@pytest.mark.parametrize(("status", "byes"), [(408, 1), (481, 0)])
def test_408_and_481_end_the_session(status: int, byes: int) -> None:
    talk = Talk()
    sent = talk.bench.feed(reply(talk.reoffer(), status))
    assert talk.ear.heard == [("ended", ("timeout", status, True))]
    assert sum(isinstance(message, Request) and message.method == "BYE" for message in sent) == byes
    assert talk.bench.drained()


def test_no_answer_to_our_offer_ends_the_session() -> None:
    talk = Talk()
    change = talk.reoffer()
    talk.bench.feed(reply(change, 100))
    talk.bench.wait(33)
    assert talk.ear.heard == [("ended", ("timeout", 408, True))]
    assert talk.bench.drained()


def test_glare_is_491() -> None:
    talk = Talk()
    change = talk.reoffer()
    assert response(talk.bench.feed(talk.asks("INVITE")), 491)
    assert response(talk.bench.feed(talk.asks("UPDATE")), 491)
    talk.bench.feed(reply(change, 200, body=ANSWER))
    assert talk.ear.names == ["reoffered"]


@pytest.mark.parametrize(("outgoing", "least", "most"), [(True, 2.1, 4.0), (False, 0.0, 2.0)])
def test_after_491_the_owner_of_the_call_id_waits_longer(outgoing: bool, least: float, most: float) -> None:
    talk = Talk(outgoing=outgoing)
    waits = []
    change = talk.reoffer()
    for _ in range(4):
        talk.bench.feed(reply(change, 491))
        begin = talk.bench.now
        again: list[Request] = []
        while not again and talk.bench.now < begin + 5:
            again = [m for m in talk.bench.wait(0.005) if isinstance(m, Request) and m.method == "INVITE"]
        waits.append(talk.bench.now - begin)
        change = request(list(again), "INVITE")
        assert change.body == HOLD
    assert all(least <= wait <= most + 0.01 for wait in waits), waits
    assert len(set(waits)) > 1
    talk.bench.feed(reply(change, 200, body=ANSWER))
    assert talk.ear.names == ["reoffered"]


def test_glare_without_end_is_given_up() -> None:
    talk = Talk()
    change: Request | None = talk.reoffer()
    tries = 0
    while change is not None:
        tries += 1
        talk.bench.feed(reply(change, 491))
        found = [m for m in talk.bench.wait(5) if isinstance(m, Request) and m.method == "INVITE"]
        change = found[0] if found else None
    assert tries == 6
    assert talk.ear.heard == [("refused", 491)]
    assert talk.session.state == "confirmed"


def test_their_offer_wins_while_ours_waits_after_glare() -> None:
    talk = Talk(outgoing=True)
    talk.bench.feed(reply(talk.reoffer(), 491))
    talk.bench.feed(talk.asks("INVITE"))
    assert talk.ear.names == ["offered"]
    talk.bench.wait(5)
    talk.session.accept_offer(ANSWER, talk.bench.now)
    talk.bench.take()
    sent = talk.bench.feed(talk.phone.request("ACK", to_tag=talk.tag, cseq=talk.phone.cseq))
    assert request(sent, "INVITE").body == HOLD


def test_our_offer_waits_until_theirs_is_through() -> None:
    talk = Talk()
    talk.bench.feed(talk.asks("INVITE"))
    talk.session.reoffer(HOLD, talk.bench.now)
    assert talk.bench.take() == []
    talk.session.refuse_offer(talk.bench.now)
    sent = talk.bench.take()
    assert request(sent, "INVITE").body == HOLD


def test_a_bye_answers_what_is_pending_and_ends_once() -> None:
    talk = Talk()
    talk.bench.feed(talk.asks("INVITE"))
    bye = talk.asks("BYE", b"")
    messages = talk.bench.feed(bye)
    assert {(m.start_line.split()[1], m.cseq_method) for m in messages} == {("200", "BYE"), ("487", "INVITE")}
    assert talk.ear.names == ["offered", "ended"]
    # The repeat is answered by what lingers, the next request by nothing.
    assert response(talk.bench.feed(bye), 200)
    assert response(talk.bench.feed(talk.asks("BYE", b"")), 481)
    talk.session.accept_offer(ANSWER, talk.bench.now)
    talk.session.refuse_offer(talk.bench.now)
    talk.session.reoffer(HOLD, talk.bench.now)
    talk.session.hangup(talk.bench.now)
    assert talk.bench.take() == []


def test_two_byes_that_cross_are_both_answered() -> None:
    talk = Talk()
    talk.session.hangup(talk.bench.now)
    bye = request(talk.bench.take(), "BYE")
    assert response(talk.bench.feed(talk.asks("BYE", b"")), 200)
    talk.bench.feed(reply(bye, 481))
    assert talk.ear.names == ["ended"]
    assert talk.bench.drained()


def test_a_bye_nobody_answers_does_not_keep_the_session() -> None:
    talk = Talk()
    talk.session.hangup(talk.bench.now)
    assert talk.bench.stack.session_count == 1
    talk.bench.wait(33)
    assert talk.bench.stack.session_count == 0
    assert talk.bench.drained()


def test_hanging_up_with_our_offer_under_way_still_acknowledges_its_answer() -> None:
    talk = Talk()
    change = talk.reoffer()
    talk.session.hangup(talk.bench.now)
    assert request(talk.bench.take(), "BYE")
    assert request(talk.bench.feed(reply(change, 200, body=ANSWER)), "ACK")
    assert talk.ear.names == ["ended"]
    assert talk.bench.drained()


def test_an_offer_nobody_answers_after_the_bye_does_not_linger() -> None:
    talk = Talk()
    talk.bench.feed(reply(talk.reoffer(), 100))
    talk.session.hangup(talk.bench.now)
    talk.bench.feed(reply(request(talk.bench.take(), "BYE"), 200))
    assert talk.bench.drained()
    assert talk.ear.names == ["ended"]


def test_a_new_invite_stands_for_a_lost_ack() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    bench.take()
    bench.feed(phone.request("INVITE", to_tag=session.tag, body=HOLD))
    assert bench.user.ear.names == ["offered"]
    assert bench.wait(10) == []


def test_a_challenged_bye_goes_again_with_credentials() -> None:
    talk = Talk(outgoing=True)
    talk.session.credentials = lambda *_: "Digest x"
    talk.session.hangup(talk.bench.now)
    bye = request(talk.bench.take(), "BYE")
    challenge = reply(bye, 401, talk.phone.tag, headers=(("WWW-Authenticate", "Digest y"),))
    again = request(talk.bench.feed(challenge), "BYE")
    assert again.get("Authorization") == "Digest x"
    assert again.cseq_number == bye.cseq_number + 1
    talk.bench.feed(reply(again, 200))
    assert talk.bench.stack.session_count == 0


def test_the_end_lets_go_of_everything() -> None:
    talk = Talk()
    talk.session.data = object()
    talk.session.hangup(talk.bench.now)
    assert talk.session.data is None
    assert talk.session.listener is not talk.ear
