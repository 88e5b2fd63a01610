"""DTMF and modem tones in sound, against programs nobody here wrote: multimon-ng, sox, espeak-ng's speech."""

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtp import spandsp
from rtp.codec import CodecError
from rtp.dtmf import DIGITS, sound
from rtp.spandsp import CED, CED_REVERSALS, CNG, DtmfDetector, ModemTone
from tests.support import audio

SOX = ["sox", "-q", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"]


def detect(pcm: bytes) -> str:
    detector = DtmfDetector()
    found = "".join(detector.hear(pcm[at : at + 320]) for at in range(0, len(pcm), 320))
    detector.close()
    return found


def noisy(pcm: bytes, decibel: float) -> bytes:
    """Add white noise so far below the loudness of the sound."""
    samples = audio.samples(pcm)
    noise = np.random.default_rng(7).normal(0, audio.loudness(samples) / 10 ** (decibel / 20), len(samples))
    return (samples + noise).clip(-32768, 32767).astype("<i2").tobytes()


@pytest.mark.native
def test_multimon_decodes_our_digits() -> None:
    wide = subprocess.run(
        [*SOX, "-", "-t", "raw", "-r", "22050", "-"], input=sound(DIGITS), capture_output=True, check=True
    ).stdout
    said = subprocess.run(
        ["multimon-ng", "-q", "-a", "DTMF", "-t", "raw", "-"], input=wide, capture_output=True, check=True
    ).stdout.decode()
    found = [line.removeprefix("DTMF: ") for line in said.splitlines() if line.startswith("DTMF")]
    assert "".join(found) == DIGITS


@pytest.mark.native
def test_we_decode_digits_of_sox() -> None:
    rows, columns, pad = (697, 770, 852, 941), (1209, 1336, 1477, 1633), "123A456B789C*0#D"
    for place, digit in enumerate(pad):
        tones = f"{rows[place // 4]}", f"{columns[place % 4]}"
        pcm = subprocess.run(
            [
                "sox",
                "-q",
                "-n",
                "-r",
                "8000",
                "-b",
                "16",
                "-e",
                "signed",
                "-c",
                "1",
                "-t",
                "raw",
                "-",
                "synth",
                "0.06",
                "sine",
                tones[0],
                "synth",
                "0.06",
                "sine",
                "mix",
                tones[1],
                "gain",
                "-12",
                "pad",
                "0.05",
                "0.05",
            ],
            capture_output=True,
            check=True,
        ).stdout
        assert detect(pcm) == digit


def test_we_decode_digits_of_spandsp_short_and_soft() -> None:
    lib = spandsp.library()
    lib.dtmf_tx_init.restype = ctypes.c_void_p
    for length, level in ((100, -10), (50, -20), (40, -25)):
        state = ctypes.c_void_p(lib.dtmf_tx_init(None))
        lib.dtmf_tx_set_timing(state, length, 50)
        lib.dtmf_tx_set_level(state, level, 0)
        lib.dtmf_tx_put(state, DIGITS.encode(), -1)
        room = ctypes.create_string_buffer(80000)
        count = lib.dtmf_tx(state, room, 40000)
        lib.dtmf_tx_free(state)
        assert detect(room.raw[: count * 2]) == DIGITS


def test_digits_from_40_ms_on_in_noise_and_none_of_20_ms() -> None:
    assert detect(sound(DIGITS, length=0.04, pause=0.05)) == DIGITS
    assert detect(noisy(sound(DIGITS * 3, length=0.06, pause=0.06), 15)) == DIGITS * 3
    short = b"".join(sound(digit)[: 160 * 2] + bytes(1600) for digit in DIGITS)
    assert detect(short) == ""


def test_one_long_digit_is_one() -> None:
    assert detect(sound("5", length=3.0)) == "5"


@pytest.mark.native
def test_speech_is_no_digit(tmp_path: Path) -> None:
    found = ""
    for number, voice in enumerate(("en-gb", "en-gb+f3", "de", "fr+f2")):
        audio.speak(tmp_path / f"{number}.wav", voice, 30.0, first=number)
        found += detect(audio.read(tmp_path / f"{number}.wav").astype("<i2").tobytes())
    assert found == ""


def tone(kind: int, pcm: bytes) -> set[int]:
    detector = ModemTone(kind)
    found = {detector.hear(pcm[at : at + 320]) for at in range(0, len(pcm), 320)} - {0}
    detector.close()
    return found


def sine(hertz: float, seconds: float, *, reversals: float = 0.0) -> bytes:
    t = np.arange(int(8000 * seconds)) / 8000
    phase = np.pi * (t // reversals) if reversals else 0.0
    return (8000 * np.sin(2 * np.pi * hertz * t + phase)).astype("<i2").tobytes()


@pytest.mark.native
def test_fax_tones_are_found_and_speech_is_none(tmp_path: Path) -> None:
    cng = (sine(1100, 0.5) + bytes(48000)) * 3
    assert tone(CNG, cng) == {CNG}
    assert tone(CED, sine(2100, 3.0)) == {CED}
    assert tone(CED, sine(2100, 3.0, reversals=0.45)) >= {CED_REVERSALS}
    assert tone(CED, cng) == set()
    assert tone(CNG, sine(2100, 3.0)) == set()
    audio.speak(tmp_path / "speech.wav", "en-gb", 20.0)
    speech = audio.read(tmp_path / "speech.wav").astype("<i2").tobytes()
    assert tone(CNG, speech) == tone(CED, speech) == set()


def test_the_library_prints_nothing() -> None:
    said = subprocess.run(
        [sys.executable, "-c", PRINTS_NOTHING], capture_output=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert (said.stdout, said.stderr) == (b"", b"")


PRINTS_NOTHING = """
from rtp.dtmf import sound
from rtp.spandsp import CED, CNG, DtmfDetector, G722Decoder, G722Encoder, ModemTone
pcm = sound("0123456789ABCD*#")
DtmfDetector(dial_tone=True).hear(pcm)
for kind in (CNG, CED):
    ModemTone(kind).hear(pcm)
G722Decoder().decode(G722Encoder().encode(pcm))
"""


def test_without_the_library_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spandsp, "_opened", None)
    monkeypatch.setattr(spandsp, "LIBRARY", "libspandsp.so.none")
    with pytest.raises(CodecError, match="apt-get install libspandsp2"):
        DtmfDetector()
