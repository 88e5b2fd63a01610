from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import BadMessage
from sip.grammar import (
    escape,
    escaper,
    is_host,
    number,
    parse_params,
    print_params,
    quote,
    split_commas,
    unescape,
    unquote,
)
from tests.sip import strategies


@given(strategies.params)
def test_params_survive(params: dict[str, str | None]) -> None:
    assert parse_params(print_params(params)) == params


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" ; a = b ;c", {"a": "b", "c": None}),
        (';A="x;y=\\"z" ; b', {"a": '"x;y=\\"z"', "b": None}),
        (";tag=a=b", {"tag": "a=b"}),
        (";received=[2001:db8::1]", {"received": "[2001:db8::1]"}),
    ],
)
def test_params_read(text: str, expected: dict[str, str | None]) -> None:
    assert parse_params(text) == expected


@pytest.mark.parametrize(
    "text", [";", ";;", "x", ";a=", ";a;A", ';a="', ";a=b c", ";a,b", ";a=1;a=2", "; =b"]
)
def test_params_refused(text: str) -> None:
    with pytest.raises(BadMessage):
        parse_params(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a,,b", ["a", "", "b"]),
        ('"a,b" <x,y>, c', ['"a,b" <x,y>', "c"]),
        ('<a>,,"b"', ["<a>", "", '"b"']),
        (',"a"', ["", '"a"']),
        ('"a",', ['"a"', ""]),
        ('"\\",", b', ['"\\","', "b"]),
        ('"open, b', ['"open', "b"]),
    ],
)
def test_commas(text: str, expected: list[str]) -> None:
    assert split_commas(text) == expected


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=20))
def test_quotes_survive(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [(r'"\\\""', '\\"'), (r'"\a\\b"', "a\\b"), (r'"\\\\"', r"\\"), ('"', '"'), ('""', ""), ("a", "a")],
)
def test_unquote(text: str, expected: str) -> None:
    assert unquote(text) == expected


@given(st.binary(max_size=20))
def test_escapes_carry_any_octets(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    assert unescape(escape(text, escaper("-_"))) == text


@pytest.mark.parametrize("text", ["%", "%4", "%4g", "a%zz", "%%41"])
def test_bad_escapes(text: str) -> None:
    with pytest.raises(BadMessage):
        unescape(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "²", "1" * 5000, "11"])
def test_no_number(text: str) -> None:
    assert number(text, 10) is None


def test_number() -> None:
    assert number("0" * 100 + "10", 10) == 10


@pytest.mark.parametrize("text", ["a", "a.b-c.", "192.0.2.1", "[2001:db8::1]", "under_score"])
def test_host(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize("text", ["", "-a", "a b", "[x]", "2001:db8::1", "a/b", "a\n"])
def test_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    "text", ["\t" * 8000 + "x", ";" * 8000, '"' * 7999, ";a=" * 2000, "<" * 8000, "\\" * 8000]
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    # Quadratic matching would run into the test's time limit with 8,000 characters a hundred times.
    for _ in range(100):
        split_commas(text + ",")
        with pytest.raises(BadMessage):
            parse_params(";a" + text + "\0")
