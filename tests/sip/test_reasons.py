from __future__ import annotations

from sip.reasons import REASONS


def test_phrases_fit_on_a_status_line() -> None:
    for status, phrase in REASONS.items():
        assert 100 <= status <= 699
        assert phrase.isascii()
        assert phrase.isprintable()
        assert phrase
