"""Packets decrypted and encrypted: known answers, hostile input, and no index used twice."""

import os
import struct
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rtp.keys import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_32,
    AES_CM_128_HMAC_SHA1_80,
    LENGTHS,
    Keys,
)
from rtp.packet import Packet
from rtp.plan import SENDRECV
from rtp.report import Block, Report
from rtp.srtp import SOURCES, Srtp, SrtpError
from tests.rtp.test_loop import Portable
from tests.rtp.twin import BOX, Call, Phone

PLAIN = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
CM_KEY = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6")
GCM_KEY = bytes(range(16)) + bytes(range(0xA0, 0xAC))


@pytest.mark.parametrize(
    ("suite", "key", "sealed"),
    [
        (AES_CM_128_HMAC_SHA1_80, CM_KEY, "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"),
        (AEAD_AES_128_GCM, GCM_KEY, "c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"),
    ],
)
def test_known_answers(suite: int, key: bytes, sealed: str) -> None:
    """The answers of libsrtp's own test driver (test/srtp_driver.c, srtp_validate and its siblings)."""
    one = Srtp()
    one.follow(Keys(suite, key, key))
    protected = one.protect(PLAIN)
    assert protected[:12] == PLAIN[:12]
    assert protected[12:].hex().startswith(sealed)
    buffer = bytearray(protected) + bytearray(100)
    assert one.open(buffer, len(protected)) == len(PLAIN)
    assert buffer[: len(PLAIN)] == PLAIN


def gcm(key: bytes, salt: bytes, packet: bytes, roll_over: int = 0) -> bytes:
    """Return a packet encrypted as RFC 7714 8 and 9 say, written from there, under session keys."""
    nonce = bytes(2) + packet[8:12] + struct.pack("!I", roll_over) + packet[2:4]
    nonce = bytes(one ^ other for one, other in zip(nonce, salt, strict=True))
    return packet[:12] + AESGCM(key).encrypt(nonce, packet[12:], packet[:12])


def derived(master: bytes, salt: bytes, label: int, length: int) -> bytes:
    """Return a session key (RFC 3711 4.3), the salt of 96 bits filled up (RFC 7714 11)."""
    start = bytearray(salt + bytes(4))
    start[7] ^= label
    return Cipher(AES(master), CTR(bytes(start))).encryptor().update(bytes(length))


@pytest.mark.parametrize(
    ("key", "sealed"),
    [  # RFC 7714 16.1.1 and 16.2.1
        (
            bytes(range(16)),
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
            "899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            bytes(range(32)),
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
            "7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ],
)
def test_rfc_7714_by_way_of_what_the_test_itself_says(key: bytes, sealed: str) -> None:
    head = bytes.fromhex("8040f17b8041f8d35501a0b2")
    packet = head + b"Gallia est omnis divisa in partes tres"
    assert gcm(key, b"Quid pro quo", packet) == head + bytes.fromhex(sealed)
    # libsrtp takes master keys only: what it makes is what the formulas above make of the same master key.
    suite = AEAD_AES_128_GCM if len(key) == 16 else AEAD_AES_256_GCM
    salt = bytes(range(0xA0, 0xAC))
    end = Srtp()
    end.follow(Keys(suite, key + salt, key + salt))
    expected = gcm(derived(key, salt, 0, len(key)), derived(key, salt, 2, 12), PLAIN)
    assert end.protect(PLAIN) == expected


def pair(suite: int) -> tuple[Srtp, Srtp]:
    one, other = os.urandom(LENGTHS[suite]), os.urandom(LENGTHS[suite])
    ours, theirs = Srtp(), Srtp()
    ours.follow(Keys(suite, one, other))
    theirs.follow(Keys(suite, other, one))
    return ours, theirs


def taken(end: Srtp, packet: bytes) -> bytes | None:
    buffer = bytearray(packet)
    size = end.open(buffer, len(packet))
    return None if size < 0 else bytes(buffer[:size])


@pytest.mark.parametrize("suite", LENGTHS)
def test_both_ways_in_every_suite_reports_too_and_nothing_twice(suite: int) -> None:
    ours, theirs = pair(suite)
    packet, report = bytes(Packet(8, 1, 160, 7, b"sound")), bytes(Report(7, (Block(8, 0, 0, 0, 0),)))
    for one, other in ((ours, theirs), (theirs, ours)):
        sealed, told = one.protect(packet), one.protect_report(report)
        assert b"sound" not in sealed
        assert taken(other, sealed) == packet
        assert taken(other, told) == report
        assert taken(other, sealed) is None
        assert taken(other, told) is None
        with pytest.raises(SrtpError):
            one.protect(packet)
        assert other.refused == 2


@given(st.binary(max_size=300), st.integers(0, 60), st.integers(0, 255))
def test_what_is_not_authentic_changes_nothing(noise: bytes, place: int, flip: int) -> None:
    ours, theirs = pair(AES_CM_128_HMAC_SHA1_80)
    assert taken(theirs, noise) is None
    sealed = bytearray(ours.protect(PLAIN))
    changed = bytearray(sealed)
    changed[place % len(sealed)] ^= flip
    if flip:
        assert taken(theirs, bytes(changed)) is None
    assert taken(theirs, bytes(sealed)) == PLAIN


def test_sources_are_bounded_both_ways() -> None:
    ours, theirs = pair(AEAD_AES_128_GCM)
    packets = [bytes(Packet(8, 1, 160, source, b"x")) for source in range(1, SOURCES + 2)]
    stranger = Srtp()
    stranger.follow(ours._keys)  # type: ignore[arg-type]
    sealed = [ours.protect(packet) for packet in packets[:-1]]
    assert all(taken(theirs, each) for each in sealed)
    with pytest.raises(SrtpError):
        ours.protect(packets[-1])
    assert taken(theirs, stranger.protect(packets[-1])) is None
    again = bytes(Packet(8, 2, 320, 1, b"x"))
    assert taken(theirs, ours.protect(again)) == again


steps = st.lists(
    st.one_of(
        st.tuples(st.just("packet"), st.sampled_from([1, 2, 3]), st.integers(0, 0xFFFF)),
        st.tuples(st.just("run"), st.sampled_from([1, 2, 3]), st.integers(0, 0xFFFF)),
        st.tuples(st.just("receive"), st.just(0), st.just(0)),
        st.tuples(st.just("rekey"), st.just(0), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_no_key_source_and_index_is_used_twice(script: list[tuple[str, int, int]]) -> None:
    """Of a payload of nothing but zeros the ciphertext is the key stream: never the same one twice.

    Packets of any number, jumps, runs over the roll-over, holds and moves that change the far end's key,
    keys of our own made anew, and media processes that were replaced.
    """
    suite, length = AES_CM_128_HMAC_SHA1_80, 30
    keys = Keys(suite, os.urandom(length), os.urandom(length))
    end = Srtp()
    end.follow(keys)
    streams: set[bytes] = set()

    def say(source: int, sequence: int) -> None:
        try:
            sealed = end.protect(bytes(Packet(0, sequence & 0xFFFF, 0, source, bytes(16))))
        except SrtpError:
            return
        assert sealed[12:28] not in streams
        streams.add(sealed[12:28])

    for what, source, number in script:
        if what == "packet":
            say(source, number)
        elif what == "run":
            for more in range(0, 3 * 0x7000, 0x3800):  # jumps that libsrtp takes for a roll-over, and not
                say(source, number + more)
        elif what == "receive":
            keys = Keys(suite, os.urandom(length), keys.send, keys.mask)
            end.follow(keys)
        elif what == "rekey":
            keys = Keys(suite, keys.receive, os.urandom(length), keys.mask)
            end.follow(keys)
        else:
            keys = keys.masked(int.from_bytes(os.urandom(4), "big"))
            end = Srtp()
            end.follow(keys)


def test_without_another_source_a_replaced_process_would_use_them_twice() -> None:
    """The control run: the mask is what the proof rests on."""
    keys = Keys(AES_CM_128_HMAC_SHA1_80, os.urandom(30), os.urandom(30))
    packet = bytes(Packet(0, 1, 0, 1, bytes(16)))
    sealed = []
    for mask in (0, 0, 5):
        end = Srtp()
        end.follow(keys.masked(mask))
        sealed.append(end.protect(packet)[12:28])
    assert sealed[0] == sealed[1] != sealed[2]


# -- in the loop


@pytest.fixture
def tier() -> Iterator[Portable]:
    tier = Portable()
    yield tier
    tier.loop.close()
    Phone.close_all()


class Secured(Call):
    """A call whose left phone encrypts and whose right one does not."""

    def __init__(self, tier: Portable, *, mux: bool = False) -> None:
        super().__init__(tier, mux=mux)
        self.theirs, self.ours = os.urandom(30), os.urandom(30)
        suite = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
        self.out = Session(Policy(self.theirs, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
        self.back = Session(Policy(self.ours, Policy.SSRC_ANY_INBOUND, srtp_profile=suite))
        self.keys = Keys(AES_CM_128_HMAC_SHA1_80, self.theirs, self.ours)
        self.change(self.left, srtp=bytes(self.keys))

    def seal(self, text: bytes) -> bytes:
        packet = Packet(0, self.a.sequence, self.a.sequence * 160, 77, text)
        self.a.sequence += 1
        return self.out.protect(bytes(packet))

    def say(self, text: bytes) -> list[bytes]:
        self.a.rtp.sendto(self.seal(text), (BOX, self.left))
        self.tier.settle()
        return self.b.heard()

    def hear(self, text: bytes) -> list[bytes]:
        self.b.say(self.right, text)
        self.tier.settle()
        return [Packet.parse(self.back.unprotect(data)).payload for data in Phone.raw(self.a.rtp)]


def test_an_end_with_keys_talks_with_one_without(tier: Portable) -> None:
    call = Secured(tier)
    for text in (b"one", b"two", b"three"):
        assert call.say(text) == [text]
        assert call.hear(text) == [text]
        tier.pass_time(1)  # learned, settled, relayed
    statistics = tier.statistics(call.left)
    assert (statistics.packets, statistics.sent, statistics.bad) == (3, 3, 0)


def test_before_the_far_end_has_spoken_it_is_sent_nothing_in_clear(tier: Portable) -> None:
    call = Secured(tier)
    assert call.hear(b"early") == [b"early"]


def test_who_has_no_key_is_not_learned_and_not_heard(tier: Portable) -> None:
    call = Secured(tier)
    plain = bytes(Packet(0, 1, 160, 5, b"in clear"))
    for _ in range(3):
        call.a.rtp.sendto(plain, (BOX, call.left))
        tier.settle()
    assert not call.b.heard()
    assert tier.loop._ends[call.left].peer is None
    assert call.say(b"with a key") == [b"with a key"]
    call.a.rtp.sendto(plain, (BOX, call.left))
    again = call.seal(b"once")
    for _ in range(2):
        call.a.rtp.sendto(again, (BOX, call.left))
    tier.settle()
    assert call.b.heard() == [b"once"]
    assert tier.statistics(call.left).bad == 5


def test_reports_are_decrypted_and_encrypted(tier: Portable) -> None:
    call = Secured(tier)
    call.say(b"x")
    call.hear(b"x")
    report = bytes(Report(77, (Block(9, 0, 0, 0, 0),)))
    call.a.rtcp.sendto(call.out.protect_rtcp(report), (BOX, call.left + 1))
    call.a.rtcp.sendto(report, (BOX, call.left + 1))  # in clear: nobody's
    tier.settle()
    assert call.b.reports() == [report]
    other = bytes(Report(call.b.address[1], (Block(77, 0, 0, 0, 0),)))
    call.b.rtcp.sendto(other, (BOX, call.right + 1))
    tier.settle()
    assert [call.back.unprotect_rtcp(each) for each in call.a.reports()] == [other]


def test_muxed_reports_are_told_from_sound(tier: Portable) -> None:
    call = Secured(tier, mux=True)
    assert call.say(b"x") == [b"x"]
    report = bytes(Report(77, (Block(9, 0, 0, 0, 0),)))
    call.b.say(call.right, b"y")
    call.a.rtp.sendto(call.out.protect_rtcp(report), (BOX, call.left))
    tier.settle()
    assert report in Phone.raw(call.b.rtp)


def test_counting_goes_on_when_the_row_changes_and_the_end_moves_on(tier: Portable) -> None:
    call = Secured(tier)
    assert call.hear(b"1") == [b"1"]
    call.change(call.left, direction=SENDRECV, silence=9)
    assert call.hear(b"2") == [b"2"]
    call.b.sequence -= 1  # a packet of a number that was
    assert call.hear(b"not again") == []
    assert tier.statistics(call.right).undelivered == 1


def test_after_a_restart_the_same_numbers_leave_under_another_source(tier: Portable) -> None:
    call = Secured(tier)
    call.b.sequence = 500
    assert call.hear(b"1") == [b"1"]
    tier.remove(call.left)  # as a new process: nothing is known of the old one's counting
    call.rows[call.left] = call.rows[call.left].replace(srtp=bytes(call.keys.masked(0x55)))
    tier.put(call.rows[call.left])
    call.b.sequence = 500
    call.b.say(call.right, b"2")
    tier.settle()
    [data] = Phone.raw(call.a.rtp)
    packet = Packet.parse(call.back.unprotect(data))
    assert (packet.sequence, packet.payload) == (500, b"2")
    assert packet.ssrc == call.b.address[1] ^ 0x55
    assert struct.unpack("!I", data[8:12])[0] == packet.ssrc


def test_new_keys_of_the_far_end_hold_at_once_and_the_old_ones_no_more(tier: Portable) -> None:
    call = Secured(tier)
    assert call.say(b"old") == [b"old"]
    before, theirs = call.out, os.urandom(30)
    suite = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    call.out = Session(Policy(theirs, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
    call.change(call.left, srtp=bytes(Keys(AES_CM_128_HMAC_SHA1_80, theirs, call.ours)))
    assert call.say(b"new") == [b"new"]
    call.out = before
    assert call.say(b"old again") == []
    assert call.hear(b"ours is as it was") == [b"ours is as it was"]


@pytest.mark.parametrize("suite", [AES_CM_128_HMAC_SHA1_32, AEAD_AES_256_GCM])
def test_two_ends_with_keys_and_suites_of_their_own(tier: Portable, suite: int) -> None:
    call = Secured(tier)
    length = LENGTHS[suite]
    theirs, ours = os.urandom(length), os.urandom(length)
    call.change(call.right, srtp=bytes(Keys(suite, theirs, ours)))
    say = Session(Policy(theirs, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
    hear = Session(Policy(ours, Policy.SSRC_ANY_INBOUND, srtp_profile=suite))
    call.a.rtp.sendto(call.seal(b"there"), (BOX, call.left))
    call.b.rtp.sendto(say.protect(bytes(Packet(0, 5, 800, 9, b"back"))), (BOX, call.right))
    tier.settle()
    call.a.rtp.sendto(call.seal(b"there too"), (BOX, call.left))
    tier.settle()
    heard = [Packet.parse(hear.unprotect(data)).payload for data in Phone.raw(call.b.rtp)]
    assert heard == [b"there", b"there too"]
    back = [Packet.parse(call.back.unprotect(data)).payload for data in Phone.raw(call.a.rtp)]
    assert back == [b"back"]
