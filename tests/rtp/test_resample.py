"""Sound at another rate is the same sound, and nothing is folded into it that was above its band."""

import numpy as np
import pytest

from rtp.audio import audioop, louder
from rtp.codec import CodecError
from rtp.resample import Resampler
from tests.support.audio import samples

RATES = [8000, 16000, 24000, 48000]


def sine(hertz: float, rate: int, seconds: float = 0.5, size: float = 20000) -> bytes:
    return (
        (size * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("<i2").tobytes()
    )


def through(pcm: bytes, a: int, b: int) -> bytes:
    resampler, frame = Resampler(a, b), a // 50 * 2
    frames = [resampler(pcm[at : at + frame]) for at in range(0, len(pcm), frame)]
    assert {len(one) for one in frames} == {b // 50 * 2}
    return b"".join(frames)


def purity(pcm: bytes, hertz: float, rate: int) -> tuple[float, float]:
    """Return amplitude of one frequency, and dB of it above all that is not it."""
    got = samples(pcm)[rate // 10 :]
    t = np.arange(len(got)) / rate
    basis = np.stack([np.sin(2 * np.pi * hertz * t), np.cos(2 * np.pi * hertz * t)], 1)
    weights = np.linalg.lstsq(basis, got, rcond=None)[0]
    rest = got - basis @ weights
    return float(np.hypot(*weights)), float(10 * np.log10(np.sum((basis @ weights) ** 2) / np.sum(rest**2)))


@pytest.mark.parametrize(("a", "b"), [(a, b) for a in RATES for b in RATES if not max(a, b) % min(a, b)])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_keeps_its_loudness_and_stays_pure(a: int, b: int, hertz: int) -> None:
    amplitude, pure = purity(through(sine(hertz, a), a, b), hertz, b)
    assert amplitude == pytest.approx(20000, rel=0.02)
    assert pure > 55


@pytest.mark.parametrize(
    ("a", "b", "hertz"), [(16000, 8000, 5200), (48000, 8000, 5200), (48000, 16000, 10500)]
)
def test_what_is_above_the_band_is_gone_where_straight_lines_fold_it_back(a: int, b: int, hertz: int) -> None:
    pcm = sine(hertz, a)
    ours = np.abs(samples(through(pcm, a, b))[b // 10 :]).max()
    lines = np.abs(samples(audioop.ratecv(pcm, 2, 1, a, b, None)[0])[b // 10 :]).max()
    assert ours < 20000 / 500
    assert lines > 20000 / 4


def test_pieces_of_any_length_give_what_one_piece_gives() -> None:
    pcm = sine(700, 48000, 0.2)
    whole = Resampler(48000, 8000)(pcm)
    resampler = Resampler(48000, 8000)
    pieces = b"".join(resampler(pcm[at : at + 2 * 77]) for at in range(0, len(pcm), 2 * 77))
    assert pieces == whole
    assert Resampler(8000, 16000)(b"") == b""


def test_full_loudness_does_not_wrap() -> None:
    square = (32767 * np.sign(np.sin(2 * np.pi * 200 * np.arange(8000) / 8000))).astype("<i2").tobytes()
    got = samples(through(square, 8000, 16000))
    steady = np.sign(samples(square))[100:7000]
    assert np.mean(np.sign(got[224 : 224 + 2 * len(steady) : 2]) == steady) > 0.95


@pytest.mark.parametrize(("a", "b"), [(44100, 8000), (0, 8000), (8000, -8000), (8000, 56000)])
def test_other_rates_are_refused(a: int, b: int) -> None:
    with pytest.raises(CodecError, match="samples a second"):
        Resampler(a, b)


def test_louder_and_softer() -> None:
    pcm = np.array([100, -100, 30000, -30000], "<i2").tobytes()
    assert samples(louder(pcm, 6.0206)) == pytest.approx([200, -200, 32767, -32768], abs=1)
    assert samples(louder(pcm, -20)) == pytest.approx([10, -10, 3000, -3000], abs=1)
    assert louder(pcm, 0.0) is pcm
