"""Who may become the source of a row."""

import pytest

from rtp.learning import BARRED, Learning
from rtp.plan import ANY, CLOSED, EXACT, HOST, Row

HERE, THERE = ("10.0.0.1", 4000), ("10.0.0.2", 4000)


def learns(learning: Learning, policy: int, source: tuple[str, int], sequence: int = 1, **more: int) -> bool:
    row = Row(40000, host=b"\x0a\0\0\1", rtp=4000, learning=policy)
    return learning.valid(row, "10.0.0.1", source, (more.get("ssrc", 1), sequence), more.get("now", 0))


@pytest.mark.parametrize(("policy", "taken"), [(CLOSED, False), (EXACT, True), (HOST, True), (ANY, True)])
def test_the_described_address_needs_one_packet(policy: int, *, taken: bool) -> None:
    assert learns(Learning(), policy, ("10.0.0.1", 5)) is taken


@pytest.mark.parametrize(("policy", "taken"), [(CLOSED, False), (EXACT, False), (HOST, False), (ANY, True)])
def test_a_stranger_needs_two_in_sequence_and_a_row_that_takes_strangers(policy: int, *, taken: bool) -> None:
    learning = Learning()
    assert not learns(learning, policy, THERE, 65535)
    assert learns(learning, policy, THERE, 0) is taken


@pytest.mark.parametrize(
    ("sequence", "ssrc", "source"), [(3, 1, THERE), (1, 1, THERE), (2, 2, THERE), (2, 1, ("10.0.0.2", 4002))]
)
def test_two_that_do_not_belong_together_make_no_source(
    sequence: int, ssrc: int, source: tuple[str, int]
) -> None:
    learning = Learning()
    assert not learns(learning, ANY, THERE, 1)
    assert not learns(learning, ANY, source, sequence, ssrc=ssrc)


def test_the_source_being_left_is_barred_for_a_while() -> None:
    learning = Learning(("10.0.0.1", 4002), now=100.0)
    assert not learns(learning, ANY, ("10.0.0.1", 4002), now=101)
    assert learns(learning, ANY, ("10.0.0.1", 4004), now=101)
    assert learns(learning, ANY, ("10.0.0.1", 4002), now=int(100 + BARRED))


def test_the_source_being_left_is_not_barred_when_it_is_the_one_described() -> None:
    assert learns(Learning(HERE, now=100.0), ANY, HERE, now=100)
