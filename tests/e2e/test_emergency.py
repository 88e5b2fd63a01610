"""A call for help with everything in its way: nobody known calls, the one line is taken, numbers closed."""

import time

import pytest

from tests.support import loopback
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 85
CARRIER = loopback.address(NET, 60)
SITE = {
    'country = "generic"': 'country = "de"',
    "[log]\n": f"""
[dialling]
main_number = "+493012340"
outside_prefix = "0"
[[trunk]]
name = "only"
mode = "address"
host = "{CARRIER}"
most = 1
options_seconds = 0
answer_seconds = 2

[log]
""",
}


@pytest.mark.parametrize("dialled", ["112", "0112", "110"])
def test_help_takes_the_only_line_from_another_call(office: Office, dialled: str) -> None:
    """The other call ends, help is answered from a phone nobody knows; its record says what it was."""
    before = len(office.records())
    host = {"112": 20, "0112": 24, "110": 28}[dialled]
    asked = {"TALK": 400, "CALLER": "nobody", "DIALLED": dialled}
    with (
        office.sipp("uas_talk", 60, calls=2, words={"RING": 100}) as carrier,
        office.sipp("uac_listen", host, "101", dialled="0089123456") as talker,
    ):
        end = time.monotonic() + 10
        while not any(call["answered"] for call in office.calls()):
            assert time.monotonic() < end
            time.sleep(0.05)
        with office.sipp("uac_open", host + 1, server=office.server, words=asked) as caller:
            caller.wait().expect(1)
        talker.wait().expect(1)
        carrier.wait().expect(2)
    office.record(before + 2)
    records = {record["kind"]: record for record in office.records()[:2]}
    assert records["outgoing"]["cause"] == "made-way"
    assert (records["emergency"]["cause"], records["emergency"]["ended_by"]) == ("normal", "caller")
    assert records["emergency"]["answered"] is not None


def test_a_closed_number_stays_closed_beside_it(office: Office) -> None:
    """International and premium calls are refused at birth, from a phone that proved who it is."""
    for number, host in (("000441632960000", 32), ("00900512345", 33)):
        with office.sipp("uac_refused", host, "101", dialled=number, words={"STATUS": 403}) as caller:
            caller.wait().expect(1)


def test_the_house_is_told(office: Office) -> None:
    assert "EMERGENCY" in office.box.output().upper()
