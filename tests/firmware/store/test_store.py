"""Opening and closing: what was put in is there again, a refusal is one line and changes nothing."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from firmware.journal import Journal
from firmware.store import (
    Damaged,
    FileKey,
    Invalid,
    NoStore,
    Store,
    StoreError,
    StoreExists,
    StoreLocked,
    Unwritable,
    WrongKey,
)
from firmware.store import store as module
from firmware.store.place import Place
from firmware.store.ring import KeyRing
from tests.firmware.store.conftest import Opener
from tests.support.clock import ManualClock
from tests.support.powercut import Event, Recorder

WAIT = 30


class Failing(Recorder):
    """A medium that is full after some events."""

    def __init__(self, directory: Path, events: int) -> None:
        super().__init__(directory)
        self._left = events

    def note(self, event: Event) -> None:
        if self._left == 0:
            self.failure = apsw.FullError
        self._left -= 1
        super().note(event)


def contents(directory: str) -> dict[str, bytes]:
    return {name: Path(directory, name).read_bytes() for name in os.listdir(directory) if name != "lock"}


def test_a_new_store_is_empty_and_private(store: Store, directory: str) -> None:
    assert store.extensions.list() == ()
    assert store.bindings.load() == []
    assert store.secrets.get("tls.key") is None
    assert len(bytes.fromhex(store.tenant)) == 16
    assert store.domain == "branchline.invalid"
    assert os.stat(directory).st_mode & 0o777 == 0o700
    for name in os.listdir(directory):
        assert os.stat(os.path.join(directory, name)).st_mode & 0o777 == 0o600


def test_what_was_stored_is_there_again(reopen: Opener) -> None:
    store = reopen()
    made = store.extensions.add("100", "Ottilie", aliases=["301"]).result(WAIT)
    store.secrets.put("tls.key", b"\0key\xff").result(WAIT)
    tenant, use = store.tenant, store.subkey("digest nonce")
    store = reopen()
    assert store.extensions.list() == (made,)
    assert store.secrets.get("tls.key") == b"\0key\xff"
    assert (store.tenant, store.subkey("digest nonce")) == (tenant, use)
    assert store.subkey("other") != use
    store.secrets.put("tls.key", b"new").result(WAIT)
    assert store.secrets.get("tls.key") == b"new"
    assert reopen().secrets.get("tls.key") == b"new"


@pytest.mark.parametrize(("name", "data"), [("", b"x"), ("x" * 65, b"x"), ("x", b"x" * 65537)])
def test_secrets_are_bounded(store: Store, name: str, data: bytes) -> None:
    with pytest.raises(Invalid):
        store.secrets.put(name, data)


def test_closing_leaves_one_database_file(store: Store, directory: str) -> None:
    store.extensions.add("100").result(WAIT)
    store.close()
    store.close()
    assert sorted(os.listdir(directory)) == ["box.key", "generation", "keyring", "lock", "store.db"]


def test_where_there_is_no_store(directory: str) -> None:
    with pytest.raises(NoStore):
        Store.open(directory, FileKey(directory))
    assert not os.path.exists(directory)
    keys = FileKey.create(directory)
    with pytest.raises(NoStore):
        Store.open(directory, keys)
    assert not Store.exists(directory)


def test_a_store_is_never_made_over_another(store: Store, directory: str) -> None:
    store.extensions.add("100").result(WAIT)
    store.close()
    before = contents(directory)
    with pytest.raises(StoreExists):
        Store.create(directory, FileKey(directory))
    assert contents(directory) == before


def test_two_at_once_are_refused(store: Store, directory: str) -> None:
    with pytest.raises(StoreLocked, match="in this process"):
        Store.open(directory, FileKey(directory))
    program = (
        "import sys; from firmware.store import *\n"
        "try: Store.open(sys.argv[1], FileKey(sys.argv[1]))\n"
        "except StoreLocked as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, directory], capture_output=True, check=True, text=True
    )
    assert "in use by another process" in done.stdout
    store.extensions.add("100").result(WAIT)
    store.close()
    Store.open(directory, FileKey(directory)).close()


def test_another_box_key_is_refused_and_nothing_written(store: Store, directory: str) -> None:
    store.extensions.add("100").result(WAIT)
    store.close()
    Path(directory, "box.key").write_text("ab" * 32)
    before = contents(directory)
    with pytest.raises(WrongKey, match="does not fit") as caught:
        Store.open(directory, FileKey(directory))
    assert "\n" not in str(caught.value)
    assert contents(directory) == before
    os.unlink(os.path.join(directory, "box.key"))
    with pytest.raises(WrongKey, match="is missing"):
        Store.open(directory, FileKey(directory))


def test_an_altered_file_is_refused_and_nothing_written(store: Store, directory: str, tmp_path: Path) -> None:
    for number in range(100, 130):
        store.extensions.add(str(number))
    store.flush().result(WAIT)
    store.close()
    choice = random.Random(1)
    size = os.path.getsize(os.path.join(directory, "store.db"))
    refused = changed = 0
    told = set()
    for at in [0, 20, 100, 4095, *(choice.randrange(size) for _ in range(30))]:
        damaged = str(tmp_path / f"damaged{at}")
        shutil.copytree(directory, damaged)
        path = Path(damaged, "store.db")
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
        before = contents(damaged)
        try:
            Store.open(damaged, FileKey(damaged)).close()
        except Damaged as error:
            refused += 1
            told.add(str(error).replace(damaged, "it"))
            changed += contents(damaged) != before
    assert changed == 0
    assert told == {"it/store.db is damaged or was altered: restore the backup of this box"}
    assert refused >= 10  # the others hit pages that are not read at the start


@pytest.mark.parametrize("length", [0, 1, 512, 4096, 8192])
def test_a_cut_file_is_refused(store: Store, directory: str, length: int) -> None:
    store.extensions.add("100").result(WAIT)
    store.close()
    os.truncate(os.path.join(directory, "store.db"), length)
    before = contents(directory)
    with pytest.raises(Damaged):
        Store.open(directory, FileKey(directory))
    assert contents(directory) == before


def test_a_lost_database_does_not_cost_its_keys(store: Store, directory: str, tmp_path: Path) -> None:
    store.extensions.add("100").result(WAIT)
    store.close()
    shutil.move(os.path.join(directory, "store.db"), tmp_path / "elsewhere")
    before = contents(directory)
    with pytest.raises(Damaged, match=r"store\.db is missing"):
        Store.create(directory, FileKey.create(directory))
    assert contents(directory) == before
    shutil.move(tmp_path / "elsewhere", os.path.join(directory, "store.db"))
    store = Store.open(directory, FileKey(directory))
    assert [extension.number for extension in store.extensions.list()] == ["100"]
    store.close()


@pytest.mark.parametrize("name", ["keyring", "generation", "store.db"])
def test_what_cannot_be_read_is_one_line(store: Store, directory: str, name: str) -> None:
    store.close()
    os.unlink(os.path.join(directory, name))
    os.mkdir(os.path.join(directory, name))
    with pytest.raises(StoreError) as caught:
        Store.open(directory, FileKey(directory))
    assert "cannot be" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_directory_that_may_not_be_written_is_not_called_damaged(
    store: Store, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    before = contents(directory)

    def denied(*_: object) -> None:
        raise apsw.ReadOnlyError("attempt to write a readonly database")

    monkeypatch.setattr(module, "prepare_writing", denied)
    with pytest.raises(Unwritable, match="cannot be written"):
        Store.open(directory, FileKey(directory))
    assert contents(directory) == before


def test_a_store_is_made_with_its_people(directory: str) -> None:
    people = [("100", "Ann"), ("101", "Ben")]
    store = Store.create(directory, FileKey.create(directory), people=people)
    made = store.extensions.list()
    store.close()
    assert [(one.number, one.name) for one in made] == people
    assert len({one.secret for one in made}) == 2
    store = Store.open(directory, FileKey(directory))
    assert store.extensions.list() == made
    store.close()


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    """The medium fails at one step after the other."""
    keys = FileKey.create(str(tmp_path / "key"))
    people = [("100", ""), ("101", "")]
    unmade = made = 0
    while not made:
        directory = tmp_path / str(unmade)
        recorder = Failing(directory, unmade)
        with suppress(Unwritable):
            Store.create(recorder.place, keys, people=people).close()
        if Store.exists(str(directory)):
            made += 1
            recorder.failure = None
            store = Store.open(directory=str(directory), keys=keys)
            assert [one.number for one in store.extensions.list()] == ["100", "101"]
            store.close()
        else:
            assert [path.name for path in directory.iterdir()] == ["lock"]
            unmade += 1
    assert unmade > 5


def test_rows_whose_keys_are_missing_are_damage(store: Store, directory: str, tmp_path: Path) -> None:
    place = Place(directory)
    old = [place.read(name) for name in ("generation", "keyring")]
    store.extensions.add("100").result(WAIT)
    store.close()
    place.replace("generation", old[0])
    place.replace("keyring", old[1])
    with pytest.raises(Damaged):
        Store.open(directory, FileKey(directory))


def test_a_refusal_leaves_the_directory_free(store: Store, directory: str) -> None:
    store.close()
    good = Path(directory, "store.db").read_bytes()
    Path(directory, "store.db").write_bytes(b"")
    for _ in range(3):
        with pytest.raises(Damaged):
            Store.open(directory, FileKey(directory))
    Path(directory, "store.db").write_bytes(good)
    Store.open(directory, FileKey(directory)).close()


def test_an_orphaned_key_is_destroyed_at_opening(store: Store, directory: str) -> None:
    store.close()
    keys = FileKey(directory)
    KeyRing.open(Place(directory), keys.box_key()).add({"ab" * 16: b"k" * 32})
    journal = Journal(ManualClock())
    Store.open(directory, keys, journal=journal).close()
    assert KeyRing.open(Place(directory), keys.box_key()).keys == {}
    assert [event[1].name for event in journal._queue] == ["store.swept"]


def test_a_full_disk_at_creation_is_told_and_repaired_by_room(directory: str) -> None:
    keys = FileKey.create(directory)
    recorder = Recorder(Path(directory))
    recorder.failure = apsw.FullError
    with pytest.raises(Unwritable, match="no store can be made"):
        Store.create(recorder.place, keys)
    assert not Store.exists(directory)
    recorder.failure = None
    Store.create(recorder.place, keys).close()
    assert issubclass(Unwritable, StoreError)


@pytest.mark.parametrize("closed", [True, False])
def test_a_full_disk_does_not_keep_the_box_from_starting(
    directory: str, eager: None, closed: bool, tmp_path: Path
) -> None:
    """Phones must register and call for help whatever the disk does; only changes are refused."""
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100").result(WAIT)
    killed = str(tmp_path / "killed")
    if closed:
        store.close()
    shutil.copytree(directory, killed)
    store.close()
    KeyRing.open(Place(killed), keys.box_key()).add({"ab" * 16: b"k" * 32})
    recorder = Recorder(Path(killed))
    recorder.failure = apsw.FullError
    store = Store.open(recorder.place, FileKey(killed))
    assert store.extensions.list() == (made,)
    with pytest.raises(Unwritable):
        store.extensions.add("101").result(WAIT)
    recorder.failure = None
    store.extensions.add("101").result(WAIT)
    store.close()
    assert len(KeyRing.open(Place(killed), keys.box_key()).keys) == 2
