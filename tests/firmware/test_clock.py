"""Two times: one that never jumps, one for people."""

import time

from firmware.clock import Clock, local_time, utc
from tests.support.clock import ManualClock


def test_now_counts_from_boot_and_never_goes_back() -> None:
    clock = Clock()
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    before = time.clock_gettime(source)
    times = [clock.now() for _ in range(100)]
    assert before <= times[0]
    assert times == sorted(times)
    assert times[-1] <= time.clock_gettime(source)


def test_wall_is_unix_time() -> None:
    before = time.time()
    assert before <= Clock().wall() <= time.time()


def test_every_clock_of_one_boot_tells_the_same_boot() -> None:
    boot = Clock().boot()
    assert len(bytes.fromhex(boot)) == 16
    assert Clock().boot() == boot


def test_times_are_printed_to_the_thousandth() -> None:
    assert utc(0.0) == "1970-01-01T00:00:00.000Z"
    assert utc(1_769_860_984.1254) == "2026-01-31T12:03:04.125Z"
    assert utc(1_769_860_984.9996) == "2026-01-31T12:03:05.000Z"
    assert local_time(1_769_860_984.125)[2:] == ":03:04.125"


def test_the_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(now=5.0, wall=100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.wall()) == (7.5, 102.5)
    clock.set_wall(1.0)
    assert (clock.now(), clock.wall()) == (7.5, 1.0)
