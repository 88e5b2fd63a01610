"""The box key: made once, private, never replaced, one derived key per use."""

import os
from pathlib import Path

import pytest

from firmware.store import FileKey, WrongKey
from firmware.store.keys import subkey


def test_a_key_is_made_once_and_only_its_owner_can_read_it(directory: str) -> None:
    keys = FileKey.create(directory)
    assert len(keys.box_key()) == 32
    assert FileKey.create(directory).box_key() == keys.box_key() == FileKey(directory).box_key()
    assert os.stat(keys.path).st_mode & 0o777 == 0o600
    assert os.stat(directory).st_mode & 0o777 == 0o700
    assert os.listdir(directory) == ["box.key"]


def test_two_boxes_have_two_keys(tmp_path: Path) -> None:
    assert FileKey.create(str(tmp_path / "a")).box_key() != FileKey.create(str(tmp_path / "b")).box_key()


def test_no_new_key_is_made_for_an_old_store(directory: str) -> None:
    os.mkdir(directory)
    Path(directory, "store.db").touch()
    with pytest.raises(WrongKey, match="is missing"):
        FileKey.create(directory)
    assert os.listdir(directory) == ["store.db"]


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"ab" * 31, b"\xff" * 64, b"ab" * 33])
def test_a_file_that_is_no_key_is_told(directory: str, content: bytes) -> None:
    keys = FileKey.create(directory)
    Path(keys.path).write_bytes(content)
    with pytest.raises(WrongKey, match="does not hold a box key") as caught:
        keys.box_key()
    assert "\n" not in str(caught.value)


def test_each_purpose_has_its_own_key() -> None:
    keys = {subkey(bytes([box]) * 32, purpose) for box in (1, 2) for purpose in ("pages", "blind index", "x")}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
    assert subkey(b"k" * 32, "pages") == subkey(b"k" * 32, "pages")
