"""Rows come back as they went in, sealed cells open nowhere else, erasing does what the labels say."""

from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.labels import Erase, Storage
from firmware.store.rows import Rows, blind, ddl, erase_sql
from firmware.store.schema import BINDING, CALL, EXTENSION, NUMBER, TABLES, Column, Table

KEYS = {f"{number:032x}": bytes([number]) * 32 for number in range(1, 4)}

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    "bytes": st.binary(max_size=200),
    "int": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False),
}


def row_of(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Make rows of a table: any value of its type, None where that is allowed."""

    def value(column: Column) -> st.SearchStrategy[Any]:
        if column.name == table.person:
            return st.sampled_from(sorted(KEYS))
        if column.storage is Storage.ENCRYPTED and column.type == "text":
            return st.text(max_size=200) if column.sql else st.none() | st.text(max_size=200)
        return _VALUES[column.type] if column.sql else st.none() | _VALUES[column.type]

    wanted = [column for column in table.columns if column.storage is not Storage.BLIND]
    return st.fixed_dictionaries({column.name: value(column) for column in wanted})


def database_with(table: Table) -> apsw.Connection:
    database = apsw.Connection(":memory:")
    for statement in ddl(table):
        database.execute(statement)
    return database


def extension(**values: str) -> dict[str, Any]:
    return {
        "id": f"{1:032x}",
        "tenant": "00" * 16,
        "name": "Ottilie",
        "secret": "s" * 16,
        "private": 0,
        "digest": None,
        **values,
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_come_back_as_they_went_in(table: Table, data: st.DataObject) -> None:
    row = data.draw(row_of(table))
    rows = Rows(table, b"b" * 32)
    database = database_with(table)
    rows.insert(database, KEYS, row)
    (found,) = rows.select(database, KEYS)
    for column in table.columns:
        if column.storage is not Storage.BLIND:
            assert found[column.name] == row[column.name]
    rows.update(database, KEYS, found)
    (found,) = rows.select(database, KEYS)
    assert {name: found[name] for name in row} == row


def test_sealed_cells_hide_their_text() -> None:
    rows, database = Rows(EXTENSION, b"b" * 32), database_with(EXTENSION)
    rows.insert(database, KEYS, extension())
    ((name, secret),) = database.execute("SELECT name, secret FROM extension")
    assert b"Ottilie" not in name + secret
    rows.insert(database, KEYS, extension(id=f"{2:032x}"))
    assert len({cell for (cell,) in database.execute("SELECT name FROM extension")}) == 2


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE extension SET name = secret",
        "UPDATE extension SET id = X'00000000000000000000000000000003'",
        "UPDATE extension SET name = zeroblob(40)",
        "UPDATE extension SET name = X''",
    ],
)
def test_a_cell_that_was_moved_or_altered_does_not_open(move: str) -> None:
    rows, database = Rows(EXTENSION, b"b" * 32), database_with(EXTENSION)
    rows.insert(database, KEYS, extension())
    database.execute(move)
    with pytest.raises(ValueError, match="does not open"):
        list(rows.select(database, KEYS))


def test_without_the_key_the_cell_is_gone_and_the_rest_stays() -> None:
    rows, database = Rows(EXTENSION, b"b" * 32), database_with(EXTENSION)
    rows.insert(database, KEYS, extension())
    (found,) = rows.select(database, {})
    assert (found["name"], found["secret"], found["id"]) == (None, None, f"{1:032x}")


def test_nothing_is_stored_for_a_person_without_a_key() -> None:
    rows, database = Rows(EXTENSION, b"b" * 32), database_with(EXTENSION)
    with pytest.raises(KeyError):
        rows.insert(database, {}, extension())
    assert list(database.execute("SELECT * FROM extension")) == []


def test_a_blind_index_finds_equal_values_of_one_tenant_only() -> None:
    one = blind(b"k" * 32, "number", "digits", "t1", "100")
    assert one == blind(b"k" * 32, "number", "digits", "t1", "100")
    others = {
        blind(b"k" * 32, "number", "digits", "t2", "100"),
        blind(b"k" * 32, "number", "digits", "t1", "101"),
        blind(b"k" * 32, "alias", "digits", "t1", "100"),
        blind(b"j" * 32, "number", "digits", "t1", "100"),
    }
    assert one not in others
    assert len(others) == 4


@pytest.mark.parametrize("table", [NUMBER, BINDING], ids=lambda table: table.name)
def test_rows_of_a_person_go_with_them(table: Table) -> None:
    ((statement, bound),) = erase_sql(table)
    assert statement.replace(table.name, "it") == 'DELETE FROM "it" WHERE extension = ?'
    assert bound == 1


@pytest.mark.parametrize("party", ["caller", "callee"])
def test_a_call_loses_the_person_and_the_digits_and_stays(party: str) -> None:
    rows, database = Rows(CALL, b"b" * 32), database_with(CALL)
    row: dict[str, Any] = {column.name: 1.0 for column in CALL.columns if column.type == "real"}
    row |= {column.name: f"{9:032x}" for column in CALL.columns if column.type == "id"}
    row |= {
        "kind": "internal",
        "cause": "normal",
        "ended_by": "caller",
        "dialled": "055501427731",
        "line": None,
    }
    row |= {"caller": f"{1:032x}", "callee": f"{2:032x}"}
    rows.insert(database, KEYS, row)
    rows.erase(database, f"{3:032x}")
    assert list(rows.select(database, KEYS)) == [row]
    rows.erase(database, row[party])
    assert list(rows.select(database, KEYS)) == [{**row, party: None, "dialled": None}]
    assert {column.name for column in CALL.columns if column.erase is not Erase.KEEP} == {
        "caller",
        "callee",
        "dialled",
    }
