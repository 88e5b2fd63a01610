"""Schema versions: one transaction up, nothing half done, newer ones refused."""

from dataclasses import replace

import apsw
import pytest

from firmware.store import CallKind, CallRecord, FileKey, Occasion, Store, TooNew, migrations, new_id
from firmware.store.database import open_database
from firmware.store.keys import subkey
from firmware.store.migrations import STEPS, create_tables, migrate
from firmware.store.model import Messages, Outward, Reach, StoredBinding
from firmware.store.place import Place
from firmware.store.schema import VERSION


def first(database: apsw.Connection) -> None:
    database.execute("CREATE TABLE one (a)")


def second(database: apsw.Connection) -> None:
    database.execute("ALTER TABLE one ADD COLUMN b")


def broken(database: apsw.Connection) -> None:
    database.execute("CREATE TABLE half (a)")
    raise RuntimeError("the power of a bug")


def tables(database: apsw.Connection) -> list[str]:
    return [str(row[0]) for row in database.execute("SELECT sql FROM sqlite_schema")]


def test_steps_are_taken_in_order_and_the_version_with_them() -> None:
    database = apsw.Connection(":memory:")
    database.pragma("user_version", 1)
    migrate(database, 1, 3, {1: first, 2: second})
    assert database.pragma("user_version") == 3
    assert [row[1] for row in database.execute("PRAGMA table_info(one)")] == ["a", "b"]
    migrate(database, 3, 3, {})


def test_a_failing_step_leaves_the_store_as_it_was() -> None:
    database = apsw.Connection(":memory:")
    database.pragma("user_version", 1)
    with pytest.raises(RuntimeError):
        migrate(database, 1, 3, {1: first, 2: broken})
    assert database.pragma("user_version") == 1
    assert tables(database) == []


def test_there_is_a_step_from_every_earlier_version() -> None:
    assert sorted(STEPS) == list(range(1, VERSION))


def test_a_store_of_a_newer_version_is_refused_unchanged(directory: str, eager: None) -> None:
    keys = FileKey.create(directory)
    Store.create(directory, keys).close()
    place = Place(directory)
    database = open_database(place, subkey(keys.box_key(), "pages"))
    database.pragma("user_version", VERSION + 1)
    database.close()
    with open(place.path("store.db-wal"), "rb") as file:
        log = file.read()
    assert log
    with open(place.path("store.db"), "rb") as file:
        before = file.read()
    with pytest.raises(TooNew, match="newer version") as caught:
        Store.open(directory, keys)
    assert "\n" not in str(caught.value)
    with open(place.path("store.db"), "rb") as file:
        assert file.read() == before
    with open(place.path("store.db-wal"), "rb") as file:
        assert file.read() == log


def test_an_older_store_is_brought_up_to_date_at_opening(
    directory: str, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = FileKey.create(directory)
    Store.create(directory, keys).close()
    monkeypatch.setattr("firmware.store.database.VERSION", VERSION + 1)
    monkeypatch.setitem(migrations.STEPS, VERSION, first)
    store = Store.open(directory, keys)
    assert store._engine._database.pragma("user_version") == VERSION + 1
    store.close()


def test_a_fresh_store_has_the_present_version() -> None:
    database = apsw.Connection(":memory:")
    create_tables(database)
    assert database.pragma("user_version") == VERSION


def schema_of(database: apsw.Connection) -> set[tuple[str, str]]:
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {(str(name), str(sql)) for name, sql in rows}


def before_7(database: apsw.Connection) -> None:
    """Take away what version 7 brought."""
    database.execute('DROP TABLE "quality"')


def before_6(database: apsw.Connection) -> None:
    """Take away what versions 6 and 7 brought."""
    before_7(database)
    database.execute('ALTER TABLE "binding" DROP COLUMN path')


def before_5(database: apsw.Connection) -> None:
    """Take away what versions 5 to 7 brought."""
    before_6(database)
    database.execute('ALTER TABLE "extension" DROP COLUMN digest')


def before_4(database: apsw.Connection) -> None:
    """Take away what versions 4 to 7 brought."""
    before_5(database)
    database.execute('ALTER TABLE "extension" DROP COLUMN private')
    database.execute('DROP TABLE "mailbox"')


def test_a_store_of_version_1_keeps_its_people_and_becomes_as_a_fresh_one(
    directory: str, eager: None
) -> None:
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100", "Ottilie", aliases=["0301"]).result(30)
    store.close()
    fresh = apsw.Connection(":memory:")
    create_tables(fresh)
    database = open_database(Place(directory), subkey(keys.box_key(), "pages"))
    before_4(database)
    for table in ("group_member", "ring_group", "diversion", "outward"):
        database.execute(f'DROP TABLE "{table}"')
    database.execute('ALTER TABLE "call" DROP COLUMN line')
    database.pragma("user_version", 1)
    database.close()
    store = Store.open(directory, keys)
    try:
        assert schema_of(store._engine._database) == schema_of(fresh)
        assert store.extensions.list() == (made,)
        store.extensions.forward(made.id, Occasion.BUSY, "101").result(30)
        store.groups.add("600", "Sales", [made.id]).result(30)
    finally:
        store.close()
    store = Store.open(directory, keys)
    assert store.groups.find("600") is not None
    store.close()


def test_a_store_of_version_2_keeps_everything_and_learns_of_the_outside(directory: str, eager: None) -> None:
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100", "Ottilie", aliases=["0301"]).result(30)
    made = store.extensions.forward(made.id, Occasion.BUSY, "101").result(30)
    times = (1000.0, None, 1010.0, 1.0, None, 11.0)
    record = CallRecord(
        new_id(), "", CallKind.INTERNAL, made.id, None, "101", *times, "ab" * 16, "busy", "callee"
    )
    store.record_call(record)
    store.close()
    fresh = apsw.Connection(":memory:")
    create_tables(fresh)
    database = open_database(Place(directory), subkey(keys.box_key(), "pages"))
    before_4(database)
    database.execute('DROP TABLE "outward"')
    database.execute('ALTER TABLE "call" DROP COLUMN line')
    database.pragma("user_version", 2)
    database.close()
    store = Store.open(directory, keys)
    try:
        assert schema_of(store._engine._database) == schema_of(fresh)
        assert store.extensions.list() == (made,)
        (kept,) = store.calls().result(30)
        assert (kept.id, kept.dialled, kept.line) == (record.id, "101", None)
        wish = Outward(frozenset({Reach.INTERNAL}), location="2nd floor")
        changed = store.extensions.change(made.id, outward=wish).result(30)
        assert changed.outward == wish
    finally:
        store.close()


def test_a_store_of_version_3_keeps_everything_and_learns_of_privacy_and_messages(
    directory: str, eager: None
) -> None:
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100", "Ottilie", aliases=["0301"]).result(30)
    made = store.extensions.change(made.id, outward=Outward(location="2nd floor")).result(30)
    store.close()
    fresh = apsw.Connection(":memory:")
    create_tables(fresh)
    database = open_database(Place(directory), subkey(keys.box_key(), "pages"))
    before_4(database)
    database.pragma("user_version", 3)
    database.close()
    store = Store.open(directory, keys)
    try:
        assert schema_of(store._engine._database) == schema_of(fresh)
        assert store.extensions.list() == (made,)
        changed = store.extensions.change(made.id, private=True, messages=Messages(2, 1)).result(30)
        assert (changed.private, changed.messages) == (True, Messages(2, 1))
    finally:
        store.close()


def test_a_store_of_version_4_keeps_everything_and_learns_of_algorithms(directory: str, eager: None) -> None:
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100", "Ottilie", aliases=["0301"]).result(30)
    made = store.extensions.change(made.id, private=True, messages=Messages(2, 1)).result(30)
    store.close()
    fresh = apsw.Connection(":memory:")
    create_tables(fresh)
    database = open_database(Place(directory), subkey(keys.box_key(), "pages"))
    before_5(database)
    database.pragma("user_version", 4)
    database.close()
    store = Store.open(directory, keys)
    try:
        assert schema_of(store._engine._database) == schema_of(fresh)
        assert store.extensions.list() == (made,)
        changed = store.extensions.change(made.id, digest=["SHA-256", "SHA-512-256"]).result(30)
        assert changed.digest == ("SHA-256", "SHA-512-256")
    finally:
        store.close()
    store = Store.open(directory, keys)
    assert store.extensions.list() == (changed,)
    store.close()


def test_a_store_of_version_5_keeps_its_phones_and_learns_of_paths(directory: str, eager: None) -> None:
    keys = FileKey.create(directory)
    store = Store.create(directory, keys)
    made = store.extensions.add("100", "Ottilie").result(30)
    kept = StoredBinding(made.id, "<sip:100@h>", "UDP", ("h", 1), ("l", 1), "c", 1, 9e9)
    store.bindings.save(made.id, [kept])
    store.close()
    fresh = apsw.Connection(":memory:")
    create_tables(fresh)
    database = open_database(Place(directory), subkey(keys.box_key(), "pages"))
    before_6(database)
    database.pragma("user_version", 5)
    database.close()
    store = Store.open(directory, keys)
    try:
        assert schema_of(store._engine._database) == schema_of(fresh)
        assert store.bindings.load() == [kept]
        store.bindings.save(made.id, [replace(kept, path="<sip:edge.example;lr>")])
    finally:
        store.close()
    store = Store.open(directory, keys)
    assert store.bindings.load() == [replace(kept, path="<sip:edge.example;lr>")]
    store.close()
