"""Arguments out of JSON: taken when right, refused in one line otherwise; roles; plain results."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from firmware.operations.operation import LIST_LIMIT, BadArgument, Hint, Role, argument, arguments, plain


@dataclass(frozen=True, slots=True)
class Sample:
    text: str = argument(Hint("a text"))
    maybe: str | None = argument(Hint("perhaps a text"), None)
    count: int = argument(Hint("a count", lambda n: "" if n < 10 else "less than 10"), 1)
    flag: bool = argument(Hint("a flag"), False)
    many: tuple[str, ...] = argument(Hint("texts", limit=3), ())


def test_defaults_and_values() -> None:
    assert arguments(Sample, {"text": "a"}) == Sample("a")
    given = {"text": "a", "maybe": "b", "count": 2, "flag": True, "many": ["x", "y"]}
    assert arguments(Sample, given) == Sample("a", "b", 2, True, ("x", "y"))
    assert arguments(Sample, {"text": "a", "maybe": None}) == Sample("a")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "not a JSON object"),
        ({}, "text: missing; give a text"),
        ({"text": 3}, "text: not a text"),
        ({"text": "a" * 257}, "text: longer than 256"),
        ({"text": "a", "other": 1}, "unknown one was given; known here: text, maybe, count, flag, many"),
        ({"text": "a", "count": "1"}, "count: not a whole number"),
        ({"text": "a", "count": True}, "count: not a whole number"),
        ({"text": "a", "count": 10}, "count: not accepted; give less than 10"),
        ({"text": "a", "flag": 1}, "flag: neither true nor false"),
        ({"text": "a", "many": "x"}, "many: not a list"),
        ({"text": "a", "many": [1]}, "many: holds something that is no text"),
        ({"text": "a", "many": ["long"]}, "many: longer than 3"),
        ({"text": "a", "many": ["x"] * (LIST_LIMIT + 1)}, "many: more than"),
    ],
)
def test_refused_in_one_line(given: Any, says: str) -> None:
    with pytest.raises(BadArgument, match=r"^[^\n]*$") as caught:
        arguments(Sample, given)
    assert says in caught.value.text


def test_roles_include_those_below() -> None:
    assert Role.ADMINISTRATOR.reaches(Role.VIEWER)
    assert Role.OPERATOR.reaches(Role.OPERATOR)
    assert not Role.VIEWER.reaches(Role.OPERATOR)


def test_results_become_plain() -> None:
    class Word(StrEnum):
        ONE = "one"

    assert plain((Sample("a"), {"k": Word.ONE}, None)) == [
        {"text": "a", "maybe": None, "count": 1, "flag": False, "many": []},
        {"k": "one"},
        None,
    ]
