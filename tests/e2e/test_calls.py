"""Calls between two sipp through the box: every way a call may go, and what is recorded of it."""

import time
from typing import Any

import pytest

from tests.support.office import Office
from tests.support.sipp import row

pytestmark = pytest.mark.e2e
NET = 61
SITE = {"ring_seconds = 60": "ring_seconds = 5"}


def new_record(office: Office, before: int) -> dict[str, Any]:
    """Return the one record that came since there were `before`."""
    record = office.record(before + 1)
    assert len(office.records()) == before + 1
    return record


def moments(record: dict[str, Any]) -> tuple[float, float, float]:
    return record["started"], record["answered"], record["ended"]


def test_a_call_is_answered_and_the_caller_hangs_up(office: Office) -> None:
    before, asked = len(office.records()), time.time()
    with (
        office.phone("102", 20),
        office.sipp("uas_talk", 20, words={"RING": 500}) as callee,
        office.sipp("uac_talk", 21, "101", dialled="102", words={"TALK": 1000}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = new_record(office, before)
    assert (record["caller"], record["callee"], record["dialled"]) == ("101", "102", "102")
    assert (record["cause"], record["ended_by"], record["kind"]) == ("normal", "caller", "internal")
    started, answered, ended = moments(record)
    assert asked <= started <= started + 0.45 <= answered
    assert answered + 0.95 <= ended <= time.time()


def test_the_callee_hangs_up(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 22),
        office.sipp("uas_hangs_up", 22, words={"TALK": 300}) as callee,
        office.sipp("uac_listen", 23, "101", dialled="102") as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = new_record(office, before)
    assert (record["cause"], record["ended_by"]) == ("normal", "callee")


def test_a_busy_phone(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 24),
        office.sipp("uas_refuse", 24, words={"STATUS": 486}) as callee,
        office.sipp("uac_refused", 25, "101", dialled="102", words={"STATUS": 486}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = new_record(office, before)
    assert (record["cause"], record["answered"]) == ("busy", None)


def test_nobody_answers_and_the_phone_is_told_to_stop_ringing(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 26),
        office.sipp("uas_ring", 26) as callee,
        office.sipp("uac_refused", 27, "101", dialled="102", words={"STATUS": 480}) as caller,
    ):
        callee.wait().expect(1)
        caller.wait().expect(1)
    record = new_record(office, before)
    assert (record["cause"], record["answered"]) == ("no-answer", None)
    assert record["ended"] - record["started"] >= 4.5


def test_the_caller_gives_up(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 28),
        office.sipp("uas_ring", 28) as callee,
        office.sipp("uac_cancel", 29, "101", dialled="102", words={"TALK": 300}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = new_record(office, before)
    assert (record["cause"], record["ended_by"], record["answered"]) == ("cancelled", "caller", None)


@pytest.mark.parametrize(
    ("dialled", "status", "cause"), [("104", 480, "unreachable"), ("7770", 404, "unknown-number")]
)
def test_nobody_there(office: Office, dialled: str, status: int, cause: str) -> None:
    before = len(office.records())
    with office.sipp("uac_refused", 30, "101", dialled=dialled, words={"STATUS": status}) as caller:
        caller.wait().expect(1)
    assert new_record(office, before)["cause"] == cause


def test_a_phone_that_vanished_without_a_word(office: Office) -> None:
    """It is registered, but nobody is there: the caller is told within the time a phone may ring."""
    before = len(office.records())
    with (
        office.phone("103", 31),
        office.sipp("uac_refused", 32, "101", dialled="103", words={"STATUS": 480}) as caller,
    ):
        caller.wait().expect(1)
    record = new_record(office, before)
    assert record["answered"] is None
    assert record["cause"] in {"no-answer", "unreachable"}


def test_a_callee_that_crashes_during_the_call_does_not_hold_the_caller(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 33),
        office.sipp("uas_talk", 33, words={"RING": 0}) as callee,
        office.sipp("uac_talk", 34, "101", dialled="102", words={"TALK": 1500}) as caller,
    ):
        while not caller.log():
            time.sleep(0.02)
        callee.kill()
        caller.wait().expect(1)
        record = new_record(office, before)
    assert (record["cause"], record["ended_by"]) == ("normal", "caller")
    assert office.calls() == []


def test_hold_and_resume_pass_through(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 35),
        office.sipp("uas_hold", 35) as callee,
        office.sipp("uac_hold", 36, "101", dialled="102", words={"TALK": 300}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    assert new_record(office, before)["cause"] == "normal"


def test_an_alias_reaches_its_extension_over_tcp(office: Office) -> None:
    office.box.cli("extension", "change", "105", "--alias", "0998877")
    before = len(office.records())
    with (
        office.phone("105", 37),
        office.sipp("uas_talk", 37, words={"RING": 0}) as callee,
        office.sipp("uac_talk", 38, "101", dialled="0998877", transport="tcp", words={"TALK": 100}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = new_record(office, before)
    assert (record["callee"], record["dialled"]) == ("105", "0998877")


def test_of_two_phones_one_answers_and_the_other_stops_ringing(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("106", 39),
        office.phone("106", 40),
        office.sipp("uas_ring", 39) as left,
        office.sipp("uas_talk", 40, words={"RING": 300}) as right,
        office.sipp("uac_talk", 41, "101", dialled="106", words={"TALK": 200}) as caller,
    ):
        caller.wait().expect(1)
        right.wait().expect(1)
        left.wait().expect(1)
    assert new_record(office, before)["cause"] == "normal"


def test_without_the_right_secret_no_phone_rings(office: Office) -> None:
    before = len(office.records())
    rows = [row("101", "wrong-wrong-wrong-wrong", "102", 6000)]
    with (
        office.phone("102", 42),
        office.wire(42) as callee,
        office.sipp("uac_talk", 43, rows=rows, dialled="102", seconds=5, words={"TALK": 0}) as caller,
    ):
        outcome = caller.wait()
        with pytest.raises(TimeoutError):
            callee.receive(0.3)
    assert (outcome.succeeded, outcome.failed) == (0, 1)
    assert len(office.records()) == before


def test_one_extension_cannot_call_as_another(office: Office) -> None:
    """Credentials of 101, but the From says 109: the callee and the record must not be told 109."""
    before = len(office.records())
    rows = [row("101", office.secret("101"), "102", 6000).replace("101;", "109;", 1)]
    with (
        office.phone("102", 44),
        office.sipp("uas_talk", 44, seconds=8, words={"RING": 0}),
        office.sipp("uac_talk", 45, rows=rows, dialled="102", seconds=8, words={"TALK": 100}) as caller,
    ):
        caller.wait()
    assert all(record["caller"] != "109" for record in office.records()[: len(office.records()) - before])


def test_nothing_is_left_running(office: Office) -> None:
    """Last in the file: after all these calls the box holds none."""
    deadline = time.monotonic() + 10
    while office.calls() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert office.calls() == []
