"""pjsip as a phone: calls both ways with sound, 100rel, session timers, attended transfer, message lamp."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.office import Office
from tests.support.pjsua import Pjsua

pytest.importorskip("pjsua2", reason="pjsip is not there: its calls, transfers and lamp stay untried")

pytestmark = pytest.mark.e2e
NET = 71


def phones(
    stack: ExitStack, office: Office, tmp_path: Path, *users: str, demanding: bool = False
) -> list[Pjsua]:
    """Register pjsip phones, each with a voice of its own."""
    made = []
    for at, user in enumerate(users):
        audio.speak(tmp_path / f"{user}.wav", "en-gb", 8, first=at)
        phone = stack.enter_context(
            Pjsua(
                office.address(20 + at), speech=tmp_path / f"{user}.wav", heard=tmp_path / f"{user}-heard.wav"
            )
        )
        phone.start(
            user=user, secret=office.secret(user), server=office.server, mwi=at == 0, demanding=demanding
        )
        made.append(phone)
    return made


def talk(office: Office, caller: Pjsua, callee: Pjsua, number: str) -> tuple[int, int, str]:
    """Call and answer; returns both calls' numbers and the INVITE that arrived."""
    caller.do("dial", target=f"sip:{number}@{office.server}")
    made = caller.wait("dialled")["call"]
    incoming = callee.wait("incoming")
    callee.do("answer", call=incoming["call"])
    caller.wait("call", call=made, state="CONFIRMED")
    callee.wait("call", call=incoming["call"], state="CONFIRMED")
    return made, incoming["call"], incoming["text"]


@pytest.mark.parametrize("demanding", [False, True], ids=["plain", "100rel and session timers"])
def test_calls_both_ways_with_sound(office: Office, tmp_path: Path, demanding: bool) -> None:
    with ExitStack() as stack:
        anna, ben = phones(stack, office, tmp_path, "101", "102", demanding=demanding)
        made, taken, text = talk(office, anna, ben, "102")
        assert "P-Asserted-Identity:" in text
        if demanding:  # it would have refused a call without them
            assert "Supported: 100rel, timer" in text
            assert "Session-Expires: " in text
        time.sleep(3)
        anna.do("hold", call=made)
        anna.wait("media", call=made)
        anna.do("resume", call=made)
        anna.wait("media", call=made, status=1)
        ben.do("hangup", call=taken)
        anna.wait("call", call=made, state="DISCONNECTED")
        made, taken, _ = talk(office, ben, anna, "101")
        ben.do("hangup", call=made)
        anna.wait("call", call=taken, state="DISCONNECTED")
    for talker, listener in (("101", "102"), ("102", "101")):
        sent = audio.cut(audio.read(tmp_path / f"{talker}.wav"), 0.4, 1.4)
        assert audio.find(sent, audio.read(tmp_path / f"{listener}-heard.wav")).correlation >= 0.6


def test_attended_transfer(office: Office, tmp_path: Path) -> None:
    with ExitStack() as stack:
        anna, ben, nora = phones(stack, office, tmp_path, "101", "102", "103")
        first, _, _ = talk(office, anna, ben, "102")
        anna.do("hold", call=first)
        anna.wait("media", call=first)
        second, at_nora, _ = talk(office, anna, nora, "103")
        anna.do("attended", call=first, to=second)
        anna.wait("transfer", call=first, status=200, last=True)
        anna.wait("call", state="DISCONNECTED")
        time.sleep(0.5)
        [call] = office.calls()
        assert call["state"] == "talking"
        nora.do("hangup", call=at_nora)
        ben.wait("call", state="DISCONNECTED")


def test_the_message_lamp(office: Office, tmp_path: Path) -> None:
    with ExitStack() as stack:
        [anna] = phones(stack, office, tmp_path, "101")
        assert "Messages-Waiting: no" in anna.wait("mwi")["text"]
        office.box.cli("extension", "messages", "101", "--new", "2")
        text = anna.wait("mwi")["text"]
        assert "Messages-Waiting: yes" in text
        assert "Voice-Message: 2/0 (0/0)" in text
        office.box.cli("extension", "messages", "101", "--new", "0")
