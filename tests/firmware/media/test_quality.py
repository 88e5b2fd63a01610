"""What is made of counts and reports when a call is over."""

import pytest

from firmware.media.quality import Far, judge, one_way
from rtp.control import QUIET, Statistics
from rtp.emodel import Path, mos, rating
from tests.firmware.media.test_tally import told

SILENT = told()


def test_who_said_nothing_is_not_judged() -> None:
    assert judge(Far(), SILENT, Far(), told(packets=100)) is None


def test_without_reports_what_reached_us_counts() -> None:
    found = judge(Far(48000, "opus"), told(packets=950, lost=50, jitter=480), Far(), SILENT)
    assert found is not None
    assert (found.codec, found.packets, found.lost, found.jitter) == ("opus", 950, 50, 10.0)
    assert found.round_trip is None
    assert found.mos == pytest.approx(mos(rating(Path(0.05, 40))))


def test_who_hears_knows_best() -> None:
    hearer = told(packets=1, reports=9, far_lost=70, far_jitter=800, round_trip=30_000)
    found = judge(Far(), told(packets=950, lost=50, round_trip=50_000), Far(), hearer)
    assert found is not None
    assert (found.lost, found.jitter, found.round_trip) == (70, 100.0, 80.0)
    assert found.mos == pytest.approx(mos(rating(Path(0.07, 40 + 20 + 200))))


def test_what_the_box_made_anew_is_lost_twice() -> None:
    found = judge(Far(), told(packets=950, lost=50), Far(made=True), told(reports=1, far_lost=10))
    assert found is not None
    assert found.lost == 60


def test_what_came_too_late_to_be_played_counts_too() -> None:
    hearer = told(reports=1, far_discard=64, far_delay=150)
    found = judge(Far(), told(packets=100), Far(), hearer)
    assert found is not None
    assert found.mos == pytest.approx(mos(rating(Path(0.25, 170))))


@pytest.mark.parametrize(
    ("suspect", "other", "wanted"),
    [(QUIET + 1, 0.1, True), (QUIET - 1, 0.1, False), (QUIET + 1, 3.0, False), (QUIET + 1, QUIET, False)],
)
def test_one_way(suspect: float, other: float, *, wanted: bool) -> None:
    def idle(seconds: float) -> Statistics:
        return told(idle=int(seconds * 1000))

    assert one_way(idle(suspect), idle(other)) is wanted
