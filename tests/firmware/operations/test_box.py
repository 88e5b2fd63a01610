"""Status, calls, reload, stop, hangup; with a box and without."""

from pathlib import Path

import pytest

from firmware.cli.tables import readable
from firmware.errors import OperatorError
from firmware.operations.context import ActiveCall, Attendee, Parked
from firmware.store import CallKind, CallRecord, new_id
from firmware.store.quality import CallQuality
from tests.support.operations import WrittenLive, carry_out, opened


def test_status_offline_says_what_the_store_knows(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        status = carry_out(context, "status")
    assert (status["running"], status["extensions"], status["calls"]) == (False, 1, None)
    assert (status["site"], status["country"]) == ("Demo office", "generic")


def test_status_of_a_running_box(tmp_path: Path) -> None:
    live = WrittenLive()
    live.calls = [ActiveCall("c1", "talking", "100", "101", 1.0, 2.0)]
    with opened(tmp_path, live) as context:
        status = carry_out(context, "status")
    assert status["running"] is True
    assert (status["calls"], status["registered"], status["memory"]) == (1, 0, 30_000_000)
    assert status["listeners"] == ["udp 192.0.2.1:5060"]
    assert status["counters"] == {"refused": 3}


def test_the_authority_is_handed_out_once_there_is_one(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        with pytest.raises(OperatorError, match="tls listener"):
            carry_out(context, "authority")
        context.store.secrets.put("tls.ca", b"-----BEGIN CERTIFICATE-----\n").result(10)
        assert carry_out(context, "authority") == {"certificate": "-----BEGIN CERTIFICATE-----\n"}


def test_quality_names_who_spoke(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        assert carry_out(context, "quality") == []
        carry_out(context, "extension.add", name="a")
        [one] = (extension.id for extension in context.store.extensions.list())
        record = CallRecord(
            new_id(), context.store.tenant, CallKind.INTERNAL, one, None, "0555", 1.0, 2.0, 9.0, 1.0, 2.0,
            9.0, context.clock.boot(), "normal", "caller",
        )  # fmt: skip
        context.store.record_call(record)
        context.store.record_quality(CallQuality(record.id, "caller", "pcma", 90, 10, 1.26, 40.04, 3.456, 1))
        context.store.flush().result(10)
        [row] = carry_out(context, "quality", recent=1)
        assert (row["speaker"], row["lost"], row["jitter"], row["mos"]) == ("100", 10, 1.3, 3.46)
        text = readable("quality", [row])
        assert "10 of 100" in text
        assert "40 ms" in text
        assert "monitor = true" in readable("quality", [])


def test_calls_names_extensions_and_is_newest_first(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        for name in "ab":
            carry_out(context, "extension.add", name=name)
        one, two = (extension.id for extension in context.store.extensions.list())
        for start, callee in ((10.0, two), (20.0, None)):
            record = CallRecord(
                new_id(), context.store.tenant, CallKind.INTERNAL, one, callee, "0555", start, start + 1.5,
                start + 4.0, start, start + 1.5, start + 4.0, context.clock.boot(), "normal", "caller",
            )  # fmt: skip
            context.store.record_call(record)
        context.store.flush().result(10)
        answer = carry_out(context, "calls")
        assert [row["started"] for row in answer["recent"]] == [20.0, 10.0]
        assert answer["recent"][1] == {
            "started": 10.0,
            "answered": 11.5,
            "ended": 14.0,
            "caller": "100",
            "callee": "101",
            "dialled": "0555",
            "cause": "normal",
            "ended_by": "caller",
            "kind": "internal",
        }
        assert answer["recent"][0]["callee"] == ""
        assert len(carry_out(context, "calls", recent=1)["recent"]) == 1
        assert carry_out(context, "calls", recent=0) == {"active": [], "recent": []}
        with pytest.raises(OperatorError, match="0 to 1000"):
            carry_out(context, "calls", recent=1001)


def test_calls_shows_the_running_ones(tmp_path: Path) -> None:
    live = WrittenLive()
    live.calls = [ActiveCall("c1", "ringing", "100", "101", 1.0, None)]
    with opened(tmp_path, live) as context:
        [call] = carry_out(context, "calls")["active"]
    assert (call["id"], call["state"], call["answered"]) == ("c1", "ringing", None)


def test_conferences_tell_who_is_there(tmp_path: Path) -> None:
    live = WrittenLive()
    live.attendees = [Attendee("600", "ab" * 16, "101", 5.0, True, False, True)]
    with opened(tmp_path, live) as context:
        assert carry_out(context, "conferences") == [
            {
                "room": "600",
                "call": "ab" * 16,
                "who": "101",
                "since": 5.0,
                "speaking": True,
                "muted": False,
                "locked": True,
            }
        ]
    with opened(tmp_path) as context:
        assert carry_out(context, "conferences") == []


def test_parked_tells_the_slots(tmp_path: Path) -> None:
    live = WrittenLive()
    live.slots = [Parked("701", "ab" * 16, "101", "102", 5.0)]
    with opened(tmp_path, live) as context:
        assert carry_out(context, "parked") == [
            {"slot": "701", "call": "ab" * 16, "who": "101", "by": "102", "since": 5.0}
        ]
    with opened(tmp_path) as context:
        assert carry_out(context, "parked") == []


def test_hangup(tmp_path: Path) -> None:
    live = WrittenLive()
    live.calls = [ActiveCall("c1", "ringing", "100", "101", 1.0, None)]
    with opened(tmp_path, live) as context:
        assert carry_out(context, "hangup", call="c1") == {"done": True}
        with pytest.raises(OperatorError, match="no running call"):
            carry_out(context, "hangup", call="c2")
    assert live.told == [("hangup", "c1"), ("hangup", "c2")]


def test_reload_and_stop_reach_the_box(tmp_path: Path) -> None:
    live = WrittenLive()
    live.changes = ["calls.most: 3 becomes 4"]
    with opened(tmp_path, live) as context:
        assert carry_out(context, "reload") == {"changes": live.changes}
        assert carry_out(context, "stop") == {"done": True}
    assert live.told == ["stop"]


@pytest.mark.parametrize(("name", "arguments"), [("reload", {}), ("stop", {}), ("hangup", {"call": "c"})])
def test_without_a_box_they_refuse(tmp_path: Path, name: str, arguments: dict[str, object]) -> None:
    with opened(tmp_path) as context, pytest.raises(OperatorError, match="no box is running") as caught:
        carry_out(context, name, **arguments)
    assert caught.value.key == "operation.no-box"
