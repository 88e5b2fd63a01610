from __future__ import annotations

from sip.flow import Flow
from sip.message import Request
from sip.transaction import LIFETIME
from tests.sip.net import ANSWER, BOX, OFFER, PHONE, Bench, Ear, only, reply

LONG = (("X-Filler", "x" * 1300),)
STREAM = Flow("TCP", (BOX[0], 5070), PHONE, 7)


class Roads:
    """Offers one TCP flow for a UDP one, and writes down what was said of it."""

    def __init__(self, bench: Bench, stream: Flow | None = STREAM) -> None:
        self.stream = stream
        self.bad: list[Flow] = []
        self.new: dict[int, Flow] = {}
        bench.stack.offer_ways(self)

    def instead(self, flow: Flow) -> Flow | None:
        assert flow.transport == "UDP"
        return self.stream

    def refused(self, flow: Flow) -> None:
        self.bad.append(flow)

    def again(self, flow: Flow) -> Flow:
        return self.new.get(flow.id, flow)


def invite(bench: Bench, *, headers: tuple[tuple[str, str], ...] = LONG, flow: Flow | None = None) -> Ear:
    ear = Ear()
    bench.stack.invite(
        "sip:far@192.0.2.9", flow or bench.flow, caller="<sip:101@box>", callee="<sip:far@box>",
        offer=OFFER, listener=ear, now=bench.now, headers=headers,
    )  # fmt: skip
    return ear


def sent(bench: Bench) -> tuple[Flow, Request]:
    [(flow, _)] = bench.sent
    request = only(bench.take())
    assert isinstance(request, Request)
    return flow, request


def test_a_large_request_goes_over_tcp_and_its_via_says_so() -> None:
    bench = Bench()
    Roads(bench)
    invite(bench)
    flow, request = sent(bench)
    assert flow == STREAM
    assert (request.get("Via") or "").startswith("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK")
    # A stream repeats by itself (17.1.1.2).
    assert bench.wait(5) == []


def test_a_small_one_goes_by_datagram() -> None:
    bench = Bench()
    Roads(bench)
    invite(bench, headers=())
    assert sent(bench)[0] == bench.flow


def test_where_tcp_is_not_allowed_a_large_one_goes_by_datagram() -> None:
    bench = Bench()
    Roads(bench, None)
    invite(bench)
    assert sent(bench)[0] == bench.flow


def test_without_a_connection_it_goes_by_datagram_after_all_and_is_repeated_there() -> None:
    bench = Bench()
    roads = Roads(bench)
    ear = invite(bench)
    _, first = sent(bench)
    bench.stack.flow_closed(STREAM, bench.now)
    flow, second = sent(bench)
    assert flow == bench.flow
    assert (second.get("Via") or "").startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=")
    assert second.branch == first.branch
    assert roads.bad == [STREAM]
    assert len(bench.wait(0.6)) == 1
    bench.feed(reply(second, 200, body=ANSWER))
    assert ear.names == ["answered"]
    # The limit of the first try is not that of the second.
    bench.wait(LIFETIME - 1)
    assert ear.names == ["answered"]


def test_a_far_end_that_takes_the_request_and_never_speaks_is_not_asked_so_again() -> None:
    bench = Bench()
    roads = Roads(bench)
    ear = invite(bench)
    bench.wait(LIFETIME + 1)
    assert ear.value("ended") == ("timeout", 408, True)
    assert roads.bad == [STREAM]


def test_once_answered_a_lost_connection_fails_the_call() -> None:
    bench = Bench()
    roads = Roads(bench)
    ear = invite(bench)
    _, request = sent(bench)
    bench.feed(reply(request, 180))
    bench.stack.flow_closed(STREAM, bench.now)
    assert bench.take() == []
    assert ear.value("ended") == ("transport", 503, True)
    assert roads.bad == []
    assert bench.drained()


def test_within_a_call_a_new_connection_takes_the_place_of_one_that_is_gone() -> None:
    bench = Bench("TCP")
    roads = Roads(bench)
    ear = invite(bench, headers=())
    _, request = sent(bench)
    bench.feed(reply(request, 200, body=ANSWER))
    assert ear.names == ["answered"]
    bench.take()
    bench.stack.flow_closed(bench.flow, bench.now)
    assert ear.names == ["answered"]  # the call needs no connection while nothing is said
    fresh = roads.new[bench.flow.id] = Flow("TCP", BOX, PHONE, 9)
    ear.sessions[0].hangup(bench.now)
    flow, bye = sent(bench)
    assert (flow, bye.method) == (fresh, "BYE")
    bench.feed(reply(bye, 200), fresh)
    assert bench.drained()


def test_no_dialog_stays_where_no_new_connection_can_be_had() -> None:
    bench = Bench("TCP")
    roads = Roads(bench)
    ear = invite(bench, headers=())
    _, request = sent(bench)
    bench.feed(reply(request, 200, body=ANSWER))
    fresh = roads.new[bench.flow.id] = Flow("TCP", BOX, PHONE, 9)
    ear.sessions[0].reoffer(OFFER, bench.now)
    bench.take()
    bench.stack.flow_closed(fresh, bench.now)
    assert ear.value("ended") == ("transport", 503, True)
    bench.stack.flow_closed(fresh, bench.now)
    assert bench.drained()
