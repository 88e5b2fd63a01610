from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import sdp
from sip.errors import BadMessage
from sip.sdp import MAX_LINES, MAX_MEDIA, MAX_SIZE, Connection, Media, Origin, RtpMap, SessionDescription
from tests.sip import strategies
from tests.sip.messages import SDP

FULL = (
    b"v=0\r\no=alice 2890844526 2890842807 IN IP4 10.47.16.5\r\ns=SDP Seminar\r\ni=A seminar\r\n"
    b"u=http://a.example\r\ne=j.doe@example.com\r\np=+1 617 555-6011\r\nc=IN IP4 233.252.0.1/127\r\n"
    b"b=CT:128\r\nt=2873397496 2873404696\r\nr=604800 3600 0 90000\r\nz=2882844526 -1h\r\n"
    b"k=clear:x\r\nx=unknown\r\na=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 49170/2 RTP/AVP 0 97\r\n"
    b"i=sound\r\nc=IN IP6 2001:db8::1\r\nb=AS:64\r\na=rtpmap:97 opus/48000/2\r\n"
    b"a=fmtp:97 useinbandfec=1\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:* pli\r\na=sendonly\r\n"
    b"m=video 0 RTP/AVP 31\r\nm=image 5000 udptl t38\r\n"
)


def parse(data: bytes = SDP) -> SessionDescription:
    return SessionDescription.parse(data)


@given(strategies.descriptions)
def test_survives(description: SessionDescription) -> None:
    assert SessionDescription.parse(bytes(description)) == description


def test_values_survive() -> None:
    for data in (SDP, FULL):
        assert bytes(parse(data)) == data
        assert SessionDescription.parse(bytes(parse(data))) == parse(data)


def test_parts() -> None:
    description = parse(FULL)
    assert description.origin == Origin("2890844526", 2890842807, Connection("10.47.16.5"), "alice")
    assert (description.name, description.get("ice-lite"), description.get("group")) == (
        "SDP Seminar",
        "",
        "BUNDLE 0",
    )
    assert description.get("nothing") is None
    audio, video, image = description.media
    assert (audio.kind, audio.port, audio.ports, audio.proto, audio.formats) == (
        "audio",
        49170,
        2,
        "RTP/AVP",
        ("0", "97"),
    )
    assert audio.connection == Connection("2001:db8::1", "IP6")
    assert audio.rtpmaps == {"0": RtpMap("PCMU", 8000), "97": RtpMap("opus", 48000, 2)}
    assert (audio.direction, audio.fmtp("97"), audio.fmtp("0")) == ("sendonly", "useinbandfec=1", "")
    assert audio.get_all("rtcp-fb") == ["97 nack", "* pli"]
    assert video.rejected
    assert video.connection is None
    assert (image.connection, image.direction, image.rtpmaps) == (
        Connection("233.252.0.1/127"),
        "sendrecv",
        {},
    )


def test_what_the_session_says_holds_for_its_media() -> None:
    description = parse(SDP.replace(b"t=0 0\r\n", b"t=0 0\r\na=inactive\r\n").replace(b"a=sendrecv\r\n", b""))
    assert description.media[0].direction == "inactive"
    own = parse(SDP.replace(b"t=0 0\r\n", b"t=0 0\r\na=inactive\r\n"))
    assert own.media[0].direction == "sendrecv"
    changed = description.with_media(0, description.media[0].with_direction("recvonly"))
    assert b"inactive" not in bytes(changed)


def test_sloppy_peers() -> None:
    sloppy = SDP.replace(b"\r\n", b"\n").replace(b"s=-\n", b"").replace(b"t=0 0\n", b"")
    assert bytes(parse(sloppy)) == SDP
    assert parse(SDP + b"\r\n") == parse(SDP)


def test_codecs_compare_without_case() -> None:
    assert RtpMap("pcma", 8000).matches(RtpMap("PCMA", 8000))
    assert not RtpMap("PCMA", 8000).matches(RtpMap("PCMA", 16000))
    assert not RtpMap("opus", 48000).matches(RtpMap("opus", 48000, 2))
    assert parse(SDP.replace(b"PCMA/8000", b"PCMA/8000/1")).media[0].rtpmaps["8"] == RtpMap("PCMA", 8000)
    assert (str(RtpMap("opus", 48000, 2)), str(RtpMap("PCMA", 8000))) == ("opus/48000/2", "PCMA/8000")


def test_every_address_can_be_replaced() -> None:
    moved = parse(FULL).with_address("198.51.100.1")
    for address in (b"10.47.16.5", b"233.252", b"2001:db8"):
        assert address not in bytes(moved)
    assert bytes(moved).count(b"IN IP4 198.51.100.1") == 2
    assert bytes(parse().with_address("2001:db8::7")).count(b"IN IP6 2001:db8::7") == 2


def test_edits() -> None:
    before = parse()
    medium = (
        before.media[0]
        .with_address("198.51.100.1", 30000)
        .with_direction("sendonly")
        .without_attributes("ptime")
    )
    after = before.with_media(0, medium.with_attribute("rtcp", "30001")).with_origin("7", 8)
    assert bytes(after) == (
        b"v=0\r\no=- 7 8 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
        b"m=audio 30000 RTP/AVP 8 0 101\r\nc=IN IP4 198.51.100.1\r\na=rtpmap:8 PCMA/8000\r\n"
        b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
        b"a=sendonly\r\na=rtcp:30001\r\n"
    )
    assert bytes(before) == SDP


def test_unknown_codecs_can_be_dropped() -> None:
    kept = parse(FULL).media[0].keep_formats(["0", "8"])
    assert kept.formats == ("0",)
    assert kept.attributes == (("rtcp-fb", "* pli"), ("sendonly", None))
    assert parse().media[0].keep_formats({"101", "8"}).formats == ("8", "101")


def test_reject() -> None:
    rejected = parse(FULL).media[0].reject()
    assert str(rejected) == "m=audio 0 RTP/AVP 0 97\r\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"v=0", b"v=1"),
        (b"v=0\r\n", b""),
        (b"o=", b"x="),
        (b"o=- 1000 1", b"o=- 1000"),
        (b"o=- 1000 1", b"o=- 1000 x"),
        (b"o=- 1000 1", b"o=- 1000 99999999999999999999"),
        (b"c=IN IP4 192.0.2.10\r\nt", b"t"),
        (b"c=IN IP4 192.0.2.10", b"c=IN IP4"),
        (b"c=IN IP4 192.0.2.10", b"c=IN IP4 <script>"),
        (b"40000", b"65536"),
        (b"40000", b"-1"),
        (b"40000", b"4/0"),
        (b"RTP/AVP 8 0 101", b"RTP/AVP"),
        (b"t=0 0", b"t=\0"),
        (b"t=0 0", b"nonsense"),
        (b"t=0 0", b" t=0 0"),
        (b"t=0 0", b"m =audio 1 RTP/AVP 0"),
        (b"a=ptime", b"\r\na=ptime"),
        (b"a=ptime", b"a=x\ra=ptime"),
        (b" 101\r\n", b" 101" + b" 9" * 64 + b"\r\n"),
    ],
)
def test_refused(old: bytes, new: bytes) -> None:
    assert old in SDP
    with pytest.raises(BadMessage) as caught:
        parse(SDP.replace(old, new, 1))
    assert caught.value.layer == "sdp"


@pytest.mark.parametrize(
    "data",
    [
        SDP + b"m=audio 1 RTP/AVP 0\r\n" * MAX_MEDIA,
        SDP + b"a=x\r\n" * MAX_LINES,
        SDP + b"a=" + b"x" * MAX_SIZE,
        b"",
    ],
)
def test_limits(data: bytes) -> None:
    with pytest.raises(BadMessage):
        parse(data)


@given(st.binary(max_size=200), st.integers(0, len(FULL)), st.integers(0, 20))
def test_hostile(octets: bytes, at: int, drop: int) -> None:
    for data in (octets, b"v=0\r\n" + octets, FULL[:at] + octets + FULL[at + drop :]):
        try:
            description = SessionDescription.parse(data)
        except BadMessage:
            continue
        for medium in description.media:
            _ = medium.rtpmaps, medium.direction, medium.fmtp("0")
        assert SessionDescription.parse(bytes(description)) == description


def test_hold_address() -> None:
    assert Connection("0.0.0.0").unspecified  # noqa: S104  # compared, never bound
    assert Connection("::", "IP6").unspecified
    assert not Connection("192.0.2.1").unspecified


def test_static_types_only_for_rtp() -> None:
    medium = Media("audio", 1, "UDP/TLS/RTP/SAVPF", ("0",), Connection("192.0.2.1"))
    assert medium.rtpmaps == {"0": RtpMap("PCMU", 8000)}
    assert replace(medium, proto="udptl").rtpmaps == {}


def test_what_is_remembered_is_neither_a_key_nor_about_a_person() -> None:
    before = sdp._remembered_section.cache_info().currsize, sdp._remembered_session.cache_info().currsize
    text = (
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\ne=someone@example.org\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c29tZXRoaW5nc2VjcmV0\r\n"
    )
    description = SessionDescription.parse(text.encode())
    assert "c29tZXRoaW5nc2VjcmV0" in str(description)
    after = sdp._remembered_section.cache_info().currsize, sdp._remembered_session.cache_info().currsize
    assert after == before


@pytest.mark.parametrize("broken", ["o=- 1 1 IN IP4 192.0.2.1\r\n", "\r\n", "a=\x00\r\n", "=x\r\n"])
def test_a_broken_line_is_found_wherever_it_stands(broken: str) -> None:
    lines = [
        *("v=0\r\n", "o=- 1 1 IN IP4 192.0.2.1\r\n", "s=-\r\n", "c=IN IP4 192.0.2.1\r\n", "t=0 0\r\n"),
        *("m=audio 4000 RTP/AVP 8\r\n", "a=sendrecv\r\n"),
    ]
    for at in range(1, 6):
        text = "".join([*lines[:at], broken, *lines[at:]])
        with pytest.raises(BadMessage):
            SessionDescription.parse(text.encode())
