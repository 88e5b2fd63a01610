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


def forwards_and_groups(database: "apsw.Connection") -> None:
    """From 1 to 2: what becomes of calls to somebody, and ring groups.

    Written out, not drawn from the schema: this step stays what it is when the schema goes on.
    """
    for statement in (
        'CREATE TABLE "diversion" (id BLOB PRIMARY KEY NOT NULL, '
        "extension BLOB NOT NULL REFERENCES extension(id) ON DELETE CASCADE, occasion TEXT NOT NULL, "
        "target BLOB, seconds INTEGER, UNIQUE (extension, occasion)) STRICT, WITHOUT ROWID",
        'CREATE TABLE "ring_group" (id BLOB PRIMARY KEY NOT NULL, '
        "tenant BLOB NOT NULL REFERENCES tenant(id), digits TEXT NOT NULL, name TEXT NOT NULL, "
        "strategy TEXT NOT NULL, seconds INTEGER NOT NULL, UNIQUE (tenant, digits)) STRICT, WITHOUT ROWID",
        'CREATE TABLE "group_member" (id BLOB PRIMARY KEY NOT NULL, '
        "ring_group BLOB NOT NULL REFERENCES ring_group(id) ON DELETE CASCADE, "
        "extension BLOB NOT NULL REFERENCES extension(id) ON DELETE CASCADE, position INTEGER NOT NULL, "
        "UNIQUE (ring_group, position)) STRICT, WITHOUT ROWID",
        'CREATE INDEX "group_member_extension" ON "group_member" (extension)',
    ):
        database.execute(statement)


def outward(database: "apsw.Connection") -> None:
    """From 2 to 3: what somebody may do outside, and which line carried a call."""
    database.execute(
        'CREATE TABLE "outward" (extension BLOB PRIMARY KEY NOT NULL REFERENCES extension(id) '
        "ON DELETE CASCADE, reach TEXT, countries TEXT, at_once INTEGER, hourly INTEGER, "
        "shown BLOB NOT NULL, help_number BLOB NOT NULL, location BLOB NOT NULL) STRICT, WITHOUT ROWID"
    )
    database.execute('ALTER TABLE "call" ADD COLUMN line TEXT')


def private_and_mailbox(database: "apsw.Connection") -> None:
    """From 3 to 4: who stays private, and how many messages wait for whom."""
    database.execute('ALTER TABLE "extension" ADD COLUMN private INTEGER NOT NULL DEFAULT 0')
    database.execute(
        'CREATE TABLE "mailbox" (extension BLOB PRIMARY KEY NOT NULL REFERENCES extension(id) '
        "ON DELETE CASCADE, new INTEGER NOT NULL, old INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )


def digest(database: "apsw.Connection") -> None:
    """From 4 to 5: which digest algorithms are accepted from whom."""
    database.execute('ALTER TABLE "extension" ADD COLUMN digest TEXT')


def path(database: "apsw.Connection") -> None:
    """From 5 to 6: the proxies on the way to a phone."""
    database.execute('ALTER TABLE "binding" ADD COLUMN path BLOB')


def quality(database: "apsw.Connection") -> None:
    """From 6 to 7: how good calls were."""
    database.execute(
        'CREATE TABLE "quality" (id BLOB PRIMARY KEY NOT NULL, call BLOB NOT NULL, speaker BLOB, '
        "side TEXT NOT NULL, ended REAL NOT NULL, codec TEXT NOT NULL, packets INTEGER NOT NULL, "
        "lost INTEGER NOT NULL, jitter REAL NOT NULL, round_trip REAL, mos REAL NOT NULL, "
        "quiet INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    database.execute('CREATE INDEX "quality_ended" ON "quality" (ended)')


STEPS: dict[int, Step] = {
    1: forwards_and_groups,
    2: outward,
    3: private_and_mailbox,
    4: digest,
    5: path,
    6: quality,
}


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
