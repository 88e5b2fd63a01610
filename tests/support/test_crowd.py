"""Storm, crowd and streams on each other: what they count is what happened."""

import socket
import threading
import time

import pytest

from tests.support.crowd import Crowd
from tests.support.front import Front
from tests.support.load import Login, in_child, outcome
from tests.support.loopback import address
from tests.support.storm import storm
from tests.support.streams import Streams, percentile

CALLER, CALLEE, BETWEEN = address(94, 1), address(94, 2), address(94, 3)
LOGINS = [Login("101", "one"), Login("102", "two"), Login("103", "three")]


def test_every_call_of_a_crowd_is_heard_on_both_sides() -> None:
    with (
        Front(BETWEEN, (CALLER, 5060), (CALLEE, 5060)),
        Streams() as streams,
        Crowd((BETWEEN, 5060), (CALLER, CALLEE), LOGINS, ["104", "105"], streams) as crowd,
    ):
        streams.start()
        load = crowd.run(calls=12, rate=100, hold=0.5)
    assert (load.wanted, load.answered, load.ended, load.refused) == (12, 12, 12, 0)
    assert load.streams_unheard == 0
    assert load.packets_sent == load.packets_received == 12 * 2 * 20
    assert 0 < load.delay_p50_ms <= load.delay_p99_ms
    # the twelve calls are twelve pairs: nobody hears two talkers
    assert all(len(stream.received) == 1 for stream in streams.streams)


def test_a_crowd_can_be_held_and_counts_what_a_thief_takes() -> None:
    with Streams() as streams:
        a, b = streams.add(address(94, 4)), streams.add(address(94, 5))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
            thief.bind((address(94, 6), 0))
            thief.settimeout(1)
            streams.aim(a, thief.getsockname(), left=20)

            def steal() -> None:
                for n in range(20):
                    data = thief.recv(2048)
                    if n % 5:
                        thief.sendto(data, b.socket.getsockname())

            thread = threading.Thread(target=steal)
            thread.start()
            streams.talk(0.6)
            thread.join()
    assert (a.sent, len(b.received[a.number])) == (20, 16)
    assert percentile(streams.delays, 0.5) < 0.1


def test_a_storm_registers_again_and_again_and_tells_refusals() -> None:
    with Front(BETWEEN, (CALLER, 5060), (CALLEE, 5060)) as front:
        once = storm((BETWEEN, 5060), CALLER, LOGINS)
        assert (once.registered, once.refused, len(front.seen)) == (3, 0, 6)
        many = storm((BETWEEN, 5060), CALLER, LOGINS, seconds=0.3)
        assert many.registered > 3
        assert many.rate == pytest.approx(many.registered / many.seconds)
        steady = storm((BETWEEN, 5060), CALLER, LOGINS, seconds=0.5, rate=40)
        assert 15 <= steady.registered <= 20
        front.registered = "403 Forbidden"
        assert storm((BETWEEN, 5060), CALLER, LOGINS).refused == 3


def test_a_storm_in_a_process_of_its_own() -> None:
    with Front(BETWEEN, (CALLER, 5060), (CALLEE, 5060)):
        child = in_child("storm", server=[BETWEEN, 5060], address=CALLER, logins=LOGINS, seconds=0.0)
        assert outcome(child, 20)["registered"] == 3


def test_calls_in_a_process_of_its_own() -> None:
    with Front(BETWEEN, (CALLER, 5060), (CALLEE, 5060)):
        child = in_child(
            "calls",
            server=[BETWEEN, 5060],
            addresses=[CALLER, CALLEE],
            logins=LOGINS,
            dialled=["104"],
            calls=5,
            rate=50,
            hold=0.3,
        )
        got = outcome(child, 20)
    assert (got["answered"], got["streams_unheard"]) == (5, 0)


def test_silence_sends_nothing() -> None:
    with Streams() as streams:
        a, b = streams.add(address(94, 4)), streams.add(address(94, 5))
        streams.aim(a, b.socket.getsockname())
        streams.silent = True
        streams.start()
        time.sleep(0.1)
        streams.stop()
    assert a.sent == 0
