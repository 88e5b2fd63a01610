from __future__ import annotations

import pytest

from sip.flow import Flow
from sip.layer import merge_key, reply_flow, server_key, stamp
from sip.message import Request
from tests.sip.net import BOX, PHONE, Bench, Phone, only, response

UDP = Flow("UDP", BOX, PHONE)


def with_via(via: str, method: str = "INVITE") -> Request:
    return Phone().request(method, via=via)


def test_keys_differ_by_branch_sent_by_and_method() -> None:
    base = "SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK-one;rport"
    keys = {
        server_key(with_via(base), "INVITE"),
        server_key(with_via(base), "CANCEL"),
        server_key(with_via(base.replace("-one", "-two")), "INVITE"),
        server_key(with_via(base.replace("5062", "5063")), "INVITE"),
    }
    assert len(keys) == 4
    assert server_key(with_via(base), "INVITE") == server_key(with_via(base), "INVITE")


def test_every_request_has_a_key_of_its_own() -> None:
    """A key made of an empty branch would match everything, and REGISTER would still work."""
    assert len({server_key(Phone().request("REGISTER"), "REGISTER") for _ in range(50)}) == 50


def test_the_stamp_does_not_change_the_key() -> None:
    message = with_via("SIP/2.0/UDP phone.invalid;branch=z9hG4bK-x;rport")
    before = server_key(message, "INVITE")
    stamp(message, UDP)
    assert server_key(message, "INVITE") == before


def test_without_magic_cookie_the_whole_of_rfc_2543_matches() -> None:
    phone = Phone()
    invite = phone.invite(branch="1")
    other = phone.invite(branch="1")
    assert server_key(invite, "INVITE") != server_key(other, "INVITE")
    bench = Bench()
    bench.feed(invite)
    bench.user.sessions[0].reject(486, bench.now)
    refusal = response(bench.take(), 486)
    assert [message.start_line for message in bench.feed(invite)] == ["SIP/2.0 486 Busy Here"]
    bench.feed(phone.same_branch("ACK", invite, refusal.get("To")))
    assert bench.wait(10) == []


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        (
            "192.0.2.9:5062;branch=z9hG4bK1;rport",
            "192.0.2.9:5062;branch=z9hG4bK1;rport=5062;received=192.0.2.9",
        ),
        ("192.0.2.9:5062;branch=z9hG4bK1", "192.0.2.9:5062;branch=z9hG4bK1"),
        ("10.0.0.1:5062;branch=z9hG4bK1", "10.0.0.1:5062;branch=z9hG4bK1;received=192.0.2.9"),
        ("phone.invalid;branch=z9hG4bK1", "phone.invalid;branch=z9hG4bK1;received=192.0.2.9"),
    ],
)
def test_the_top_via_tells_where_the_request_came_from(via: str, expected: str) -> None:
    message = with_via(f"SIP/2.0/UDP {via}")
    stamp(message, UDP)
    assert message.get("Via") == f"SIP/2.0/UDP {expected}"


def test_only_the_top_via_is_stamped() -> None:
    message = with_via(
        "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK2;rport"
    )
    stamp(message, UDP)
    assert [via.params.get("rport") for via in message.vias] == ["5062", None]


@pytest.mark.parametrize(
    ("via", "port"),
    [
        ("192.0.2.9:5099;branch=z9hG4bK1;rport", 5062),
        ("192.0.2.9:5099;branch=z9hG4bK1;RPORT", 5062),
        ("192.0.2.9:5099;branch=z9hG4bK1", 5099),
        ("192.0.2.9;branch=z9hG4bK1", 5060),
        ("10.0.0.1:5099;branch=z9hG4bK1", 5099),
    ],
)
def test_responses_go_to_the_source_and_to_its_port_if_it_asked(via: str, port: int) -> None:
    message = with_via(f"SIP/2.0/UDP {via}")
    stamp(message, UDP)
    assert reply_flow(message, UDP) == Flow("UDP", BOX, ("192.0.2.9", port))


def test_ipv6_sources_are_stamped_and_answered() -> None:
    flow = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 5062))
    message = with_via("SIP/2.0/UDP [2001:db8::9]:5062;branch=z9hG4bK1;rport")
    stamp(message, flow)
    assert message.via.received == "2001:db8::9"
    assert reply_flow(message, flow) == flow
    other = with_via("SIP/2.0/UDP [2001:db8::7]:5062;branch=z9hG4bK1")
    stamp(other, flow)
    assert other.via.received == "2001:db8::9"
    assert reply_flow(other, flow).remote == ("2001:db8::9", 5062)


def test_on_streams_responses_stay_on_the_connection() -> None:
    flow = Flow("TCP", BOX, PHONE, 7)
    assert reply_flow(with_via("SIP/2.0/TCP 10.0.0.1:5099;branch=z9hG4bK1"), flow) is flow


def test_a_merged_request_is_one_that_differs_by_its_branch_only() -> None:
    phone = Phone()
    invite = phone.invite()
    twin = phone.invite(cseq=1)
    assert merge_key(invite) == merge_key(twin)
    bench = Bench()
    bench.feed(invite)
    assert response(bench.feed(twin), 482)
    assert len(bench.user.sessions) == 1
    # A new try has a new CSeq and is not merged.
    assert only(bench.feed(phone.invite())).start_line == "SIP/2.0 100 Trying"


def test_a_repeat_is_absorbed_and_answered_as_before() -> None:
    bench, phone = Bench(), Phone()
    invite = phone.invite()
    first = bench.feed(invite)
    assert [bytes(m) for m in bench.feed(invite)] == [bytes(m) for m in first]
    assert len(bench.user.sessions) == 1
    assert bench.user.asked == ["INVITE"]


def test_what_lingers_holds_neither_request_nor_owner() -> None:
    bench, phone = Bench(), Phone()
    invite = phone.invite()
    bench.feed(invite)
    session = bench.user.sessions[0]
    session.accept(b"v=0\r\n", bench.now)
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=1))
    bench.feed(phone.request("BYE", to_tag=session.tag))
    left = list(bench.stack._layer.servers.values())
    assert len(left) == 2
    assert all(transaction.owner is None and transaction.request is None for transaction in left)
    assert sum(len(transaction.last) for transaction in left) < 500
    assert bench.stack.session_count == 0
    assert bench.drained()


def test_a_lost_connection_ends_what_waited_on_it() -> None:
    bench = Bench("TCP")
    ended: list[object] = []
    bench.stack.request(
        "OPTIONS",
        "sip:101@192.0.2.9",
        bench.flow,
        caller="<sip:box@192.0.2.1>",
        callee="<sip:101@192.0.2.9>",
        now=bench.now,
        done=ended.append,
    )
    bench.stack.flow_closed(bench.flow, bench.now)
    assert ended == [None]
    assert bench.stack.transaction_count == 0


def test_a_send_that_fails_is_told_later_and_never_inside_the_call() -> None:
    bench = Bench("TCP")
    bench.alive = False
    ended: list[object] = []
    bench.stack.request(
        "OPTIONS",
        "sip:101@192.0.2.9",
        bench.flow,
        caller="<sip:box@192.0.2.1>",
        callee="<sip:101@192.0.2.9>",
        now=bench.now,
        done=ended.append,
    )
    assert ended == []
    bench.wait(0)
    assert ended == [None]
    assert bench.stack.counters["send failed"] == 1


def test_a_response_nobody_waits_for_is_counted() -> None:
    bench, phone = Bench(), Phone()
    assert bench.feed(phone.request("OPTIONS").respond(200, to_tag="x")) == []
    assert bench.stack.counters["stray response"] == 1
