"""Keys travel whole or not at all, and are never printed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.keys import LENGTHS, Keys, KeysError, sound


@pytest.mark.parametrize("suite", LENGTHS)
def test_parse_of_print_is_the_same(suite: int) -> None:
    length = LENGTHS[suite]
    keys = Keys(suite, b"r" * length, b"s" * length, 0xDEADBEEF)
    again = Keys.parse(bytes(keys))
    assert (again.suite, again.receive, again.send, again.mask) == (
        suite,
        b"r" * length,
        b"s" * length,
        0xDEADBEEF,
    )
    assert bytes(keys.masked(1)) != bytes(keys)
    assert "rr" not in repr(keys)


@given(st.binary(max_size=120))
def test_anything_is_keys_or_an_error(data: bytes) -> None:
    with suppress(KeysError):
        assert bytes(Keys.parse(data)) == data
        assert sound(data)
