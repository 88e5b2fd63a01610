"""Voices on each other: what they count is what happened."""

import time

from tests.support.loopback import address
from tests.support.voices import Voices


def test_two_voices_hear_each_other_as_often_as_they_speak() -> None:
    with Voices() as voices:
        a, b = voices.add(address(93, 1)), voices.add(address(93, 2))
        voices.aim(a, (address(93, 2), b.port), left=10)
        voices.aim(b, (address(93, 1), a.port), left=5)
        end = time.monotonic() + 10
        while voices.received < 15 and time.monotonic() < end:
            voices.turn()
            time.sleep(0.001)
        assert (voices.sent, voices.received) == (15, 15)


def test_voices_of_one_address_share_a_port() -> None:
    with Voices() as voices:
        assert voices.add(address(93, 3)).port == voices.add(address(93, 3)).port
