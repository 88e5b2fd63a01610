"""DDL, insert, select and erase code, generated from the schema; columns are sealed and opened on the way.

A row is a dict by column name. A sealed cell is bound to its table, column and row, so that cells cannot be
moved.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from firmware.labels import Erase, Storage
from firmware.store.ring import seal, unseal
from firmware.store.schema import Column, Table

if TYPE_CHECKING:
    import apsw

Value = str | bytes | int | float | None
Row = dict[str, Value]

_SQL_TYPES = {"id": "BLOB", "text": "TEXT", "bytes": "BLOB", "int": "INTEGER", "real": "REAL"}


def ddl(table: Table) -> list[str]:
    """Return the statements that make a table and its indexes; STRICT, and without rowids that count up."""
    parts = [f"{column.name} {_sql_type(column)} {column.sql}".rstrip() for column in table.columns]
    parts += table.sql
    statements = [f'CREATE TABLE "{table.name}" ({", ".join(parts)}) STRICT, WITHOUT ROWID']
    statements += [
        f'CREATE INDEX "{table.name}_{"_".join(index)}" ON "{table.name}" ({", ".join(index)})'
        for index in table.indexes
    ]
    return statements


def _sql_type(column: Column) -> str:
    return "BLOB" if column.storage is not Storage.PLAIN else _SQL_TYPES[column.type]


def blind(key: bytes, table: str, column: str, tenant: str, value: str) -> bytes:
    """Hash a value for exact look-ups: 16 bytes, different for every tenant, table and column."""
    message = f"{table}\0{column}\0{tenant}\0{value}".encode("utf-8", "surrogatepass")
    return blake2b(message, key=key, digest_size=16).digest()


class Rows:
    """Reads and writes one table. `blind_key` serves its blind indexes."""

    def __init__(self, table: Table, blind_key: bytes) -> None:
        self.table = table
        self._blind_key = blind_key
        names = ", ".join(column.name for column in table.columns)
        marks = ", ".join("?" * len(table.columns))
        self._insert = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names of the schema
        self._select = f'SELECT {names} FROM "{table.name}" '  # noqa: S608
        self._key = table.columns[0].name
        self._names = tuple(column.name for column in table.columns)
        self._ids = tuple(column.name for column in table.columns if column.type == "id")
        self._sealed = tuple(column for column in table.columns if column.storage is Storage.ENCRYPTED)
        sets = ", ".join(f"{column.name} = ?" for column in table.columns)
        self._update = f'UPDATE "{table.name}" SET {sets} WHERE {self._key} = ?'  # noqa: S608

    def insert(self, database: "apsw.Connection", keys: Mapping[str, bytes], row: Row) -> None:
        """Insert a row; blind columns are made here. Raises KeyError where the person has no key."""
        database.execute(self._insert, self._bind(keys, row))

    def update(self, database: "apsw.Connection", keys: Mapping[str, bytes], row: Row) -> None:
        """Write a whole row anew, found by its primary key."""
        cells = self._bind(keys, row)
        database.execute(self._update, (*cells, cells[0]))

    def select(
        self, database: "apsw.Connection", keys: Mapping[str, bytes], where: str = "", *values: Value
    ) -> Iterator[Row]:
        """Read rows; `where` is SQL of our own. A cell whose key was destroyed reads as None.

        Raises ValueError where a cell was altered or moved.
        """
        for cells in database.execute(self._select + where, values):
            yield self._unbind(keys, cells)

    def erase(self, database: "apsw.Connection", person: str) -> None:
        """Do what the schema says is due in this table when a person is erased."""
        for statement, count in erase_sql(self.table):
            database.execute(statement, (bytes.fromhex(person),) * count)

    def _bind(self, keys: Mapping[str, bytes], row: Row) -> list[Value]:
        cells: list[Value] = []
        for column in self.table.columns:
            if column.storage is Storage.BLIND:
                tenant, value = row["tenant"], row[column.of]
                cells.append(blind(self._blind_key, self.table.name, column.name, str(tenant), str(value)))
                continue
            value = row[column.name]
            if column.storage is Storage.ENCRYPTED and value is not None:
                cells.append(
                    seal(keys[str(row[self.table.person])], _to_bytes(value), self._context(column, row))
                )
            elif column.type == "id" and value is not None:
                cells.append(bytes.fromhex(str(value)))
            else:
                cells.append(value)
        return cells

    def _unbind(self, keys: Mapping[str, bytes], cells: tuple[Value, ...]) -> Row:
        row: Row = dict(zip(self._names, cells, strict=True))
        for name in self._ids:
            cell = row[name]
            if isinstance(cell, bytes):
                row[name] = cell.hex()
        key = keys.get(str(row[self.table.person])) if self._sealed else None
        for column in self._sealed:
            cell = row[column.name]
            if isinstance(cell, bytes):
                row[column.name] = None
                if key is not None:
                    row[column.name] = _from_bytes(column, unseal(key, cell, self._context(column, row)))
        return row

    def _context(self, column: Column, row: Row) -> bytes:
        return f"{self.table.name}\0{column.name}\0{row[self._key]!s}".encode()


def erase_sql(table: Table) -> list[tuple[str, int]]:
    """Return statements, and how often each binds the person's id, made from the erase rules.

    SHRED columns are emptied in every row that mentions the person in a DETACH column, also where it is not
    their key that sealed them.
    """
    if not table.person:
        return []
    if table.column(table.person).erase is Erase.DELETE_ROW:
        return [(f'DELETE FROM "{table.name}" WHERE {table.person} = ?', 1)]  # noqa: S608
    name = f'UPDATE "{table.name}" SET '  # noqa: S608 - the schema's own names
    mentions = [column.name for column in table.columns if column.erase is Erase.DETACH]
    shredded = [f"{column.name} = NULL" for column in table.columns if column.erase is Erase.SHRED]
    statements = [(f"{name}{each} = NULL WHERE {each} = ?", 1) for each in mentions]
    if shredded:
        where = " OR ".join(f"{each} = ?" for each in mentions)
        statements.insert(0, (f"{name}{', '.join(shredded)} WHERE {where}", len(mentions)))
    return statements


def _to_bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def _from_bytes(column: Column, data: bytes) -> Value:
    if column.type == "bytes":
        return data
    text = data.decode("utf-8", "surrogatepass")
    return int(text) if column.type == "int" else float(text) if column.type == "real" else text
