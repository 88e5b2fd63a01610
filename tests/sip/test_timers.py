from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sip.timers import Timer, Timers


def test_callbacks_come_in_order_of_time_and_not_before() -> None:
    timers, seen = Timers(), []
    timers.after(3, lambda now: seen.append(("c", now)), 0)
    timers.after(1, lambda now: seen.append(("a", now)), 0)
    timers.after(2, lambda now: seen.append(("b", now)), 0)
    timers.run(0.999)
    assert not seen
    timers.run(2.5)
    assert seen == [("a", 2.5), ("b", 2.5)]
    assert timers.next_deadline() == 3


def test_a_cancelled_timer_never_runs_not_even_cancelled_by_its_neighbour() -> None:
    timers = Timers()
    seen: list[str] = []
    handles: list[Timer] = []
    timers.after(1, lambda _: timers.cancel(handles[0]), 0)
    handles.append(timers.after(1, lambda _: seen.append("late"), 0))
    timers.run(5)
    assert seen == []
    assert len(timers) == 0
    assert timers.next_deadline() is None


def test_what_a_callback_sets_for_now_waits_for_the_next_run() -> None:
    timers, runs = Timers(), []

    def again(now: float) -> None:
        runs.append(now)
        timers.after(0, again, now)

    timers.after(0, again, 0)
    timers.run(0)
    timers.run(0)
    assert runs == [0, 0]


def test_lingering_ones_expire_in_the_order_they_came() -> None:
    timers = Timers()
    seen: list[int] = []
    for number, at in enumerate((0.0, 1.0, 2.0)):
        timers.linger(32, seen.append, number, at)
    assert timers.next_deadline() == 32
    timers.run(33)
    assert seen == [0, 1]
    assert len(timers) == 1


def test_the_outer_timer_is_told_of_earlier_deadlines_only() -> None:
    told: list[float] = []
    timers = Timers(told.append)
    timers.after(10, lambda _: None, 0)
    timers.after(20, lambda _: None, 0)
    timers.linger(5, lambda _: None, None, 0)
    assert told == [10, 5]
    timers.run(5)
    assert timers.next_deadline() == 10
    timers.after(7, lambda _: None, 5)
    assert told == [10, 5]
    timers.after(1, lambda _: None, 5)
    assert told == [10, 5, 6]


def test_cancelling_lets_go_of_the_callback_and_of_the_heap() -> None:
    timers = Timers()
    keep = timers.after(9, lambda _: None, 0)
    for _ in range(5000):
        timers.cancel(timers.after(1, lambda _: None, 0))
    assert len(timers) == 1
    assert len(timers._heap) < 1000
    timers.cancel(keep)
    timers.cancel(keep)
    assert len(timers) == 0
    assert timers.next_deadline() is None


@given(st.lists(st.tuples(st.sampled_from(["after", "cancel", "linger", "run"]), st.integers(0, 9))))
def test_any_order_of_events_keeps_the_count_and_runs_everything_once(steps: list[tuple[str, int]]) -> None:
    timers, now = Timers(), 0.0
    alive: dict[int, Timer] = {}
    pending: set[int] = set()
    ran: list[int] = []

    def note(number: int, _: float) -> None:
        ran.append(number)

    for number, (step, value) in enumerate(steps):
        if step == "after":
            pending.add(number)
            alive[number] = timers.after(value, partial(note, number), now)
        elif step == "linger":
            pending.add(number)
            timers.linger(5, ran.append, number, now)
        elif step == "cancel" and alive:
            victim = min(alive)
            timers.cancel(alive.pop(victim))
            pending.discard(victim)
        elif step == "run":
            now += value
            timers.run(now)
            for number_ran in ran:
                pending.discard(number_ran)
                alive.pop(number_ran, None)
        assert len(timers) == len(pending)
    timers.run(now + 100)
    assert len(ran) == len(set(ran))
    assert pending <= set(ran)
    assert len(timers) == 0
    assert timers.next_deadline() is None
