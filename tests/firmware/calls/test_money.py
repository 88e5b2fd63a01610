"""Prices, purses, and what they never do."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.money import FREE, UNIT, Price, Purses, Tariff, line_purse
from firmware.store.model import Reach

TARIFF = Tariff(
    "EUR",
    10 * UNIT,
    None,
    {Reach.INTERNATIONAL: Price(0, UNIT)},
    (("+4319", Price(5, 6)), ("+43", Price(1, 2))),
)


def test_the_longest_beginning_names_the_price_and_the_kind_the_rest() -> None:
    assert TARIFF.price("+43190", Reach.INTERNATIONAL) == Price(5, 6)
    assert TARIFF.price("+43664", Reach.INTERNATIONAL) == Price(1, 2)
    assert TARIFF.price("+44", Reach.INTERNATIONAL).first == UNIT
    assert TARIFF.price("+4930", Reach.NATIONAL) == FREE
    assert TARIFF.amount(25_000) == "2.50 EUR"


@given(st.lists(st.integers(0, 4 * UNIT), max_size=30))
def test_who_asks_before_paying_never_passes_the_cap(amounts: list[int]) -> None:
    purses = Purses().on(1)
    for amount in amounts:
        if purses.fits(TARIFF, "anna", amount):
            purses.pay("anna", amount)
        assert purses.spent("anna") <= 10 * UNIT
    assert purses.fits(TARIFF, "anna", 0)
    assert purses.fits(TARIFF, line_purse("isdn"), 99 * UNIT)


def test_a_purse_is_filled_at_midnight_and_by_hand() -> None:
    purses = Purses().on(1)
    purses.pay("anna", 7)
    purses.pay("ben", 7)
    purses.pay("ben", -9)
    assert (purses.on(1).spent("anna"), purses.spent("ben")) == (7, 0)
    purses.forget("anna")
    assert purses.spent("anna") == 0
    purses.pay("anna", 7)
    assert purses.on(2).spent("anna") == 0
