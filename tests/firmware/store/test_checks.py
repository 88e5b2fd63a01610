"""What an extension may be called, and secrets nobody guesses."""

import pytest

from firmware.store import Extension, Invalid
from firmware.store.checks import check, check_secret, invalid, new_secret


def extension(number: str = "100", name: str = "Ottilie", aliases: tuple[str, ...] = ()) -> Extension:
    return Extension("id", "tenant", number, name, "s" * 16, aliases)


@pytest.mark.parametrize(
    "good",
    [
        extension("10"),
        extension("999999"),
        extension(name=""),
        extension(name="Zoë Łódź 東京"),
        extension(aliases=("055501427731", "+4930901820")),
    ],
)
def test_good_extensions_are_accepted(good: Extension) -> None:
    check(good)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (extension("1"), "number"),
        (extension("1234567"), "number"),
        (extension("10a"), "number"),
        (extension("\u0661\u0660\u0660"), "number"),
        (extension("100\n"), "number"),
        (extension(name="a\nb"), "name"),
        (extension(name="a" * 65), "name"),
        (extension(aliases=("12 34",)), "aliases"),
        (extension(aliases=("sip:x",)), "aliases"),
        (extension(aliases=("1" * 21,)), "aliases"),
        (extension(aliases=("100",)), "aliases"),
        (extension(aliases=("200", "200")), "aliases"),
        (extension(aliases=tuple(str(number) for number in range(200, 217))), "aliases"),
    ],
)
def test_bad_extensions_are_refused_by_field_without_their_values(bad: Extension, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(bad)
    assert caught.value.values == {"field": field}
    assert "\n" not in str(caught.value)
    assert bad.number not in str(caught.value)


@pytest.mark.parametrize(
    "bad", ["", "a" * 15, "short", "Abc1Def2Ghi3Jkl", "a" * 40, "sixteen letters!", "ü" * 20, "x" * 129]
)
def test_short_and_plain_secrets_are_refused(bad: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_secret(bad)
    assert not bad or bad not in str(caught.value)


def test_sixteen_characters_are_enough() -> None:
    check_secret("Abc1Def2Ghi3Jkl4")


def test_made_secrets_are_long_different_and_typeable() -> None:
    made = {new_secret() for _ in range(500)}
    assert len(made) == 500
    assert {len(secret) for secret in made} == {20}
    letters = set("".join(made))
    assert len(letters) == 57
    assert not letters & set("l10OI")
    for secret in made:
        check_secret(secret)


def test_a_row_is_named() -> None:
    error = invalid("it is wrong", "name", 7)
    assert str(error) == "row 7: it is wrong; nothing was added"
    assert error.values == {"field": "name", "row": 7}
