"""Guessing is slowed to less than a try a minute, and an honest phone is never shut out."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.lines.guesses import BURST, LIMIT, SECONDS_PER_TRY, Guesses
from sip.flow import network

ATTACKER = "203.0.113.5"


def guess(guesses: Guesses, host: str, user: str, now: float, port: int = 4000) -> bool:
    """Guess wrong if allowed to; tell whether it was allowed."""
    allowed = guesses.may_try(host, port, user, now)
    if allowed:
        guesses.wrong(host, port, user, now)
    return allowed


def test_after_a_small_burst_less_than_one_try_a_minute() -> None:
    guesses = Guesses()
    judged = sum(
        guess(guesses, ATTACKER, f"{user}", float(second)) for second in range(3600) for user in (100, 101)
    )
    assert BURST < judged <= BURST + 3600 / SECONDS_PER_TRY + 1
    assert SECONDS_PER_TRY > 60


def test_the_last_try_of_a_burst_is_told() -> None:
    guesses = Guesses()
    assert [guesses.wrong(ATTACKER, 1, "100", 0.0) for _ in range(BURST)] == [False] * (BURST - 1) + [True]


def test_nobody_is_looked_at_while_nobody_was_wrong() -> None:
    guesses = Guesses()
    assert not guesses.suspect()
    guesses.right("192.168.1.2", 5060, "100")
    assert not guesses.suspect()


def test_an_honest_phone_behind_the_address_of_a_guesser_is_always_judged() -> None:
    guesses = Guesses()
    guesses.right(ATTACKER, 5062, "101")
    for second in range(1000):
        guess(guesses, ATTACKER, "100", float(second))
        assert guesses.may_try(ATTACKER, 5062, "101", float(second)), "the phone's own port"
        assert guesses.may_try(ATTACKER, 9999, "101", float(second)), "a new connection of the phone"


def test_a_guesser_at_the_secret_of_a_phone_behind_the_same_address_cannot_shut_it_out() -> None:
    guesses = Guesses()
    guesses.right(ATTACKER, 5062, "101")
    tries = sum(guess(guesses, ATTACKER, "101", float(second), port=6000) for second in range(600))
    assert tries <= BURST + 600 / SECONDS_PER_TRY + 1
    assert guesses.may_try(ATTACKER, 5062, "101", 600.0)


def test_a_proven_phone_that_turns_to_guessing_is_slowed_down_too() -> None:
    guesses = Guesses()
    guesses.right(ATTACKER, 5062, "101")
    tries = sum(guess(guesses, ATTACKER, "101", float(second), port=5062) for second in range(600))
    assert tries <= BURST + 600 / SECONDS_PER_TRY + 2


def test_others_are_not_touched() -> None:
    guesses = Guesses()
    for _ in range(100):
        guess(guesses, ATTACKER, "100", 0.0)
    assert guesses.may_try("192.168.1.2", 5060, "100", 0.0)


def test_memory_is_bounded_and_a_full_table_forgets_the_oldest() -> None:
    guesses = Guesses()
    for number in range(LIMIT + 100):
        guesses.wrong(f"10.0.{number // 256}.{number % 256}", 1, "100", 0.0)
        guesses.right("10.9.9.9", 1, f"{number}")
    assert len(guesses._tries) == LIMIT
    assert len(guesses._proven) == LIMIT
    assert guesses.counted == LIMIT + 100


def test_who_has_all_tries_again_is_forgotten_and_nobody_is_looked_at() -> None:
    guesses = Guesses()
    for second in range(100):
        guesses.wrong(f"10.0.0.{second}", 1, "100", float(second))
    guesses.may_try("192.168.1.2", 5060, "100", 50 + BURST * SECONDS_PER_TRY)
    assert len(guesses._tries) == 49
    assert guesses.may_try("192.168.1.2", 5060, "100", 99 + BURST * SECONDS_PER_TRY)
    assert not guesses.suspect()


def test_ipv6_counts_by_customer() -> None:
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1") == "2001:db8:1:2"
    assert network("2001:db8::1") == "2001:db8:0:0"
    assert network("fe80::1%eth0") == "fe80:0:0:0"
    assert network("::1") == "0:0:0:0"
    assert network("192.0.2.1") == "192.0.2.1"


@given(st.lists(st.tuples(st.sampled_from(["100", "101"]), st.floats(0, 30)), max_size=200))
def test_no_order_of_guesses_gains_tries(steps: list[tuple[str, float]]) -> None:
    guesses, now, judged = Guesses(), 0.0, 0
    for user, pause in steps:
        now += pause
        judged += guess(guesses, ATTACKER, user, now)
    assert judged <= BURST + now / SECONDS_PER_TRY + 1
