from __future__ import annotations

import pytest

from sip.headers import COMMA, KEYS, SINGLE, canonical


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Via", "Via"),
        ("v", "Via"),
        ("V", "Via"),
        ("vIA", "Via"),
        ("Via \t", "Via"),
        ("call-id", "Call-ID"),
        ("www-AUTHENTICATE", "WWW-Authenticate"),
        ("X-Thing", "x-thing"),
        ("x-thing", "x-thing"),
        ("C%6Fntact", "c%6fntact"),
        ("", ""),
        ("a b", ""),
        ("na<me", ""),
        ("Ünicode", ""),
    ],
)
def test_canonical(name: str, expected: str) -> None:
    assert canonical(name) == expected


def test_tables_agree() -> None:
    assert set(KEYS.values()) >= COMMA | set(SINGLE)
    assert not COMMA & set(SINGLE)
    assert "Authorization" not in COMMA
