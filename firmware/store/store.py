"""The encrypted store of one tenant: opening, closing, and what the rest of the box asks of it."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from firmware.clock import Clock
from firmware.journal import AuditEntry, Journal
from firmware.store.checks import new_secret
from firmware.store.database import (
    check_version,
    damaged,
    is_damage,
    is_denied,
    is_medium_failure,
    open_database,
    opened,
    prepare_writing,
)
from firmware.store.engine import Engine, Job, Session
from firmware.store.errors import Damaged, Invalid, StoreExists, Unwritable
from firmware.store.extensions import Extensions
from firmware.store.groups import Groups
from firmware.store.keys import KeyProvider, subkey
from firmware.store.migrations import create_tables
from firmware.store.model import CallRecord, Extension, StoredBinding, new_id
from firmware.store.people import add as add_people
from firmware.store.place import DATABASE, Place
from firmware.store.quality import CallQuality, read_quality
from firmware.store.records import MAX_BINDINGS, read_audit, read_bindings, read_calls
from firmware.store.ring import GENERATION, KEYRING, KeyRing
from firmware.store.rows import Rows
from firmware.store.schema import TABLES
from firmware.store.writer import Writer

_FRESH = DATABASE + ".new"
_BESIDE = (_FRESH + "-wal", _FRESH + "-journal", _FRESH + ".new")
MAX_SECRET_BYTES = 64 << 10
MAX_CALLS = 10_000


class Bindings:
    """Registrations kept over a restart."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._found: list[StoredBinding] = []

    def found(self, stored: list[StoredBinding], wall: float) -> None:
        """Take what lay in the store at opening; the rows of lapsed registrations are deleted."""
        self._found = [binding for binding in stored if binding.expires > wall]
        for extension in {binding.extension for binding in stored if binding.expires <= wall}:
            self.save(extension, [binding for binding in self._found if binding.extension == extension])

    def load(self) -> list[StoredBinding]:
        """Return those that had not lapsed when the store was opened; a second call returns none."""
        found, self._found = self._found, []
        return found

    def save(self, extension: str, current: list[StoredBinding]) -> None:
        """Replace an extension's registrations; an empty list forgets them. At most 16 each are kept.

        Cheap: written with the next commit that happens anyway, or within 5 s.
        """
        self._writer.bindings(extension, tuple(current[:MAX_BINDINGS]))


AUTHORITY: Final = "tls.ca"
"""The name of the secret that is none: the certificate of the box's own authority, PEM."""


class Secrets:
    """Named keys and certificates of the box itself."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def get(self, name: str) -> bytes | None:
        """Return one, or None."""
        return self._engine.state.secrets.get(name)

    def put(self, name: str, data: bytes) -> Future[None]:
        """Set one, in place of what it was; at most 64 KiB."""
        if not 0 < len(name) <= 64 or len(data) > MAX_SECRET_BYTES:
            raise Invalid("a secret needs a name of 1 to 64 characters and has at most 64 KiB", field="name")

        def run(session: Session) -> None:
            session.database.execute('DELETE FROM "secret" WHERE name = ?', (name,))
            session.rows["secret"].insert(session.database, session.keys, {"name": name, "data": data})
            state = session.state
            session.state = replace(state, secrets={**state.secrets, name: data})

        future: Future[None] = self._writer.job(run)
        return future


class Store:
    """An open store. `extensions`, `groups`, `bindings`, `secrets` are its rooms.

    Reads of these come from memory. Writes return futures, done once durable; records are handed over
    without one. Any thread may call; the disk is touched by the writer thread alone.
    """

    def __init__(
        self,
        place: Place,
        box_key: bytes,
        engine: Engine,
        journal: Journal | None,
    ) -> None:
        self.tenant = engine.tenant
        """Id of the tenant."""
        self.domain = engine.domain
        """Its SIP domain, also the digest realm."""
        self._place = place
        self._box_key = box_key
        self._engine = engine
        self._writer = Writer(engine, journal)
        self._closed = False
        self.extensions = Extensions(engine, self._writer, self.tenant)
        self.groups = Groups(engine, self._writer, self.tenant)
        self.bindings = Bindings(self._writer)
        self.secrets = Secrets(engine, self._writer)

    @staticmethod
    def exists(directory: str | Place) -> bool:
        """Tell whether a store was completely made in this directory."""
        return _place(directory).exists()

    @classmethod
    def create(
        cls,
        directory: str | Place,
        keys: KeyProvider,
        clock: Clock | None = None,
        journal: Journal | None = None,
        *,
        domain: str = "branchline.invalid",
        people: Sequence[tuple[str, str]] = (),
    ) -> "Store":
        """Make a store with one tenant and extensions for `people` (number, name), and open it.

        All of it or nothing: what an interrupted creation left is made anew, what a failed one made is
        removed. Raises StoreExists, ForeignOwner, StoreLocked, WrongKey, Damaged (there are keys of people
        whose store is missing), Unwritable.
        """
        place = _place(directory)
        if place.exists():
            raise StoreExists(
                f"there is a store in {place.directory} already: open it or name another directory"
            )
        box_key = keys.box_key()
        place.make()
        place.claim()
        try:
            _check_unmade(place)
            try:
                _build(place, box_key, domain, people)
            except BaseException:
                _unmake(place)
                raise
        except Exception as error:
            if is_medium_failure(error):
                raise Unwritable(f"no store can be made in {place.directory}: is the medium full?") from None
            raise
        finally:
            place.release()
        return cls.open(place, keys, clock, journal)

    @classmethod
    def open(
        cls,
        directory: str | Place,
        keys: KeyProvider,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> "Store":
        """Open the store of a state directory; it is ours until `close`.

        Raises NoStore, ForeignOwner, StoreLocked, WrongKey, Damaged, TooNew, each with one line for a
        person, and then nothing was written. A key that is in the ring for nobody (a power cut while an
        extension was added or removed) is destroyed.
        """
        place = _place(directory)
        place.claim()
        try:
            if not place.exists():
                raise place.no_store()
            box_key = keys.box_key()
            engine, registered = _load(place, box_key, journal)
        except BaseException:
            place.release()
            raise
        store = cls(place, box_key, engine, journal)
        store.bindings.found(registered, (clock or Clock()).wall())
        return store

    @property
    def alarm(self) -> str | None:
        """Why nothing can be written at present, one line for a person; None while all is well."""
        return self._writer.alarm

    @property
    def refused(self) -> int:
        """Records lost to a full queue since the start."""
        return self._writer.refused

    @property
    def commits(self) -> int:
        """Commits since opening."""
        return self._engine.commits

    def subkey(self, purpose: str) -> bytes:
        """Derive 32 bytes from the box key, the same after every start, for one named purpose."""
        return subkey(self._box_key, f"use: {purpose}")

    def record_call(self, call: CallRecord) -> None:
        """Hand over a finished call: a deque append. Digits dialled are kept for internal calls only."""
        self._writer.note(call)

    def record_quality(self, found: CallQuality) -> None:
        """Hand over how good one direction of a call was, after its record: a deque append."""
        self._writer.note(found)

    def record_audit(self, entry: AuditEntry) -> None:
        """Hand over an audit entry: a deque append."""
        self._writer.note(entry)

    def calls(
        self, limit: int = 100, *, before: float | None = None, extension: str | None = None
    ) -> Future[Sequence[CallRecord]]:
        """Read calls, newest first, decrypted, for those who may see them; `before` is wall time.

        All that was handed over before is among them; no flush is needed.
        """
        limit = max(0, min(limit, MAX_CALLS))
        future: Future[Sequence[CallRecord]] = self._writer.job(
            lambda session: read_calls(session, limit, before, extension), writes=False
        )
        return future

    def qualities(self, limit: int = 100) -> Future[Sequence[CallQuality]]:
        """Read how good calls were, newest first, one entry for each direction."""
        limit = max(0, min(limit, 2 * MAX_CALLS))
        future: Future[Sequence[CallQuality]] = self._writer.job(
            lambda session: read_quality(session, limit), writes=False
        )
        return future

    def audit_entries(self, limit: int = 100) -> Future[Sequence[AuditEntry]]:
        """Read audit entries, newest first."""
        limit = max(0, min(limit, MAX_CALLS))
        future: Future[Sequence[AuditEntry]] = self._writer.job(
            lambda session: read_audit(session, limit), writes=False
        )
        return future

    def flush(self) -> Future[None]:
        """Return a future that is done once everything handed over before is durable."""
        return self._writer.flush()

    def close(self) -> None:
        """Write what is waiting, fold the log into the database, let others have the directory. Blocks."""
        if not self._closed:
            self._closed = True
            self._writer.close()
            self._engine.close()
            self._place.release()


def _place(directory: str | Place) -> Place:
    return Place(directory) if isinstance(directory, str) else directory


def _rows(box_key: bytes) -> dict[str, Rows]:
    blind_key = subkey(box_key, "blind index")
    return {table.name: Rows(table, blind_key) for table in TABLES}


def _load(place: Place, box_key: bytes, journal: Journal | None) -> tuple[Engine, list[StoredBinding]]:
    """Open ring and database and read what is kept in memory; nothing is written unless all of it is good."""
    ring = KeyRing.open(place, box_key)
    logged = place.has_log()
    database = None
    try:
        database = open_database(place, subkey(box_key, "pages"))
        version = check_version(database, place)
        engine = Engine(database, ring, _rows(box_key), journal)
        prepare_writing(database, version)
        engine.load()
        registered = read_bindings(engine.session())
    except Exception as error:
        if database is not None:
            if not logged:  # then closing has nothing to fold, and removes the empty file SQLite made
                opened(database)
            database.close()
        if not logged:
            place.drop_empty_log()
        if is_denied(error):
            raise Unwritable(
                f"{place.directory} cannot be written: the directory and its files must be this user's, "
                "on a medium that is neither full nor read-only"
            ) from None
        if is_damage(error):
            raise damaged(place) from None
        raise
    opened(database)
    engine.settle()
    return engine, registered


def _check_unmade(place: Place) -> None:
    """Refuse to make a ring over one whose store is missing: without its keys that store is lost for good.

    A creation that was cut short has left the database under its first name.
    """
    if place.has(KEYRING) and not place.has(_FRESH):
        raise Damaged(f"{place.path(DATABASE)} is missing: restore the backup of this box")


def _unmake(place: Place) -> None:
    if not place.exists():
        for name in (KEYRING, GENERATION):
            place.remove(name)
            place.remove(name + ".new")
        for name in (*_BESIDE, _FRESH):
            place.remove(name)


def _build(place: Place, box_key: bytes, domain: str, people: Sequence[tuple[str, str]]) -> None:
    """Make the ring, and the database under another name; its renaming is what makes the store exist."""
    for name in _BESIDE:
        place.remove(name)
    place.replace(_FRESH, b"")  # SQLite would make one that all can read
    ring = KeyRing.create(place, box_key)
    database = open_database(place, subkey(box_key, "pages"), _FRESH)
    try:
        database.pragma("synchronous", "full")
        create_tables(database)
        rows = _rows(box_key)
        rows["tenant"].insert(database, {}, {"id": new_id(), "domain": domain})
        engine = Engine(database, ring, rows, None)
        engine.load()
        first = Job(lambda session: add_people(session, _extensions(engine.tenant, people)), writes=True)
        engine.commit([first], (), {})
        if first.error is not None:
            raise first.error
        database.pragma("journal_mode", "wal")
        opened(database)
    finally:
        database.close()
    place.rename(_FRESH, DATABASE)


def _extensions(tenant: str, people: Sequence[tuple[str, str]]) -> list[Extension]:
    return [Extension(new_id(), tenant, number, name, new_secret()) for number, name in people]
