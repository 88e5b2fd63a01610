"""A place of the box's own: what it agrees to, who hears what there, what outlives a media process."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from firmware.media import Bridge, File, NotAcceptable, Prompt, Tone
from firmware.media.place import Inside
from rtp.audio import audioop
from rtp.keys import NAMES
from rtp.packet import Packet
from rtp.seat import ECHO, MUTED, Seat
from tests.firmware.media.calls import hears, running, target, until
from tests.firmware.media.test_secure import SecretPhone, keys_of
from tests.firmware.media.test_transcode import formats, line
from tests.rtp.test_room import strength
from tests.rtp.twin import Phone

BEEP = Tone("!1000/400")


def seat_of(bridge: Bridge, port: int) -> Seat:
    row = bridge._media.row(port)
    assert row is not None
    return Seat.parse(row.seat)


def test_an_offer_is_answered_with_one_codec_of_the_box_and_events() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(), media.open(), Phone()
            seen: list[int] = []
            place.on_seated = lambda: seen.append(place.port)
            offer = bridge.offer("caller", line(phone, "9 8 0 101"))
            answer = bridge.answer("callee", place.answer(offer))
            assert formats(answer) == "8 101"
            assert answer.media[0].direction == "sendrecv"
            assert seen == [target(answer)] == [place.port]
            seat = seat_of(bridge, place.port)
            assert (seat.room, seat.speaks, seat.hears) == (
                place.room, ((8, 2, 8000), (101, 6, 8000)), ((8, 2, 8000), (101, 6, 8000))
            )  # fmt: skip
            other = bridge.ports[1]
            assert media.row(other) is None

    asyncio.run(scene())


def test_what_the_box_does_not_speak_is_refused() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge = media.place(), media.open()
            with pytest.raises(NotAcceptable):
                bridge.answer("callee", place.answer(bridge.offer("caller", line(Phone(), "9"))))
            with pytest.raises(NotAcceptable):
                bridge.answer("callee", place.answer(bridge.offer("caller", media.place().offer())))
            assert place.port == 0

    asyncio.run(scene())


async def secret_sound(phone: SecretPhone) -> None:
    """Wait until a phone with keys hears the beep."""
    heard: list[bytes] = []

    def enough() -> bool:
        heard.extend(phone.heard())
        samples = b"".join(audioop.ulaw2lin(payload, 2) for payload in heard[-25:])
        return len(heard) >= 25 and strength(samples, 1000, 8000) > 0.05

    await until(enough, 20)


@pytest.mark.parametrize("suite", sorted(NAMES))
def test_who_has_keys_is_answered_with_one_of_the_box(suite: str) -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(0, ECHO), media.open(), SecretPhone(suite)
            answer = bridge.answer("callee", place.answer(bridge.offer("caller", phone.line())))
            assert answer.media[0].proto == "RTP/SAVP"
            assert [key.suite for key in keys_of(answer)] == [suite]
            assert phone.own.key not in {key.key for key in keys_of(answer)}
            phone.learns(answer)
            place.play([BEEP], loop=True)
            await secret_sound(phone)
            held = bridge.answer(
                "callee", place.answer(bridge.offer("caller", phone.line(direction="sendonly")))
            )
            again = bridge.answer("callee", place.answer(bridge.offer("caller", phone.line())))
            assert keys_of(held) == keys_of(again) == keys_of(answer), "the same far end goes on"
            media.sounds.stop(place.port)
            await hears(phone, target(answer), phone, b"\x11" * 160)

    asyncio.run(scene())


@pytest.mark.parametrize("wants", ["passed", "required"])
def test_phones_are_offered_keys_of_their_own_where_plain_is_not_enough(wants: str) -> None:
    async def scene() -> None:
        async with running() as media:
            media.srtp = wants  # type: ignore[assignment]
            place, bridge = media.place(0, MUTED), media.open()
            offers = bridge.offers("caller", place.offer("sendonly"))
            told = [offers.another() for _ in range(2)]
            if wants == "passed":
                assert [each.media[0].proto for each in told] == ["RTP/AVP"] * 2
                again = offers.instead(told[0])
                assert again is not None
                told = [again]
            assert all(each.media[0].proto == "RTP/SAVP" for each in told)
            secrets = [key.key for each in told for key in keys_of(each)]
            assert len(set(secrets)) == len(secrets), "no two phones get one key"
            phone = SecretPhone()
            bridge.answer("callee", phone.line(phone.learns(told[0]), direction="recvonly"))
            place.play([BEEP], loop=True)
            await secret_sound(phone)

    asyncio.run(scene())


def test_a_call_encrypted_from_end_to_end_goes_on_encrypted_with_the_box() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, one, other = media.place(), media.open(), SecretPhone(), SecretPhone()
            across = bridge.offers("caller", one.line(), sole=True).another()
            assert keys_of(across) == [one.own]
            bridge.answer("callee", other.line())
            told = bridge.offer("callee", place.offer())
            assert told.media[0].proto == "RTP/SAVP"
            assert not {key.key for key in keys_of(told)} & {one.own.key, other.own.key}
            bridge.answer("caller", one.line(one.learns(told)))
            place.play([BEEP], loop=True)
            await secret_sound(one)

    asyncio.run(scene())


def test_an_offer_of_the_box() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(0, MUTED), media.open(), Phone()
            offer = bridge.offer("caller", place.offer("sendonly"))
            assert not isinstance(offer, Inside)
            assert formats(offer) == "0 8 101"
            assert offer.media[0].direction == "sendonly"
            bridge.answer("callee", line(phone, "8 101", direction="recvonly"))
            seat = seat_of(bridge, place.port)
            assert seat.speaks == ((8, 2, 8000), (101, 6, 8000))
            assert seat.flags == MUTED
            assert place.port == target(offer)

    asyncio.run(scene())


def test_who_holds_the_box_is_not_heard_and_is_again_afterwards() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(), media.open(), Phone()
            for wanted, flags in (("sendrecv", 0), ("sendonly", MUTED), ("sendrecv", 0)):
                offer = bridge.offer("caller", line(phone, "0", direction=wanted))
                answer = bridge.answer("callee", place.answer(offer))
                assert answer.media[0].direction == ("recvonly" if flags else "sendrecv")
                assert seat_of(bridge, place.port).flags == flags

    asyncio.run(scene())


def test_the_box_makes_way_for_a_phone() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, one, other = media.place(), media.open(), Phone(), Phone()
            bridge.answer("callee", place.answer(bridge.offer("caller", line(one, "0"))))
            bridge.offer("callee", line(other, "0"))
            bridge.answer("caller", line(one, "0"))
            for port in bridge.ports:
                row = media.row(port)
                assert row is not None
                assert not row.seat
                assert row.partner in bridge.ports

    asyncio.run(scene())


async def sound(phone: Phone, wanted: int = 40) -> bytes:
    """Return what a phone hears, as samples of mu-law, once there are enough packets."""
    heard: list[Packet] = []

    def enough() -> bool:
        heard.extend(map(Packet.parse, Phone.raw(phone.rtp)))
        return len(heard) >= wanted

    await until(enough, 20)
    return b"".join(audioop.ulaw2lin(packet.payload, 2) for packet in heard)


def test_sounds_are_played_and_their_end_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(prompts=str(tmp_path)) as media:  # type: ignore[arg-type]
            place, bridge, phone = media.place(), media.open(), Phone()
            bridge.answer("callee", place.answer(bridge.offer("caller", line(phone, "0"))))
            (tmp_path / "en").mkdir()
            assert not place.has(Prompt("en/7"))
            assert not place.has(Prompt("../en/7"))
            (tmp_path / "bad.wav").write_text("no sound")
            assert not place.has(File(str(tmp_path / "bad.wav")))
            assert not place.has(File(str(tmp_path)))
            over: list[None] = []
            place.play([BEEP, Prompt("en/7")], done=lambda: over.append(None))
            heard = await sound(phone, 20)
            assert strength(heard[640:-640], 1000, 8000) > 0.05
            await until(lambda: len(over) == 1)

    asyncio.run(scene())


def test_what_plays_for_ever_outlives_the_media_process() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(), media.open(), Phone()
            bridge.answer("callee", place.answer(bridge.offer("caller", line(phone, "0"))))
            over: list[str] = []
            place.play([BEEP], loop=True, done=lambda: over.append("loop"))
            await sound(phone)
            os.kill(media.pid, signal.SIGKILL)
            await until(lambda: media.restarts == 1, 20)
            Phone.raw(phone.rtp)
            assert strength(await sound(phone), 1000, 8000) > 0.05
            assert not over
            media.sounds.stop(place.port)
            await until(lambda: over == ["loop"])

    asyncio.run(scene())


def test_what_is_played_once_is_over_with_the_media_process() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(), media.open(), Phone()
            bridge.answer("callee", place.answer(bridge.offer("caller", line(phone, "0"))))
            over: list[None] = []
            place.play([Tone("!1000/60000")], done=lambda: over.append(None))
            await sound(phone, 5)
            os.kill(media.pid, signal.SIGKILL)
            await until(lambda: len(over) == 1, 20)

    asyncio.run(scene())


def test_keys_and_the_echo() -> None:
    async def scene() -> None:
        async with running() as media:
            place, bridge, phone = media.place(0, ECHO), media.open(), Phone()
            pressed: list[str] = []
            place.on_digit = pressed.append
            answer = bridge.answer("callee", place.answer(bridge.offer("caller", line(phone, "0 101"))))
            to, heard = target(answer), list[bytes]()

            def back() -> bool:
                phone.say(to, b"\x11" * 160, 0)
                heard.extend(Packet.parse(data).payload for data in Phone.raw(phone.rtp))
                return b"\x11" * 160 in heard

            await until(back, 20)
            for _ in range(3):
                phone.say(to, bytes((5, 0x8A, 0x03, 0x20)), 101)
            await until(lambda: pressed == ["5"], 20)

    asyncio.run(scene())
