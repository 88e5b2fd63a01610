"""What the box itself can be heard with, by softphones: conferences, paging, music on hold, announcements."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from rtp.audio import audioop
from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.office import Office
from tests.support.sipwire import Message, sdp

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


MAKERS = {  # header and what the phones of a maker look for in it
    "Yealink, Mitel": ("alert-info", "info=alert-autoanswer"),
    "AudioCodes": ("alert-info", "alert-autoanswer"),
    "Grandstream, Snom": ("call-info", "answer-after=0"),
    "RFC 5373": ("answer-mode", "Auto"),
}


class DeskPhone:
    """A phone by hand that answers a page by itself, if it is asked to in a way its maker knows."""

    def __init__(self, office: Office, host: int, number: str, maker: str) -> None:
        self.office, self.number, self.maker = office, number, maker
        self.wire = office.wire(host)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind((office.address(host), 0))
        self.rtp.settimeout(15)
        self.last: tuple[int, int] | None = None  # sequence number and timestamp

    def answers(self) -> None:
        """Wait for the call and answer it."""
        invite = self.wire.receive(15)
        while invite.method != "INVITE":
            invite = self.wire.receive(15)
        header, word = MAKERS[self.maker]
        assert word in invite.get(header), f"a phone of {self.maker} would ring"
        assert b"a=sendonly" in invite.body, "nobody is to hear who is paged"
        host, port = self.rtp.getsockname()
        body = sdp(host, port, "recvonly")
        self._reply(invite, f"<sip:{self.number}@{self.wire.address}:5060>", body)
        assert self.wire.receive(15).method == "ACK"

    def hears(self, packets: int) -> float:
        """Take so many packets more; return how strong the pager's tone is in them. None may be missing."""
        sound = b""
        for _ in range(packets):
            data = self.rtp.recv(2048)
            first, second, number, stamp, _ = struct.unpack_from("!BBHII", data)
            assert (first, second & 127, len(data)) == (0x80, 8, 172)
            if self.last is not None:
                assert number == (self.last[0] + 1) & 0xFFFF, "a packet is missing"
                assert (stamp - self.last[1]) & 0xFFFFFFFF in range(160, 1 << 31, 160)
            self.last = number, stamp
            sound += audioop.alaw2lin(data[12:], 2)
        return strength(audio.samples(sound), TONES[0])

    def hung_up(self) -> None:
        """Wait for the BYE."""
        bye = self.wire.receive(15)
        assert bye.method == "BYE"
        self._reply(bye, "", b"")

    def _reply(self, request: Message, contact: str, body: bytes) -> None:
        kept = ("via", "from", "call-id", "cseq", "record-route")
        lines = ["SIP/2.0 200 OK", *(f"{name}: {value}" for name, value in request.headers if name in kept)]
        tag = "" if ";tag=" in request.get("to") else f";tag={self.number}"
        lines += [f"To: {request.get('to')}{tag}"]
        lines += [f"Contact: {contact}", "Content-Type: application/sdp"] if body else []
        self.wire.send("\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body)

    def close(self) -> None:
        self.wire.register(self.number, self.office.secret(self.number), expires=0)
        self.wire.socket.close()
        self.rtp.close()


def test_a_page_reaches_phones_of_all_makers_and_every_packet_of_it(office: Office, tmp_path: Path) -> None:
    members = ["103", "104", "105", "106"]
    office.box.cli(
        "group", "add", "641", "--name", "Hall", *[part for one in members for part in ("--member", one)]
    )
    with phones(office, tmp_path, "101") as (a,), ExitStack() as stack:
        paged = []
        for at, (number, maker) in enumerate(zip(members, MAKERS, strict=True)):
            paged.append(DeskPhone(office, 30 + at, number, maker))
            stack.callback(paged[-1].close)
            assert paged[-1].wire.register(number, office.secret(number)).status == 200
        a.dial(f"sip:*81641@{office.server}")
        for phone in paged:
            phone.answers()
        rounds = [[phone.hears(25) for phone in paged] for _ in range(8)]
        while min(rounds[-1]) < 500:
            assert len(rounds) < 40, "not all of them hear it"
            rounds.append([phone.hears(25) for phone in paged])
        a.hangup()
        for phone in paged:
            phone.hung_up()
