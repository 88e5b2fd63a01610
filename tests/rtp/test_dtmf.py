"""DTMF as events: what is sent is RFC 4733, and each digit is heard once whatever becomes of its packets."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.dtmf import DIGITS, EventReceiver, EventSender

Sent = tuple[bool, int, bytes]


def run(sender: EventSender, frames: int, start: int = 5000) -> list[Sent | None]:
    return [sender.packet(start + i * 160 & 0xFFFFFFFF) for i in range(frames)]


def heard(packets: list[Sent]) -> str:
    receiver = EventReceiver()
    return "".join(receiver.hear(timestamp, payload) for _, timestamp, payload in packets)


def test_one_digit_packet_by_packet() -> None:
    sender = EventSender()
    assert sender.send("5", 0.1) == 1
    assert sender.busy
    got = run(sender, 12)
    assert got[:7] == [
        (True, 5000, bytes.fromhex("050a00a0")),
        (False, 5000, bytes.fromhex("050a0140")),
        (False, 5000, bytes.fromhex("050a01e0")),
        (False, 5000, bytes.fromhex("050a0280")),
        (False, 5000, bytes.fromhex("058a0320")),
        (False, 5000, bytes.fromhex("058a0320")),
        (False, 5000, bytes.fromhex("058a0320")),
    ]
    assert got[7:] == [None] * 5
    assert not sender.busy


def test_all_digits_in_their_codes_and_a_hook_flash() -> None:
    sender = EventSender()
    assert sender.send("0123456789*#abcd!x ") == 17
    packets = [one for one in run(sender, 300) if one]
    assert [payload[2][0] for payload in packets if payload[0]] == list(range(17))
    assert heard(packets) == DIGITS + "!"


def test_the_queue_is_bounded() -> None:
    assert EventSender().send("1" * 1000) == 64


def test_a_long_event_goes_on_in_segments_and_is_one_digit() -> None:
    sender = EventSender()
    sender.send("7", 20.0)
    packets = [one for one in run(sender, 1100) if one]
    assert sum(marker for marker, _, _ in packets) == 1
    times = sorted({timestamp for _, timestamp, _ in packets})
    assert len(times) == 3
    for before, after in pairwise(times):
        last = max(int.from_bytes(p[2:], "big") for _, timestamp, p in packets if timestamp == before)
        assert after == before + last
    assert heard(packets) == "7"
    receiver = EventReceiver()
    for _, timestamp, payload in packets:
        receiver.hear(timestamp, payload)
    assert receiver.duration == 20 * 8000


def test_a_key_held_and_released() -> None:
    sender = EventSender()
    sender.press("3")
    held = run(sender, 30)
    assert all(held)
    sender.release()
    rest = run(sender, 10, 5000 + 30 * 160)
    ends = [one for one in rest if one]
    assert len(ends) == 3
    assert all(payload[1] & 0x80 for _, _, payload in ends)
    assert not sender.busy
    sender.press("3")
    sender.release()
    assert heard([one for one in run(sender, 10, 20000) if one]) == "3"


def test_the_timestamp_wraps_in_a_digit() -> None:
    sender = EventSender()
    sender.send("12")
    assert heard([one for one in run(sender, 40, 0xFFFFFFFF - 300) if one]) == "12"


def test_a_phone_that_gives_every_packet_its_own_timestamp() -> None:
    receiver = EventReceiver()
    got = [receiver.hear(1000 + i * 160, bytes((9, 10, 0, 160))) for i in range(6)]
    got += [receiver.hear(1000 + 6 * 160, bytes((9, 138, 0, 160)))]
    got += [receiver.hear(1000 + 20 * 160, bytes((9, 10, 0, 160)))]
    assert "".join(got) == "99"


@pytest.mark.parametrize("payload", [b"", b"\1\2\3", b"\x11\x0a\0\xa0", b"\xff\xff\xff\xff"])
def test_what_is_no_digit_is_nothing(payload: bytes) -> None:
    assert EventReceiver().hear(1, payload) == ""


@settings(max_examples=200, deadline=None)
@given(
    st.text(DIGITS, min_size=1, max_size=12),
    st.integers(0, 0xFFFFFFFF),
    st.floats(0.04, 0.4),
    st.randoms(use_true_random=False),
    st.sampled_from([8000, 16000, 48000]),
)
def test_each_digit_is_heard_once_though_packets_are_lost_doubled_and_late(
    digits: str, start: int, length: float, chance: object, clock: int
) -> None:
    random = chance.random  # type: ignore[attr-defined]
    sender = EventSender(clock)
    sender.send(digits, length)
    arrivals: list[tuple[float, Sent]] = []
    for i in range(600):
        one = sender.packet(start + i * (clock // 50) & 0xFFFFFFFF)
        if one is None:
            continue
        keep = one[0] or random() < 0.6  # of each digit one packet arrives
        if keep:
            arrivals.append((i + random() * 2, one))
        if random() < 0.2:
            arrivals.append((i + random() * 3, one))
    arrivals.sort(key=lambda pair: pair[0])
    receiver = EventReceiver(clock)
    assert "".join(receiver.hear(timestamp, payload) for _, (_, timestamp, payload) in arrivals) == digits


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.binary(max_size=8)), max_size=40))
def test_any_bytes_make_at_most_one_digit_each(packets: list[tuple[int, bytes]]) -> None:
    receiver = EventReceiver()
    for timestamp, payload in packets:
        assert receiver.hear(timestamp, payload) in {"", *DIGITS, "!"}
