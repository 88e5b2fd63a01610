"""Subscriptions at a stack: the ladder of each, the refusals, and that nothing of them stays."""

import random

import pytest

from sip.answer import Answer
from sip.event import EventLimits
from sip.message import Request, Response
from sip.stack import Stack, StackConfig
from tests.sip.net import Bench, Phone, only, request, response

DIALOG = (("Event", "dialog"), ("Expires", "600"))


class Counting:
    """A package whose bodies tell what was asked of it."""

    content_type = "application/x-state"

    def __init__(self) -> None:
        self.state = "idle"
        self.forbidden: set[str] = set()

    def watcher(self, identity: object) -> str | None:
        return None if identity == "stranger" else str(identity)

    def resource(self, request: Request) -> str | None:
        user = request.request_uri.user
        return None if user == "999" else user

    def may(self, watcher: str, resource: str) -> bool:
        return resource not in self.forbidden

    def body(self, resource: str, entity: str, version: int) -> bytes:
        return f"{version} {resource} {self.state} {entity}".encode()


class Desk(Bench):
    """A bench with one package, and the answers of a phone to NOTIFY."""

    def __init__(self, transport: str = "UDP") -> None:
        super().__init__(transport)
        self.package = Counting()
        dice = random.Random(8)  # repeatable tests
        packages = {"dialog": self.package}
        self.stack = Stack(self._send, self.user, StackConfig(), dice.randbytes, None, packages)

    def changes(self, state: str) -> list[Request | Response]:
        self.sent.clear()
        self.package.state = state
        self.stack.notifier.changed("dialog", "102", self.now)
        return self.take()

    def answer(self, notify: Request, status: int = 200) -> list[Request | Response]:
        return self.feed(notify.respond(status))


def subscribed(desk: Desk, phone: Phone) -> tuple[str, Request]:
    """Subscribe; returns our tag and the first NOTIFY, answered."""
    sent = desk.feed(phone.request("SUBSCRIBE", headers=DIALOG))
    accepted, notify = response(sent, 200), request(sent, "NOTIFY")
    assert desk.answer(notify) == []
    return accepted.to_tag, notify


def test_who_may_not_watch_this_is_refused() -> None:
    desk, phone = Desk(), Phone()
    desk.package.forbidden = {"102"}
    sent = desk.feed(phone.request("SUBSCRIBE", headers=DIALOG))
    assert response(sent, 403)
    assert len(desk.stack.notifier) == 0


def test_a_subscription_is_accepted_and_told_at_once() -> None:
    desk, phone = Desk(), Phone()
    sent = desk.feed(phone.request("SUBSCRIBE", headers=(("o", "dialog;id=7"), ("Expires", "600"))))
    accepted, notify = response(sent, 200), request(sent, "NOTIFY")
    assert accepted.get("Expires") == "600"
    assert accepted.to_tag
    assert accepted.get("Contact")
    assert (notify.call_id, notify.from_tag, notify.to_tag) == (phone.call_id, accepted.to_tag, phone.tag)
    assert notify.uri == "sip:101@192.0.2.9:5062"
    assert notify.get("Event") == "dialog;id=7"
    assert notify.get("Subscription-State") == "active;expires=600"
    assert notify.content_type == "application/x-state"
    assert notify.body == b"0 102 idle sip:102@192.0.2.1"
    desk.answer(notify)


def test_a_repeated_subscribe_makes_no_second_subscription() -> None:
    desk, phone = Desk(), Phone()
    first = phone.request("SUBSCRIBE", headers=DIALOG)
    sent = desk.feed(first)
    again = desk.feed(first)
    assert bytes(only(again)) == bytes(response(sent, 200))
    assert len(desk.stack.notifier) == 1


def test_changes_are_told_in_order_one_at_a_time() -> None:
    desk, phone = Desk(), Phone()
    subscribed(desk, phone)
    first = request(desk.changes("ringing"), "NOTIFY")
    assert first.body.startswith(b"1 102 ringing")
    assert desk.changes("talking") == []
    assert desk.changes("idle") == []
    second = only(desk.answer(first))
    assert isinstance(second, Request)
    assert second.body.startswith(b"2 102 idle")
    assert second.cseq_number == first.cseq_number + 1
    assert desk.answer(second) == []


def test_a_refresh_tells_the_whole_state_and_prolongs() -> None:
    desk, phone = Desk(), Phone()
    tag, _ = subscribed(desk, phone)
    desk.wait(500)
    sent = desk.feed(phone.request("SUBSCRIBE", to_tag=tag, headers=DIALOG))
    assert response(sent, 200).get("Expires") == "600"
    notify = request(sent, "NOTIFY")
    assert notify.body.startswith(b"1 102 idle")
    desk.answer(notify)
    assert desk.wait(500) == []
    assert len(desk.stack.notifier) == 1


def test_a_subscription_lapses() -> None:
    desk, phone = Desk(), Phone()
    subscribed(desk, phone)
    sent = desk.wait(601)
    last = request(sent[:1], "NOTIFY")
    assert last.get("Subscription-State") == "terminated;reason=timeout"
    assert len(desk.stack.notifier) == 0
    desk.answer(last, 481)
    assert desk.changes("ringing") == []
    assert desk.drained()


def test_unsubscribing_and_fetching() -> None:
    desk, phone = Desk(), Phone()
    tag, _ = subscribed(desk, phone)
    over = (("Event", "dialog"), ("Expires", "0"))
    sent = desk.feed(phone.request("SUBSCRIBE", to_tag=tag, headers=over))
    assert response(sent, 200).get("Expires") == "0"
    assert request(sent, "NOTIFY").get("Subscription-State") == "terminated;reason=timeout"
    desk.answer(request(sent, "NOTIFY"))
    sent = desk.feed(Phone().request("SUBSCRIBE", headers=over))
    assert request(sent, "NOTIFY").body.startswith(b"0 102")
    desk.answer(request(sent, "NOTIFY"))
    assert len(desk.stack.notifier) == 0
    assert desk.drained()


@pytest.mark.parametrize("status", [404, 481, 500])
def test_a_refused_notify_ends_it(status: int) -> None:
    desk, phone = Desk(), Phone()
    subscribed(desk, phone)
    desk.answer(request(desk.changes("ringing"), "NOTIFY"), status)
    assert len(desk.stack.notifier) == 0
    assert desk.changes("idle") == []
    assert desk.drained()


def test_a_phone_that_is_gone_loses_it() -> None:
    desk, phone = Desk(), Phone()
    subscribed(desk, phone)
    desk.changes("ringing")
    desk.wait(33)
    assert len(desk.stack.notifier) == 0


def test_a_connection_that_is_gone_loses_it() -> None:
    desk, phone = Desk("TCP"), Phone(transport="TCP")
    subscribed(desk, phone)
    desk.alive = False
    desk.changes("ringing")
    desk.wait(1)
    assert len(desk.stack.notifier) == 0


@pytest.mark.parametrize(
    ("headers", "uri", "status", "tells"),
    [
        ((("Event", "weather"),), "sip:102@192.0.2.1", 489, ("Allow-Events", "dialog")),
        ((), "sip:102@192.0.2.1", 489, ("Allow-Events", "dialog")),
        ((("Event", "dialog"), ("Expires", "30")), "sip:102@192.0.2.1", 423, ("Min-Expires", "60")),
        ((("Event", "dialog"), ("Accept", "text/plain")), "sip:102@192.0.2.1", 406, None),
        ((("Event", "dialog"),), "sip:999@192.0.2.1", 404, None),
    ],
)
def test_refusals(
    headers: tuple[tuple[str, str], ...], uri: str, status: int, tells: tuple[str, str] | None
) -> None:
    desk = Desk()
    refused = response(desk.feed(Phone().request("SUBSCRIBE", uri=uri, headers=headers)), status)
    if tells:
        assert refused.get(tells[0]) == tells[1]
    assert len(desk.stack.notifier) == 0
    assert desk.drained()


def test_strangers_and_those_the_gate_refuses() -> None:
    desk = Desk()
    desk.user.verdict = lambda _: "stranger"
    response(desk.feed(Phone().request("SUBSCRIBE", headers=DIALOG)), 403)
    desk.user.verdict = lambda _: Answer(401)
    response(desk.feed(Phone().request("SUBSCRIBE", headers=DIALOG)), 401)
    assert len(desk.stack.notifier) == 0


def test_nobody_prolongs_anothers_subscription() -> None:
    desk, phone = Desk(), Phone()
    tag, _ = subscribed(desk, phone)
    response(desk.feed(phone.request("SUBSCRIBE", to_tag="no-such", headers=DIALOG)), 481)
    desk.user.verdict = lambda _: "somebody else"
    response(desk.feed(phone.request("SUBSCRIBE", to_tag=tag, headers=DIALOG)), 403)
    desk.user.verdict = lambda _: "somebody"
    response(desk.feed(phone.request("SUBSCRIBE", to_tag=tag, cseq=1, headers=DIALOG)), 500)
    other = Phone()
    other.call_id = phone.call_id
    response(desk.feed(other.request("SUBSCRIBE", to_tag=tag, headers=DIALOG)), 481)


def test_a_phone_that_forgot_takes_its_own_place() -> None:
    desk = Desk()
    subscribed(desk, Phone())
    subscribed(desk, Phone())
    assert len(desk.stack.notifier) == 1
    subscribed(desk, Phone(("192.0.2.10", 5060)))
    assert len(desk.stack.notifier) == 2
    assert len(desk.changes("ringing")) == 2


def test_bounds() -> None:
    desk = Desk()
    desk.stack.notifier.limits = EventLimits(watcher=2, total=3)
    for number in range(3):
        phone = Phone(("192.0.2.9", 6000 + number))
        sent = desk.feed(phone.request("SUBSCRIBE", headers=DIALOG))
        if number < 2:
            desk.answer(request(sent, "NOTIFY"))
        else:
            assert response(sent, 503).get("Retry-After")
    desk.user.verdict = lambda _: "other"
    subscribed(desk, Phone(("192.0.2.9", 6003)))
    desk.user.verdict = lambda _: "third"
    response(desk.feed(Phone(("192.0.2.9", 6004)).request("SUBSCRIBE", headers=DIALOG)), 503)
    assert len(desk.stack.notifier) == 3


def test_who_is_gone_is_told_and_forgotten() -> None:
    desk, phone = Desk(), Phone()
    subscribed(desk, phone)
    desk.sent.clear()
    desk.stack.notifier.end("102", desk.now)
    last = request(desk.take(), "NOTIFY")
    assert last.get("Subscription-State") == "terminated;reason=noresource"
    desk.answer(last)
    assert desk.drained()


def test_a_stack_without_packages_serves_no_subscribe() -> None:
    bench = Bench()
    response(bench.feed(Phone().request("SUBSCRIBE", headers=DIALOG)), 405)
