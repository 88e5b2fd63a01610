"""Reasons are kept, bounded, and for a week."""

from firmware.calls.decisions import LIFTED, MOST, WEEK, Decisions, Matter


class Hand:
    at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def test_they_are_bounded_in_number_and_in_time() -> None:
    hand = Hand()
    kept = Decisions(hand, hand)
    for each in range(MOST + 5):
        kept.note(Matter.MONEY, f"id-{each}", "why")
    assert [len(kept.list()), kept.list()[0].number] == [MOST, MOST + 5]
    hand.at += WEEK + 1
    kept.note(Matter.CALLS, "id-1", "why")
    assert len(kept._all) == 1, "what is a week old is gone without being asked for"
    assert [one.matter for one in kept.list()] == [Matter.CALLS]


def test_the_same_again_counts_until_it_is_taken_back() -> None:
    hand = Hand()
    kept = Decisions(hand, hand)
    for _ in range(3):
        hand.at += 1
        kept.note(Matter.HOURS, "id-1", "why")
    (one,) = kept.list()
    assert (one.times, one.last - one.first) == (3, 2.0)
    assert not kept.lifted("id-1")
    assert kept.take_back(one.number) is one
    assert kept.lifted("id-1")
    assert not kept.lifted("id-2")
    hand.at += LIFTED
    assert not kept.lifted("id-1")
    kept.note(Matter.HOURS, "id-1", "why")
    assert [each.undone for each in kept.list()] == [False, True]
    assert kept.take_back(77) is None
