"""Every way to write a number outside leads to one key, whatever the site dials before it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.calls.numbers import LONGEST, SHORTEST, Numbering, is_e164, plain

BERLIN = Numbering("49", "00", "0", (), "30", "")
BOSTON = Numbering("1", "011", "1", (10,), "617", "9")
ROME = Numbering("39", "00", "", (6, 7, 8, 9, 10, 11))
MADRID = Numbering("34", "00", "", (9,))


@pytest.mark.parametrize(
    "written",
    [
        "+493012345678",
        "00493012345678",
        "03012345678",
        "12345678",
        "+49 (0)30 / 1234-5678",
        "(030) 1234.5678",
    ],
)
def test_all_forms_of_a_number_in_berlin_are_one(written: str) -> None:
    assert BERLIN.key(written) == "+493012345678"


@pytest.mark.parametrize(
    "written",
    ["+16175550123", "901116175550123", "9011 1 617 555 0123", "916175550123", "96175550123", "95550123",
     "16175550123", "6175550123", "9+16175550123"],
)  # fmt: skip
def test_all_forms_of_a_number_in_boston_are_one(written: str) -> None:
    assert BOSTON.key(written) == "+16175550123"


def test_countries_without_a_trunk_prefix_keep_what_is_dialled() -> None:
    assert ROME.key("0612345678") == "+390612345678" == ROME.key("+39 06 12345678")
    assert MADRID.key("912345678") == "+34912345678"
    assert plain("+39 (0)6 123456") == "+3906123456"


def test_a_prefix_of_zero_leaves_two_zeros_for_the_country() -> None:
    office = Numbering("49", "00", "0", (), "30", "0")
    assert office.key("0 030 123456") == "+4930123456"
    assert office.key("000 43 1 123456") == "+431123456"
    assert office.key("0 123456") == "+4930123456"
    assert office.key("012") is None


@pytest.mark.parametrize(
    "text", ["", "+", "101", "1234", "anna", "*72102", "+0301234567", "+12345", "0" * 30]
)
def test_what_is_no_number_outside(text: str) -> None:
    assert BERLIN.key(text) is None


def test_a_mistyped_extension_does_not_leave_the_house() -> None:
    assert BERLIN.key("12345") is None
    assert Numbering("49", "00", "0", (), "30", "0").key("123456") is None


@settings(deadline=None)
@given(
    national=st.from_regex(r"[1-9][0-9]{6,9}", fullmatch=True),
    country=st.sampled_from(["49", "43", "44", "353"]),
    outside=st.sampled_from(["", "0", "9", "8"]),
    cut=st.integers(1, 6),
)
def test_plus_international_national_and_local_are_one_key(
    national: str, country: str, outside: str, cut: int
) -> None:
    numbering = Numbering(country, "00", "0", (), national[:cut] if outside else "", outside)
    key = f"+{country}{national}"
    forms = {numbering.key(key)}
    forms |= {numbering.key(outside + each) for each in (key, f"00{country}{national}", f"0{national}")}
    local = national[cut:]
    if outside and len(local) >= 3 and not local.startswith("0"):
        forms.add(numbering.key(outside + local))
    spaced = " ".join(national)
    forms |= {numbering.key(f"+{country} (0){spaced}"), numbering.key(f"+{country}-{national}")}
    assert forms == {key}
    assert numbering.full(f"0{national}") == key
    assert key in numbering.received(f"{country}{national}")
    assert key in numbering.received(f"0{national}")


@given(st.text(max_size=40))
def test_any_text_is_a_key_or_none(text: str) -> None:
    for numbering in (BERLIN, BOSTON, ROME, Numbering()):
        for key in (numbering.key(text), numbering.full(text), *numbering.received(text)):
            assert key is None or (is_e164(key) and SHORTEST <= len(key) - 1 <= LONGEST)
            assert key is None or numbering.full(key) == key
