"""What a stack does with each request before anybody decides about a call."""

from __future__ import annotations

import pytest

from sip.answer import Answer
from sip.flow import Flow
from sip.message import Request, Response
from sip.stack import StackConfig
from tests.sip.net import ANSWER, BOX, Bench, Phone, only, refuse, reply, request, response


def register(request: Request, flow: Flow, identity: object, now: float) -> Answer:
    return Answer(200, (("Contact", f"<sip:{identity}@x>"), ("Date", str(now))))


# -- the gate


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "BYE", "UPDATE"])
def test_every_method_passes_the_gate_and_a_refusal_costs_no_state(method: str) -> None:
    bench, phone = Bench(handlers={"REGISTER": register}), Phone()
    bench.user.verdict = refuse(401, ("WWW-Authenticate", 'Digest realm="r"'))
    message = phone.request(method)
    challenge = only(bench.feed(message))
    assert challenge.start_line == "SIP/2.0 401 Unauthorized"
    assert challenge.get("WWW-Authenticate") == 'Digest realm="r"'
    assert challenge.to_tag
    assert bytes(only(bench.feed(message))) == bytes(challenge)
    assert bench.stack.transaction_count == 0
    assert bench.stack.next_deadline() is None
    assert bench.user.sessions == []
    if method == "INVITE":
        assert bench.feed(phone.same_branch("ACK", message, challenge.get("To"))) == []
        assert bench.stack.counters["ack to nothing"] == 1


def test_tags_of_stateless_answers_differ_between_requests() -> None:
    bench = Bench()
    bench.user.verdict = refuse(403)
    assert len({only(bench.feed(Phone().request("OPTIONS"))).to_tag for _ in range(20)}) == 20


def test_requests_within_a_session_pass_the_gate_too() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    bench.user.verdict = refuse(401)
    assert response(bench.feed(phone.request("BYE", to_tag=session.tag)), 401)
    assert session.state == "confirmed"
    # ... but the refused request has not used up its CSeq.
    bench.user.verdict = lambda _: "somebody"
    assert response(bench.feed(phone.request("BYE", to_tag=session.tag, cseq=phone.cseq)), 200)


def test_the_gate_may_drop_silently() -> None:
    bench = Bench()
    bench.user.verdict = lambda _: None
    assert bench.feed(Phone().invite()) == []
    assert bench.stack.counters["dropped by the gate"] == 1
    assert bench.stack.transaction_count == 0


def test_the_session_knows_who_asked() -> None:
    bench = Bench()
    bench.feed(Phone().invite())
    assert bench.user.sessions[0].identity == "somebody"


# -- requests that begin nothing


def test_a_handler_answers_and_a_repeat_gets_the_same() -> None:
    bench = Bench(handlers={"REGISTER": register})
    message = Phone().request("REGISTER")
    first = only(bench.feed(message))
    assert first.get("Contact") == "<sip:somebody@x>"
    assert bytes(only(bench.feed(message))) == bytes(first)
    assert bench.stack.transaction_count == 0


def test_options_tells_what_is_served() -> None:
    bench = Bench(handlers={"REGISTER": register})
    message = Phone().request("OPTIONS")
    message.set("Max-Forwards", "0")
    ok = response(bench.feed(message), 200)
    assert ok.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, REGISTER"
    assert ok.get("Accept") == "application/sdp"
    assert ok.get("Supported") == "100rel, timer, norefersub, replaces, outbound, path"


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("JUMP", 501),
        ("invite", 501),
        ("REGISTER", 405),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
        ("REFER", 481),
        ("NOTIFY", 405),
        ("INFO", 405),
        ("PRACK", 481),
        ("BYE", 481),
        ("UPDATE", 481),
        ("CANCEL", 481),
    ],
)
def test_methods_we_do_not_serve(method: str, status: int) -> None:
    bench = Bench()
    answer = response(bench.feed(Phone().request(method)), status)
    assert ("Allow" in answer) == (status in {405, 501})
    assert sum(bench.stack.counters.values()) == 1
    assert bench.stack.transaction_count == 0


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "OPTIONS"])
def test_a_tag_that_is_not_ours_is_481(method: str) -> None:
    bench = Bench()
    assert response(bench.feed(Phone().request(method, to_tag="gone")), 481)
    assert bench.user.sessions == []


def test_the_right_tag_of_the_wrong_far_end_is_481() -> None:
    bench, phone, other = Bench(), Phone(), Phone()
    bench.feed(phone.invite())
    other.call_id = phone.call_id
    bench.user.sessions[0].accept(ANSWER, bench.now)
    assert response(bench.feed(other.request("BYE", to_tag=bench.user.sessions[0].tag)), 481)
    assert bench.user.ear.names == []


def test_too_many_hops_is_483() -> None:
    bench, message = Bench(), Phone().invite()
    message.set("Max-Forwards", "0")
    assert response(bench.feed(message), 483)


def test_an_extension_we_do_not_know_is_420() -> None:
    bench = Bench(config=StackConfig(supported=("path",)))
    message = Phone().invite(headers=(("Require", "100rel, Path, y"), ("Require", "x")))
    assert response(bench.feed(message), 420).get("Unsupported") == "y, x"
    assert bench.user.sessions == []


def test_a_body_that_is_no_session_description_is_415() -> None:
    bench, message = Bench(), Phone().invite()
    message.set("Content-Type", "text/plain")
    assert response(bench.feed(message), 415).get("Accept") == "application/sdp"


# -- requests that are broken


def test_a_request_that_cannot_be_served_but_answered_gets_400() -> None:
    bench, message = Bench(), Phone().request("OPTIONS")
    message.set("CSeq", "1 REGISTER")
    assert response(bench.feed(message), 400)
    assert bench.user.asked == []


@pytest.mark.parametrize("missing", ["From", "To", "Call-ID", "CSeq", "Via"])
def test_a_request_without_its_mandatory_headers_never_gets_through(missing: str) -> None:
    bench, message = Bench(), Phone().invite()
    message.remove(missing)
    assert all(isinstance(m, Response) and m.status == 400 for m in bench.feed(message))
    assert bench.user.asked == []
    assert sum(bench.stack.counters.values()) >= 1


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\r\n\r\n", b"\0" * 400, b"INVITE sip:x SIP/2.0\r\n\r\n", b"\xff" * 99]
)
def test_noise_is_counted_and_nothing_else(data: bytes) -> None:
    bench = Bench()
    assert bench.feed(data) == []
    assert sum(bench.stack.counters.values()) >= 1
    assert bench.stack.transaction_count == 0


def test_a_bad_ack_is_never_answered() -> None:
    bench, message = Bench(), Phone().request("ACK")
    message.set("CSeq", "one ACK")
    assert bench.feed(message) == []


def test_a_response_without_tags_is_not_a_response() -> None:
    bench, done = Bench(), list[Response | None]()
    bench.stack.request(
        "OPTIONS",
        "sip:x@h",
        bench.flow,
        caller="<sip:a@h>",
        callee="<sip:b@h>",
        now=bench.now,
        done=done.append,
    )
    asked = request(bench.take(), "OPTIONS")
    bench.feed(asked.respond(200))
    assert bench.stack.counters["response without tags"] == 1
    assert done == []


# -- load


def crowded(bench: Bench, calls: int) -> None:
    for _ in range(calls):
        bench.feed(Phone().invite())


def test_above_four_fifths_new_calls_are_refused_without_state() -> None:
    bench = Bench(config=StackConfig(max_transactions=10, retry_after=7))
    crowded(bench, 10)
    message = Phone().invite()
    refusal = response(bench.feed(message), 503)
    assert refusal.get("Retry-After") == "7"
    assert len(bench.user.sessions) == 8
    assert bench.stack.transaction_count == 8
    assert response(bench.feed(message), 503).to_tag == refusal.to_tag


def test_above_four_fifths_calls_for_help_and_what_belongs_to_a_call_go_through() -> None:
    bench = Bench(config=StackConfig(max_transactions=10))
    phone, ringing = Phone(), Phone()
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    waiting = ringing.invite()
    bench.feed(waiting)
    crowded(bench, 12)
    assert bench.stack.transaction_count == 8
    assert bench.feed(phone.request("ACK", to_tag=session.tag, cseq=phone.cseq)) == []
    assert session.state == "confirmed"
    assert response(bench.feed(phone.request("BYE", to_tag=session.tag)), 200)
    assert response(bench.feed(ringing.same_branch("CANCEL", waiting)), 200)
    bench.user.help = True
    assert response(bench.feed(Phone().invite()), 100)


def test_even_the_reserve_for_help_has_a_bound() -> None:
    bench = Bench(config=StackConfig(max_transactions=10))
    bench.user.help = True
    crowded(bench, 20)
    assert len(bench.user.sessions) == 12


def test_a_registration_known_by_its_wording_lives_on_and_a_new_one_waits() -> None:
    bench = Bench(config=StackConfig(max_transactions=10), handlers={"REGISTER": register})
    phone = Phone()
    options = {"contact": False, "uri": "sip:192.0.2.1"}
    assert response(bench.feed(phone.request("REGISTER", **options)), 200)  # type: ignore[arg-type]
    crowded(bench, 10)
    assert response(bench.feed(phone.request("REGISTER", **options)), 200)  # type: ignore[arg-type]
    assert response(bench.feed(Phone().request("REGISTER", **options)), 503)  # type: ignore[arg-type]


def test_a_box_that_is_late_begins_nothing_for_a_second() -> None:
    bench = Bench()
    bench.stack.late(bench.now)
    assert response(bench.feed(Phone().invite()), 503)
    bench.user.help = True
    assert response(bench.feed(Phone().invite()), 100)
    bench.user.help = False
    bench.wait(1)
    assert response(bench.feed(Phone().invite()), 100)


def test_sessions_are_bounded_too() -> None:
    bench = Bench(config=StackConfig(max_sessions=5))
    crowded(bench, 6)
    assert len(bench.user.sessions) == 4
    bench.user.sessions[0].reject(486, bench.now)
    crowded(bench, 1)
    assert len(bench.user.sessions) == 5


# -- asking


def ask(bench: Bench, **options: object) -> list[Response | None]:
    done: list[Response | None] = []
    bench.stack.request(
        "OPTIONS",
        "sip:101@192.0.2.9",
        bench.flow,
        caller="<sip:box@192.0.2.1>",
        callee="<sip:101@192.0.2.9>",
        now=bench.now,
        done=done.append,
        **options,  # type: ignore[arg-type]  # handed through
    )
    return done


def test_a_request_of_ours_is_repeated_answered_and_forgotten() -> None:
    bench = Bench()
    done = ask(bench, headers=(("X-Mark", "1"),))
    sent = [message for message in bench.wait(1) if isinstance(message, Request)]
    assert len(sent) == 1
    bench.feed(reply(sent[0], 100))
    assert done == []
    bench.feed(reply(sent[0], 200))
    assert [answer and answer.status for answer in done] == [200]
    bench.feed(reply(sent[0], 200))
    assert len(done) == 1
    assert bench.drained()


def test_a_request_nobody_answers_ends_with_nothing() -> None:
    bench = Bench()
    done = ask(bench)
    bench.wait(33)
    assert done == [None]
    assert bench.drained()


def test_a_challenged_request_goes_again_and_not_for_ever() -> None:
    bench = Bench()
    done = ask(bench, credentials=lambda *_: "Digest x", call_id="mine", cseq=5)
    sent = request(bench.take(), "OPTIONS")
    numbers = []
    for _ in range(6):
        numbers.append((sent.cseq_number, sent.call_id, sent.get("Authorization")))
        more = bench.feed(reply(sent, 401, headers=(("WWW-Authenticate", "Digest y"),)))
        if not more:
            break
        sent = request(more, "OPTIONS")
    assert numbers == [(5, "mine", None), (6, "mine", "Digest x"), (7, "mine", "Digest x")]
    assert [answer and answer.status for answer in done] == [401]


def test_closing_hangs_everybody_up() -> None:
    bench, phone = Bench(), Phone()
    bench.feed(phone.invite())
    bench.user.sessions[0].accept(ANSWER, bench.now)
    bench.feed(phone.request("ACK", to_tag=bench.user.sessions[0].tag, cseq=1))
    bench.feed(Phone().invite())
    bench.stack.close(bench.now)
    messages = bench.take()
    assert request(messages, "BYE")
    assert response(messages, 503)
    assert bench.user.ear.names == ["acked", "ended", "ended"]
    assert bench.drained()


def test_a_wildcard_address_is_never_told() -> None:
    bench = Bench(config=StackConfig(address="box.example"))
    bench.flow = Flow("UDP", ("0.0.0.0", 5060), bench.flow.remote)  # noqa: S104
    bench.feed(Phone().invite())
    bench.user.sessions[0].ring(bench.now)
    assert only(bench.take()).get("Contact") == "<sip:box.example:5060>"
    ask(bench)
    assert request(bench.take(), "OPTIONS").via.host == "box.example"
    assert BOX[0] != "box.example"
