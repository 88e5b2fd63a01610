"""Music on hold: who hears it, and when it gives way."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from firmware.media import Bridge, File, Media, hold
from rtp.audio import audioop
from rtp.packet import Packet
from tests.firmware.media.calls import hears, running, target, until
from tests.firmware.media.test_secure import SecretPhone
from tests.firmware.media.test_transcode import line
from tests.rtp.test_room import strength
from tests.rtp.twin import Phone
from tests.support import audio


@pytest.fixture
def music(tmp_path: Path) -> File:
    wave = 8000 * np.sin(2 * np.pi * 1000 / audio.RATE * np.arange(4 * audio.RATE))
    audio.write(tmp_path / "music.wav", wave.astype("<i2").tobytes())
    return File(str(tmp_path / "music.wav"))


class Call:
    """A call of a with b; `b_codecs` other than a's: turned into each other."""

    def __init__(self, media: Media, music: File | None, b_codecs: str = "0") -> None:
        media.music = () if music is None else (music,)
        self.media = media
        self.bridge: Bridge = media.open()
        self.a, self.b = Phone(), Phone()
        self.b_codecs = b_codecs
        self.b_to = target(self.bridge.offer("caller", line(self.a, "0")))
        self.a_to = target(self.bridge.answer("callee", line(self.b, b_codecs)))

    def change(self, direction: str, back: str = "sendrecv") -> tuple[str, str]:
        """Let a change the direction and b answer; return what b was offered and a answered."""
        offer = self.bridge.offer("caller", line(self.a, "0", direction=direction))
        answer = self.bridge.answer("callee", line(self.b, self.b_codecs, direction=back))
        return offer.media[0].direction, answer.media[0].direction

    async def music(self, phone: Phone) -> None:
        """Wait until a phone hears it: for ever if it does not, which a test ends."""
        heard: list[bytes] = []

        def enough() -> bool:
            heard.extend(Packet.parse(data).payload for data in Phone.raw(phone.rtp))
            return strength(_samples(heard[-25:]), 1000, 8000) > 0.05 if len(heard) >= 25 else False

        await until(enough, 20)

    async def talks(self) -> None:
        """Wait until b hears what a says, and nothing else."""
        heard: list[bytes] = []

        def enough() -> bool:
            self.a.say(self.a_to, b"\x11" * 160, 0)
            heard.extend(Packet.parse(data).payload for data in Phone.raw(self.b.rtp))
            return len(heard) > 30 and set(heard[-20:]) == {b"\x11" * 160}

        await until(enough, 20)


def _samples(payloads: list[bytes]) -> bytes:
    return b"".join(audioop.ulaw2lin(payload, 2) for payload in payloads)


def test_who_is_held_by_somebody_who_cannot_send_hears_the_music(music: File) -> None:
    async def scene() -> None:
        async with running() as media:
            call = Call(media, music)
            assert call.change("inactive") == ("sendonly", "inactive")
            await call.music(call.b)
            assert call.change("sendrecv") == ("sendrecv", "sendrecv")
            await call.talks()
            assert not media.sounds._playing

    asyncio.run(scene())


def test_who_is_held_and_hears_nothing_for_a_second_hears_the_music(
    music: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "LOOK", 0.1)

    async def scene() -> None:
        async with running() as media:
            call = Call(media, music)
            assert call.change("sendonly") == ("sendonly", "recvonly")
            await call.music(call.b)
            await call.talks()  # who holds begins to play music of their own: ours gives way
            assert call.bridge._hold is not None
            assert not call.bridge._hold.playing
            call.change("sendrecv")
            await call.talks()

    asyncio.run(scene())


def test_music_of_who_holds_is_left_alone(music: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "LOOK", 0.05)
    monkeypatch.setattr(hold, "FIRST", 0.05)
    looked: list[int] = []

    async def scene() -> None:
        async with running() as media:
            call, ask = Call(media, music), media.ask

            async def asked(port: int) -> object:
                looked.append(port)
                return await ask(port)

            monkeypatch.setattr(media, "ask", asked)
            call.change("sendonly")
            heard: set[bytes] = set()

            def enough() -> bool:
                call.a.say(call.a_to, b"\x11" * 160, 0)
                heard.update(Packet.parse(data).payload for data in Phone.raw(call.b.rtp))
                return len(looked) >= 5

            monkeypatch.setattr(hold, "NOTHING", 60_000)  # whatever the machine's pace
            await until(enough, 20)
            assert heard == {b"\x11" * 160}
            assert set(looked) == {call.a_to}

    asyncio.run(scene())


def test_who_was_held_in_an_answer_hears_the_music(music: File) -> None:
    async def scene() -> None:
        async with running() as media:
            call = Call(media, music)
            assert call.change("sendrecv", "inactive") == ("sendrecv", "sendonly")
            await call.music(call.a)

    asyncio.run(scene())


def test_who_is_held_in_a_call_whose_codecs_are_turned_into_each_other(music: File) -> None:
    async def scene() -> None:
        async with running() as media:
            call = Call(media, music, "8")
            call.change("inactive")
            heard: list[bytes] = []

            def enough() -> bool:
                heard.extend(Packet.parse(data).payload for data in Phone.raw(call.b.rtp))
                samples = b"".join(audioop.alaw2lin(payload, 2) for payload in heard[-25:])
                return len(heard) >= 25 and strength(samples, 1000, 8000) > 0.05

            await until(enough, 20)
            call.change("sendrecv")
            await until(lambda: not media.sounds._playing, 20)

    asyncio.run(scene())


@pytest.mark.parametrize("case", ["no music", "both hold", "a call for help", "an early answer"])
def test_nobody_hears_it_who_should_not(music: File, case: str) -> None:
    async def scene() -> None:
        async with running() as media:
            if case == "an early answer":
                media.music = (music,)
                bridge = media.open()
                bridge.offer("caller", line(Phone(), "0"))
                for _ in range(2):
                    answer = bridge.answer("callee", line(Phone(), "0", direction="inactive"))
                    assert answer.media[0].direction == "inactive"
                assert bridge._hold is None
                return
            call = Call(media, None if case == "no music" else music)
            call.bridge.music = case != "a call for help"
            back = "inactive" if case == "both hold" else "recvonly"
            offered = "sendonly" if case == "both hold" else "inactive"
            assert call.change("inactive", back) == (offered, "inactive")
            assert call.bridge._hold is None
            assert not media.sounds._playing

    asyncio.run(scene())


def test_a_phone_that_holds_and_says_nothing_is_not_missed() -> None:
    async def scene() -> None:
        async with running(silence=1) as media:
            call = Call(media, None)
            rows = [media.row(port) for port in call.bridge.ports]
            assert [row is not None and row.silence for row in rows] == [1, 1]
            call.change("sendonly", "recvonly")
            rows = [media.row(port) for port in call.bridge.ports]
            assert [row is not None and row.silence for row in rows] == [0, 0]

    asyncio.run(scene())


def test_the_end_of_a_call_ends_its_music(music: File) -> None:
    async def scene() -> None:
        async with running() as media:
            call = Call(media, music)
            call.change("inactive")
            await call.music(call.b)
            call.bridge.close()
            await until(lambda: not media.sounds._playing, 20)

    asyncio.run(scene())


@pytest.mark.parametrize("across", [False, True])
def test_who_is_held_on_encrypted_audio_hears_it_where_the_box_has_the_keys(
    music: File, *, across: bool
) -> None:
    async def scene() -> None:
        async with running() as media:
            media.music = (music,)
            bridge, a, b = media.open(), SecretPhone(), SecretPhone()
            told = bridge.offers("caller", a.line(), sole=across).another()
            a.learns(bridge.answer("callee", b.line(b.own if across else b.learns(told))))
            offer = bridge.offer("caller", a.line(direction="inactive"))
            assert offer.media[0].direction == ("inactive" if across else "sendonly")
            back = b.own if across else b.learns(offer)
            answer = bridge.answer("callee", b.line(back, direction="inactive" if across else "recvonly"))
            assert answer.media[0].direction == "inactive"
            if across:
                assert bridge._hold is None
                return
            heard: list[bytes] = []

            def enough() -> bool:
                heard.extend(b.heard())
                return len(heard) >= 25 and strength(_samples(heard[-25:]), 1000, 8000) > 0.05

            await until(enough, 20)
            b.learns(bridge.offer("caller", a.line()))
            bridge.answer("callee", b.line(back))
            await hears(a, bridge.port("caller"), b, b"\x11" * 160)

    asyncio.run(scene())
