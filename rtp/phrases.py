"""What is said is put together of prompts: numbers, dates and times as lists of prompt names, by language.

A name is "language/prompt"; the clip of that name says it. Whole prompts are kept for what is spoken as one
(0 to 19 and the tens; "1-" is the short form before another word, as in German "ein-undzwanzig"), so a
language needs about 120 clips: 0 to 19, tens, hundred, thousand, and, ordinal-1 to 31, weekday-1 (Monday)
to 7, month-1 to 12.
"""

from __future__ import annotations

LANGUAGES = frozenset({"en", "de", "fr"})
MOST = 999_999


class PhraseError(Exception):
    """There are no words for that here."""


def number(value: int, language: str) -> list[str]:
    """Return the prompts of a whole number from 0 to MOST; raises PhraseError."""
    if language not in LANGUAGES or not 0 <= value <= MOST:
        raise PhraseError("no words for that number")
    return _named(_number(value, language), language)


def digits(text: str, language: str) -> list[str]:
    """Return the prompts of a telephone number, digit by digit; what is no digit is left out."""
    if language not in LANGUAGES:
        raise PhraseError("no such language")
    return _named([each for each in text if each in "0123456789"], language)


def date(year: int, month: int, day: int, weekday: int, language: str) -> list[str]:
    """Return the prompts of a date in the order of the language; `weekday` is 1 (Monday) to 7 (ISO 8601)."""
    if not (1 <= month <= 12 and 1 <= day <= 31 and 1 <= weekday <= 7 and 1000 <= year <= 2999):
        raise PhraseError("no such date")
    if language == "en":
        words = [f"weekday-{weekday}", f"month-{month}", f"ordinal-{day}"]
    elif language == "de":
        words = [f"weekday-{weekday}", f"ordinal-{day}", f"month-{month}"]
    elif language == "fr":
        words = [f"weekday-{weekday}", *(["ordinal-1"] if day == 1 else _number(day, "fr")), f"month-{month}"]
    else:
        raise PhraseError("no such language")
    return _named([*words, *_year(year, language)], language)


def time(hour: int, minute: int, language: str) -> list[str]:
    """Return the prompts of a time of day: by the half day in English, by 24 hours elsewhere."""
    if not (0 <= hour < 24 and 0 <= minute < 60) or language not in LANGUAGES:
        raise PhraseError("no such time")
    if language == "en":
        words = _number(hour % 12 or 12, "en")
        if minute:
            words += [*(["oh"] if minute < 10 else []), *_number(minute, "en")]
        return _named([*words, "am" if hour < 12 else "pm"], "en")
    first = ["1-"] if hour == 1 else _number(hour, language)
    return _named([*first, "o-clock", *(_number(minute, language) if minute else [])], language)


def _named(words: list[str], language: str) -> list[str]:
    return [f"{language}/{word}" for word in words]


def _number(value: int, language: str) -> list[str]:
    thousands, rest = divmod(value, 1000)
    words: list[str] = []
    if thousands:
        words = [*_count(thousands, language), "thousand"]
    if rest or not thousands:
        words += _below_thousand(rest, language)
    return words


def _count(value: int, language: str) -> list[str]:
    """Return how many thousands or hundreds: German says a short one, French none."""
    if value == 1 and language != "en":
        return ["1-"] if language == "de" else []
    words = _below_thousand(value, language)
    if language == "de" and words[-1] == "1":  # hunderteintausend
        words[-1] = "1-"
    return words


def _below_thousand(value: int, language: str) -> list[str]:
    hundreds, rest = divmod(value, 100)
    words = [*_count(hundreds, language), "hundred"] if hundreds else []
    if rest or not hundreds:
        words += _below_hundred(rest, language)
    return words


def _below_hundred(value: int, language: str) -> list[str]:
    if value < 20:
        return [str(value)]
    tens, ones = value // 10 * 10, value % 10
    if language == "de":
        return [*(["1-" if ones == 1 else str(ones), "and"] if ones else []), str(tens)]
    if language == "fr":
        if tens in {70, 90}:  # soixante-dix, quatre-vingt-dix
            tens, ones = tens - 10, ones + 10
        joined = ones % 10 == 1 and tens < 80  # vingt et un, soixante et onze, quatre-vingt-un
        return [str(tens), *(["and"] if joined else []), *([str(ones)] if ones else [])]
    return [str(tens), *([str(ones)] if ones else [])]


def _year(year: int, language: str) -> list[str]:
    century, rest = divmod(year, 100)
    if language == "fr" or (language == "de" and not 1100 <= year < 2000) or century % 10 == 0:
        return _number(year, language)
    words = _below_hundred(century, language)
    if language == "de" or not rest:
        return [*words, "hundred", *(_below_hundred(rest, language) if rest else [])]
    return [*words, *(["oh"] if rest < 10 else []), *_below_hundred(rest, language)]
