"""Pickup and park with softphones and the real box: heard both ways, and the lamp of the slot."""

import time
from pathlib import Path

import pytest

from tests.e2e.test_lamps import notified, subscribe
from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 81


def heard_by(listener: Baresip, speech: Path) -> float:
    """Return how surely what the listener heard in the end stands in a file."""
    heard = listener.heard()
    length = len(heard) / audio.RATE
    return audio.find(audio.cut(heard, length - 2.4, length - 0.6), audio.read(speech)).correlation


def phones(office: Office, directory: Path) -> tuple[Baresip, Baresip, Baresip]:
    made = []
    for at, name in enumerate("abc"):
        audio.speak(directory / f"{name}.wav", "en-us" if at else "en-gb", 30, first=at)
        made.append(Baresip(directory / name, office.address(10 + at), speech=directory / f"{name}.wav"))
    a, b, c = made
    return a, b, c


def register(office: Office, *pairs: tuple[Baresip, str]) -> None:
    for phone, number in pairs:
        account = Account(number, office.secret(number), office.server, "udp")
        assert phone.register(account).type == "REGISTER_OK"


def test_a_call_is_picked_up_and_heard_both_ways(office: Office, tmp_path: Path) -> None:
    office.box.cli("group", "add", "600", "--name", "Sales", "--member", "102", "--member", "103")
    before = len(office.records())
    one, two, three = phones(office, tmp_path)
    with one as a, two as b, three as c:
        register(office, (a, "101"), (b, "102"), (c, "103"))
        a.dial(f"sip:102@{office.server}")
        b.wait("CALL_INCOMING")
        c.dial(f"sip:**102@{office.server}")
        a.wait("CALL_ESTABLISHED")
        b.wait("CALL_CLOSED")
        time.sleep(4)
        [running] = office.calls()
        assert (running["caller"], running["callee"]) == ("101", "103")
        assert heard_by(a, tmp_path / "c.wav") >= 0.9
        assert heard_by(c, tmp_path / "a.wav") >= 0.9
        a.hangup()
        c.wait("CALL_CLOSED")
    record = office.record(before + 1)
    assert (record["caller"], record["callee"], record["dialled"]) == ("101", "103", "102")


def test_parked_seen_retrieved_and_heard_both_ways(office: Office, tmp_path: Path) -> None:
    before = len(office.records())
    one, two, three = phones(office, tmp_path)
    with office.wire(20) as watcher, one as a, two as b, three as c:
        assert subscribe(watcher, office, "100", "702").status == 200
        assert notified(watcher)[0] == ""
        register(office, (a, "101"), (b, "102"), (c, "103"))
        a.dial(f"sip:102@{office.server}")
        b.wait("CALL_INCOMING")
        b.accept()
        a.wait("CALL_ESTABLISHED")
        time.sleep(0.5)
        b.command("transfer", f"sip:702@{office.server}")
        b.wait("CALL_CLOSED")
        assert notified(watcher)[0] == "confirmed"
        [parked] = office.box.json("parked")
        assert (parked["slot"], parked["who"], parked["by"]) == ("702", "101", "102")
        time.sleep(1)
        c.dial(f"sip:702@{office.server}")
        c.wait("CALL_ESTABLISHED")
        assert notified(watcher)[0] == ""
        assert office.box.json("parked") == []
        time.sleep(4)
        assert heard_by(c, tmp_path / "a.wav") >= 0.9
        assert heard_by(a, tmp_path / "c.wav") >= 0.9
        a.hangup()
        c.wait("CALL_CLOSED")
    record = office.record(before + 1)
    assert (record["caller"], record["callee"], record["cause"]) == ("101", "103", "normal")


def test_the_intercom_reaches_a_phone_and_the_setting_is_kept(office: Office) -> None:
    with (
        office.phone("105", 30),
        office.sipp("uas_talk", 30, words={"RING": 0}) as callee,
        office.sipp("uac_talk", 31, "104", dialled="*80105", words={"TALK": 200}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    with office.sipp("uac_listen", 32, "106", dialled="*71") as caller:
        caller.wait().expect(1)
    office.box.stop()
    office.box.start()
    assert office.box.json("extension", "forward", "106")["waiting"] is False
