"""Rooms: who hears whom, how loud, in which format, without clipping."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.audio import audioop
from rtp.codec import FRAME
from rtp.limiter import Limiter, add, widen
from rtp.packet import Packet
from rtp.room import PARTIES, Party, Room
from rtp.seat import CODES, DEAF, ECHO, EVENT, L16, MUTED, PCMA, PCMU, RELAY, Format, Seat, SeatError
from rtp.talker import Talker

MU, A, WIDE, NARROW = (0, PCMU, 8000), (8, PCMA, 8000), (97, L16, 16000), (96, L16, 8000)
EVENTS = (101, EVENT, 8000)


def tone(frequency: float, level: float, rate: int, frames: int) -> list[bytes]:
    """Give a sine as frames of 20 ms; level 1 is full scale."""
    size = rate // FRAME
    return [
        struct.pack(
            f"={size}h",
            *[
                round(32767 * level * math.sin(2 * math.pi * frequency * (at * size + n) / rate))
                for n in range(size)
            ],
        )
        for at in range(frames)
    ]


def strength(samples: bytes, frequency: float, rate: int) -> float:
    """Tell how loud one frequency is in samples: 1 is a full-scale sine (DFT of one bin)."""
    values = struct.unpack(f"={len(samples) // 2}h", samples)
    turn = 2 * math.pi * frequency / rate
    real = sum(v * math.cos(turn * n) for n, v in enumerate(values))
    imaginary = sum(v * math.sin(turn * n) for n, v in enumerate(values))
    return 2 * math.hypot(real, imaginary) / len(values) / 32767


class Guest:
    """A phone in a room: says frames of PCM in its format, keeps what it hears."""

    def __init__(
        self, room: Room, port: int, audio: Format = NARROW, *, flags: int = 0, gain: int = 256
    ) -> None:
        self.format = audio
        self.seat = Seat(1, (audio, EVENTS), (audio, EVENTS), gain=gain, flags=flags)
        self.talker = Talker(self.seat)
        self.voice = Talker(self.seat)  # the far end's own: encodes and numbers its packets
        self.ear = Talker(self.seat)
        self.port = port
        self.packets: list[Packet] = []
        self.party = Party(port, self.seat, self.talker, lambda data: self.packets.append(Packet.parse(data)))
        self.room = room
        assert room.enter(self.party)

    def say(self, frame: bytes | None, now: float) -> None:
        for data in self.voice.say(None if frame is None else self.voice.encode(frame)):
            packet = Packet.parse(data)
            self.talker.put(
                packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.payload, now
            )

    def heard(self) -> bytes:
        """All sound it heard, as samples of its rate."""
        assert self.ear._encoder is not None
        sound = [p.payload for p in self.packets if p.payload_type == self.format[0]]
        return b"".join(map(self.ear._encoder.decode, sound))


def run(room: Room, says: dict[Guest, list[bytes]], ticks: int) -> None:
    for at in range(ticks):
        now = 10 + at / FRAME
        for guest, frames in says.items():
            guest.say(frames[at] if at < len(frames) else None, now)
        room.tick(now + 0.001)


def make() -> tuple[Room, list[tuple[object, ...]]]:
    told: list[tuple[object, ...]] = []
    return Room(lambda *what: told.append(what)), told


def test_two_hear_each_other_each_in_its_own_format() -> None:
    room, _ = make()
    one, other = Guest(room, 2, MU), Guest(room, 4, A)
    run(room, {one: tone(400, 0.3, 8000, 50), other: tone(1000, 0.3, 8000, 50)}, 50)
    for guest, theirs, own in ((one, 1000, 400), (other, 400, 1000)):
        sound = guest.heard()[-320 * 20 :]
        assert {packet.payload_type for packet in guest.packets} == {guest.format[0]}
        assert strength(sound, theirs, 8000) == pytest.approx(0.3, rel=0.05)
        assert strength(sound, own, 8000) < 0.005


def test_two_get_each_others_samples_untouched() -> None:
    room, _ = make()
    one, other = Guest(room, 2), Guest(room, 4)
    said = tone(440, 0.9, 8000, 30)
    run(room, {one: said}, 40)
    heard = other.heard()
    start = heard.index(said[1])
    assert heard[start : start + 320 * 29] == b"".join(said[1:]), "but for concealment of the end"
    assert not one.packets, "who hears nobody is sent nothing"


def test_everybody_hears_the_others_and_never_oneself() -> None:
    room, _ = make()
    tones = [300, 500, 700, 900]
    guests = [Guest(room, 2 * n + 2) for n in range(4)]
    listener = Guest(room, 20)
    run(room, {guest: tone(f, 0.2, 8000, 60) for guest, f in zip(guests, tones, strict=True)}, 60)
    for guest in (*guests, listener):
        sound = guest.heard()[-320 * 25 :]
        for other, frequency in zip(guests, tones, strict=True):
            expected = 0.0 if other is guest else 0.2
            assert strength(sound, frequency, 8000) == pytest.approx(expected, abs=0.01)


def test_three_of_one_format_each_hear_the_two_others() -> None:
    """Their payloads are made once for all who share them: who hears another sum must not get those."""
    room, _ = make()
    guests = {Guest(room, 2 * at, MU): hertz for at, hertz in enumerate((400, 1000, 1800), 1)}
    run(room, {guest: tone(hertz, 0.2, 8000, 50) for guest, hertz in guests.items()}, 50)
    for guest in guests:
        sound = guest.heard()[-320 * 20 :]
        for other, hertz in guests.items():
            loud = strength(sound, hertz, 8000)
            assert loud == pytest.approx(0.2, rel=0.05) if other is not guest else loud < 0.01


def test_an_echo_is_what_one_said_and_nothing_of_the_others() -> None:
    room, _ = make()
    one, other = Guest(room, 2, MU, flags=ECHO), Guest(room, 4, MU)
    run(room, {one: tone(400, 0.3, 8000, 50), other: tone(1000, 0.3, 8000, 50)}, 50)
    sound = one.heard()[-320 * 20 :]
    assert strength(sound, 400, 8000) == pytest.approx(0.3, rel=0.05)
    assert strength(sound, 1000, 8000) < 0.005


def test_thirty_two_at_full_scale_do_not_clip() -> None:
    """The sum of 31 full-scale voices is turned down, not cut off: a cut-off sine has odd harmonics."""
    room, _ = make()
    guests = [Guest(room, 2 * n + 2) for n in range(PARTIES)]
    said = tone(500, 1.0, 8000, 60)
    run(room, dict.fromkeys(guests, said), 60)
    sound = guests[0].heard()[-320 * 25 :]
    assert strength(sound, 500, 8000) > 0.85
    assert strength(sound, 1500, 8000) < 0.01
    assert strength(sound, 2500, 8000) < 0.01
    assert not room.enter(Guest(make()[0], 100).party), "and the thirty-third stays outside"


@given(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=2, max_size=20))
@settings(deadline=None)
def test_the_limiter_never_leaves_the_range_and_comes_back(levels: list[float]) -> None:
    limiter = Limiter()
    for level in levels:
        [frame] = tone(437, level, 8000, 1)
        total = add(add(widen(frame), widen(frame)), widen(frame, 3.0))
        out = limiter.narrow(total)
        samples, wanted = struct.unpack("=160h", out), struct.unpack("=160h", frame)
        peak = max(abs(sample) for sample in samples)
        assert peak <= 32767
        for sample, want in zip(
            samples, wanted, strict=True
        ):  # turned down, never cut: no sign changes, no plateau
            assert sample * want >= 0 or abs(want) < 2
        assert sum(abs(sample) >= 32766 for sample in samples) <= 16
    for _ in range(100):
        out = limiter.narrow(widen(frame, 0.1))
    assert limiter.gain == 1.0


def test_gain_mute_and_deafness() -> None:
    room, _ = make()
    loud, quiet = Guest(room, 2, gain=128), Guest(room, 4, flags=MUTED)
    deaf, listener = Guest(room, 6, flags=DEAF), Guest(room, 8)
    run(
        room,
        {
            loud: tone(400, 0.8, 8000, 50),
            quiet: tone(800, 0.8, 8000, 50),
            deaf: tone(1200, 0.1, 8000, 50),
        },
        50,
    )
    sound = listener.heard()[-320 * 20 :]
    assert strength(sound, 400, 8000) == pytest.approx(0.4, rel=0.05)
    assert strength(sound, 800, 8000) < 0.005
    assert strength(sound, 1200, 8000) == pytest.approx(0.1, rel=0.05)
    assert not deaf.packets
    assert strength(quiet.heard()[-320 * 20 :], 400, 8000) == pytest.approx(0.4, rel=0.05)


def test_a_gain_above_one_does_not_clip_either() -> None:
    room, _ = make()
    loud, listener = Guest(room, 2, gain=1024), Guest(room, 4)
    run(room, {loud: tone(500, 0.9, 8000, 50)}, 50)
    sound = listener.heard()[-320 * 20 :]
    assert strength(sound, 500, 8000) > 0.85
    assert strength(sound, 1500, 8000) < 0.02


def test_the_timestamp_goes_on_over_silence_and_the_marker_says_so() -> None:
    room, _ = make()
    one, other = Guest(room, 2), Guest(room, 4)
    said = tone(500, 0.5, 8000, 20)
    run(room, {one: said}, 60)
    first = other.packets[-1]
    count = len(other.packets)
    for at in range(60, 110):
        now = 10 + at / FRAME
        one.say(said[at % 20], now)
        room.tick(now + 0.001)
    again = other.packets[count]
    assert [packet.marker for packet in other.packets].count(True) == 2
    assert other.packets[0].marker
    assert again.marker
    assert again.sequence == (first.sequence + 1) & 0xFFFF
    gap = (again.timestamp - first.timestamp) & 0xFFFFFFFF
    assert gap % 160 == 0
    assert gap > 30 * 160
    assert {packet.ssrc for packet in other.packets} == {other.packets[0].ssrc}


def test_streams_begin_at_random() -> None:
    seat = Seat(1, (MU,), (MU,))
    begins = {
        (p.sequence, p.timestamp, p.ssrc)
        for p in (Packet.parse(Talker(seat).say(b"x")[0]) for _ in range(20))
    }
    for numbers in zip(*begins, strict=True):
        assert len(set(numbers)) >= 19


def test_digits_are_told_once_and_pass_where_they_would_have() -> None:
    room, told = make()
    one, other = Guest(room, 2, MU, flags=RELAY), Guest(room, 4, A, flags=RELAY)
    one.voice.press(5, 0.1)
    one.voice.press(11, 0.1)
    run(room, {one: tone(400, 0.5, 8000, 60)}, 60)
    assert [what for what in told if what[0] == "digit"] == [
        ("digit", 2, 5, 0),
        ("digit", 2, 5, 100),
        ("digit", 2, 11, 0),
        ("digit", 2, 11, 100),
    ]
    events = [packet for packet in other.packets if packet.payload_type == 101]
    assert [p.payload[0] for p in events if p.marker] == [5, 11]
    ends = [(p.payload[0], int.from_bytes(p.payload[2:4], "big")) for p in events if p.payload[1] & 0x80]
    assert ends == [(5, 800)] * 3 + [(11, 800)] * 3
    assert len({packet.timestamp for packet in events}) == 2
    sequence = [packet.sequence for packet in other.packets]
    assert sequence == [(sequence[0] + n) & 0xFFFF for n in range(len(sequence))]


def test_a_digit_whose_end_is_lost_is_over_when_it_fades() -> None:
    talker = Talker(Seat(1, (MU, EVENTS), (MU, EVENTS)))
    talker.put(101, 1, 1000, 7, b"\x03\x0a\x00\xa0", 1.0)
    talker.put(101, 2, 1000, 7, b"\x03\x0a\x01\x40", 1.02)
    talker.put(101, 2, 1000, 7, b"\x03\x0a", 1.02)
    talker.take(1.1)
    assert list(talker.digits) == [(3, 0)]
    talker.take(1.3)
    assert list(talker.digits) == [(3, 0), (3, 40)]
    talker.put(101, 3, 1000, 7, b"\x03\x8a\x01\xe0", 1.4)  # late: known already
    assert len(talker.digits) == 2


def test_who_speaks() -> None:
    room, told = make()
    guests = [Guest(room, 2 * n + 2) for n in range(3)]
    run(room, {guests[1]: tone(400, 0.5, 8000, 40)}, 40)
    assert room.speaker == 4
    run(room, {guests[1]: tone(400, 0.5, 8000, 60), guests[2]: tone(400, 0.55, 8000, 60)}, 60)
    assert room.speaker == 4, "hardly louder is not louder"
    run(room, {guests[2]: tone(400, 0.5, 8000, 60)}, 60)
    assert room.speaker == 6
    assert [what for what in told if what[0] == "speaker"] == [("speaker", 4), ("speaker", 6)]


def test_packets_of_any_length_are_played() -> None:
    """A phone may put 10, 30 or 60 ms into a packet."""
    for span in (80, 240, 480):
        talker = Talker(Seat(1, (NARROW,), (NARROW,)))
        said = b"".join(tone(400, 0.5, 8000, 60))
        out = b""
        packets = [said[at : at + 2 * span] for at in range(0, len(said), 2 * span)]
        sent = 0
        for tick in range(70):
            now = tick / FRAME
            while sent < len(packets) and sent * span <= tick * 160:
                payload = audioop.byteswap(packets[sent], 2)
                talker.put(96, sent, sent * span, 9, payload, now)
                sent += 1
            out += talker.take(now + 0.001) or b""
        assert strength(out[320 * 10 : 320 * 40], 400, 8000) == pytest.approx(0.5, rel=0.05), span


def test_another_format_of_the_same_clock_keeps_the_stream() -> None:
    talker = Talker(Seat(1, (MU,), (MU,)))
    before = Packet.parse(talker.say(b"x")[0])
    talker.follow(Seat(1, (A,), (A,)))
    after = Packet.parse(talker.say(b"x")[0])
    assert (after.ssrc, after.sequence) == (before.ssrc, (before.sequence + 1) & 0xFFFF)
    assert (after.payload_type, after.marker) == (8, True)
    talker.follow(Seat(1, (WIDE,), (WIDE,)))
    assert Packet.parse(talker.say(b"x")[0]).ssrc != before.ssrc


@given(
    st.builds(
        Seat,
        st.integers(1, 0xFFFFFFFF),
        st.tuples(st.tuples(st.integers(0, 127), st.sampled_from([1, 2, 3, 4, 5]), st.integers(1, 192_000))),
        st.lists(
            st.tuples(st.integers(0, 127), st.sampled_from(list(CODES.values())), st.integers(1, 192_000)),
            max_size=16,
        ).map(tuple),
        gain=st.integers(0, 4096),
        flags=st.integers(0, 7),
    )
)
def test_a_seat_survives_the_way(seat: Seat) -> None:
    assert Seat.parse(bytes(seat)) == seat


@given(st.binary(max_size=60))
def test_nonsense_is_no_seat(data: bytes) -> None:
    try:
        seat = Seat.parse(data)
    except SeatError:
        return
    assert bytes(seat) == data


def test_parties_of_different_rates_hear_each_other() -> None:
    room, _ = make()
    narrow, wide, other = Guest(room, 2, MU), Guest(room, 4, WIDE), Guest(room, 6, WIDE)
    run(room, {narrow: tone(400, 0.3, 8000, 60), wide: tone(900, 0.3, 16000, 60)}, 60)
    assert room.rate == 16000
    assert strength(narrow.heard()[-320 * 25 :], 900, 8000) == pytest.approx(0.3, rel=0.1)
    for guest in (wide, other):
        assert strength(guest.heard()[-640 * 25 :], 400, 16000) == pytest.approx(0.3, rel=0.1)
    assert strength(other.heard()[-640 * 25 :], 900, 16000) == pytest.approx(0.3, rel=0.1)
