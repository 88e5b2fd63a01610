"""The lite agent: who is answered, who is followed, who is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import ice, stun
from rtp.ice import Agent
from rtp.link import PASSIVE, Link
from rtp.stun import Message

LINK = Link(1, PASSIVE, bytes(32), b"ours", b"our-password-our-password", b"theirs")
HOME, AWAY = ("192.0.2.7", 5000), ("198.51.100.7", 6000)
PACKED = bytes((192, 0, 2, 7))
TRANSACTION = bytes(range(12))


def check(
    *more: int, name: bytes = b"ours:theirs", password: bytes = LINK.password, kind: int = stun.REQUEST
) -> bytes:
    """Return a connectivity check as a full agent makes it."""
    attributes = [(stun.USERNAME, name), (stun.PRIORITY, bytes(4)), (stun.CONTROLLING, bytes(8))]
    attributes = [
        pair for pair in attributes if not (pair[0] == stun.CONTROLLING and stun.CONTROLLED in more)
    ]
    attributes += [(each, b"" if each == stun.USE_CANDIDATE else bytes(8)) for each in more]
    return Message(kind, TRANSACTION, tuple(attributes)).write(password)


def test_a_check_is_answered_with_where_it_came_from_and_selects_nothing_yet() -> None:
    agent = Agent(LINK, 0.0)
    answer = Message.parse(agent.receive(check(), HOME, PACKED, 0.0))
    assert (answer.kind, answer.transaction) == (stun.SUCCESS, TRANSACTION)
    assert answer.authentic(LINK.password)
    assert answer.attributes == (stun.mapped(PACKED, 5000, TRANSACTION),)
    assert agent.selected is None
    assert HOME in agent.proven


def test_the_last_nomination_counts() -> None:
    agent = Agent(LINK, 0.0)
    for place in (HOME, AWAY):
        agent.receive(check(stun.USE_CANDIDATE), place, PACKED, 0.0)
        assert agent.selected == place
    agent.receive(check(), HOME, PACKED, 0.0)
    assert agent.selected == AWAY


@pytest.mark.parametrize(
    "data",
    [
        check(stun.USE_CANDIDATE, password=b"another"),
        check(stun.USE_CANDIDATE, name=b"theirs:ours"),
        check(stun.USE_CANDIDATE, name=b"ours:stranger"),
        check(stun.USE_CANDIDATE, name=b"ours"),
        check(stun.USE_CANDIDATE, kind=stun.SUCCESS),
        check(stun.USE_CANDIDATE)[:-1],
        check(stun.USE_CANDIDATE)[:-8],
        bytes(20),
    ],
)
def test_who_does_not_know_the_password_gets_no_octet_and_moves_nothing(data: bytes) -> None:
    agent = Agent(LINK, 0.0)
    agent.receive(check(stun.USE_CANDIDATE), HOME, PACKED, 0.0)
    assert agent.receive(data, AWAY, PACKED, 1.0) == b""
    assert agent.selected == HOME
    assert agent.proven == {HOME: None}
    assert agent.refused == 1
    assert agent.alive == 0.0


def test_an_indication_is_neither_answered_nor_counted() -> None:
    agent = Agent(LINK, 0.0)
    assert agent.receive(check(kind=stun.INDICATION), HOME, PACKED, 0.0) == b""
    assert agent.refused == 0


def test_a_far_end_that_wants_to_be_controlled_is_told_of_the_conflict() -> None:
    agent = Agent(LINK, 0.0)
    answer = Message.parse(agent.receive(check(stun.CONTROLLED, stun.USE_CANDIDATE), HOME, PACKED, 0.0))
    assert answer.kind == stun.FAILURE
    assert answer.get(stun.ERROR_CODE) == bytes((0, 0, 4, 87)) + b"Role Conflict"
    assert agent.selected is None


def test_what_must_be_understood_and_is_not_is_named() -> None:
    agent = Agent(LINK, 0.0)
    answer = Message.parse(agent.receive(check(0x7001, stun.USE_CANDIDATE), HOME, PACKED, 0.0))
    assert answer.get(stun.UNKNOWN_ATTRIBUTES) == b"\x70\x01"
    assert agent.selected is None


def test_consent_ends_when_nothing_shows_it_any_more() -> None:
    agent = Agent(LINK, 0.0)
    agent.receive(check(stun.USE_CANDIDATE), HOME, PACKED, 10.0)
    assert agent.consents(10.0 + ice.CONSENT - 0.1)
    assert not agent.consents(10.0 + ice.CONSENT)
    agent.receive(check(password=b"another"), HOME, PACKED, 30.0)
    assert not agent.consents(10.0 + ice.CONSENT)
    agent.proved(50.0)
    assert agent.consents(60.0)


def test_checks_are_bounded_and_so_are_the_places_they_come_from() -> None:
    agent = Agent(LINK, 0.0)
    answered = [agent.receive(check(), ("192.0.2.7", port), PACKED, 0.0) for port in range(1, 200)]
    assert sum(map(bool, answered)) == ice.BURST
    assert len(agent.proven) == ice.PLACES
    assert agent.receive(check(), HOME, PACKED, 1.0), "it recovers"


def test_a_restart_changes_the_password_and_keeps_the_place() -> None:
    agent = Agent(LINK, 0.0)
    agent.receive(check(stun.USE_CANDIDATE), HOME, PACKED, 0.0)
    agent.follow(Link(1, PASSIVE, bytes(32), b"new", b"new-password-new-password", b"theirs"))
    assert agent.receive(check(stun.USE_CANDIDATE), AWAY, PACKED, 0.0) == b""
    assert agent.selected == HOME
    restarted = check(stun.USE_CANDIDATE, name=b"new:theirs", password=b"new-password-new-password")
    assert agent.receive(restarted, AWAY, PACKED, 0.0)
    assert agent.selected == AWAY


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_no_change_of_a_check_moves_anything(at: int, octet: int) -> None:
    data = bytearray(check(stun.USE_CANDIDATE))
    at %= len(data)
    if data[at] == octet:
        return
    data[at] = octet
    agent = Agent(LINK, 0.0)
    assert agent.receive(bytes(data), AWAY, PACKED, 0.0) == b""
    assert agent.selected is None
