"""Reports of our own streams: when they are due, what they say, and what is read of the far end's."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtp.report import Block, Goodbye, Names, Report, read
from rtp.reporter import Reporter
from tests.rtp.test_xr import METRICS

HALF = 0.5
CLOCK = 8000


def reports(compound: bytes) -> list[Report]:
    return [part for part in read(compound) if isinstance(part, Report)]


def test_the_first_report_is_due_in_half_the_time_and_the_mean_is_five_seconds() -> None:
    first = Reporter(1, CLOCK, 0.0, lambda: HALF)
    assert 2.0 < first.due < 2.1  # 2.5 / (e - 1.5)
    rolled = random.Random(3)
    reporter = Reporter(1, CLOCK, 0.0, rolled.random)
    sent: list[float] = []
    while len(sent) < 2000:
        now = reporter.due
        if reporter.poll(now) is not None:
            sent.append(now)
    waits = [after - before for before, after in pairwise(sent)]
    assert 4.8 < sum(waits) / len(waits) < 5.2
    assert min(waits) >= 2.5 / 1.21828
    assert max(waits) <= 7.5 / 1.21828


def test_nothing_before_it_is_due() -> None:
    reporter = Reporter(1, CLOCK, 10.0, lambda: HALF)
    assert reporter.poll(10.0) is None
    assert reporter.poll(reporter.due - 0.001) is None
    compound = reporter.poll(reporter.due)
    assert compound is not None
    report, names = read(compound)
    assert isinstance(report, Report)
    assert isinstance(names, Names)
    assert report.ntp is None  # nothing was sent
    assert not report.blocks  # nobody was heard
    assert list(names.names) == [1]


def test_a_sender_tells_both_clocks_of_one_moment() -> None:
    reporter = Reporter(1, CLOCK, 100.0)
    for number in range(10):
        reporter.sent(160 * number, 160, 100.0 + number * 0.02)
    [report] = reports(reporter.make(101.0))
    assert report.ntp == 1 << 32  # a second since it was made
    assert report.timestamp == 9 * 160 + int((101.0 - 100.18) * CLOCK)
    assert (report.packets, report.octets) == (10, 1600)
    [late] = reports(reporter.make(120.0))
    assert late.ntp is None  # for more than two intervals it has sent nothing


def test_loss_is_told_since_the_report_before_and_since_the_beginning() -> None:
    reporter = Reporter(1, CLOCK, 0.0)
    for number in [*range(65530, 65536), 0, 1, 4, 5]:  # two of twelve are missing
        reporter.heard(7, number, number * 160, 0.0)
    [first] = reports(reporter.make(1.0))
    [block] = first.blocks
    assert (block.ssrc, block.lost, block.fraction) == (7, 2, (2 << 8) // 12)
    assert block.highest == 0x10005
    reporter.heard(7, 6, 960, 0.1)
    [again] = reports(reporter.make(2.0))[0].blocks
    assert (again.lost, again.fraction) == (2, 0)
    reporter.heard(8, 1000, 0, 0.2)  # another source: counted from nothing
    [other] = reports(reporter.make(3.0))[0].blocks
    assert (other.ssrc, other.lost, other.highest) == (8, 0, 1000)


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 20))
def test_two_reporters_find_the_way_there_and_back(there: float, back: float, lies: float) -> None:
    one, other = Reporter(1, CLOCK, 50.0), Reporter(2, CLOCK, 7.0)
    one.sent(0, 160, 60.0)
    other.heard(1, 1, 0, 60.0)
    one.heard(2, 1, 0, 60.0)
    assert other.take(one.make(60.0), 60.0 + there)
    now = 60.0 + there + lies
    assert one.take(other.make(now), now + back)
    assert one.round_trip is not None
    assert abs(one.round_trip - there - back) < 0.001


def test_what_the_far_end_says_of_us_and_of_nobody_else() -> None:
    reporter = Reporter(1, CLOCK, 0.0)
    reporter.heard(7, 1, 0, 0.0)
    mine, others = Block(1, 64, 9, 100, 40), Block(3, 255, 99, 100, 400)
    assert reporter.take(bytes(Report(7, (others, mine))) + bytes(Names({7: "far"})), 1.0)
    assert (reporter.fraction, reporter.lost, reporter.jitter) == (64, 9, 40)
    body = (7).to_bytes(4, "big") + bytes((7, 0, 0, 8)) + (1).to_bytes(4, "big") + METRICS[4:]
    extended = bytes((0x80, 207)) + (len(body) // 4).to_bytes(2, "big") + body
    assert reporter.take(extended, 2.0)
    assert reporter.metrics is not None
    assert reporter.metrics.end_delay == 160
    assert not reporter.left
    assert reporter.take(bytes(Goodbye((7,))), 3.0)
    assert reporter.left


@given(st.binary(max_size=100))
def test_nothing_that_cannot_be_read_counts(data: bytes) -> None:
    reporter = Reporter(1, CLOCK, 0.0)
    broken = data + b"\x81\xc9\0\0"
    assert not reporter.take(bytes(Report(7, (Block(1, 1, 1, 1, 1),))) + broken, 1.0)
    assert (reporter.fraction, reporter.lost, reporter.jitter, reporter.left) == (0, 0, 0, False)


def test_goodbye_names_our_stream() -> None:
    *_, goodbye = read(Reporter(5, CLOCK, 0.0).goodbye(1.0))
    assert isinstance(goodbye, Goodbye)
    assert goodbye.sources == (5,)
