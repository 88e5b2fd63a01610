"""G.722 and Opus through Debian's libraries, against ffmpeg, whose decoders of both are its own work."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from rtp import spandsp
from rtp.codec import Codec, CodecError, available, make, opus
from tests.rtp.codec import ogg
from tests.support import audio

FFMPEG = ["ffmpeg", "-hide_banner", "-loglevel", "error"]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six seconds of speech at 16,000 Hz."""
    where = tmp_path_factory.mktemp("speech")
    subprocess.run(["espeak-ng", "-w", str(where / "a.wav"), " ".join(audio.SENTENCES)], check=True)
    convert = ["sox", str(where / "a.wav"), "-r", "16000", "-c", "1", "-b", "16", "-t", "raw", "-"]
    return subprocess.run([*convert, "trim", "0", "6"], check=True, capture_output=True).stdout


def frames(pcm: bytes, codec: Codec) -> list[bytes]:
    size = codec.rate // 50 * 2
    return [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]


def likeness(wanted: bytes, got: bytes) -> float:
    """Correlation of a middle second at the place where it is best."""
    return audio.find(audio.samples(wanted)[32000:48000], audio.samples(got)).correlation


@pytest.mark.native
def test_g722_sounds_right_and_ffmpeg_hears_the_same(speech: bytes, tmp_path: Path) -> None:
    codec = make("g722", 8000)
    payloads = [codec.encode(frame) for frame in frames(speech, codec)]
    assert {len(payload) for payload in payloads} == {160}
    ours = b"".join(codec.decode(payload) for payload in payloads)
    (tmp_path / "a.g722").write_bytes(b"".join(payloads))
    command = [*FFMPEG, "-f", "g722", "-i", str(tmp_path / "a.g722"), "-f", "s16le", "-"]
    theirs = subprocess.run(command, check=True, capture_output=True).stdout
    assert likeness(speech, ours) > 0.99
    assert likeness(speech, theirs) > 0.99
    count = min(len(ours), len(theirs)) // 2
    difference = audio.samples(ours)[:count] - audio.samples(theirs)[:count]
    assert audio.loudness(difference) < 0.005 * audio.loudness(audio.samples(ours))
    codec.close()


@pytest.mark.native
def test_g722_of_ffmpeg_is_heard(speech: bytes) -> None:
    command = [*FFMPEG, "-f", "s16le", "-ar", "16000", "-i", "-", "-c:a", "g722", "-f", "g722", "-"]
    made = subprocess.run(command, input=speech, check=True, capture_output=True).stdout
    codec = make("g722", 8000)
    heard = b"".join(codec.decode(made[at : at + 160]) for at in range(0, len(made), 160))
    assert likeness(speech, heard) > 0.99
    codec.close()


@pytest.mark.native
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_opus_sounds_right_and_ffmpeg_hears_the_same(speech: bytes, rate: int, tmp_path: Path) -> None:
    rates = ["-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-f", "s16le", "-ar", f"{rate}", "-"]
    pcm = subprocess.run([*FFMPEG, *rates], input=speech, check=True, capture_output=True).stdout
    codec = make("opus", 48000, rate)
    payloads = [codec.encode(frame) for frame in frames(pcm, codec)]
    assert sum(map(len, payloads)) * 8 / 6 < opus.RATES[rate] * 1.3
    ours = b"".join(codec.decode(payload) for payload in payloads)
    (tmp_path / "a.opus").write_bytes(ogg.written(payloads))
    file = ["-c:a", "opus", "-i", str(tmp_path / "a.opus"), "-f", "s16le", "-ar", f"{rate}", "-"]
    theirs = subprocess.run([*FFMPEG, *file], check=True, capture_output=True).stdout
    second = slice(2 * rate, 3 * rate)
    for heard in (ours, theirs):
        assert audio.find(audio.samples(pcm)[second], audio.samples(heard)).correlation > 0.8
    assert audio.find(audio.samples(ours)[second], audio.samples(theirs)).correlation > 0.98
    codec.close()


@pytest.mark.native
def test_opus_finds_a_lost_packet_in_the_next_one(speech: bytes) -> None:
    near = []
    for way in ("recover", "lost"):
        codec = make("opus", 48000, 16000)
        payloads = [codec.encode(frame) for frame in frames(speech, codec)]
        whole = [codec.decode(payload) for payload in payloads]
        holed, gone = make("opus", 48000, 16000), range(11, len(payloads) - 1, 7)
        error = power = 0.0
        for number, payload in enumerate(payloads):
            if number not in gone:
                holed.decode(payload)
                continue
            got = holed.recover(payloads[number + 1], 320) if way == "recover" else holed.lost(320)
            assert len(got) == 640
            error += float(np.sum((audio.samples(got) - audio.samples(whole[number])) ** 2))
            power += float(np.sum(audio.samples(whole[number]) ** 2))
        near.append(error / power)
    assert near[0] < near[1] / 2  # the copy is nearer than what is made up
    assert near[1] < 1.0  # which is nearer than silence


@pytest.mark.parametrize("name", ["opus", "g722"])
def test_no_payload_hurts_and_what_comes_out_is_bounded(name: str) -> None:
    chance = np.random.default_rng(3)
    clock = 48000 if name == "opus" else 8000
    codec = make(name, clock)
    for _ in range(3000):
        out = codec.decode(chance.bytes(int(chance.integers(0, 300))))
        assert len(out) <= codec.rate * 2 * 0.12
        assert len(codec.recover(chance.bytes(20), 320)) == 640
    for samples in (0, 1, 7, 320, 5000):
        assert len(codec.lost(samples)) == samples * 2
    codec.close()
    codec.close()


def test_opus_takes_20_ms_and_no_other_rate() -> None:
    codec = make("opus", 48000)
    assert (codec.rate, codec.clock) == (16000, 48000)
    with pytest.raises(CodecError, match="20 ms"):
        codec.encode(bytes(642))
    with pytest.raises(CodecError, match="8000, 16000 or 48000"):
        make("opus", 48000, 44100)


def test_where_the_libraries_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((spandsp, "g722"), (opus, "opus")):
        monkeypatch.setattr(module, "_opened", None)
        monkeypatch.setattr(module, "LIBRARY", "libnone.so.9")
        with pytest.raises(CodecError, match=r"libnone\.so\.9 is not installed: apt-get install lib"):
            make(name, 48000 if name == "opus" else 8000)
    assert {name for name, _ in available()} == {"pcmu", "pcma", "l16", "cn"}


def test_comfort_noise_is_as_loud_as_it_says() -> None:
    noise = make("cn", 8000)
    for level in (20, 50, 70):
        heard = b"".join([noise.decode(bytes((level, 9, 9))), *(noise.lost(160) for _ in range(49))])
        loudness = audio.loudness(audio.samples(heard))
        assert 20 * np.log10(loudness / 32767) == pytest.approx(-level, abs=1)
        assert noise.encode(heard)[0] == pytest.approx(level, abs=1)
    assert noise.encode(bytes(320)) == b"\x7f"
    assert noise.decode(b"\x7f") == bytes(320)
    assert len(noise.decode(b"")) == 320
