"""The state directory: ours, locked, its files replaced whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.store import ForeignOwner, NoStore, StoreError, StoreLocked, Unwritable
from firmware.store.place import Place

HOLD = """
import sys
from firmware.store.place import Place
Place(sys.argv[1]).claim()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(directory: str) -> Place:
    place = Place(directory)
    place.make()
    return place


def test_another_process_is_kept_out_until_it_is_released(place: Place) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, place.directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreLocked, match="in use by another process"):
            place.claim()
        other.communicate()
    place.claim()
    place.release()


def test_a_second_claim_in_one_process_is_refused_and_does_not_break_the_first(place: Place) -> None:
    place.claim()
    with pytest.raises(StoreLocked, match="in this process"):
        Place(place.directory).claim()
    program = "import sys; from firmware.store.place import Place; Place(sys.argv[1]).claim()"
    done = subprocess.run([sys.executable, "-c", program, place.directory], capture_output=True, check=False)
    assert b"StoreLocked" in done.stderr
    place.release()
    Place(place.directory).claim()


def test_a_directory_of_another_user_is_refused_untouched(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(ForeignOwner, match=f"uid {mine}, this is {mine + 1}"):
        place.claim()
    assert os.listdir(place.directory) == []


def test_what_is_no_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoStore, match="there is no store"):
        Place(str(tmp_path / "none")).claim()
    (tmp_path / "file").touch()
    with pytest.raises(NoStore, match="is not a directory"):
        Place(str(tmp_path / "file")).claim()
    with pytest.raises(StoreError, match="cannot be entered"):
        Place(str(tmp_path / "file" / "below")).claim()


def test_a_lock_that_cannot_be_opened_is_told(place: Place) -> None:
    os.symlink("elsewhere", place.path("lock"))
    with pytest.raises(Unwritable, match="cannot be opened"):
        place.claim()


def test_a_directory_open_to_others_is_closed(place: Place) -> None:
    os.chmod(place.directory, 0o750)  # noqa: S103 - that is what is to be repaired
    place.claim()
    assert os.stat(place.directory).st_mode & 0o777 == 0o700
    place.release()


@pytest.mark.parametrize("wipe", [False, True])
def test_a_file_is_replaced_whole(place: Place, wipe: bool) -> None:
    place.replace("keyring", b"old" * 100, wipe=wipe)
    before = os.open(place.path("keyring"), os.O_RDONLY)
    place.replace("keyring", b"new", wipe=wipe)
    assert place.read("keyring") == b"new"
    assert os.pread(before, 1000, 0) == (bytes(300) if wipe else b"old" * 100)
    os.close(before)
    assert os.listdir(place.directory) == ["keyring"]
    assert os.stat(place.path("keyring")).st_mode & 0o777 == 0o600


def test_a_failed_replacement_leaves_the_old_content(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.replace("keyring", b"old")

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="no space"):
        place.replace("keyring", b"new", wipe=True)
    monkeypatch.undo()
    assert place.read("keyring") == b"old"
