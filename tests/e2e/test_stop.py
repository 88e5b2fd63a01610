"""The box is stopped while people talk: both are told, the record is kept, nothing is left running."""

import json
import signal
import time

import pytest

from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 67


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_a_call_says_goodbye_to_both(office: Office, number: signal.Signals) -> None:
    before = len(office.records())
    with (
        office.phone("102", 10),
        office.sipp("uas_talk", 10, words={"RING": 0}) as callee,
        office.sipp("uac_listen", 11, "101", dialled="102") as caller,
    ):
        while not any(call["state"] == "talking" for call in office.calls()):
            time.sleep(0.02)
        asked = time.monotonic()
        code = office.box.stop(number)
        took = time.monotonic() - asked
        caller.wait().expect(1)
        callee.wait().expect(1)
        offline = json.loads(office.box.cli("--json", "calls"))
        office.box.start()
    assert code == 0
    assert took < 10
    assert len(offline["recent"]) == before + 1
    assert (offline["recent"][0]["cause"], offline["recent"][0]["ended_by"]) == ("shutdown", "box")
    assert offline["active"] == []


def test_hangup_and_reload_while_people_talk(office: Office) -> None:
    with (
        office.phone("102", 12),
        office.sipp("uas_talk", 12, words={"RING": 0}) as callee,
        office.sipp("uac_listen", 13, "101", dialled="102") as caller,
    ):
        while not (calls := [call for call in office.calls() if call["state"] == "talking"]):
            time.sleep(0.02)
        path = office.state / "site.toml"
        path.write_text(path.read_text().replace('"Demo office"', '"Another"'))
        assert office.box.json("reload")["changes"] == ["name: Demo office becomes Another; takes hold now"]
        assert [call["id"] for call in office.calls()] == [calls[0]["id"]]
        assert (calls[0]["caller"], calls[0]["callee"]) == ("101", "102")
        office.box.cli("hangup", calls[0]["id"])
        caller.wait().expect(1)
        callee.wait().expect(1)
    assert office.calls() == []
    assert office.box.run("hangup", calls[0]["id"]).returncode == 1
