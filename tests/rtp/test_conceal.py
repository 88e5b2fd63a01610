"""What stands for lost packets sounds like what was there, and fades to silence."""

from pathlib import Path

import numpy as np
import pytest

from rtp.conceal import Conceal
from tests.support import audio


def voiced(rate: int, seconds: float, pitch: float = 110.0) -> bytes:
    """Return something like a vowel: harmonics of one pitch."""
    t = np.arange(int(rate * seconds)) / rate
    wave = sum(np.sin(2 * np.pi * pitch * k * t + k) / k for k in range(1, 12))
    return (np.asarray(wave) * 5000).astype("<i2").tobytes()


def holes(pcm: bytes, rate: int, gone: set[int]) -> bytes:
    conceal = Conceal(rate)
    size = rate // 50 * 2
    frames = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    out = [conceal.lost(size // 2) if i in gone else conceal.heard(frame) for i, frame in enumerate(frames)]
    assert all(len(frame) == size for frame in out)
    return b"".join(out)


def snr(wanted: audio.Samples, got: audio.Samples) -> float:
    return float(10 * np.log10(np.sum(wanted**2) / (np.sum((wanted - got) ** 2) + 1e-9)))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("pitch", [80.0, 110.0, 171.0])
def test_a_lost_frame_of_a_vowel_goes_on_in_step(rate: int, pitch: float) -> None:
    pcm = voiced(rate, 0.5, pitch)
    out = holes(pcm, rate, {10})
    part = slice(10 * rate // 50, 11 * rate // 50)
    assert snr(audio.samples(pcm)[part], audio.samples(out)[part]) > 4
    assert out[: 10 * rate // 25] == pcm[: 10 * rate // 25]
    assert out[-10 * rate // 50 :] == pcm[-10 * rate // 50 :]


def test_there_is_no_click_at_the_seams() -> None:
    pcm = voiced(8000, 1.0)
    steps = np.abs(np.diff(audio.samples(holes(pcm, 8000, {10, 20, 21, 30}))))
    assert steps.max() < 1.5 * np.abs(np.diff(audio.samples(pcm))).max()


def test_a_long_loss_fades_to_silence_and_comes_back() -> None:
    out = audio.samples(holes(voiced(8000, 1.0), 8000, set(range(10, 20))))
    loud = [audio.loudness(out[i * 160 : (i + 1) * 160]) for i in range(50)]
    assert loud[9] > loud[11] > loud[12] > 0
    assert loud[13:20] == [0.0] * 7
    assert loud[21] == pytest.approx(loud[9], rel=0.2)


def test_lost_from_the_start_is_silence() -> None:
    assert Conceal(8000).lost(160) == bytes(320)


def test_pieces_of_any_length() -> None:
    conceal = Conceal(8000)
    pcm = voiced(8000, 0.3)
    conceal.heard(pcm[:100])
    assert conceal.lost(0) == b""
    conceal.heard(pcm)
    assert len(conceal.lost(7)) == 14
    assert conceal.heard(b"") == b""
    assert len(conceal.heard(pcm[:10])) == 10
    assert len(conceal.lost(2000)) == 4000
    assert conceal.lost(1000) == bytes(2000)


@pytest.mark.native
def test_speech_with_losses_is_nearer_to_the_speech_than_with_gaps(tmp_path: Path) -> None:
    audio.speak(tmp_path / "speech.wav", "en-gb", 10.0)
    speech = audio.read(tmp_path / "speech.wav")
    pcm = speech.astype("<i2").tobytes()
    gone = set(range(7, 490, 13))
    made = audio.samples(holes(pcm, 8000, gone))
    part = np.concatenate([np.arange(i * 160, (i + 1) * 160) for i in gone])
    spectrum, wanted = (np.abs(np.fft.rfft(one[part].reshape(-1, 160))) for one in (made, speech))
    assert np.sum((spectrum - wanted) ** 2) < 0.6 * np.sum(wanted**2)  # silence: 1
