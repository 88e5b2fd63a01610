"""The ruler is measured before it measures."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import audio


def speech(seed: int, seconds: float) -> audio.Samples:
    """Coloured noise with pauses: like speech enough for a correlation."""
    noise = np.random.default_rng(seed).normal(0, 3000, int(seconds * audio.RATE))
    smooth = np.convolve(noise, np.ones(8) / 8, mode="same")
    return np.asarray(smooth * (np.sin(np.arange(len(smooth)) / 900) > -0.5))


def test_a_copy_is_found_where_it_lies_whatever_its_loudness() -> None:
    sent = speech(1, 4)
    received = np.r_[np.zeros(2400), sent * 0.25, np.zeros(800)]
    match = audio.find(audio.cut(sent, 1.0, 3.0), received)
    assert match.correlation > 0.999
    assert match.at == pytest.approx(1.3, abs=0.001)


def test_other_speech_and_silence_are_not_found() -> None:
    assert audio.find(speech(1, 2), speech(2, 8)).correlation < 0.5
    assert audio.find(speech(1, 2), np.zeros(80000)).correlation == 0.0
    assert audio.find(np.zeros(8000), speech(1, 4)).correlation == 0.0


def test_a_hole_of_a_fifth_of_a_second_is_noticed() -> None:
    sent = speech(3, 2)
    received = np.r_[sent[:8000], sent[9600:], np.zeros(16000)]
    assert audio.find(sent, received).correlation < 0.9


def test_a_segment_longer_than_what_was_received_is_not_found() -> None:
    assert audio.find(speech(1, 2), speech(1, 1)).correlation == 0.0


@pytest.mark.e2e
def test_espeak_makes_as_much_speech_as_asked(tmp_path: Path) -> None:
    audio.speak(tmp_path / "a.wav", "en-gb", 5.0)
    data = audio.read(tmp_path / "a.wav")
    assert len(data) == pytest.approx(5.0 * audio.RATE, rel=0.02)
    assert audio.loudness(data) > 300
