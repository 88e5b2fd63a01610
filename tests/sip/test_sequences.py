"""Two stacks over a network that loses, reorders and doubles: any order of events must end well.

Invariants, checked after every run:
1. No transaction outlives its terminal state, and with time every table is empty and no deadline is left.
2. Every session ends exactly once, and that is the last its listener hears.
3. Every INVITE gets exactly one final answer upstream: answered once or ended, never both in the wrong order.
4. On the wire, all final answers to one INVITE are the same answer.
5. An answer reaches the call it belongs to, and no other.
6. No CANCEL leaves before a provisional answer to its INVITE has left the other end.
7. Reliable provisional answers of one INVITE are numbered without a gap, and no 2xx leaves before
   the PRACK of one that describes media.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.message import Request, parse
from sip.reliable import rseq_of
from sip.session import Session
from sip.transfer import Referral
from sip.uac import UacSession
from sip.uas import UasSession
from tests.sip.net import Ear, Network

ALICE, BOB = ("192.0.2.10", 5060), ("192.0.2.20", 5060)

ACTIONS = (
    "invite",
    "ring",
    "early",
    "accept",
    "reject",
    "hangup a",
    "hangup b",
    "reoffer a",
    "reoffer b",
    "update b",
    "ask a",
    "ask b",
    "refer a",
    "refer b",
    "sleep",
    "wait",
)
Step = tuple[str, int]


class Play:
    """One run: what is done to both ends, and what they hear."""

    def __init__(self, seed: int, loss: float, double: float, *, delay: float, obliging: bool) -> None:
        self.net = Network(seed, loss, double, delay)
        self.alice, self.bob = self.net.add(ALICE), self.net.add(BOB)
        self.calls: list[tuple[UacSession, Ear]] = []
        self.answers: list[tuple[UasSession, Ear]] = []
        self.obliging = obliging
        self.net.users[BOB].on_incoming = self._incoming

    def _incoming(self, session: UasSession, now: float) -> None:
        ear = Ear(self._react)
        session.listener = ear
        session.data = session.offer
        self.answers.append((session, ear))

    def _react(self, what: str, session: Session, value: object) -> None:
        now = self.net.now
        if isinstance(value, Referral):
            value.accept(now)
            value.notify(200 if self.obliging else 486, now)
        if what == "reoffered" and session._acks is not None:
            session.ack(b"v=0\r\n", now)
        if what != "offered":
            return
        if self.obliging:
            session.accept_offer(value if isinstance(value, bytes) else b"v=0\r\n", self.net.now)
        else:
            session.refuse_offer(self.net.now)

    def do(self, action: str, number: int) -> None:
        now = self.net.now
        name, _, who = action.partition(" ")
        if name == "invite":
            ear = Ear(self._react)
            marker = b"v=0\r\ns=%d\r\n" % len(self.calls)
            call = self.alice.invite(
                "sip:bob@192.0.2.20",
                self.net.flow(ALICE, BOB),
                caller="<sip:alice@192.0.2.10>",
                callee="<sip:bob@192.0.2.20>",
                offer=marker,
                listener=ear,
                now=now,
            )
            self.calls.append((call, ear))
        elif name == "sleep":
            self.net.run(number * 300)
        elif name == "wait":
            self.net.run(number * 0.9)
        elif who == "a":
            self._with(self.calls, number, name, now)
        else:
            self._with(self.answers, number, name, now)

    @staticmethod
    def _with(
        sessions: list[tuple[UacSession, Ear]] | list[tuple[UasSession, Ear]],
        number: int,
        name: str,
        now: float,
    ) -> None:
        if not sessions:
            return
        session = sessions[number % len(sessions)][0]
        if name == "hangup":
            session.hangup(now)
        elif isinstance(session, UasSession) and name == "ring":
            session.ring(now)
        elif isinstance(session, UasSession) and name == "early":
            session.ring(now, 183, session.data or b"v=0\r\n")
        elif isinstance(session, UasSession) and name == "accept":
            session.accept(session.data or b"v=0\r\n", now)
        elif isinstance(session, UasSession) and name == "reject":
            session.reject(486, now)
        elif name in {"reoffer", "update"} and session.state == "confirmed" and session._reoffer is None:
            session.reoffer(b"v=0\r\ns=new\r\n", now, update=name == "update")
        elif name == "ask" and session.state == "confirmed" and session._reoffer is None:
            session.reoffer(None, now)
        elif name == "refer" and session.state == "confirmed":
            headers = (("Refer-To", "<sip:carl@192.0.2.10>"),)
            session._send("REFER", now, lambda *_: None, headers, aside=True)

    def finish(self) -> None:
        """Hang everybody up, let the dust settle, and check the invariants."""
        for session, _ in (*self.calls, *self.answers):
            session.hangup(self.net.now)
        self.net.run(400)
        for session, _ in self.answers:
            session.hangup(self.net.now)
        self.net.run(400)
        for stack in (self.alice, self.bob):
            assert stack.transaction_count == 0
            assert stack.session_count == 0
            assert stack.next_deadline() is None
            assert not stack._layer._merged
            assert len(stack._core.timers) == 0
        for session, ear in (*self.calls, *self.answers):
            assert ear.names.count("ended") == 1, ear.heard
            assert ear.names[-1] == "ended"
            assert ear.names.count("answered") <= 1
            assert session.state == "ended"
        for number, (_, ear) in enumerate(self.calls):
            if "answered" in ear.names:
                assert ear.value("answered") in {b"v=0\r\ns=%d\r\n" % number, b"v=0\r\n"}
        self._check_wire()

    def _check_wire(self) -> None:
        finals: dict[str, set[bytes]] = {}
        provisional: set[str] = set()
        reliable: dict[str, int] = {}
        described: set[tuple[str, int]] = set()
        acknowledged: set[tuple[str, int]] = set()  # a repeat that crosses its PRACK asks for no other
        for _, here, _, data in self.net.log:
            message = parse(data)
            if isinstance(message, Request):
                if message.method == "CANCEL":
                    assert message.branch in provisional
                elif message.method == "PRACK":
                    acknowledged.add((message.call_id, int((message.get("RAck") or "").split()[0])))
            elif message.cseq_method == "INVITE":
                if message.status < 200:
                    provisional.add(message.branch)
                    rseq = rseq_of(message)
                    if rseq is not None:
                        last = reliable.get(message.call_id)
                        assert last is None or last <= rseq <= last + 1
                        reliable[message.call_id] = rseq
                        if message.body:
                            described.add((message.call_id, rseq))
                elif message.status < 300 and message.cseq_number == 1:
                    assert not any(call == message.call_id for call, _ in described - acknowledged)
                    finals.setdefault(f"{here} {message.branch}", set()).add(data)
                elif message.status != 481:
                    # 481 comes statelessly from an end that has forgotten the dialog meanwhile.
                    finals.setdefault(f"{here} {message.branch}", set()).add(data)
        assert all(len(answers) == 1 for answers in finals.values())


def play(
    steps: list[Step], seed: int, loss: float, double: float, *, delay: float = 0.2, obliging: bool = True
) -> Play:
    run = Play(seed, loss, double, delay=delay, obliging=obliging)
    for action, number in steps:
        run.do(action, number)
        run.net.run(0.05)
    run.finish()
    return run


DELAYS = st.sampled_from([0.002, 0.2, 1.5])
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=25)


@given(
    STEPS, st.integers(0, 2**16), st.sampled_from([0.0, 0.1, 0.4]), st.sampled_from([0.0, 0.3]), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_events_ends_well(
    steps: list[Step], seed: int, loss: float, double: float, obliging: bool
) -> None:
    play([("invite", 0), *steps], seed, loss, double, obliging=obliging)


@pytest.mark.parametrize("seed", range(12))
def test_calls_through_a_bad_network_are_answered_and_ended(seed: int) -> None:
    """A network that loses a fifth must not lose a call: 64*T1 are enough for six tries and more."""
    steps: list[Step] = [("invite", 0), ("wait", 5), ("ring", 0), ("wait", 3), ("accept", 0), ("wait", 20)]
    steps += [("reoffer a", 0), ("wait", 20), ("hangup b", 0), ("wait", 30)]
    run = play(steps, seed, loss=0.2, double=0.2)
    ear = run.calls[0][1]
    assert ear.names[-1] == "ended"
    assert "answered" in ear.names
    assert len(run.answers) == 1


def test_a_quiet_network_sees_no_message_twice() -> None:
    run = play(
        [
            ("invite", 0),
            ("wait", 1),
            ("ring", 0),
            ("wait", 1),
            ("accept", 0),
            ("wait", 2),
            ("reoffer b", 0),
            ("wait", 2),
        ],
        1,
        loss=0.0,
        double=0.0,
    )
    assert run.calls[0][1].names == ["progress", "answered", "offered", "acked", "ended"]
    assert run.answers[0][1].names == ["acked", "reoffered", "ended"]


@pytest.mark.prove
@pytest.mark.timeout(600)
@given(STEPS, st.integers(0, 2**32), st.tuples(st.floats(0, 0.6), st.floats(0, 0.6), DELAYS), st.booleans())
@settings(max_examples=3000, deadline=None)
def test_any_sequence_of_events_ends_well_for_long(
    steps: list[Step], seed: int, network: tuple[float, float, float], obliging: bool
) -> None:
    loss, double, delay = network
    play([("invite", 0), *steps], seed, loss, double, delay=delay, obliging=obliging)
