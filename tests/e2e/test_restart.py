"""The power goes: what was registered and recorded is there when it comes back."""

import signal
import time

import pytest

from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 64


def test_registrations_and_records_survive_a_kill(office: Office) -> None:
    with office.phone("102", 10):
        with (
            office.sipp("uas_talk", 10, words={"RING": 0}) as callee,
            office.sipp("uac_talk", 11, "101", dialled="102", words={"TALK": 200}) as caller,
        ):
            caller.wait().expect(1)
            callee.wait().expect(1)
        before = office.record(1)
        time.sleep(7)  # registrations are written in groups, those of the last six seconds may be lost
        office.box.stop(signal.SIGKILL)
        office.box.start()
        assert office.records() == [before]
        assert office.phones("102") == 1
        with (  # the phone has not registered again, and yet it rings
            office.sipp("uas_talk", 10, words={"RING": 0}) as callee,
            office.sipp("uac_talk", 11, "101", dialled="102", words={"TALK": 200}) as caller,
        ):
            caller.wait().expect(1)
            callee.wait().expect(1)
        assert office.record(2)["cause"] == "normal"


def test_a_box_that_was_killed_left_no_process_behind(office: Office) -> None:
    family = office.processes()
    assert len(family) >= 2, "signalling and media are processes of their own"
    office.box.stop(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in family if alive(pid)]
    office.box.start()
    assert left == []


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
