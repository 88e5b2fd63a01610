"""What happens to media is told, and nobody is named."""

import time

from firmware.main.media_watch import watch
from firmware.media import Media
from firmware.media.quality import Quality
from firmware.media.worker import fork_early
from firmware.store.quality import CallQuality
from tests.firmware.journal.test_journal import Kept, journal_of


def test_each_event_is_one_line_without_the_calls_name() -> None:
    worker = fork_early("127.0.0.1", 24990, 24993)
    media = Media(worker, time.monotonic)
    kept = Kept()
    journal, _ = journal_of(kept)
    found: list[CallQuality] = []
    watch(media, journal, found.append)
    assert media.on_hang is not None
    assert media.on_restart is not None
    assert media.on_failure is not None
    assert media.on_tier is not None
    assert media.on_one_way is not None
    media.on_hang()
    media.on_restart()
    media.on_failure()
    media.on_tier(True)
    media.on_tier(False)
    media.on_one_way("0123456789abcdef0123456789abcdef", "callee")
    assert media.on_quality is not None
    media.on_quality("ab" * 16, {"callee": Quality("opus", 50, 1, 2.0, None, 4.1, 3)})
    assert found == [CallQuality("ab" * 16, "callee", "opus", 50, 1, 2.0, None, 4.1, 3)]
    journal.flush()
    text = "\n".join(kept.texts)
    for word in ("does not answer", "running again", "no audio", "kernel relays", "process relays"):
        assert word in text
    assert "nothing is heard of the callee" in text
    assert "0123456789abcdef" not in text
    worker.kill()
    worker.close()
    while not worker.gone():
        time.sleep(0.01)
