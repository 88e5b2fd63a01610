"""Numbers as carriers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.lines.trunk_numbers import read, written
from provisioning.site_trunk import FORMATS, Trunk

NATIONAL = Trunk("n", "address", "192.0.2.1", number_format="national", country_code="49")
E164 = Trunk("e", "address", "192.0.2.1")


@pytest.mark.parametrize(
    ("trunk", "text", "number"),
    [
        (E164, "+4930123456", "+4930123456"),
        (E164, "4930123456", "+4930123456"),
        (E164, "004930123456", "+4930123456"),
        (E164, "030123456", "030123456"),  # nobody said which country
        (E164, "+49 (30) 123-456", "+4930123456"),
        (E164, "+4930123456;phone-context=x", "+4930123456"),
        (E164, "112", "112"),
        (E164, "Bob", "Bob"),
        (NATIONAL, "030123456", "+4930123456"),
        (NATIONAL, "0043123456789", "+43123456789"),
        (NATIONAL, "30123456", "30123456"),
        (NATIONAL, "0", "0"),
        (NATIONAL, "\u0663\u0664", "\u0663\u0664"),
    ],
)
def test_what_a_carrier_wrote_is_read(trunk: Trunk, text: str, number: str) -> None:
    assert read(text, trunk) == number


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.sampled_from(FORMATS))
def test_what_we_write_is_what_we_read(number: str, form: str) -> None:
    trunk = Trunk("x", "address", "192.0.2.1", number_format=form, country_code="49")
    if number.startswith("+490"):
        return  # no number: nothing national begins with its own prefix
    assert read(written(number, trunk), trunk) == number
