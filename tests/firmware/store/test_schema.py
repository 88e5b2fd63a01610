"""The schema is the database: no column without labels, no label without a column, all with a ground."""

import apsw
import pytest

from firmware.labels import Basis, Category, Erase, Retention, Storage
from firmware.store import Store
from firmware.store.rows import ddl
from firmware.store.schema import TABLES, Column, Table


def columns_of(database: apsw.Connection) -> dict[str, set[str]]:
    """Return tables and columns as the database itself knows them."""
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        table: {row[1] for row in database.execute(f'PRAGMA table_info("{table}")')}
        for table in tables
        if not table.startswith("sqlite_stat")
    }


def undeclared(database: apsw.Connection) -> set[str]:
    """Return what the database holds and the schema does not declare, or the other way round."""
    real = {f"{table}.{column}" for table, columns in columns_of(database).items() for column in columns}
    declared = {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}
    return real ^ declared


def test_the_real_database_holds_exactly_what_is_declared(store: Store) -> None:
    assert undeclared(store._engine._database) == set()


@pytest.mark.parametrize(
    "statement",
    ['ALTER TABLE "call" ADD COLUMN callers_age INTEGER', "CREATE TABLE gossip (id BLOB)"],
)
def test_an_undeclared_column_is_found(store: Store, statement: str) -> None:
    store._engine._database.execute(statement)
    assert undeclared(store._engine._database)


EVERY = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in TABLES
    for column in table.columns
]


@pytest.mark.parametrize(("table", "column"), EVERY)
def test_every_column_has_a_ground_and_an_end(table: Table, column: Column) -> None:
    personal = column.category not in (Category.OPERATIONS, Category.AUTHENTICATION)
    assert isinstance(column.use.basis, Basis)
    if personal:
        assert column.use.basis is not Basis.NOT_PERSONAL
    if column.use.retention.days is not None:
        assert table.since in {each.name for each in table.columns}
    if personal and column.use.retention is not Retention.AUDIT:
        assert table.person
    if column.use.basis is Basis.NOT_PERSONAL:
        assert not personal


@pytest.mark.parametrize(("table", "column"), EVERY)
def test_what_names_a_person_is_sealed(table: Table, column: Column) -> None:
    if column.category in (
        Category.NAME,
        Category.PHONE_NUMBER,
        Category.CREDENTIALS,
        Category.IP_ADDRESS,
        Category.DEVICE_ID,
        Category.DIALLED_NUMBER,
    ):
        assert column.storage in (Storage.ENCRYPTED, Storage.BLIND)
        assert column.erase in (Erase.DELETE_ROW, Erase.SHRED)
        assert table.person


def test_rows_have_random_keys_that_do_not_count_up(store: Store) -> None:
    for table in TABLES:
        first = table.columns[0]
        assert "PRIMARY KEY" in first.sql
        assert first.type == "id" or table.name == "secret"
        assert ddl(table)[0].endswith("STRICT, WITHOUT ROWID")
