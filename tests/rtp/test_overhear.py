"""What two phones tell each other is read in the middle."""

from hypothesis import given
from hypothesis import strategies as st

from rtp.overhear import STAMPS, Overheard
from rtp.report import Block, Report
from rtp.reporter import Reporter
from tests.rtp.test_xr import REPORT


@given(st.floats(0, 1), st.floats(0, 3), st.floats(0, 1))
def test_the_way_to_each_phone_and_back(near: float, lies: float, far: float) -> None:
    """A sits `near` seconds from the box, B `far`; A's report lies at B for a while."""
    a, b = Reporter(1, 8000, 0.0), Reporter(2, 8000, 0.0)
    of_a, of_b = Overheard(), Overheard()
    a.sent(0, 160, 10.0)
    b.sent(0, 160, 10.0)
    a.heard(2, 1, 0, 10.0)
    b.heard(1, 1, 0, 10.0)
    compound, now = a.make(10.0), 10.0 + near
    of_a.take(compound, of_b, now)
    now += far
    b.take(compound, now)
    now += lies
    compound = b.make(now)
    of_b.take(compound, of_a, now + far)
    assert abs(of_b.round_trip / 1e6 - 2 * far) < 0.001
    now += far + near
    a.take(compound, now)
    of_a.take(a.make(now + lies), of_b, now + lies + near)
    assert abs(of_a.round_trip / 1e6 - 2 * near) < 0.001


def test_what_a_phone_hears() -> None:
    one = Overheard()
    one.take(bytes(Report(7, (Block(1, 3, 12, 100, 40),))), None, 1.0)
    assert (one.reports, one.far_lost, one.far_jitter, one.round_trip) == (1, 12, 40, 0)
    one.take(bytes(Report(7, (Block(1, 3, -2, 100, 50),))), None, 2.0)
    assert (one.reports, one.far_lost, one.far_jitter) == (2, 0, 50)
    one.take(REPORT, None, 3.0)
    assert (one.far_discard, one.far_delay) == (2, 160)


def test_a_report_about_nothing_that_passed_gives_no_time() -> None:
    one, other = Overheard(), Overheard()
    other.take(bytes(Report(7, ntp=5 << 16)), one, 1.0)
    one.take(bytes(Report(8, (Block(7, 0, 0, 0, 0, 6, 0),))), other, 2.0)
    assert one.round_trip < 1
    one.take(
        bytes(Report(8, (Block(7, 0, 0, 0, 0, 5, 2 << 16),))), other, 2.0
    )  # it lay there longer than that
    assert one.round_trip < 1
    one.take(bytes(Report(8, (Block(7, 0, 0, 0, 0, 5, 0),))), other, 2.0)
    assert one.round_trip == 1_000_000


def test_only_the_newest_sender_reports_are_remembered() -> None:
    one, other = Overheard(), Overheard()
    for number in range(1, STAMPS + 2):
        other.take(bytes(Report(7, ntp=number << 16)), one, float(number))
    one.take(bytes(Report(8, (Block(7, 0, 0, 0, 0, 1, 0),))), other, 6.0)
    assert one.round_trip < 1
    one.take(bytes(Report(8, (Block(7, 0, 0, 0, 0, STAMPS, 0),))), other, STAMPS + 2.0)
    assert one.round_trip == 2_000_000


@given(st.binary(max_size=100))
def test_anything_may_pass(data: bytes) -> None:
    Overheard().take(b"\x81\xc8" + data, Overheard(), 1.0)
