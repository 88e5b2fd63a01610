"""The power fails at any moment: nothing acknowledged is lost, the store opens, no key outlives anybody."""

import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import apsw
import pytest

from firmware.store import CallKind, CallRecord, FileKey, Store, StoreError, database, new_id
from firmware.store.ring import KeyRing
from tests.support.powercut import Recorder

pytestmark = pytest.mark.usefixtures("eager")

WAIT = 30

Words = tuple[str, ...]


def call(caller: str, callee: str) -> CallRecord:
    times = (1000.0, None, 1010.0, 1.0, None, 11.0)
    return CallRecord(
        new_id(), "", CallKind.INTERNAL, caller, callee, "0555", *times, "ab" * 16, "normal", "caller"
    )


class Work:
    """Uses a store, marking in the recorder what was begun and what was acknowledged."""

    def __init__(self, recorder: Recorder, keys: FileKey) -> None:
        self.recorder = recorder
        self.store = Store.open(recorder.place, keys)

    def marked(self, future: "Future[None]", *what: str) -> None:
        future.add_done_callback(lambda _done: self.recorder.mark("done", *what))
        future.result(WAIT)

    def add(self, number: str) -> str:
        future = self.store.extensions.add(number, f"Name {number}", f"secret-of-the-phone-{number}")
        future.add_done_callback(lambda done: self.recorder.mark("done", "add", done.result().id, number))
        return future.result(WAIT).id

    def remove(self, extension: str) -> None:
        self.recorder.mark("begun", "remove", extension)
        self.marked(self.store.extensions.remove(extension), "remove", extension)

    def call(self, caller: str, callee: str) -> None:
        record = call(caller, callee)
        self.store.record_call(record)
        self.marked(self.store.flush(), "call", record.id)

    def put(self, name: str, data: bytes) -> None:
        self.recorder.mark("begun", "secret", name)
        self.marked(self.store.secrets.put(name, data), "secret", name, data.hex())


def busy_day(work: Work) -> None:
    """Add, import, change, remove, call; small changes and one that overflows into checkpoints."""
    people = [work.add(str(number)) for number in range(100, 106)]
    for at in range(6):
        work.call(people[at], people[5 - at])
    work.put("tls.key", b"k" * 900)
    work.remove(people[1])
    rows = "\n".join(f"{number},Row {number}" for number in range(200, 240))
    work.store.extensions.load_csv("number,name\n" + rows).result(WAIT)
    work.recorder.mark("done", "import", "200", "239")
    work.call(people[0], people[2])
    work.put("tls.key", b"m" * 30000)
    work.remove(people[3])
    work.call(people[2], people[0])


def check(directory: Path, marks: list[Words]) -> None:
    """Open what is left after a cut and compare it with what was acknowledged."""
    keys = FileKey(str(directory))
    store = Store.open(str(directory), keys)
    try:
        begun = [mark[1:] for mark in marks if mark[0] == "begun"]
        calls = {record.id for record in store.calls(1000).result(WAIT)}
        for mark in marks:
            match mark:
                case ("done", "add", extension, number):
                    found = store.extensions.get(extension)
                    if ("remove", extension) not in begun:
                        assert found is not None
                        assert (found.number, found.name) == (number, f"Name {number}")
                        assert found.secret == f"secret-of-the-phone-{number}"
                case ("done", "remove", extension):
                    assert store.extensions.get(extension) is None
                case ("done", "import", first, last):
                    assert store.extensions.find(first) is not None
                    assert store.extensions.find(last) is not None
                case ("done", "call", record):
                    assert record in calls
        done = [mark for mark in marks if mark[:2] == ("done", "secret")]
        if done and len(done) == sum(mark[0] == "secret" for mark in begun):
            assert store.secrets.get("tls.key") == bytes.fromhex(done[-1][3])
        people = {extension.id for extension in store.extensions.list()}
        ring = KeyRing.open(store._place, keys.box_key())
        assert set(ring.keys) == people
        fresh = store.extensions.add("99").result(WAIT)  # and it goes on working
        assert store.extensions.get(fresh.id) == fresh
    finally:
        store.close()


def recorded(tmp_path: Path, work: Callable[[Work], None], *, forgetful: bool = False) -> Recorder:
    """Make a store, run the work on it, close it; return the recorder."""
    directory = tmp_path / "state"
    keys = FileKey.create(str(directory))
    Store.create(str(directory), keys).close()
    recorder = Recorder(directory)
    recorder.forgetful = forgetful
    working = Work(recorder, keys)
    work(working)
    working.store.close()
    return recorder


def failures(recorder: Recorder, tmp_path: Path, cuts: list[int], seed: int) -> list[str]:
    """Cut the power at each of `cuts`; return what was wrong."""
    choice = random.Random(seed)
    wrong = []
    for at, cut in enumerate(cuts):
        image = tmp_path / f"image{seed}-{at}"
        recorder.image(cut, choice, image)
        try:
            check(image, recorder.marks(cut))
        except (AssertionError, StoreError) as error:
            wrong.append(f"cut {cut} of {len(recorder.events)}: {type(error).__name__} {error}")
    return wrong


def random_cuts(recorder: Recorder, count: int, seed: int) -> list[int]:
    choice = random.Random(seed)
    return [choice.randint(0, len(recorder.events)) for _ in range(count)]


def test_hundred_cuts_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 8)
    recorder = recorded(tmp_path, busy_day)
    assert failures(recorder, tmp_path, random_cuts(recorder, 100, 1), 1) == []


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_many_more_cuts_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 4 if seed % 2 else 256)
    recorder = recorded(tmp_path, busy_day)
    assert failures(recorder, tmp_path, random_cuts(recorder, 500, seed), seed) == []


def test_a_cut_at_every_step_of_adding_and_erasing(tmp_path: Path) -> None:
    def work(work: Work) -> None:
        keep = work.add("100")
        gone = work.add("101")
        work.call(keep, gone)
        work.remove(gone)

    recorder = recorded(tmp_path, work)
    cuts = list(range(len(recorder.events) + 1))
    assert failures(recorder, tmp_path, cuts, 2) == []


def test_the_key_is_durable_before_the_row(tmp_path: Path) -> None:
    def work(work: Work) -> None:
        work.add("100")

    recorder = recorded(tmp_path, work)
    names = [getattr(event, "name", "") for event in recorder.events]
    assert "keyring" in names
    added = [name for name in names[: names.index("store.db")] if name]
    assert added.index("keyring") < added.index("store.db-wal")


def test_cuts_without_syncs_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a store that does not sync loses acknowledged commits, and these tests see it."""

    def careless(connection: apsw.Connection, version: int) -> None:
        connection.pragma("synchronous", "off")

    monkeypatch.setattr("firmware.store.store.prepare_writing", careless)
    recorder = recorded(tmp_path, busy_day)
    monkeypatch.undo()
    assert failures(recorder, tmp_path, random_cuts(recorder, 30, 3), 3)


def test_a_ring_that_is_not_durable_is_noticed(tmp_path: Path) -> None:
    """The other control: rows without their keys are seen."""
    recorder = recorded(tmp_path, busy_day, forgetful=True)
    assert failures(recorder, tmp_path, random_cuts(recorder, 30, 4), 4)


def test_a_cut_while_the_store_is_made(tmp_path: Path) -> None:
    """Whatever is left, the next start either finds a whole store or makes one."""
    directory = tmp_path / "state"
    keys = FileKey.create(str(directory))
    recorder = Recorder(directory)
    Store.create(recorder.place, keys).close()
    choice = random.Random(5)
    made = 0
    for cut in range(len(recorder.events) + 1):
        image = tmp_path / f"image{cut}"
        recorder.image(cut, choice, image)
        made += Store.exists(str(image))
        make = Store.open if Store.exists(str(image)) else Store.create
        store = make(str(image), FileKey.create(str(image)))
        store.extensions.add("100").result(WAIT)
        store.close()
    assert 0 < made < len(recorder.events)
