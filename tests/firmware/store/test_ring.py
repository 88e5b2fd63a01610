"""The key ring: keys come back, destroyed ones nowhere, wrong and altered files are told apart."""

import os
from pathlib import Path

import pytest

from firmware.store import Damaged, WrongKey
from firmware.store.place import Place
from firmware.store.ring import GENERATION, KEYRING, KeyRing, seal, unseal

BOX = b"b" * 32
ANNE, BERT, CLEO = (f"{number:032x}" for number in (1, 2, 3))
KEYS = {ANNE: b"a" * 32, BERT: b"e" * 32}


@pytest.fixture
def place(directory: str) -> Place:
    place = Place(directory)
    place.make()
    return place


@pytest.fixture
def ring(place: Place) -> KeyRing:
    ring = KeyRing.create(place, BOX)
    ring.add(KEYS)
    return ring


def test_keys_come_back(place: Place, ring: KeyRing) -> None:
    assert KeyRing.open(place, BOX).keys == ring.keys == KEYS
    for name in (GENERATION, KEYRING):
        data = Path(place.path(name)).read_bytes()
        assert not any(key in data for key in (*KEYS.values(), BOX))
        assert not any(bytes.fromhex(person) in data for person in KEYS)


def test_a_destroyed_key_is_gone_also_from_an_older_copy_of_the_ring(place: Place, ring: KeyRing) -> None:
    backup = Path(place.path(KEYRING)).read_bytes()
    ring.destroy([BERT])
    assert KeyRing.open(place, BOX).keys == {ANNE: KEYS[ANNE]}
    Path(place.path(KEYRING)).write_bytes(backup)
    with pytest.raises(Damaged, match="is an old one"):
        KeyRing.open(place, BOX)


def test_adding_and_destroying_go_on_for_years(place: Place, ring: KeyRing) -> None:
    for turn in range(20):
        ring.add({CLEO: bytes([turn]) * 32})
        assert KeyRing.open(place, BOX).keys[CLEO] == bytes([turn]) * 32
        ring.destroy([CLEO])
        ring = KeyRing.open(place, BOX)
        assert ring.keys == KEYS
    assert os.path.getsize(place.path(GENERATION)) < 200


def test_the_wrong_box_key_is_told_from_damage(place: Place, ring: KeyRing) -> None:
    with pytest.raises(WrongKey, match="does not fit"):
        KeyRing.open(place, b"x" * 32)


@pytest.mark.parametrize("name", [GENERATION, KEYRING])
def test_every_altered_byte_and_every_cut_is_noticed(place: Place, ring: KeyRing, name: str) -> None:
    path = Path(place.path(name))
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises((Damaged, WrongKey)):
            KeyRing.open(place, BOX)
    for length in (0, 1, 7, 8, 12, 20, 24, 40, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises((Damaged, WrongKey)):
            KeyRing.open(place, BOX)
    path.unlink()
    with pytest.raises(Damaged, match="is missing"):
        KeyRing.open(place, BOX)


class Failing(Place):
    """A place whose disk fails at the given replacements, after or before the new file is there."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)
        self.failures: list[str] = []

    def replace(self, name: str, data: bytes, *, wipe: bool = False) -> None:
        what = self.failures.pop(0) if self.failures else ""
        if what == "before":
            raise OSError(28, "no space")
        super().replace(name, data, wipe=wipe)
        if what == "after":
            raise OSError(5, "input/output error")


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failing_disk_while_a_key_is_destroyed_loses_no_other_key(
    directory: str, step: int, when: str
) -> None:
    place = Failing(directory)
    place.make()
    ring = KeyRing.create(place, BOX)
    ring.add(KEYS)
    place.failures = [""] * step + [when]
    with pytest.raises(OSError):  # noqa: PT011 - either of the two above
        ring.destroy([BERT])
    halfway = KeyRing.open(place, BOX)
    assert halfway.keys[ANNE] == KEYS[ANNE]
    ring.add({CLEO: b"c" * 32})
    assert {ANNE, CLEO} <= set(KeyRing.open(place, BOX).keys)
    ring.destroy([])
    assert KeyRing.open(place, BOX).keys == {ANNE: KEYS[ANNE], CLEO: b"c" * 32}


@pytest.mark.parametrize("step", range(3))
def test_what_was_interrupted_is_finished_at_the_next_start(directory: str, step: int) -> None:
    place = Failing(directory)
    place.make()
    ring = KeyRing.create(place, BOX)
    ring.add(KEYS)
    place.failures = [""] * step + ["after"]
    with pytest.raises(OSError):  # noqa: PT011
        ring.destroy([BERT])
    ring = KeyRing.open(place, BOX)
    ring.settle({ANNE})
    assert ring.keys == KeyRing.open(place, BOX).keys == {ANNE: KEYS[ANNE]}
    assert len(ring._generations) == 1
    before = Path(place.path(KEYRING)).read_bytes()
    assert ring.settle({ANNE}) == 0
    assert Path(place.path(KEYRING)).read_bytes() == before


def test_a_failed_addition_is_taken_back(directory: str) -> None:
    place = Failing(directory)
    place.make()
    ring = KeyRing.create(place, BOX)
    place.failures = ["before"]
    with pytest.raises(OSError, match="no space"):
        ring.add(KEYS)
    assert ring.keys == {}


def test_sealed_data_opens_only_with_its_key_and_context() -> None:
    sealed = seal(BOX, b"data", b"context")
    assert unseal(BOX, sealed, b"context") == b"data"
    assert seal(BOX, b"data", b"context") != sealed
    for key, data, context in [
        (b"x" * 32, sealed, b"context"),
        (BOX, sealed, b"other"),
        (BOX, sealed[:-1], b"context"),
        (BOX, b"", b"context"),
    ]:
        with pytest.raises(ValueError, match="does not open"):
            unseal(key, data, context)
