"""The portable tier, by the twin tests and by its own."""

from collections.abc import Iterator

import pytest

from rtp import control
from rtp.loop import Loop
from rtp.pace import Pace
from rtp.plan import Row
from rtp.process import bind_pairs, disconnect
from rtp.report import Block, Report
from tests.rtp.twin import BOX, Call, Phone, TwinTests

FIRST = 23000


class Portable:
    """The portable tier, driven by hand, with a clock of its own."""

    def __init__(self, count: int = 4) -> None:
        self.time = 100.0
        first = FIRST
        pairs = bind_pairs(BOX, first, first + 2 * count - 1)
        while len(pairs) < count:
            first += 2 * count
            for pair in pairs.values():
                for one in pair:
                    one.close()
            pairs = bind_pairs(BOX, first, first + 2 * count - 1)
        self.loop = Loop(pairs, disconnect, clock=lambda: self.time)
        self.ports = self.loop.ports

    def put(self, row: Row) -> None:
        self.loop.put(row)

    def remove(self, port: int) -> None:
        self.loop.remove(port)

    def settle(self) -> None:
        while self.loop.turn(0):
            pass

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time = min(end, self.time + 0.5)
            self.settle()

    def events(self) -> list[control.Message]:
        events = list(self.loop.events)
        self.loop.events.clear()
        return events

    def statistics(self, port: int) -> control.Statistics:
        kept = self.events()
        self.loop.ask(port, 7)
        [answer] = self.events()
        self.loop.events.extend(kept)
        assert isinstance(answer, control.Statistics)
        assert answer.token == 7
        return answer


@pytest.fixture
def tier() -> Iterator[Portable]:
    portable = Portable()
    yield portable
    portable.loop.close()
    Phone.close_all()


class TestPortable(TwinTests):
    """The portable tier owes what every tier owes."""


def test_counters_add_up(tier: Portable) -> None:
    call = Call(tier)
    call.talk()
    tier.put(Row(60000))
    counters = tier.loop.counters(3)
    assert (counters.token, counters.rows, counters.forwarded, counters.unknown) == (3, 2, 6, 1)
    assert (counters.foreign, counters.bad, counters.failed) == (0, 0, 0)


def test_what_passes_in_rtcp_is_read_only_when_asked_for(tier: Portable) -> None:
    call = Call(tier)
    call.talk()
    report = bytes(Report(7, (Block(8, 12, 5, 100, 33),)))
    assert tier.statistics(call.left).reports == 0
    call.a.rtcp.sendto(report, (BOX, call.left + 1))
    tier.settle()
    assert tier.statistics(call.left).reports == 0
    tier.loop.monitor = True
    call.a.rtcp.sendto(report, (BOX, call.left + 1))
    call.b.rtcp.sendto(bytes(Report(9, ntp=5 << 16)), (BOX, call.right + 1))
    tier.settle()
    tier.time += 0.25
    call.a.rtcp.sendto(bytes(Report(7, (Block(9, 12, 6, 100, 34, 5, 0),))), (BOX, call.left + 1))
    tier.settle()
    statistics = tier.statistics(call.left)
    assert (statistics.reports, statistics.far_lost, statistics.far_jitter) == (2, 6, 34)
    assert statistics.round_trip == 250_000
    assert len(call.b.reports()) == 3  # whatever is read, it passes


def test_clear_stops_everything_and_frees_nothing(tier: Portable) -> None:
    call = Call(tier)
    call.talk()
    tier.loop.clear()
    assert call.exchange(b"one", b"other") == ([], [])
    assert len(tier.loop.ports) == 4
    for row in call.rows.values():
        tier.put(row)
    call.talk()


def test_an_unread_loop_keeps_a_bounded_number_of_events(tier: Portable) -> None:
    for token in range(5000):
        tier.loop.ask(0, token)
    assert len(tier.loop.events) == 4096
    assert tier.loop.withheld == 5000 - 4096


def test_an_idle_tier_does_not_wake_up(tier: Portable) -> None:
    """Without rows the loop waits for ever; with rows at most until the next look at silent ones."""
    waits: list[float] = []

    class Epoll:
        def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
            waits.append(timeout)
            return []

    real, tier.loop.epoll = tier.loop.epoll, Epoll()  # type: ignore[assignment]
    tier.loop.turn()
    tier.loop.epoll = real
    Call(tier)
    tier.loop.epoll = Epoll()  # type: ignore[assignment]
    tier.loop.turn()
    tier.loop.epoll = real
    assert waits[0] == -1
    assert 0 <= waits[1] <= 1


def test_refusals_are_counted(tier: Portable) -> None:
    call = Call(tier)
    call.talk()
    call.b.close()
    for _ in range(10):
        call.a.say(call.left, b"to nobody")
        tier.settle()
    assert tier.loop.refused >= 5


def test_thick_traffic_is_taken_in_fewer_turns(tier: Portable, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr("rtp.loop.time.sleep", rests.append)
    tier.loop._pace = Pace(0.001)
    tier.settle()
    assert rests == []
    for _ in range(9):  # no time passes between these
        tier.loop.turn(0)
    assert rests == [0.001]
