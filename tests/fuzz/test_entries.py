"""Each run replays what reached code before, by every door, and tries a little more."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.entries import ENTRIES, check, corpus, kept, seeds
from tests.fuzz.guided import MOST_KEPT
from tests.fuzz.mutate import mutate
from tests.fuzz.sip_message import WORDS

CORPUS = corpus()


def test_the_corpus_knows_every_door() -> None:
    assert 100 < len(kept()) <= MOST_KEPT
    for inputs in (seeds(), kept()):
        assert {data[0] % len(ENTRIES) for data in inputs if data} == set(range(len(ENTRIES)))
    for data in CORPUS:
        check(data)


@pytest.mark.parametrize("seed", range(3))
def test_mutations(seed: int) -> None:
    random = Random(seed)  # repeatable, not secret
    for _ in range(300):
        check(mutate(random, CORPUS, WORDS))


@pytest.mark.parametrize("door", range(len(ENTRIES)))
@given(data=st.data())
def test_any_octets_by_every_door(door: int, data: st.DataObject) -> None:
    octets = data.draw(st.binary(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=20).map(b"".join))
    check(bytes([door]) + octets)


@pytest.mark.parametrize(
    "broken", ["sip.uri.unescape", "sip.via.parse_params", "sip.sdp.number", "sip.digest.parse_auth"]
)
def test_a_broken_parser_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(broken, leaking)
    with pytest.raises(IndexError):
        list(map(check, CORPUS))
