"""Offers and answers over a bridge, with phones that listen."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from firmware.media import Description, NotAcceptable, Side
from sip.errors import BadMessage
from tests.firmware.media.calls import HOST, Talk, describe, hears, running, silent, target, until
from tests.rtp.twin import Phone

HELD = "0.0.0.0"  # noqa: S104  # how RFC 2543 put a call on hold; never bound
OFFER = """v=0
o=alice 123 9 IN IP4 10.1.2.3
s=a personal subject
i=more of it
e=someone@example.org
c=IN IP4 10.1.2.3
b=AS:84
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
a=fingerprint:sha-256 AA:BB
m=video 5000 RTP/AVP 99
a=rtpmap:99 H264/90000
m=audio 4000 RTP/AVP 9 0 8 101
c=IN IP4 10.1.2.4
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=rtcp:4009
a=candidate:1 1 UDP 1 10.1.2.4 4000 typ host
a=ice-ufrag:x
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret
a=setup:actpass
a=x-unknown:kept
m=audio 4002 RTP/SAVP 0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
""".replace("\n", "\r\n").encode()


def edited(*changes: tuple[str, str]) -> Description:
    text = OFFER.decode()
    for one, other in changes:
        assert one in text
        text = text.replace(one, other)
    return Description.parse(text.encode())


def test_what_the_other_side_sees() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                seen = str(bridge.offer("caller", Description.parse(OFFER)))
                port = bridge.port("callee")
        session = seen.split("\r\n")[1].split()[1]
        assert seen.replace("\r\n", "\n") == (
            f"v=0\no=- {session} 1 IN IP4 {HOST}\ns=-\nc=IN IP4 {HOST}\nb=AS:84\nt=0 0\n"
            "m=video 0 RTP/AVP 99\n"
            f"m=audio {port} RTP/AVP 9 0 8 101\n"
            "a=rtpmap:9 G722/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\na=ptime:20\n"
            "a=x-unknown:kept\na=sendrecv\n"
            "m=audio 0 RTP/SAVP 0\n"
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\n"
        )

    asyncio.run(main())


@pytest.mark.parametrize(
    "changes",
    [
        [("m=audio 4000 RTP/AVP", "m=audio 4000 RTP/SAVP")],
        [("m=audio 4000 RTP/AVP", "m=audio 4000 RTP/AVPF")],
        [("m=audio 4000 RTP/AVP", "m=audio 4000 UDP/TLS/RTP/SAVPF")],
        [("m=audio 4000", "m=audio 0"), ("m=audio 4002", "m=audio 0")],
        [("m=audio", "m=text")],
        [("c=IN IP4 10.1.2.4", "c=IN IP4 phone.example.org")],
        [("c=IN IP4 10.1.2.4", "c=IN IP4 224.2.1.1/127")],
        [("c=IN IP4 10.1.2.4", "c=IN IP4 239.0.0.1")],
        [("c=IN IP4 10.1.2.4", "c=IN IP4 255.255.255.255")],
        [("c=IN IP4 10.1.2.4", "c=IN IP6 2001:db8::1")],
    ],
)
def test_what_is_refused_and_leaves_the_bridge_usable(changes: list[tuple[str, str]]) -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                with pytest.raises(NotAcceptable) as caught:
                    bridge.offer("caller", edited(*changes))
                assert "10." not in str(caught.value)
                await Talk(bridge).both(b"still")

    asyncio.run(main())


def test_our_own_ports_are_no_far_end() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as one, media.open() as other:
                loop = f"c=IN IP4 {HOST}\r\n"
                for port in (*one.ports, *other.ports):
                    with pytest.raises(NotAcceptable):
                        one.offer(
                            "caller",
                            edited(("c=IN IP4 10.1.2.4\r\n", loop), ("m=audio 4000", f"m=audio {port}")),
                        )

    asyncio.run(main())


def test_answers_that_do_not_fit() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                b = Phone()
                with pytest.raises(NotAcceptable):
                    bridge.answer("callee", describe(b))
                bridge.offer("caller", describe(Phone()))
                for answer in (
                    describe(b, extra="m=video 0 RTP/AVP 99\r\n"),
                    Description.parse(bytes(describe(b)).replace(b"RTP/AVP", b"RTP/SAVP")),
                    Description.parse(bytes(describe(b)).replace(b"RTP/AVP 0 101", b"RTP/AVP 18")),
                ):
                    with pytest.raises(NotAcceptable):
                        bridge.answer("callee", answer)
                with pytest.raises(NotAcceptable):
                    bridge.answer("caller", describe(b))
                bridge.answer("callee", describe(b))

    asyncio.run(main())


def test_audio_flows_both_ways_only_after_the_answer() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                to_callee = target(bridge.offer("caller", describe(a)))
                await silent(media, b, to_callee, a, b"too early")
                to_caller = target(bridge.answer("callee", describe(b)))
                await hears(a, to_caller, b, b"hello")
                await hears(b, to_callee, a, b"hello yourself")
                statistics = await bridge.statistics()
                assert statistics["caller"].packets >= 1
                assert statistics["callee"].lost == 0

    asyncio.run(main())


def test_the_callee_may_offer_and_the_caller_answer() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                to_caller = target(bridge.offer("callee", describe(b)))
                to_callee = target(bridge.answer("caller", describe(a)))
                await hears(a, to_caller, b, b"one")
                await hears(b, to_callee, a, b"other")

    asyncio.run(main())


@pytest.mark.parametrize("legacy", [False, True])
def test_hold_and_resume(*, legacy: bool) -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                hold = describe(talk.a, host=HELD) if legacy else describe(talk.a, "sendonly")
                offered = bridge.offer("caller", hold)
                assert offered.media[0].direction == "sendonly"
                assert target(offered) == talk.b_to
                answered = bridge.answer("callee", describe(talk.b, "recvonly"))
                assert answered.media[0].direction == "recvonly"
                await hears(talk.a, talk.a_to, talk.b, b"music")
                await silent(media, talk.b, talk.b_to, talk.a, b"held")
                bridge.offer("callee", describe(talk.b, "inactive"))
                bridge.answer("caller", describe(talk.a, "inactive"))
                await silent(media, talk.a, talk.a_to, talk.b, b"both held")
                bridge.offer("caller", describe(talk.a))
                bridge.answer("callee", describe(talk.b))
                await talk.both(b"after")
                rows = [media.row(port) for port in bridge.ports]
                assert all(row is not None and row.window <= 2 for row in rows), "hold opened no window"

    asyncio.run(main())


def test_an_answer_that_claims_too_much_is_narrowed() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                to_callee = target(bridge.offer("caller", describe(a, "sendonly")))
                answered = bridge.answer("callee", describe(b, "sendrecv"))
                assert answered.media[0].direction == "recvonly"
                await hears(a, target(answered), b, b"announcement")
                await silent(media, b, to_callee, a, b"not wanted")

    asyncio.run(main())


def test_a_refused_new_offer_changes_nothing() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                bridge.offer("caller", describe(Phone(), "inactive"))
                await talk.both(b"the offer was refused")

    asyncio.run(main())


def test_versions_grow_by_one_when_something_changed() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                again = bridge.offer("caller", describe(talk.a))
                assert again == talk.offered
                bridge.answer("callee", describe(talk.b))
                held = bridge.offer("caller", describe(talk.a, "sendonly"))
                assert held.origin.session == talk.offered.origin.session
                assert held.origin.version == talk.offered.origin.version + 1
                answered = bridge.answer("callee", describe(talk.b, "recvonly"))
                assert answered.origin.version == talk.answered.origin.version + 1
                assert answered.origin.session == talk.answered.origin.session

    asyncio.run(main())


def test_an_end_that_moves_is_learned_anew_and_the_old_place_hears_nothing() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                moved = Phone()
                await silent(media, moved, talk.a_to, talk.b, b"not yet")
                bridge.offer("caller", describe(moved))
                bridge.answer("callee", describe(talk.b))
                await hears(moved, talk.a_to, talk.b, b"moved")
                await hears(talk.b, talk.b_to, moved, b"follow")
                talk.a.heard()
                await silent(media, talk.a, talk.a_to, talk.b, b"late")
                assert talk.a.heard() == []

    asyncio.run(main())


def test_early_media_of_one_fork_then_another_answers() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, early, final = Phone(), Phone(), Phone()
                to_callee = target(bridge.offer("caller", describe(a)))
                bridge.answer("callee", describe(early))
                await hears(early, to_callee, a, b"ringback")
                to_caller = target(bridge.answer("callee", describe(final)))
                await hears(final, to_callee, a, b"hello")
                await hears(a, to_caller, final, b"hello")
                await silent(media, early, to_callee, a, b"still ringing")

    asyncio.run(main())


def test_refused_audio_in_an_answer() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                to_callee = target(bridge.offer("caller", describe(a)))
                refusal = describe(b).with_media(0, describe(b).media[0].reject())
                assert bridge.answer("callee", refusal).media[0].rejected
                await silent(media, b, to_callee, a, b"refused")

    asyncio.run(main())


def test_reports_use_the_described_port_and_mux_needs_both() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b = Phone(), Phone()
                offered = bridge.offer("caller", describe(a, extra="a=rtcp-mux\r\na=rtcp:4999\r\n"))
                assert offered.media[0].get("rtcp-mux") == ""
                assert offered.media[0].get("rtcp") is None
                bridge.answer("callee", describe(b))
                row = media.row(bridge.port("caller"))
                assert row is not None
                assert (row.mux, row.rtcp, row.event) == (False, 4999, 101)
                answered = bridge.answer("callee", describe(b, extra="a=rtcp-mux\r\n"))
                assert answered.media[0].get("rtcp-mux") == ""
                row = media.row(bridge.port("callee"))
                assert row is not None
                assert (row.mux, row.rtcp) == (True, b.address[1])

    asyncio.run(main())


def test_silence_is_told_to_the_side() -> None:
    async def main() -> None:
        async with running(silence=1) as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                told: list[Side] = []
                bridge.on_timeout = told.append

                def speak() -> bool:
                    talk.b.say(talk.b_to, b"here")
                    return bool(told)

                await until(speak)
                assert told == ["caller"]

    asyncio.run(main())


def test_nothing_but_not_acceptable_comes_out_of_odd_descriptions() -> None:
    """Every line of a good offer missing or doubled, every number odd: a description or NotAcceptable."""

    async def main() -> None:
        lines = OFFER.split(b"\r\n")
        odd = [b"\r\n".join(lines[:i] + lines[i + 1 :]) for i in range(len(lines))]
        odd += [b"\r\n".join([*lines[: i + 1], *lines[i:]]) for i in range(len(lines))]
        odd += [
            OFFER.replace(b"a=rtcp:4009", b"a=rtcp:" + word) for word in (b"", b"x", b"0", b"65536", b"\xb2")
        ]
        odd += [OFFER.replace(b"rtpmap:101", b"rtpmap:" + word) for word in (b"", b"999", b"x")]
        odd += [OFFER.replace(b"audio 4000", b"audio 65535")]
        async with running() as media:
            with media.open() as bridge:
                for data in odd:
                    with suppress(BadMessage, NotAcceptable):
                        description = Description.parse(data)
                        bridge.offer("caller", description)
                        bridge.answer("callee", description)
                assert await media.counters() is not None

    asyncio.run(main())


def test_an_offer_the_box_takes_itself_is_answered_with_silence() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                answer = bridge.hush(Description.parse(OFFER))
                assert [each.rejected for each in answer.media] == [True, False, True, True]
                assert answer.media[1].direction == "inactive"
                assert answer.media[1].formats == ("9", "0", "8", "101")
                assert answer.media[1].port == bridge.port("caller")
                with pytest.raises(NotAcceptable):
                    bridge.hush(edited(("m=audio 4000 RTP/AVP", "m=audio 4000 RTP/SAVP")))

    asyncio.run(main())


def test_who_picks_up_is_answered_without_media_and_then_offered_the_callers() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                a, b, c = Phone(), Phone(), Phone()
                bridge.offer("caller", describe(a))
                video = describe(c).media[0].reject()
                two = Description.parse(bytes(describe(c)).replace(b"a=", b"a=x-two\r\na=", 1))
                two = replace(two, media=(*two.media, video))
                first = bridge.pause("callee", two)
                assert [each.direction for each in first.media[:1]] == ["inactive"]
                assert len(first.media) == 2
                again = bridge.offer("caller", describe(a))
                assert again.origin.session == first.origin.session
                assert again.origin.version == first.origin.version + 1
                assert [each.rejected for each in again.media] == [False, True], (
                    "no line goes away (RFC 3264 8)"
                )
                answer = replace(two, media=(two.media[0], video))
                to_caller = bridge.answer("callee", answer)
                assert len(to_caller.media) == 1, "the caller offered one"
                await hears(a, target(to_caller), c, b"hello")
                await hears(c, target(again), a, b"hello yourself")
                assert not b.heard()

    asyncio.run(main())


def test_parked_without_media_and_retrieved_by_somebody_else() -> None:
    async def main() -> None:
        async with running(silence=1) as media:
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                lost: list[Side] = []
                bridge.on_timeout = lost.append
                quiet = bridge.offer("callee", bridge.silent(Description.parse(bytes(talk.offered))))
                assert quiet.media[0].direction == "inactive"
                bridge.answer("caller", describe(talk.a, "inactive"))
                await silent(media, talk.a, talk.a_to, talk.b, b"parked")
                rows = [media.row(port) for port in bridge.ports]
                assert [row is not None and row.silence for row in rows] == [0, 0], "nobody is missed"
                c = Phone()
                to_a = target(bridge.offer("callee", describe(c)))
                to_c = target(bridge.answer("caller", describe(talk.a)))
                await hears(c, to_c, talk.a, b"retrieved")
                await hears(talk.a, to_a, c, b"at last")
                await silent(media, talk.b, talk.b_to, talk.a, b"who parked")
                assert not lost

    asyncio.run(main())
