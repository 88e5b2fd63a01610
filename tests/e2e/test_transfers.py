"""Transfer asked for by baresip, which holds the call and sends REFER; with sound."""

import time
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 77


def test_a_blind_transfer_is_rung_answered_and_heard_both_ways(office: Office, tmp_path: Path) -> None:
    audio.speak(tmp_path / "a.wav", "en-gb", 20)
    audio.speak(tmp_path / "b.wav", "en-us", 20, first=1)
    audio.speak(tmp_path / "c.wav", "en-us", 20, first=2)
    with (
        Baresip(tmp_path / "a", office.address(10), speech=tmp_path / "a.wav") as a,
        Baresip(tmp_path / "b", office.address(11), speech=tmp_path / "b.wav") as b,
        Baresip(tmp_path / "c", office.address(12), speech=tmp_path / "c.wav") as c,
    ):
        for phone, number in ((a, "101"), (b, "102"), (c, "103")):
            account = Account(number, office.secret(number), office.server, "udp")
            assert phone.register(account).type == "REGISTER_OK"
        a.dial(f"sip:102@{office.server}")
        b.wait("CALL_INCOMING")
        b.accept()
        a.wait("CALL_ESTABLISHED")
        time.sleep(0.5)
        b.command("transfer", f"sip:103@{office.server}")
        c.wait("CALL_INCOMING")
        answered = c.accept()
        c.wait("CALL_ESTABLISHED")
        b.wait("CALL_CLOSED")
        time.sleep(3)
        [running] = office.calls()
        assert (running["caller"], running["callee"]) == ("101", "103")
        a.hangup()
        c.wait("CALL_CLOSED")
        ended = time.monotonic()
        sent = audio.cut(audio.read(tmp_path / "c.wav"), 0.4, ended - answered - 0.8)
        assert audio.find(sent, a.heard()).correlation >= 0.9
        heard_by_c = c.heard()
        assert audio.find(audio.cut(heard_by_c, 0.6, 2.4), audio.read(tmp_path / "a.wav")).correlation >= 0.9
    record = office.record()
    assert (record["caller"], record["callee"], record["ended_by"]) == ("101", "103", "caller")


def test_a_transfer_to_nobody_is_told_to_have_failed(office: Office, tmp_path: Path) -> None:
    before = len(office.records())
    audio.write(tmp_path / "s.wav", bytes(16000))
    with (
        Baresip(tmp_path / "a", office.address(13), speech=tmp_path / "s.wav") as a,
        Baresip(tmp_path / "b", office.address(14), speech=tmp_path / "s.wav") as b,
    ):
        for phone, number in ((a, "104"), (b, "105")):
            account = Account(number, office.secret(number), office.server, "udp")
            assert phone.register(account).type == "REGISTER_OK"
        a.dial(f"sip:105@{office.server}")
        b.wait("CALL_INCOMING")
        b.accept()
        a.wait("CALL_ESTABLISHED")
        a.command("transfer", f"sip:199@{office.server}")
        a.wait("TRANSFER_FAILED")
        b.wait("CALL_CLOSED")  # baresip hangs up by itself then; until that the two talk on
    record = office.record(before + 1)
    assert (record["callee"], record["cause"], record["ended_by"]) == ("105", "normal", "caller")
