"""Two softphones with nothing between them: the driver, the ear and the measure of speech agree."""

import time
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.baresip import UNHEARD, Account, Baresip, PhoneError
from tests.support.loopback import address

pytestmark = pytest.mark.e2e


def test_speech_arrives_before_and_after_a_hold_and_none_in_between(tmp_path: Path) -> None:
    audio.speak(tmp_path / "a.wav", "en-gb", 12)
    audio.speak(tmp_path / "b.wav", "en-us", 12, first=2)
    with (
        Baresip(tmp_path / "a", address(91, 1), speech=tmp_path / "a.wav") as a,
        Baresip(tmp_path / "b", address(91, 2), speech=tmp_path / "b.wav") as b,
    ):
        # peers without a registrar: accounts that never register
        a.command("uanew", f"<sip:1@{address(91, 1)}>;regint=0;audio_codecs=PCMA/8000/1")
        b.command("uanew", f"<sip:2@{address(91, 2)}>;regint=0;audio_codecs=PCMA/8000/1")
        a.dial(f"sip:2@{address(91, 2)}:5060")
        b.wait("CALL_INCOMING")
        b.accept()
        begin = a.wait("CALL_ESTABLISHED").at
        time.sleep(3)
        a.hold()
        held = time.monotonic() - begin
        time.sleep(1)
        a.resume()
        resumed = time.monotonic() - begin
        time.sleep(3)
        a.hangup()
        b.wait("CALL_CLOSED")
        end = time.monotonic() - begin
        for talker, listener in ((tmp_path / "a.wav", b), (tmp_path / "b.wav", a)):
            sent, heard = audio.read(talker), listener.heard()
            before = audio.find(audio.cut(sent, 0.4, held - UNHEARD), heard)
            after = audio.find(audio.cut(sent, resumed + 0.4, end - UNHEARD), heard)
            between = audio.find(audio.cut(sent, held + 0.1, resumed - 0.1), heard)
            assert before.correlation > 0.99
            assert after.correlation > 0.99
            assert after.at > before.at
            assert between.correlation < 0.6
    assert len(audio.read(tmp_path / "a" / "heard.wav")) > 4 * audio.RATE


def test_a_registrar_that_is_not_there_and_an_event_that_never_comes(tmp_path: Path) -> None:
    audio.write(tmp_path / "s.wav", bytes(16000))
    with Baresip(tmp_path / "a", address(91, 3), speech=tmp_path / "s.wav") as a:
        account = Account("101", "secret-secret-secret", f"{address(91, 99)}:5060", transport="tcp")
        assert a.register(account).type == "REGISTER_FAIL"
        with pytest.raises(PhoneError, match="no CALL_INCOMING within"):
            a.wait("CALL_INCOMING", seconds=0.1)
        with pytest.raises(PhoneError, match="refuses"):
            a.command("nonsense")
