"""The jitter buffer plays what came, in order, once, with no more delay than the packets need."""

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.jitter import LOST, MOST, JitterBuffer, Lost

SPAN = 160
Arrival = tuple[float, int, int, bytes]


def packet(number: int, at: float, first: int = 0, clock: int = 0) -> Arrival:
    return at, (first + number) & 0xFFFF, (clock + number * SPAN) & 0xFFFFFFFF, number.to_bytes(4, "big")


def play(buffer: JitterBuffer, arrivals: Iterable[Arrival], seconds: float) -> list[bytes | Lost | None]:
    """Feed packets by their time of arrival, take a frame every 20 ms."""
    waiting = sorted(arrivals, key=lambda one: one[0])
    got = []
    for tick in range(round(seconds * 50)):
        now = tick / 50 + 0.001
        while waiting and waiting[0][0] <= now:
            at, sequence, timestamp, payload = waiting.pop(0)
            buffer.put(sequence, timestamp, payload, at)
            assert buffer.held <= 0.3
        got.append(buffer.take(now))
    return got


def numbers(got: list[bytes | Lost | None]) -> list[int]:
    return [int.from_bytes(one, "big") for one in got if isinstance(one, bytes)]


def jittered(count: int, jitter: float, seed: int = 1, **more: int) -> list[Arrival]:
    chance = random.Random(seed)
    return [packet(i, i / 50 + chance.random() * jitter, **more) for i in range(count)]


def test_a_steady_stream_waits_two_frames_and_has_no_holes() -> None:
    got = play(JitterBuffer(8000), jittered(100, 0), 2.0)
    assert got[:2] == [None, None]
    assert numbers(got) == list(range(98))
    assert LOST not in got


def test_sequence_and_timestamp_wrap() -> None:
    got = play(JitterBuffer(8000), jittered(200, 0.01, first=65500, clock=0xFFFFFFFF - 10 * SPAN), 4.1)
    assert numbers(got) == list(range(200))


def test_what_is_lost_is_concealed_once_each() -> None:
    gone = {20, 40, 41, 42}
    buffer = JitterBuffer(8000)
    got = play(buffer, [one for i, one in enumerate(jittered(100, 0)) if i not in gone], 2.02)
    assert numbers(got) == [i for i in range(99) if i not in gone]
    assert got[2:].count(LOST) == len(gone)
    assert (buffer.lost, buffer.late, buffer.stretched) == (4, 0, 0)


def test_a_loss_at_the_edge_of_the_buffer_adds_no_delay() -> None:
    buffer = JitterBuffer(8000, least=0.0)
    got = play(buffer, [one for i, one in enumerate(jittered(100, 0)) if i % 10 != 5], 2.0)
    assert numbers(got)[-1] >= 98
    assert got.count(LOST) == 10


def test_every_packet_twice_is_played_once() -> None:
    buffer = JitterBuffer(8000)
    stream = jittered(200, 0)
    got = play(buffer, stream + [(at + 0.07, *rest) for at, *rest in stream], 3.9)  # type: ignore[misc]
    assert numbers(got) == list(range(193))
    assert buffer.late == buffer.stretched == 0
    assert buffer.doubled > 180


def test_the_first_two_packets_swapped() -> None:
    got = play(JitterBuffer(8000), [packet(1, 0.0), packet(0, 0.005), packet(2, 0.04)], 0.2)
    assert numbers(got) == [0, 1, 2]


def test_following_is_the_packet_after_the_lost_one() -> None:
    buffer = JitterBuffer(8000)
    for i in (0, 2):
        buffer.put(i, i * SPAN, bytes([i]), 0.0)
    assert [buffer.take(i / 50) for i in range(4)] == [None, None, b"\0", LOST]
    assert buffer.following == b"\2"
    assert buffer.take(0.08) == b"\2"


def test_it_grows_with_the_jitter_and_shrinks_when_it_is_gone() -> None:
    buffer = JitterBuffer(8000)
    rough = jittered(500, 0.12)
    calm = [packet(i, i / 50) for i in range(500, 2000)]
    got = play(buffer, rough + calm, 40.0)
    assert buffer.stretched > 0
    settled = got[250:500]
    assert settled.count(LOST) + settled.count(None) <= 5  # of 250
    assert buffer.dropped > 0
    assert buffer.held <= 0.06
    assert LOST not in got[-1000:]
    last = numbers(got)
    assert last == sorted(set(last))


def test_silence_between_spurts_is_silence_and_costs_nothing() -> None:
    spurts = [packet(i, i / 50) for i in range(50)]
    spurts += [  # one second of silence: the timestamp goes on, the sequence number does not
        (2.0 + i / 50, 50 + i, (100 + i) * SPAN, (50 + i).to_bytes(4, "big")) for i in range(50)
    ]
    buffer = JitterBuffer(8000)
    got = play(buffer, spurts, 3.1)
    assert numbers(got) == list(range(100))
    assert got[60:102] == [None] * 42
    assert (buffer.lost, buffer.late) == (0, 0)


def test_a_stream_that_stops_is_concealed_for_a_moment_only() -> None:
    got = play(JitterBuffer(8000), jittered(50, 0), 3.0)
    assert got.count(LOST) == 5
    assert got[60:] == [None] * 90


def test_another_stream_with_the_same_source_begins_at_its_second_packet() -> None:
    buffer = JitterBuffer(8000)
    other = [
        (1.0 + i / 50, (30000 + i) & 0xFFFF, 5_000_000 + i * SPAN, (900 + i).to_bytes(4, "big"))
        for i in range(50)
    ]
    got = numbers(play(buffer, jittered(50, 0) + other, 2.2))
    assert got[-49:] == list(range(901, 950))
    assert buffer.restarts == 1


def test_one_stray_packet_changes_nothing() -> None:
    buffer = JitterBuffer(8000)
    got = numbers(play(buffer, [*jittered(50, 0), (0.5, 40000, 123456789, b"\xff\xff\xff\xff")], 1.1))
    assert got == list(range(50))
    assert buffer.restarts == 0


def test_a_sender_whose_clock_is_off_is_followed() -> None:
    for pace in (1.001, 0.999):  # ten times what a bad crystal does
        buffer = JitterBuffer(8000)
        got = play(buffer, [packet(i, i / 50 * pace) for i in range(6000)], 118.0)
        assert buffer.late == 0
        assert buffer.held <= 0.08
        assert got[2:].count(LOST) <= 10


def test_a_sudden_longer_way_is_borne_and_the_delay_is_bounded() -> None:
    buffer = JitterBuffer(8000)
    got = play(buffer, [packet(i, i / 50 + (0.6 if i >= 100 else 0)) for i in range(1000)], 20.0)
    assert LOST not in got[-500:]
    assert None not in got[-500:]
    assert buffer.held <= 0.2


def test_packets_of_other_lengths() -> None:
    for span in (80, 240, 480):
        buffer = JitterBuffer(8000)
        for i in range(20):
            buffer.put(i, i * span, bytes([i]), i * span / 8000)
            buffer.take(i * span / 8000 + 0.001)
        assert buffer.span == span


def test_for_a_modem_the_delay_stays() -> None:
    buffer = JitterBuffer(8000, least=0.1, adaptive=False)
    got = play(buffer, [packet(i, i / 50 + (0.15 if i == 50 else 0)) for i in range(200)], 4.1)
    first = next(i for i, one in enumerate(got) if isinstance(one, bytes))
    assert got[first + 50] is LOST
    assert numbers(got) == [i for i in range(200) if i != 50]
    assert all(got[first + i] == i.to_bytes(4, "big") for i in range(190) if i != 50)
    assert buffer.dropped == buffer.stretched == 0


def test_who_is_late_before_anything_was_played_is_late_and_not_doubled() -> None:
    buffer = JitterBuffer(8000)
    for number, at in ((5, 0.1), (2, 0.1025), (4, 0.11125), (1, 0.11375)):
        buffer.put(number, number * 160, b"", at)
    assert (buffer.late, buffer.doubled) == (2, 0)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 0.1), st.booleans(), st.booleans()), min_size=5, max_size=120),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
)
def test_whatever_the_network_does_frames_come_in_order_and_once(
    fates: list[tuple[float, bool, bool]], first: int, clock: int
) -> None:
    arrivals = []
    for i, (delay, lost, twice) in enumerate(fates):
        if not lost or i % 3:
            arrivals.append(packet(i, i / 50 + delay, first, clock))
        if twice:
            arrivals.append(packet(i, i / 50 + delay + 0.03, first, clock))
    buffer = JitterBuffer(8000)
    got = numbers(play(buffer, arrivals, len(fates) / 50 + 1))
    assert got == sorted(set(got))
    came = {int.from_bytes(one[3], "big") for one in arrivals}
    assert len(came) - len(got) <= buffer.late + buffer.dropped
    assert buffer.take(100.0) is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 0xFFFF), st.integers(0, 50)),
            st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0, 20000)),
            st.floats(0, 1e6),
            st.booleans(),
        ),
        max_size=300,
    )
)
def test_any_packets_at_all_stay_bounded(packets: list[tuple[int, int, float, bool]]) -> None:
    buffer = JitterBuffer(8000)
    for sequence, timestamp, now, take in packets:
        buffer.put(sequence, timestamp, b"x", now)
        assert len(buffer._packets) <= MOST
        if take:
            buffer.take(now)
