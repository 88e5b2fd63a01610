"""Ports: taken in pairs, rested after a call, counted, and gone with a media process that has fewer."""

from firmware.media.ports import Ports


def bound(*ports: int) -> Ports:
    found = Ports()
    found.renew(set(ports), set())
    return found


def test_ports_rest_after_a_call_but_not_for_help() -> None:
    ports = bound(10, 12, 14, 16)
    assert ports.take(0.0, urgent=False) == (10, 12)
    assert ports.take(0.0, urgent=False) == (14, 16)
    assert ports.take(0.0, urgent=True) is None
    ports.give(10, 5.0)
    ports.give(12, 5.0)
    assert ports.ready(4.9) == 0
    assert ports.take(4.9, urgent=False) is None
    assert ports.take(4.9, urgent=True) == (10, 12)


def test_the_last_fifth_is_crowded() -> None:
    ports = bound(*range(0, 20, 2))
    for _ in range(4):
        assert not ports.crowded(0.8, 0.0)
        assert ports.take(0.0, urgent=False)
    assert not ports.crowded(0.8, 0.0)
    ports.take(0.0, urgent=False)
    assert ports.crowded(0.8, 0.0)
    assert not bound().crowded(0.8, 0.0), "without ports nothing is crowded: there is none to have"


def test_another_process_may_have_others() -> None:
    ports = bound(10, 12, 14)
    taken = ports.take(0.0, urgent=False)
    assert taken == (10, 12)
    assert ports.renew({12, 14, 16}, {10, 12}) == {10}
    ports.give(10, 0.0)
    assert ports.ready(0.0) == 2
    assert bool(ports)
    assert not bool(Ports())
