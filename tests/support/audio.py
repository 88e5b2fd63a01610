"""Speech to send and the measure of how much of it arrived.

Everything is mono, 16 bit, 8000 samples a second: what G.711 carries.
"""

import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
Samples = npt.NDArray[np.float64]

SENTENCES = (
    "The house stands open, the kettle is on the stove, and seven visitors wait for the rain to end.",
    "Please bring two ladders, nine buckets of white paint and a rope as long as the garden wall.",
    "Nobody knew why the clock in the tower struck thirteen, but everybody set their watches by it.",
    "A branch line leaves the valley at a quarter to six and follows the river up to the quarry.",
)


def speak(path: Path, voice: str, seconds: float, *, first: int = 0) -> None:
    """Write `seconds` of speech to a wav file at `path`, made by espeak-ng with `voice` (such as "en-gb")."""
    raw = path.with_suffix(".espeak.wav")
    text = " ".join((SENTENCES[first:] + SENTENCES[:first]) * (1 + int(seconds / 18)))
    subprocess.run(["espeak-ng", "-v", voice, "-s", "165", "-w", str(raw), text], check=True, timeout=30)
    subprocess.run(
        ["sox", str(raw), "-r", str(RATE), "-c", "1", "-b", "16", str(path), "trim", "0", str(seconds)],
        check=True,
        timeout=30,
    )
    raw.unlink()
    got = len(read(path)) / RATE
    if got < seconds - 0.1:
        raise ValueError(f"espeak-ng made {got:.1f} s of speech, {seconds:.1f} s were asked for")


def read(path: Path) -> Samples:
    """Return the samples of a wav file (mono, 16 bit, 8000/s)."""
    with wave.open(str(path)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path.name} is not mono 16 bit 8000/s")
        return samples(file.readframes(file.getnframes()))


def write(path: Path, data: bytes) -> None:
    """Write raw little-endian 16 bit samples as a wav file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data)


def samples(data: bytes) -> Samples:
    """Raw little-endian 16 bit samples as numbers."""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float64)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a segment was found best: normalised cross-correlation (-1..1) and the position in seconds."""

    correlation: float
    at: float


def find(segment: Samples, within: Samples) -> Match:
    """Align `segment` to the place in `within` where both agree best.

    The normalised cross-correlation over the whole segment's length is 1.0 for a copy, whatever its
    loudness, and near 0 for other speech. A dropped or doubled frame inside the segment costs dearly,
    because what follows it no longer lies on its place.
    """
    n = len(segment)
    if n == 0 or len(within) < n:
        return Match(0.0, 0.0)
    needle = segment - segment.mean()
    energy = float(np.dot(needle, needle))
    if energy < n:  # less than one unit of amplitude: silence matches nothing
        return Match(0.0, 0.0)
    size = 1 << (len(within) + n).bit_length()
    product = np.fft.irfft(np.fft.rfft(within, size) * np.conj(np.fft.rfft(needle, size)), size)
    product = product[: len(within) - n + 1]
    sums = np.cumsum(np.r_[0.0, within])
    squares = np.cumsum(np.r_[0.0, within**2])
    spread = (squares[n:] - squares[:-n]) - (sums[n:] - sums[:-n]) ** 2 / n
    scores = np.where(spread > n, product / np.sqrt(np.maximum(spread, 1.0) * energy), 0.0)
    best = int(np.argmax(scores))
    return Match(float(scores[best]), best / RATE)


def cut(data: Samples, start: float, end: float) -> Samples:
    """Return the samples between two times in seconds."""
    return data[max(0, int(start * RATE)) : max(0, int(end * RATE))]


def loudness(data: Samples) -> float:
    """Root mean square of the samples; 0.0 for none."""
    return float(np.sqrt(np.mean(data**2))) if len(data) else 0.0
