"""The database file: durable, erasing what is freed, no side files in the clear."""

import os

from firmware.store import Store


def test_the_settings_that_promises_rest_on(store: Store, directory: str) -> None:
    database = store._engine._database
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "locking_mode": "exclusive",
        "temp_store": 2,
        "cipher": "chacha20",
    }
    assert {name: database.pragma(name) for name in wanted} == wanted
    assert "store.db-shm" not in os.listdir(directory)


def test_pages_cannot_be_told_from_noise(store: Store, directory: str) -> None:
    for number in range(100, 110):
        store.extensions.add(str(number), "A" * 64)
    store.flush().result(30)
    store.close()
    with open(os.path.join(directory, "store.db"), "rb") as file:
        data = file.read()
    assert b"SQLite format 3" not in data
    assert b"CREATE TABLE" not in data
    body = data[4096:]
    assert max(body.count(bytes([value])) for value in range(256)) < 2 * len(body) / 256
