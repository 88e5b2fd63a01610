"""The machines row by row, and through their timers, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Flow
from sip.message import Request
from sip.transaction import (
    INVITE_CLIENT,
    INVITE_SERVER,
    LASTING,
    LIFETIME,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    REPEATING,
    T1,
    T2,
    ClearTimer,
    Done,
    Effect,
    Send,
    SetTimer,
    Table,
    Transaction,
    Up,
    make_cancel,
)
from tests.sip.net import BOX, PHONE, Phone

UDP = Flow("UDP", BOX, PHONE)
TCP = Flow("TCP", BOX, PHONE, 1)
TABLES = {
    "invite client": INVITE_CLIENT,
    "non-invite client": NON_INVITE_CLIENT,
    "invite server": INVITE_SERVER,
    "non-invite server": NON_INVITE_SERVER,
}
CLIENTS = ("invite client", "non-invite client")
EVENTS = sorted({event for table in TABLES.values() for _, event in table})


def payload_for(name: str, event: str, request: Request) -> Any:
    if event == "start":
        return bytes(request) if name in CLIENTS else None
    if event.startswith("send"):
        return event.encode()
    if event in {"1xx", "2xx", "final"}:
        status = {"1xx": 180, "2xx": 200, "final": 486}[event]
        return request.respond(status, to_tag="far")
    return request if event == "ack" else None


class Driver:
    """A machine with its timers."""

    def __init__(self, name: str, flow: Flow) -> None:
        self.name = name
        self.now = 0.0
        self.request = Phone().request("INVITE" if "non" not in name else "OPTIONS")
        self.machine = Transaction(TABLES[name], "key", flow)
        self.machine.request = self.request if name in CLIENTS else None
        self.timers: dict[str, float] = {}
        self.sent: list[tuple[float, bytes]] = []
        self.ups: list[str] = []
        self.done = 0

    def feed(self, event: str) -> list[Effect]:
        effects = self.machine.feed(event, self.now, payload_for(self.name, event, self.request))
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((self.now, effect.data))
            elif isinstance(effect, SetTimer):
                self.timers[effect.name] = effect.at
            elif isinstance(effect, ClearTimer):
                self.timers.pop(effect.name, None)
            elif isinstance(effect, Up):
                self.ups.append(effect.event)
            else:
                self.done += 1
        return effects

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and min(self.timers.values()) <= until:
            name = min(self.timers, key=lambda timer: self.timers[timer])
            self.now = self.timers.pop(name)
            self.feed(f"timer {name}")
        self.now = until

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_names_its_section_and_a_state_that_can_be_left(name: str) -> None:
    table: Table = TABLES[name]
    states = {state for state, _ in table}
    for (state, event), row in table.items():
        assert row.section, (state, event)
        assert row.state == "terminated" or row.state in states, row
        assert ("done", "") in row.actions if row.state == "terminated" else True
    # Every state but the last reaches "terminated".
    reached = {"terminated"}
    while True:
        more = {state for (state, _), row in table.items() if row.state in reached} - reached
        if not more:
            break
        reached |= more
    assert states <= reached


@pytest.mark.parametrize("name", TABLES)
def test_a_timer_that_is_set_has_a_row_to_fire_in(name: str) -> None:
    for row in TABLES[name].values():
        for verb, timer in row.actions:
            if verb == "set":
                assert (row.state, f"timer {timer}") in TABLES[name]


def test_invite_client_repeats_on_udp_until_timer_b() -> None:
    driver = Driver("invite client", UDP)
    driver.feed("start")
    driver.run(LIFETIME + 1)
    assert driver.times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert driver.ups == ["timeout"]
    assert driver.done == 1
    assert not driver.timers


def test_invite_client_does_not_repeat_on_streams() -> None:
    driver = Driver("invite client", TCP)
    driver.feed("start")
    driver.run(LIFETIME + 1)
    assert driver.times == [0]
    assert driver.ups == ["timeout"]


def test_a_provisional_answer_stops_the_repeats_and_timer_b() -> None:
    driver = Driver("invite client", UDP)
    driver.feed("start")
    driver.feed("1xx")
    driver.run(300)
    assert driver.times == [0]
    assert driver.machine.state == "proceeding"


def test_the_ack_of_a_refusal_has_the_branch_and_is_sent_again_for_each_repeat() -> None:
    driver = Driver("invite client", UDP)
    driver.feed("start")
    driver.feed("final")
    ack = driver.sent[-1][1]
    assert ack.startswith(b"ACK sip:102@192.0.2.1 SIP/2.0\r\n")
    assert driver.request.branch.encode() in ack
    assert b";tag=far" in ack
    driver.feed("final")
    assert driver.sent[-1][1] == ack
    assert len(driver.sent) == 3
    assert driver.ups == ["response"]
    driver.run(LASTING["D"])
    assert driver.done == 1


def test_repeated_and_forked_2xx_pass_up_until_timer_m() -> None:
    driver = Driver("invite client", UDP)
    driver.feed("start")
    for _ in range(3):
        driver.feed("2xx")
    assert driver.ups == ["response"] * 3
    assert len(driver.sent) == 1
    driver.run(LIFETIME)
    driver.feed("2xx")
    assert driver.ups == ["response"] * 3
    assert driver.done == 1


def test_timer_e_grows_to_t2_and_stays_there_while_proceeding() -> None:
    driver = Driver("non-invite client", UDP)
    driver.feed("start")
    driver.run(8)
    assert driver.times == [0, 0.5, 1.5, 3.5, 7.5]
    driver.feed("1xx")
    driver.run(LIFETIME)
    gaps = [after - before for before, after in zip(driver.times[4:], driver.times[5:], strict=False)]
    assert set(gaps) == {T2}
    assert driver.ups == ["response", "timeout"]
    assert driver.done == 1


@pytest.mark.parametrize(("flow", "linger"), [(UDP, LASTING["K"]), (TCP, 0)])
def test_a_final_answer_ends_a_request_at_once_on_streams(flow: Flow, linger: float) -> None:
    driver = Driver("non-invite client", flow)
    driver.feed("start")
    driver.feed("2xx")
    driver.feed("2xx")
    assert driver.ups == ["response"]
    assert driver.done == (0 if linger else 1)
    driver.run(linger)
    assert driver.done == 1


def test_invite_server_repeats_a_refusal_until_its_ack() -> None:
    driver = Driver("invite server", UDP)
    driver.feed("start")
    driver.feed("send 1xx")
    driver.feed("request")
    assert [data for _, data in driver.sent] == [b"send 1xx"] * 2
    driver.feed("send final")
    driver.run(8)
    assert driver.times[2:] == [0, 0.5, 1.5, 3.5, 7.5]
    driver.feed("ack")
    driver.run(4.9)
    assert driver.machine.state == "confirmed"
    driver.feed("request")
    driver.run(0.2)
    assert driver.times[2:] == [0, 0.5, 1.5, 3.5, 7.5]
    assert driver.done == 1


@pytest.mark.parametrize(("flow", "copies"), [(UDP, 11), (TCP, 1)])
def test_invite_server_gives_up_waiting_for_an_ack(flow: Flow, copies: int) -> None:
    driver = Driver("invite server", flow)
    driver.feed("start")
    driver.feed("send final")
    driver.run(LIFETIME)
    assert driver.ups == ["timeout"]
    assert len(driver.sent) == copies


def test_an_accepted_invite_absorbs_repeats_and_passes_acks_until_timer_l_on_streams_too() -> None:
    for flow in (UDP, TCP):
        driver = Driver("invite server", flow)
        driver.feed("start")
        driver.feed("send 2xx")
        driver.feed("request")
        assert len(driver.sent) == 1
        driver.feed("ack")
        driver.feed("send 2xx")
        assert len(driver.sent) == 2
        assert driver.ups == ["ack"]
        driver.run(LIFETIME - 0.1)
        assert driver.done == 0
        driver.run(0.2)
        assert driver.done == 1


@pytest.mark.parametrize(("flow", "linger"), [(UDP, LASTING["J"]), (TCP, 0)])
def test_a_repeated_request_gets_the_same_answer_while_it_can_come(flow: Flow, linger: float) -> None:
    driver = Driver("non-invite server", flow)
    driver.feed("start")
    driver.feed("request")
    assert not driver.sent
    driver.feed("send 2xx")
    driver.feed("request")
    assert len(driver.sent) == (2 if linger else 1)
    driver.run(linger)
    assert driver.done == 1


def test_cancel_has_branch_uri_cseq_and_route_of_its_invite() -> None:
    invite = Phone().request("INVITE", headers=(("Route", "<sip:192.0.2.7;lr>"),), cseq=41)
    cancel = make_cancel(invite)
    assert cancel.method == "CANCEL"
    assert cancel.uri == invite.uri
    assert cancel.branch == invite.branch
    assert (cancel.cseq_number, cancel.cseq_method) == (41, "CANCEL")
    assert cancel.get("Route") == "<sip:192.0.2.7;lr>"
    assert cancel.all("Via") == invite.all("Via")


@given(st.sampled_from(sorted(TABLES)), st.booleans(), st.lists(st.sampled_from(EVENTS), max_size=20))
def test_no_order_of_events_leaves_the_table(name: str, stream: bool, events: list[str]) -> None:
    """Invariants: states stay in the table; Send before SetTimer; nothing at all after the end."""
    driver = Driver(name, TCP if stream else UDP)
    states = {state for state, _ in TABLES[name]} | {row.state for row in TABLES[name].values()}
    driver.feed("start")
    for event in events:
        over = driver.machine.state == "terminated"
        effects = driver.feed(event)
        kinds = [type(effect) for effect in effects]
        assert driver.machine.state in states
        if over:
            assert effects == []
        if SetTimer in kinds and Send in kinds:
            assert kinds.index(Send) < kinds.index(SetTimer)
        if Up in kinds and Done in kinds:
            assert kinds.index(Done) < kinds.index(Up)
        assert (Done in kinds) == (not over and driver.machine.state == "terminated")
        if stream:
            assert not REPEATING & set(driver.timers)
        assert all(at >= driver.now + min(T1, *LASTING.values()) for at in driver.timers.values())
