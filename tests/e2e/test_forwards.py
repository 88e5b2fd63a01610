"""Forwards and groups of the real box: by operation and by code, kept over a restart."""

import signal

import pytest

from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 74


def call(office: Office, dialled: str, callee: str, host: int) -> None:
    """Call a number; the phone of another extension is to answer."""
    with (
        office.phone(callee, host),
        office.sipp("uas_talk", host, words={"RING": 0}) as phone,
        office.sipp("uac_talk", host + 1, "101", dialled=dialled, words={"TALK": 200}) as caller,
    ):
        caller.wait().expect(1)
        phone.wait().expect(1)


def test_a_forward_by_code_is_kept_over_a_restart_and_ended_by_operation(office: Office) -> None:
    with office.sipp("uac_listen", 20, "102", dialled="*72103") as caller:
        caller.wait().expect(1)  # answered, then hung up by the box
    assert office.box.json("extension", "forward", "102")["forwards"][0]["target"] == "103"
    count = len(office.records())
    call(office, "102", "103", 21)
    record = office.record(count + 1)
    assert (record["dialled"], record["callee"], record["cause"]) == ("102", "103", "normal")
    office.box.stop(signal.SIGKILL)
    office.box.start()
    call(office, "102", "103", 23)
    office.box.cli("extension", "forward", "102", "--off")
    call(office, "102", "102", 25)


def test_a_group_is_reached_by_its_number(office: Office) -> None:
    office.box.cli("group", "add", "600", "--name", "Sales", "--member", "104", "--last", "105")
    call(office, "600", "104", 30)
    office.box.cli("extension", "dnd", "104")
    call(office, "600", "105", 32)
