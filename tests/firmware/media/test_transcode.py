"""Two sides without a common codec hear each other; with one, their packets pass as they are."""

import asyncio
import time
from typing import Any

import pytest

from firmware.media import Bridge, Description, Side
from firmware.media.transcode import MAPS
from rtp.audio import audioop
from rtp.codec import available, make
from rtp.packet import Packet
from rtp.plan import RECVONLY, SENDONLY, Row
from tests.firmware.media.calls import HOST, hears, running, target, until
from tests.rtp.test_room import strength, tone
from tests.rtp.twin import Phone

EVENT = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"


def line(phone: Phone, formats: str, *, direction: str = "sendrecv", proto: str = "RTP/AVP") -> Description:
    events = EVENT if "101" in formats else ""
    text = (
        f"v=0\r\no=- 7 7 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        f"m=audio {phone.address[1]} {proto} {formats}\r\n{events}a={direction}\r\n"
    )
    return Description.parse(text.encode())


def formats(description: Description) -> str:
    return " ".join(description.media[0].formats)


class Pair:
    """A call of two phones, each with formats of its own; `rows` are theirs afterwards."""

    def __init__(self, bridge: Bridge, caller: str, callee: str) -> None:
        self.a, self.b = Phone(), Phone()
        self.bridge = bridge
        self.offered = bridge.offer("caller", line(self.a, caller))
        self.answered = bridge.answer("callee", line(self.b, callee))
        self.a_to, self.b_to = target(self.answered), target(self.offered)

    def rows(self) -> tuple[Row | None, Row | None]:
        return self.bridge._media.row(self.a_to), self.bridge._media.row(self.b_to)


async def talk(pair: Pair, seconds: float) -> tuple[bytes, bytes, list[Packet], list[Packet]]:
    """Let a say 400 Hz in mu-law and b 1000 Hz in A-law; what each heard, decoded, and its packets."""
    ours = [audioop.lin2ulaw(frame, 2) for frame in tone(400, 0.3, 8000, 50)]
    theirs = [audioop.lin2alaw(frame, 2) for frame in tone(1000, 0.3, 8000, 50)]
    heard: list[list[Packet]] = [[], []]
    start = time.monotonic()
    sent = 0
    while sent < seconds * 50:
        while sent < (time.monotonic() - start) * 50:
            pair.a.say(pair.a_to, ours[sent % 50], 0)
            pair.b.say(pair.b_to, theirs[sent % 50], 8)
            sent += 1
        for phone, came in zip((pair.a, pair.b), heard, strict=True):
            came.extend(map(Packet.parse, Phone.raw(phone.rtp)))
        await asyncio.sleep(0.005)
    sound = [
        b"".join(decode(packet.payload, 2) for packet in packets if packet.payload_type == kind)
        for packets, decode, kind in zip(heard, (audioop.ulaw2lin, audioop.alaw2lin), (0, 8), strict=True)
    ]
    return sound[0], sound[1], heard[0], heard[1]


def test_mu_law_and_a_law_hear_each_other() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                pair = Pair(bridge, "0 101", "8 101")
                assert formats(pair.offered) == "0 8 101"
                assert formats(pair.answered) == "0 101"
                assert pair.answered.media[0].fmtp("101") == "0-16"
                to_a, to_b, packets, _ = await talk(pair, 2.0)
                assert {packet.payload_type for packet in packets} == {0}
                assert strength(to_a[-320 * 40 :], 1000, 8000) == pytest.approx(0.3, rel=0.2)
                assert strength(to_b[-320 * 40 :], 400, 8000) == pytest.approx(0.3, rel=0.2)
                for n in range(4):
                    end = 0x8A if n > 1 else 0x0A
                    packet = Packet(101, 5000 + n, 99000, 7, bytes((7, end, 2, 128 + n)))
                    pair.a.rtp.sendto(bytes(packet), (HOST, pair.a_to))
                events: list[Packet] = []

                def came() -> bool:
                    events.extend(map(Packet.parse, Phone.raw(pair.b.rtp)))
                    return any(each.payload_type == 101 and each.payload[1] & 0x80 for each in events)

                await until(came)
                assert {each.payload[0] for each in events if each.payload_type == 101} == {7}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("caller", "callee", "told"),
    [
        ("0 101", "0 101", "0 101"),
        ("0 101", "0 8 101", "0 101"),
        ("0 8 101", "8 101", "8 101"),
        ("8 0", "0", "0"),
        ("18 0", "18", "18"),
        ("18", "18", "18"),
    ],
)
def test_what_both_can_passes_through(caller: str, callee: str, told: str) -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                pair = Pair(bridge, caller, callee)
                assert formats(pair.answered) == told
                assert [row is not None and row.seat for row in pair.rows()] == [b"", b""]
                await hears(pair.a, pair.a_to, pair.b, b"as it is")

    asyncio.run(main())


def test_who_has_none_of_our_codecs_is_offered_none() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                assert formats(bridge.offer("caller", line(Phone(), "18 101"))) == "18 101"
                secure = line(Phone(), "0", proto="RTP/SAVP")
                key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
                keyed = Description.parse(bytes(secure) + key.encode())
                assert formats(bridge.offer("caller", keyed)) == "0", "what is encrypted we cannot hear"

    asyncio.run(main())


def test_a_call_moves_into_a_room_and_out_of_it_by_new_offers() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                pair = Pair(bridge, "0 101", "8 101")
                side: Side = "callee"
                again = bridge.offer(side, line(pair.b, "8 101", direction="sendonly"))
                assert formats(again) == "8 0 101"
                told = bridge.answer("caller", line(pair.a, "0 101", direction="recvonly"))
                assert formats(told) == "8 101"
                left, right = pair.rows()
                assert left is not None
                assert right is not None
                assert left.seat
                assert right.seat
                assert (left.direction, right.direction) == (RECVONLY, SENDONLY)
                bridge.offer(side, line(pair.b, "0 101"))
                bridge.answer("caller", line(pair.a, "0 101"))
                await hears(pair.a, pair.a_to, pair.b, b"as it is")
                await hears(pair.b, pair.b_to, pair.a, b"both ways")

    asyncio.run(main())


def test_a_room_comes_back_after_the_media_process_died() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                pair = Pair(bridge, "0 101", "8 101")
                await talk(pair, 0.5)
                media._worker.kill()
                await until(lambda: media.restarts == 1)
                to_a, to_b, _, _ = await talk(pair, 2.0)
                assert strength(to_a[-320 * 40 :], 1000, 8000) == pytest.approx(0.3, rel=0.2)
                assert strength(to_b[-320 * 40 :], 400, 8000) == pytest.approx(0.3, rel=0.2)

    asyncio.run(main())


def test_the_order_is_the_sites_and_none_is_none() -> None:
    async def main() -> None:
        orders: tuple[tuple[tuple[str, ...], str], ...] = (
            ((), "9 101"),
            (("pcma", "g722"), "9 8 101"),
            (("g722", "pcmu", "pcma"), "9 0 8 101"),
        )
        for order, wanted in orders:
            async with running() as media:
                media.transcode = order
                with media.open() as bridge:
                    assert formats(bridge.offer("caller", line(Phone(), "9 101"))) == wanted

    asyncio.run(main())


@pytest.mark.parametrize(("name", "offer"), [("g722", "9 101"), ("opus", "96 101"), ("l16", "96 101")])
def test_wideband_and_telephone_hear_each_other(name: str, offer: str) -> None:
    codec = MAPS[name]
    if (name, codec.rate) not in available():
        pytest.skip(f"{name}: its library is not installed, nothing is turned into it here")

    async def main() -> None:
        options: dict[str, Any] = {"transcode": ("pcmu", "pcma", name)}
        async with running(**options) as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                mapped = f"a=rtpmap:96 {codec}\r\n" if "96" in offer else ""
                offered = bridge.offer("caller", Description.parse(bytes(line(a, offer)) + mapped.encode()))
                answered = bridge.answer("callee", line(b, "0 101"))
                assert formats(answered) == offer
                here, there = make(name, codec.rate), audioop.lin2ulaw
                wide, narrow = tone(400, 0.3, here.rate, 50), tone(1000, 0.3, 8000, 50)
                heard: tuple[list[bytes], list[bytes]] = ([], [])
                start, sent = time.monotonic(), 0
                while sent < 120:
                    while sent < (time.monotonic() - start) * 50:
                        clock = sent * codec.rate // 50
                        payload = here.encode(wide[sent % 50])
                        packet = Packet(int(offer.split(maxsplit=1)[0]), sent, clock, 7, payload)
                        a.rtp.sendto(bytes(packet), (HOST, target(answered)))
                        b.say(target(offered), there(narrow[sent % 50], 2), 0)
                        sent += 1
                    for phone, sound in zip((a, b), heard, strict=True):
                        sound.extend(phone.heard())
                    await asyncio.sleep(0.005)
                to_a = b"".join(map(here.decode, heard[0]))[-here.rate :]
                to_b = b"".join(audioop.ulaw2lin(payload, 2) for payload in heard[1])[-8000:]
                assert strength(to_a, 1000, here.rate) == pytest.approx(0.3, rel=0.3)
                assert strength(to_b, 400, 8000) == pytest.approx(0.3, rel=0.3)

    asyncio.run(main())
