"""What the box itself can be heard with, by softphones: conferences, paging, music on hold, announcements."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 79
SITE = {"# [[room]]\n": "[[room]]\n", '# number = "600"\n': 'number = "650"\n', '# pin = "2468"\n': ""}
TONES = (700, 1100, 1500)  # Hz that each of three phones says
MUSIC = 1300  # Hz


def strength(heard: audio.Samples, hertz: int) -> float:
    """Return the amplitude of a frequency in samples (Goertzel's sum, written out)."""
    turn = np.exp(-2j * np.pi * hertz / audio.RATE * np.arange(len(heard)))
    return float(2 * abs(np.dot(heard, turn)) / max(1, len(heard)))


def last(phone: Baresip, seconds: float = 1.0) -> audio.Samples:
    """Return what a phone heard last."""
    return phone.heard()[-int(seconds * audio.RATE) :]


def tones(phone: Baresip) -> list[int]:
    """Return which of the phones' tones, and of the music's, can be heard."""
    heard = last(phone)
    return [hertz for hertz in (*TONES, MUSIC) if strength(heard, hertz) > 500]


def until(phone: Baresip, wanted: list[int], seconds: float = 15.0) -> None:
    """Wait until a phone hears exactly these; the time only bounds a failure."""
    end = time.monotonic() + seconds
    while tones(phone) != wanted:
        assert time.monotonic() < end, f"hears {tones(phone)}, not {wanted}"
        time.sleep(0.1)


@contextmanager
def phones(office: Office, directory: Path, *numbers: str) -> Iterator[list[Baresip]]:
    with ExitStack() as stack:
        made = []
        for at, (number, hertz) in enumerate(zip(numbers, TONES, strict=False)):
            wave = 6000 * np.sin(2 * np.pi * hertz / audio.RATE * np.arange(60 * audio.RATE))
            audio.write(directory / f"{number}.wav", wave.astype("<i2").tobytes())
            phone = Baresip(directory / number, office.address(10 + at), speech=directory / f"{number}.wav")
            made.append(stack.enter_context(phone))
            account = Account(number, office.secret(number), office.server, "udp")
            assert phone.register(account).type == "REGISTER_OK"
        yield made


def test_three_in_a_conference_hear_the_two_others(office: Office, tmp_path: Path) -> None:
    before = len(office.records())
    with phones(office, tmp_path, "101", "102", "103") as (a, b, c):
        for phone in (a, b, c):
            phone.dial(f"sip:650@{office.server}")
            phone.wait("CALL_ESTABLISHED")
        until(a, [1100, 1500])
        until(b, [700, 1500])
        until(c, [700, 1100])
        there = office.box.json("conferences")
        assert [(one["room"], one["who"]) for one in there] == [
            ("650", "101"),
            ("650", "102"),
            ("650", "103"),
        ]
        office.box.cli("hangup", there[1]["call"])
        b.wait("CALL_CLOSED")
        until(a, [1500])
        until(c, [700])
        a.hangup()
        c.hangup()
        record = office.record(before + 3)
    assert (record["dialled"], record["cause"]) == ("650", "normal")


def test_who_talks_with_two_makes_it_a_conference(office: Office, tmp_path: Path) -> None:
    with phones(office, tmp_path, "101", "102", "103") as (a, b, c):
        for number, phone in (("102", b), ("103", c)):
            since = a.mark()
            a.dial(f"sip:{number}@{office.server}")
            phone.wait("CALL_INCOMING")
            phone.accept()
            a.wait("CALL_ESTABLISHED", since=since)
            a.hold()
        a.dial(f"sip:*82@{office.server}")
        until(b, [700, 1500])
        until(c, [700, 1100])
        until(a, [1100, 1500])
        assert sorted(one["who"] for one in office.box.json("conferences")) == ["101", "102", "103"]
        assert len(office.calls()) == 3
        a.hangup()
        until(b, [1500])
        b.hangup()
        c.hangup()


def test_an_echo(office: Office, tmp_path: Path) -> None:
    with phones(office, tmp_path, "101") as (a,):
        a.dial(f"sip:*43@{office.server}")
        a.wait("CALL_ESTABLISHED")
        until(a, [700])
        a.hangup()


def test_the_own_number_is_told_in_beeps_where_there_are_no_prompts(office: Office, tmp_path: Path) -> None:
    with phones(office, tmp_path, "102") as (a,):
        a.dial(f"sip:*65@{office.server}")
        a.wait("CALL_ESTABLISHED")
        a.wait("CALL_CLOSED", seconds=30)
        heard = a.heard()
    step = audio.RATE // 50
    loud = [strength(heard[at : at + step], 440) > 500 for at in range(0, len(heard) - step, step)]
    beeps = sum(now and not was for was, now in zip([False, *loud], loud, strict=False))
    assert beeps == 1 + 10 + 2


def test_a_page_is_heard_by_the_group_and_nobody_hears_them(office: Office, tmp_path: Path) -> None:
    office.box.cli("group", "add", "640", "--name", "All", "--member", "102", "--member", "103")
    with phones(office, tmp_path, "101", "102", "103") as (a, b, c):
        a.dial(f"sip:*81640@{office.server}")
        for phone in (b, c):
            phone.wait("CALL_INCOMING")
            phone.accept()
        until(b, [700])
        until(c, [700])
        assert tones(a) == []
        a.hangup()
        b.wait("CALL_CLOSED")
        c.wait("CALL_CLOSED")


def test_who_is_held_or_parked_hears_the_music_of_the_site(office: Office, tmp_path: Path) -> None:
    """The phone says sendonly and sends nothing; the slot says inactive."""
    wave = 6000 * np.sin(2 * np.pi * MUSIC / audio.RATE * np.arange(3 * audio.RATE))
    audio.write(tmp_path / "music.wav", wave.astype("<i2").tobytes())
    site = office.state / "site.toml"
    before = site.read_text()
    site.write_text(before.replace('hold = ""', f'hold = "{tmp_path}/music.wav"'))
    assert "sounds.hold" in office.box.cli("reload")
    with phones(office, tmp_path, "101", "102") as (a, b):
        a.dial(f"sip:102@{office.server}")
        b.wait("CALL_INCOMING")
        b.accept()
        a.wait("CALL_ESTABLISHED")
        until(a, [1100])
        b.hold()
        until(a, [MUSIC])
        b.resume()
        until(a, [1100])
        b.command("transfer", f"sip:701@{office.server}")
        b.wait("CALL_CLOSED")
        until(a, [MUSIC])
        a.hangup()
    site.write_text(before)
    office.box.cli("reload")


def test_who_dials_a_number_nobody_has_is_told_so(office: Office, tmp_path: Path) -> None:
    site = office.state / "site.toml"
    before = site.read_text()
    site.write_text(before.replace("refused = false", "refused = true"))
    assert "sounds.refused" in office.box.cli("reload")
    count = len(office.records())
    with phones(office, tmp_path, "103") as (a,):
        a.dial(f"sip:555@{office.server}")
        a.wait("CALL_PROGRESS")
        closed = a.wait("CALL_CLOSED", seconds=30)
        assert "404" in str(closed.fields["param"])
        heard = a.heard()
    step = audio.RATE // 10
    parts = [heard[at : at + step] for at in range(0, len(heard) - step, step)]
    for hertz in (950, 1400, 1800):
        assert any(strength(part, hertz) > 500 for part in parts), f"no {hertz} Hz was heard"
    record = office.record(count + 1)
    assert (record["dialled"], record["cause"]) == ("555", "unknown-number")
    site.write_text(before)
    office.box.cli("reload")
