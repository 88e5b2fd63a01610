"""Opening the database file: cipher, durability and memory settings, and how its failures are named."""

from typing import TYPE_CHECKING

from firmware.store.errors import Damaged, TooNew
from firmware.store.migrations import STEPS, Step, migrate
from firmware.store.place import DATABASE, Place
from firmware.store.schema import VERSION

if TYPE_CHECKING:
    import apsw

CHECKPOINT_PAGES = 256
"""The WAL is folded into the database once it holds this many pages of 4 KiB."""

CACHE_KIB = 1024


def open_database(place: Place, page_key: bytes, name: str = DATABASE) -> "apsw.Connection":
    """Open an existing file. Nothing is read or written yet: a wrong key shows at the first statement.

    ChaCha20-Poly1305 on every page (no AES instructions needed), raw 256-bit key. Exclusive locking keeps
    the index of the WAL in memory, so that there is no -shm file. Temporary data stays in memory: SQLite
    would put it on disk in the clear.
    """
    import apsw

    database = apsw.Connection(place.path(name), flags=apsw.SQLITE_OPEN_READWRITE, vfs=place.vfs)
    try:
        database.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        database.pragma("cipher", "chacha20")
        database.pragma("key", f"raw:{page_key.hex()}")
        database.pragma("locking_mode", "exclusive")
        database.pragma("temp_store", "memory")
        database.pragma("trusted_schema", 0)
        database.pragma("cache_size", -CACHE_KIB)
    except BaseException:
        database.close()
        raise
    return database


def check_version(database: "apsw.Connection", place: Place) -> int:
    """Return the schema version; raises TooNew for a later release's, Damaged where there is none."""
    version = int(database.pragma("user_version"))
    if version > VERSION:
        raise TooNew(
            f"the store in {place.directory} was written by a newer version (schema {version}, "
            f"known here: {VERSION}): start the newer version"
        )
    if version < 1:
        raise damaged(place)
    return version


def prepare_writing(database: "apsw.Connection", version: int, steps: dict[int, Step] = STEPS) -> None:
    """Turn on durability and erasure of freed space, and bring an older schema up to date."""
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "full")
    database.pragma("secure_delete", 1)
    database.pragma("foreign_keys", 1)
    database.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    database.pragma("journal_size_limit", CHECKPOINT_PAGES * 4096)
    migrate(database, version, VERSION, steps)


def opened(database: "apsw.Connection") -> None:
    """Let closing fold the WAL into the file and remove it; before this, closing writes nothing."""
    import apsw

    database.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)


def damaged(place: Place) -> Damaged:
    """Return the error for a database file that cannot be read with the right key."""
    return Damaged(f"{place.path(DATABASE)} is damaged or was altered: restore the backup of this box")


def is_damage(error: BaseException) -> bool:
    """Tell what a damaged file or ring raises while the store is loaded."""
    import apsw

    return isinstance(error, (apsw.Error, ValueError, KeyError))


def is_denied(error: BaseException) -> bool:
    """Tell what a file raises that may be sound and cannot be written, from damage."""
    import apsw

    failures = (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.FullError, OSError)
    return isinstance(error, failures)


def is_medium_failure(error: BaseException) -> bool:
    """Tell a failing or full medium (everything in the batch is lost) from a refused statement."""
    import apsw

    failures = (
        apsw.FullError,
        apsw.IOError,
        apsw.CorruptError,
        apsw.NotADBError,
        apsw.ReadOnlyError,
        apsw.CantOpenError,
        apsw.NoMemError,
        apsw.BusyError,
        apsw.LockedError,
    )
    # SQLite gives up the whole transaction when the medium is full; leaving its savepoint then fails as well.
    cause = error.__context__ if isinstance(error, apsw.SQLError) else None
    return isinstance(error, (*failures, OSError)) or (cause is not None and is_medium_failure(cause))
