"""Loss and jitter against their definitions."""

from hypothesis import given
from hypothesis import strategies as st

from rtp.reception import Reception


def feed(sequences: list[int], ssrc: int = 1) -> Reception:
    reception = Reception()
    for sequence in sequences:
        reception.update(ssrc, sequence & 0xFFFF, sequence * 160, sequence * 160)
    return reception


def test_whole_stream_over_a_wrap() -> None:
    reception = feed(list(range(65000, 67000)))
    assert (reception.received, reception.expected, reception.lost, reception.jitter) == (2000, 2000, 0, 0)


@given(st.integers(0, 0xFFFF), st.sets(st.integers(1, 498), max_size=50))
def test_loss_is_what_is_missing(start: int, missing: set[int]) -> None:
    reception = feed([start + i for i in range(500) if i not in missing])
    assert reception.lost == len(missing)


def test_reordered_and_doubled_are_not_lost() -> None:
    sequences = list(range(100, 200))
    sequences[10], sequences[12] = sequences[12], sequences[10]
    reception = feed([*sequences, 150, 151])
    assert (reception.expected, reception.lost) == (100, 0)


def test_one_wild_sequence_number_costs_nothing() -> None:
    reception = feed([*range(100), 40000, *range(100, 200)])
    assert reception.lost == 0


def test_a_sender_that_jumps_starts_anew() -> None:
    reception = feed([*range(100), *range(40000, 40100)])
    assert reception.lost == 0
    assert reception.received == 200


def test_a_new_ssrc_starts_anew_and_counts_go_on() -> None:
    reception = feed([1, 2, 4])
    for sequence in (500, 501, 503):
        reception.update(2, sequence, 0, 0)
    assert (reception.received, reception.lost) == (6, 2)


def test_jitter_is_that_of_a8() -> None:
    reception = Reception()
    exact, before = 0.0, None
    for i in range(2000):
        arrival = i * 160 + i * i % 79
        reception.update(1, i, i * 160, arrival)
        transit = arrival - i * 160
        if before is not None:
            exact += (abs(transit - before) - exact) / 16
        before = transit
    assert abs(reception.jitter - exact) <= 1
