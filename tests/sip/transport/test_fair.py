"""What each source may send while a flood goes on."""

from __future__ import annotations

from sip.transport.fair import HELP, PROVEN, SOURCES, STRANGER, STRANGERS, Shares

FLOODER, PHONE = ("192.0.2.66", 5060), ("192.0.2.9", 5062)
GARBAGE, CALL = b"x" * 20, b"INVITE sip:112@192.0.2.1 SIP/2.0\r\n"


def admitted(shares: Shares, remote: tuple[str, int], count: int, now: float, data: bytes = GARBAGE) -> int:
    return sum(shares.admits(data, remote, now) for _ in range(count))


def test_a_stranger_has_a_small_share_that_comes_back_with_time() -> None:
    shares = Shares()
    assert admitted(shares, FLOODER, 1000, 0.0) == STRANGER.burst
    assert admitted(shares, FLOODER, 1000, 1.0) == STRANGER.rate
    assert admitted(shares, FLOODER, 1000, 100.0) == STRANGER.burst


def test_a_flood_takes_nothing_from_others() -> None:
    shares = Shares()
    shares.prove(PHONE)
    admitted(shares, FLOODER, 100_000, 0.0)
    assert admitted(shares, PHONE, 50, 0.0) == 50
    assert admitted(shares, ("192.0.2.10", 5060), 50, 0.0) == 50


def test_an_office_behind_the_flooders_address_keeps_its_share() -> None:
    shares = Shares()
    phones = [(FLOODER[0], port) for port in range(6000, 6050)]
    for phone in phones:
        shares.prove(phone)
    admitted(shares, FLOODER, 1000, 0.0)
    assert all(admitted(shares, phone, 20, 0.0) == 20 for phone in phones)


def test_who_is_proven_has_a_bound_too() -> None:
    shares = Shares()
    shares.prove(PHONE)
    assert admitted(shares, PHONE, 10_000, 0.0) == PROVEN.burst


def test_forged_sources_together_leave_room_and_no_traces_without_end() -> None:
    shares = Shares()
    shares.prove(PHONE)
    sources = [(f"198.18.{n >> 8}.{n & 255}", 5060) for n in range(3 * SOURCES)]
    assert sum(shares.admits(GARBAGE, source, 0.0) for source in sources) == STRANGERS.burst
    assert shares.admits(GARBAGE, PHONE, 0.0)
    assert len(shares._left) <= SOURCES
    for source in sources:
        shares.prove(source)
    assert len(shares._proven) == SOURCES


def test_addresses_of_one_v6_customer_are_one_source() -> None:
    shares = Shares()
    assert sum(shares.admits(GARBAGE, (f"2001:db8::{n:x}", 5060), 0.0) for n in range(500)) == STRANGER.burst


def test_a_call_for_help_has_a_reserve_of_its_own() -> None:
    shares = Shares(lambda uri: uri == "sip:112@192.0.2.1")
    admitted(shares, FLOODER, 1000, 0.0)
    assert admitted(shares, FLOODER, 100, 0.0, b"INVITE sip:102@192.0.2.1 SIP/2.0\r\n") == 0
    assert admitted(shares, FLOODER, 100, 0.0, CALL) == HELP.burst
    assert admitted(shares, FLOODER, 100, 1.0, CALL) == STRANGER.rate + HELP.rate
