"""Clips in the box's format, played in order; and what a recorder writes, read again by sox."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import orders
from rtp import player as player_module
from rtp import recorder as recorder_module
from rtp.audio import audioop
from rtp.descriptors import Descriptors, Shared, Source
from rtp.player import ALAW, CLIPS, PCM, ULAW, Clip, ClipError, Player
from rtp.recorder import WAITING, Recorder
from tests.rtp.test_loop import Portable
from tests.rtp.test_room import MU, strength, tone
from tests.rtp.test_rooms import Speaker, seated, talk
from tests.rtp.twin import Phone


@pytest.fixture
def tier() -> Iterator[Portable]:
    portable = Portable()
    yield portable
    portable.loop.close()
    Phone.close_all()


class Bytes(player_module.Source):
    """A source over bytes that come `step` at a time, every other time none."""

    def __init__(
        self, data: bytes, step: int = 1 << 20, *, hesitant: bool = False, seekable: bool = True
    ) -> None:
        self.data, self.step, self.seekable = data, step, seekable
        self.at = self.asked = self.closed = 0
        self.hesitant = hesitant

    def read(self, size: int) -> bytes | None:
        self.asked += 1
        if self.hesitant and self.asked % 2:
            return None
        data = self.data[self.at : self.at + min(size, self.step)]
        self.at += len(data)
        return data

    def rewind(self) -> bool:
        self.at = 0
        return self.seekable

    def close(self) -> None:
        self.closed += 1


def wav(samples: bytes, kind: int = PCM, rate: int = 8000, *, extra: bytes = b"", channels: int = 1) -> bytes:
    """Give samples of the machine's order as a file of the box's format."""
    data = {
        PCM: lambda: struct.pack(f"<{len(samples) // 2}h", *struct.unpack(f"={len(samples) // 2}h", samples)),
        ALAW: lambda: audioop.lin2alaw(samples, 2),
        ULAW: lambda: audioop.lin2ulaw(samples, 2),
    }[kind]()
    width = 2 if kind == PCM else 1
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, rate * width, width, 8 * width)
    body = head + extra + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WAVE") + body


def play(player: Player, rate: int = 8000, most: int = 1000) -> bytes:
    out: list[bytes] = []
    while len(out) < most:
        frame = player.take(rate)
        if frame is None:
            break
        assert len(frame) == rate // 50 * 2
        out.append(frame)
    return b"".join(out)


@pytest.mark.parametrize("kind", [PCM, ALAW, ULAW])
def test_formats(kind: int) -> None:
    said = b"".join(tone(400, 0.5, 8000, 20))
    extra = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    heard = play(Player([Clip(Bytes(wav(said, kind, extra=extra), 7))]))
    assert len(heard) == len(said)
    assert strength(heard, 400, 8000) == pytest.approx(0.5, rel=0.02)
    if kind == PCM:
        assert heard == said


def test_prompts_follow_each_other_without_a_gap() -> None:
    said = b"".join(tone(400, 0.5, 8000, 4))
    parts = [said[:250], said[250:252], b"", said[252:]]
    assert play(Player([Clip(Bytes(wav(part))) for part in parts])) == said


def test_music_goes_round_and_what_cannot_ends() -> None:
    said = b"".join(tone(400, 0.5, 8000, 3))
    heard = play(Player([Clip(Bytes(wav(said)))], loop=True), most=30)
    assert heard == said * 10
    assert len(play(Player([Clip(Bytes(wav(said), seekable=False))], loop=True), most=30)) == len(said)
    for silly in (b"", b"x"):
        assert play(Player([Clip(Bytes(wav(silly * 2)))] * CLIPS, loop=True), most=5) is not None


def test_bytes_that_come_late_are_silence_not_the_end() -> None:
    said = b"".join(tone(400, 0.5, 8000, 10))
    heard = play(Player([Clip(Bytes(wav(said), 100, hesitant=True))]))
    assert len(heard) > len(said)
    values = [struct.unpack(f"={len(sound) // 2}h", sound) for sound in (heard, said)]
    assert [value for value in values[0] if value] == [value for value in values[1] if value]


def test_other_rates_are_converted() -> None:
    said = b"".join(tone(400, 0.5, 16000, 30))
    heard = play(Player([Clip(Bytes(wav(said, rate=16000)))]), 8000)
    assert abs(len(heard) - len(said) // 2) <= 640
    assert strength(heard[3200:6400], 400, 8000) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"OggS" + bytes(200),
        wav(b"ab")[:30],
        wav(b"ab", channels=2),
        wav(b"ab", rate=44100),
        wav(b"ab", extra=struct.pack("<4sI", b"LIST", 1 << 30)),
        wav(b"ab").replace(b"fmt ", b"fnt "),
    ],
)
def test_what_is_not_the_boxs_format_is_left_out(data: bytes) -> None:
    clip = Clip(Bytes(data))
    with pytest.raises(ClipError):
        clip.samples(320)
    said = b"".join(tone(400, 0.5, 8000, 2))
    source = Bytes(data)
    player = Player([Clip(source), Clip(Bytes(wav(said)))])
    assert play(player) == said
    assert player.failed
    assert source.closed == 1


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_end(data: bytes) -> None:
    play(Player([Clip(Bytes(data)), Clip(Bytes(wav(b"")[:-1] + data))]), most=50)


class Memory(recorder_module.Sink):
    """A sink in memory with so much room."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.data, self.room, self.closed = b"", room, False

    def write(self, data: bytes) -> int:
        taken = min(self.room, len(data))
        self.data += data[:taken]
        self.room -= taken
        return taken

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("rate", [8000, 16000])
def test_sox_reads_a_recording_left_said_right_heard(rate: int, tmp_path: Path) -> None:
    if shutil.which("sox") is None:
        pytest.skip("sox is missing: nobody but us reads the recordings here")
    sink = Memory()
    recorder = Recorder(sink)
    for said, heard in zip(tone(400, 0.5, rate, 50), tone(1000, 0.25, rate, 50), strict=True):
        recorder.put(said, heard, rate)
    recorder.put(None, None, rate)
    recorder.close()
    assert (recorder.left_out, sink.closed) == (0, True)
    path = tmp_path / "recording.wav"
    path.write_bytes(sink.data)
    for channel, mine, other, level in (("1", 400, 1000, 0.5), ("2", 1000, 400, 0.25)):
        command = ["sox", "-V1", str(path), "-t", "raw", "-e", "signed", "-b", "16", "-r", str(rate), "-"]
        raw = subprocess.run([*command, "remix", channel], capture_output=True, check=True).stdout
        assert len(raw) == 51 * rate // 50 * 2
        assert strength(raw[: rate * 2], mine, rate) == pytest.approx(level, rel=0.02)
        assert strength(raw[: rate * 2], other, rate) < 0.005


def test_a_slow_sink_is_waited_for_and_bounded() -> None:
    sink = Memory(1000)
    recorder = Recorder(sink)
    [frame] = tone(400, 0.5, 8000, 1)
    for _ in range(3000):
        recorder.put(frame, None, 8000)
    assert recorder.left_out == pytest.approx(3000 - WAITING / 320, abs=10)
    sink.room = 1 << 30
    recorder.put(frame, None, 8000)
    recorder.close()
    assert recorder.left_out < 2100
    assert len(sink.data) > WAITING


def test_a_sink_nobody_reads_is_given_up() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    descriptors, told = Descriptors(), []
    tier = Portable()
    speaker = Speaker(tier.ports[0], MU, 400)
    tier.put(seated(speaker.port, speaker.phone, MU))
    rooms = tier.loop.need_rooms()
    descriptors.follow(orders.Record(port=speaker.port, token=5), rooms, [writer])
    talk(tier, [speaker], 20)
    descriptors.follow(orders.EndRecord(port=speaker.port), rooms, [])
    told = [event for event in tier.events() if isinstance(event, orders.Recorded)]
    tier.loop.close()
    assert [(event.token, event.broken) for event in told] == [(5, 1)]
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(writer)


def test_no_recording_goes_into_a_file(tier: Portable, tmp_path: Path) -> None:
    path = tmp_path / "plain"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    speaker = Speaker(tier.ports[0], MU, 400)
    tier.put(seated(speaker.port, speaker.phone, MU))
    Descriptors().follow(orders.Record(port=speaker.port, token=5), tier.loop.need_rooms(), [fd])
    talk(tier, [speaker], 30)
    assert path.read_bytes() == b""
    assert orders.Recorded(token=5, left_out=0, broken=1) in tier.events()


def test_orders_play_and_record_through_descriptors(tier: Portable, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(b"".join(tone(700, 0.4, 8000, 30)), ULAW))
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], MU, 1000)
    for speaker in (one, other):
        tier.put(seated(speaker.port, speaker.phone, MU))
    rooms, descriptors = tier.loop.need_rooms(), Descriptors()
    reader, writer = os.pipe()
    clip = os.open(path, os.O_RDONLY)
    descriptors.follow(orders.Clip(number=3), rooms, [clip])
    descriptors.follow(orders.Play(one.port, 0, 77, (3, 3), loop=False), rooms, [])
    descriptors.follow(orders.Record(port=one.port, token=8), rooms, [writer])
    descriptors.follow(orders.Drop(number=3), rooms, [])
    talk(tier, [one], 70)
    sound = one.heard()
    assert strength(sound[:19200], 700, 8000) == pytest.approx(0.4, rel=0.05)
    assert strength(other.heard()[-3200:], 700, 8000) < 0.005, "played to one alone"
    descriptors.follow(orders.EndRecord(port=one.port), rooms, [])
    events = tier.events()
    assert orders.Played(token=77, failed=0) in events
    assert orders.Recorded(token=8, left_out=0, broken=0) in events
    recorded = os.read(reader, 1 << 16)
    os.close(reader)
    assert recorded[:4] == b"RIFF"
    stereo = audioop.alaw2lin(recorded[44:], 2)
    assert strength(audioop.tomono(stereo, 2, 0, 1)[6400:16000], 700, 8000) == pytest.approx(0.4, rel=0.05)
    assert strength(audioop.tomono(stereo, 2, 1, 0)[6400:16000], 400, 8000) == pytest.approx(0.3, rel=0.05)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(clip)


def test_a_room_hears_an_announcement_and_a_stop_ends_it(tier: Portable, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(b"".join(tone(700, 0.4, 8000, 3))))
    speakers = [Speaker(port, MU, 400) for port in tier.ports[:3]]
    for speaker in speakers:
        tier.put(seated(speaker.port, speaker.phone, MU))
    rooms, descriptors = tier.loop.need_rooms(), Descriptors()
    descriptors.follow(orders.Clip(number=1), rooms, [os.open(path, os.O_RDONLY)])
    descriptors.follow(orders.Play(0, 7, 9, (1,), loop=True), rooms, [])
    talk(tier, [], 40)
    for speaker in speakers:
        assert strength(speaker.heard()[-3200:], 700, 8000) > 0.3
    descriptors.follow(orders.Stop(port=0, room=7), rooms, [])
    assert orders.Played(token=9, failed=0) in tier.events()
    descriptors.follow(orders.Play(0, 99, 10, (1,), loop=True), rooms, [])
    descriptors.follow(orders.Play(0, 7, 11, (1, 2), loop=False), rooms, [])
    talk(tier, [], 10)
    assert {orders.Played(token=10, failed=0).token, 11} == {
        event.token for event in tier.events() if isinstance(event, orders.Played)
    }
    descriptors.clear()


def test_a_pipe_is_a_source_too() -> None:
    reader, writer = os.pipe()
    shared = Shared(reader)
    source = Source(shared)
    shared.release()
    assert source.read(10) is None
    os.write(writer, b"abc")
    assert source.read(10) == b"abc"
    os.close(writer)
    assert source.read(10) == b""
    assert not source.rewind()
    source.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(reader)
