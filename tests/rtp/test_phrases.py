"""Numbers, dates and times as they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.phrases import LANGUAGES, MOST, PhraseError, date, digits, number, time


def said(prompts: list[str]) -> str:
    return " ".join(prompt.split("/")[1] for prompt in prompts)


@pytest.mark.parametrize(
    ("value", "english", "german", "french"),
    [
        (0, "0", "0", "0"),
        (1, "1", "1", "1"),
        (17, "17", "17", "17"),
        (20, "20", "20", "20"),
        (21, "20 1", "1- and 20", "20 and 1"),
        (35, "30 5", "5 and 30", "30 5"),
        (71, "70 1", "1- and 70", "60 and 11"),
        (80, "80", "80", "80"),
        (81, "80 1", "1- and 80", "80 1"),
        (91, "90 1", "1- and 90", "80 11"),
        (99, "90 9", "9 and 90", "80 19"),
        (100, "1 hundred", "1- hundred", "hundred"),
        (101, "1 hundred 1", "1- hundred 1", "hundred 1"),
        (345, "3 hundred 40 5", "3 hundred 5 and 40", "3 hundred 40 5"),
        (1000, "1 thousand", "1- thousand", "thousand"),
        (2071, "2 thousand 70 1", "2 thousand 1- and 70", "2 thousand 60 and 11"),
        (101_000, "1 hundred 1 thousand", "1- hundred 1- thousand", "hundred 1 thousand"),
    ],
)
def test_numbers(value: int, english: str, german: str, french: str) -> None:
    assert [said(number(value, language)) for language in ("en", "de", "fr")] == [english, german, french]


@given(st.integers(0, MOST), st.sampled_from(sorted(LANGUAGES)))
def test_no_two_numbers_sound_alike_and_all_need_few_clips(value: int, language: str) -> None:
    prompts = number(value, language)
    assert prompts != number((value + 1) % (MOST + 1), language)
    names = {*map(str, range(20)), *map(str, range(20, 100, 10)), "1-", "and", "hundred", "thousand"}
    assert {prompt.removeprefix(f"{language}/") for prompt in prompts} <= names


def test_all_small_numbers_sound_different() -> None:
    for language in LANGUAGES:
        assert len({said(number(value, language)) for value in range(3000)}) == 3000


def test_dates() -> None:
    assert said(date(2026, 11, 24, 2, "en")) == "weekday-2 month-11 ordinal-24 2 thousand 20 6"
    assert said(date(1984, 3, 1, 4, "en")) == "weekday-4 month-3 ordinal-1 19 80 4"
    assert said(date(1905, 3, 1, 4, "en")) == "weekday-4 month-3 ordinal-1 19 oh 5"
    assert said(date(1900, 3, 1, 4, "en")) == "weekday-4 month-3 ordinal-1 19 hundred"
    assert said(date(1984, 3, 1, 4, "de")) == "weekday-4 ordinal-1 month-3 19 hundred 4 and 80"
    assert said(date(2026, 3, 21, 6, "de")) == "weekday-6 ordinal-21 month-3 2 thousand 6 and 20"
    assert said(date(2026, 3, 1, 7, "fr")) == "weekday-7 ordinal-1 month-3 2 thousand 20 6"
    assert said(date(1999, 3, 21, 7, "fr")) == "weekday-7 20 and 1 month-3 thousand 9 hundred 80 19"


def test_times_and_telephone_numbers() -> None:
    assert said(time(0, 5, "en")) == "12 oh 5 am"
    assert said(time(14, 30, "en")) == "2 30 pm"
    assert said(time(1, 0, "de")) == "1- o-clock"
    assert said(time(21, 45, "de")) == "1- and 20 o-clock 5 and 40"
    assert said(time(14, 5, "fr")) == "14 o-clock 5"
    assert digits("+43 1-2", "de") == ["de/4", "de/3", "de/1", "de/2"]


def test_what_has_no_words() -> None:
    for value, language in ((-1, "en"), (MOST + 1, "en"), (1, "xx")):
        with pytest.raises(PhraseError):
            number(value, language)
    for month, language in ((13, "en"), (1, "xx")):
        with pytest.raises(PhraseError):
            date(2026, month, 1, 1, language)
    with pytest.raises(PhraseError):
        time(24, 0, "de")
    with pytest.raises(PhraseError):
        digits("1", "xx")
