"""The writer: few commits, nobody waits, a full queue and a failing disk are told and survived."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from firmware.journal import Journal
from firmware.store import (
    CallKind,
    CallRecord,
    FileKey,
    QueueFull,
    Store,
    StoredBinding,
    Unwritable,
    new_id,
    writer,
)
from firmware.store.engine import Session
from firmware.store.ring import KeyRing
from tests.support.clock import ManualClock
from tests.support.powercut import Recorder

WAIT = 30


def call() -> CallRecord:
    times = (1000.0, None, 1010.0, 1.0, None, 11.0)
    return CallRecord(
        new_id(), "", CallKind.INTERNAL, None, None, None, *times, "ab" * 16, "normal", "caller"
    )


def soon(condition: Callable[[], bool]) -> bool:
    """Wait until something has become true."""
    deadline = time.monotonic() + WAIT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def events(journal: Journal) -> list[str]:
    return [event[1].name for event in journal._queue]


@pytest.fixture
def recorder(directory: str) -> Recorder:
    keys = FileKey.create(directory)
    Store.create(directory, keys).close()
    return Recorder(Path(directory))


def test_many_records_share_few_commits(directory: str) -> None:
    store = Store.create(directory, FileKey.create(directory))
    begun = time.monotonic()
    for _ in range(40):
        for _ in range(10):
            store.record_call(call())
        time.sleep(0.01)
    store.flush().result(WAIT)
    most = (time.monotonic() - begun) / writer.COMMIT_SECONDS + 2
    assert len(store.calls(1000).result(WAIT)) == 400
    assert 1 <= store.commits <= most
    store.close()


def test_an_idle_store_commits_nothing_and_wakes_for_the_next_record(store: Store) -> None:
    for count in range(1, 4):
        store.record_call(call())
        store.flush().result(WAIT)
        assert store.commits <= 2 * count
    before = store.commits
    store.calls().result(WAIT)
    assert store.commits == before


def test_a_record_alone_is_written_without_anybody_asking(store: Store, directory: str) -> None:
    store.record_call(call())
    assert soon(lambda: store.commits == 1)


def test_registrations_wait_for_a_commit_that_happens_anyway(directory: str) -> None:
    store = Store.create(directory, FileKey.create(directory))
    anne = store.extensions.add("100").result(WAIT).id
    before = store.commits
    binding = StoredBinding(anne, "sip:a", "UDP", ("h", 1), ("l", 1), "c", 99, 9e9)
    for cseq in range(50):
        store.bindings.save(anne, [StoredBinding(anne, "sip:a", "UDP", ("h", 1), ("l", 1), "c", cseq, 9e9)])
    store.bindings.save(anne, [binding])
    store.secrets.put("x", b"y").result(WAIT)
    assert store.commits == before + 1
    store.close()
    store = Store.open(directory, FileKey(directory))
    assert store.bindings.load() == [binding]
    store.close()


def test_a_full_queue_refuses_aloud_and_keeps_what_it_has(directory: str, eager: None) -> None:
    journal = Journal(ManualClock())
    store = Store.create(directory, FileKey.create(directory), journal=journal)
    gate = threading.Event()
    entered = threading.Event()

    def block(_session: Session) -> None:
        entered.set()
        assert gate.wait(WAIT)

    blocked = store._writer.job(block)
    assert entered.wait(WAIT)
    for _ in range(writer.NOTES_LIMIT + 10):
        store.record_call(call())
    assert store.refused == 10
    assert events(journal) == ["store.full"]
    gate.set()
    blocked.result(WAIT)
    store.flush().result(WAIT)
    assert len(store.calls(10000).result(WAIT)) == writer.NOTES_LIMIT
    assert events(journal) == ["store.full", "store.refused"]
    store.close()


def test_too_many_jobs_are_refused(store: Store) -> None:
    gate = threading.Event()
    entered = threading.Event()

    def block(_session: Session) -> None:
        entered.set()
        assert gate.wait(WAIT)

    store._writer.job(block)
    assert entered.wait(WAIT)
    waiting = [store.secrets.put("x", b"y") for _ in range(writer.JOBS_LIMIT)]
    with pytest.raises(QueueFull):
        store.extensions.add("101")
    gate.set()
    for future in waiting:
        future.result(WAIT)
    store.flush().result(WAIT)


def test_a_job_that_raises_is_undone_alone(store: Store) -> None:
    def bad(session: Session) -> None:
        session.database.execute("INSERT INTO secret VALUES ('half', X'00')")
        raise ZeroDivisionError

    before = store.extensions.add("100")
    failed = store._writer.job(bad)
    after = store.extensions.add("101")
    assert isinstance(failed.exception(WAIT), ZeroDivisionError)
    assert [before.result(WAIT).number, after.result(WAIT).number] == ["100", "101"]
    assert list(store._engine._database.execute("SELECT name FROM secret")) == []


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError, apsw.ReadOnlyError])
def test_a_failing_disk_refuses_jobs_keeps_records_and_recovers(
    recorder: Recorder, directory: str, eager: None, error: type[apsw.Error]
) -> None:
    journal = Journal(ManualClock())
    store = Store.open(recorder.place, FileKey(directory), journal=journal)
    anne = store.extensions.add("100").result(WAIT)
    recorder.failure = error
    record = call()
    store.record_call(record)
    with pytest.raises(Unwritable, match="cannot be written") as caught:
        store.extensions.add("101").result(WAIT)
    assert "\n" not in str(caught.value)
    assert store.alarm is not None
    assert events(journal) == ["store.failed"]
    with pytest.raises(Unwritable):
        store.extensions.remove(anne.id).result(WAIT)
    assert store.extensions.list() == (anne,)
    assert store.calls().result(WAIT) == []
    recorder.failure = None
    assert soon(lambda: store.alarm is None)
    assert [found.id for found in store.calls().result(WAIT)] == [record.id]
    assert events(journal) == ["store.failed", "store.recovered"]
    assert store.extensions.add("101").result(WAIT).number == "101"
    store.close()
    store = Store.open(directory, FileKey(directory))
    assert [extension.number for extension in store.extensions.list()] == ["100", "101"]
    store.close()


def test_an_erasure_is_done_only_when_the_key_is_destroyed(
    recorder: Recorder, directory: str, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(recorder.place, FileKey(directory))
    gone = store.extensions.add("100").result(WAIT)
    good = type(recorder.place).replace
    failing = threading.Event()
    failing.set()

    def replace(self: object, name: str, data: bytes, *, wipe: bool = False) -> None:
        if failing.is_set():
            raise OSError(28, "no space")
        good(recorder.place, name, data, wipe=wipe)

    monkeypatch.setattr(type(recorder.place), "replace", replace)
    removal, other = store.extensions.remove(gone.id), store.secrets.put("x", b"y")
    with pytest.raises(Unwritable):
        removal.result(WAIT)
    other.result(WAIT)
    assert store.extensions.list() == ()
    assert store.alarm is not None
    assert store._engine.unfinished
    failing.clear()
    assert soon(lambda: store.alarm is None and not store._engine.unfinished)
    assert KeyRing.open(recorder.place, FileKey(directory).box_key()).keys == {}
    store.close()


def test_closing_on_a_dead_disk_ends(recorder: Recorder, directory: str, eager: None) -> None:
    store = Store.open(recorder.place, FileKey(directory))
    recorder.failure = apsw.IOError
    store.record_call(call())
    waiting = store.extensions.add("100")
    store.close()
    assert isinstance(waiting.exception(WAIT), Unwritable)
    with pytest.raises(QueueFull):
        store.extensions.add("101")
