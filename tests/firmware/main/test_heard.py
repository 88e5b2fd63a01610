"""The music of who is held: what the site names, and a word where that is no music."""

import time
from pathlib import Path

from firmware.main.heard import use_music
from firmware.media import File, Media
from firmware.media.worker import fork_early
from provisioning.site import Sounds
from tests.firmware.journal.test_journal import Kept, journal_of
from tests.support import audio


def test_a_file_that_is_no_music_is_told_of_once_and_nothing_plays(tmp_path: Path) -> None:
    worker = fork_early("127.0.0.1", 24994, 24997)
    media = Media(worker, time.monotonic)
    kept = Kept()
    journal, _ = journal_of(kept)
    path = str(tmp_path / "music.wav")
    use_music(media, Sounds(), journal)
    use_music(media, Sounds(hold=path), journal)
    assert not media.music
    audio.write(tmp_path / "music.wav", bytes(320))
    use_music(media, Sounds(hold=path), journal)
    assert list(media.music) == [File(path)]
    use_music(media, Sounds(), journal)
    assert not media.music
    journal.flush()
    [told] = [text for text in kept.texts if "hold is no readable WAV file" in text]
    assert path not in told
    media.sounds.close()
    worker.kill()
    worker.close()
