"""Bringing an older store up to date: one transaction, or nothing.

A new store is made from the schema as it is now. For an older one, `STEPS[n]` leads from version n to n +
1; a test compares the outcome with a fresh store.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from firmware.store.rows import ddl
from firmware.store.schema import TABLES, VERSION

if TYPE_CHECKING:
    import apsw

Step = Callable[["apsw.Connection"], None]

STEPS: dict[int, Step] = {}


def create_tables(database: "apsw.Connection") -> None:
    """Make all tables in an empty database, in one transaction."""
    with database:
        for table in TABLES:
            for statement in ddl(table):
                database.execute(statement)
        database.pragma("user_version", VERSION)


def migrate(database: "apsw.Connection", version: int, target: int, steps: dict[int, Step]) -> None:
    """Take the steps from `version` to `target`; an exception in any of them leaves the store as it was."""
    if version == target:
        return
    with database:
        for at in range(version, target):
            steps[at](database)
        database.pragma("user_version", target)
