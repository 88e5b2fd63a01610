"""Each run replays what was found before, and tries a little more."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mutate import mutate
from tests.fuzz.sip_message import WORDS, check, corpus

CORPUS = corpus()


def test_the_corpus() -> None:
    assert len(CORPUS) >= 49
    for data in CORPUS:
        check(data)


@pytest.mark.parametrize("seed", range(5))
def test_mutations(seed: int) -> None:
    random = Random(seed)  # repeatable, not secret
    for _ in range(300):
        check(mutate(random, CORPUS, WORDS))


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    check(data)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words(words: list[bytes]) -> None:
    check(b"OPTIONS sip:a SIP/2.0\r\n" + b"".join(words))


def test_a_broken_parser_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_text: str) -> None:
        raise IndexError

    monkeypatch.setattr("sip.message.split_commas", broken)
    monkeypatch.setattr("sip.fields.split_commas", broken)
    with pytest.raises(IndexError):
        list(map(check, CORPUS))
