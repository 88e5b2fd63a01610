"""What the writer thread does with database, key ring and the state in memory: one batch, one commit."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from firmware.journal import AuditEntry, Journal, Kind, Level
from firmware.store.database import is_medium_failure
from firmware.store.groups import read_groups
from firmware.store.model import CallRecord, Extension, Group, StoredBinding
from firmware.store.people import read_extensions
from firmware.store.quality import CallQuality, insert_quality
from firmware.store.records import insert_audit, insert_bindings, insert_call
from firmware.store.ring import KeyRing
from firmware.store.rows import Rows

if TYPE_CHECKING:
    import apsw

SWEPT = Kind("store.swept", "{count} keys of people who are gone destroyed at start", Level.WARNING)
DROPPED = Kind("store.dropped", "a record could not be stored and is lost: {fault}", Level.ALARM)

Note = CallRecord | AuditEntry | CallQuality


@dataclass(frozen=True, slots=True)
class State:
    """What is durable and kept in memory; replaced whole after a commit, so nobody sees half a change."""

    extensions: dict[str, Extension] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """Extension ids by number and alias."""
    secrets: dict[str, bytes] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def with_extensions(self, extensions: dict[str, Extension]) -> "State":
        """Return this state with other extensions."""
        numbers = {}
        for extension in extensions.values():
            for number in (extension.number, *extension.aliases):
                numbers[number] = extension.id
        return replace(self, extensions=extensions, numbers=numbers)


@dataclass(slots=True)
class Session:
    """One transaction: jobs read and replace `state` and `keys`; both take effect with the commit."""

    database: "apsw.Connection"
    rows: dict[str, Rows]
    tenant: str
    state: State
    keys: dict[str, bytes]
    sequence: int
    """Of the newest audit entry."""


@dataclass(slots=True)
class Job:
    """Work somebody waits for: `run` is called in the transaction, `future` is done once it is durable."""

    run: Callable[[Session], Any]
    writes: bool
    erases: bool = False
    """It took a person's rows away, so it is done only when the key is destroyed too."""
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None

    def settle(self, failure: BaseException | None = None) -> None:
        """Tell who waits; the job's own error comes before the batch's."""
        error = self.error or failure
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)


class Engine:
    """Owns the connection. Once open, the writer thread alone calls it; anybody may read `state`."""

    def __init__(
        self, database: "apsw.Connection", ring: KeyRing, rows: dict[str, Rows], journal: Journal | None
    ) -> None:
        self.state = State()
        self.tenant = ""
        self.domain = ""
        self.sequence = 0
        self.commits = 0
        self.unfinished = False
        """A key is to be destroyed whose rows are gone already."""
        self._database = database
        self._ring = ring
        self._rows = rows
        self._journal = journal

    def commit(
        self, jobs: list[Job], notes: Iterable[Note], bindings: dict[str, tuple[StoredBinding, ...]]
    ) -> None:
        """Write everything in one transaction. Raises only if the medium fails: nothing is written then.

        New person keys are durable before the rows sealed with them; keys are destroyed after the rows are
        gone.
        """
        session = self.session()
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            for note in notes:
                self._write_note(session, note)
            for extension, current in bindings.items():
                self._guard(insert_bindings, session, extension, current)
            for job in jobs:
                if job.writes:
                    self._attempt(session, job)
            fresh = {person: key for person, key in session.keys.items() if person not in self._ring.keys}
            if fresh:
                self._ring.add(fresh)
            database.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self.commits += 1
        self.state, self.sequence = session.state, session.sequence
        if len(session.keys) < len(self._ring.keys):
            self.unfinished = True
            self.destroy_keys([person for person in self._ring.keys if person not in session.keys])

    def load(self) -> None:
        """Read the state; raises ValueError or apsw.Error where the file or the ring is damaged."""
        session = self.session()
        database = self._database
        tenant = next(self._rows["tenant"].select(database, {}), None)
        if tenant is None:
            raise ValueError("a store without a tenant")
        self.tenant, self.domain = str(tenant["id"]), str(tenant["domain"])
        secrets = {str(row["name"]): row["data"] for row in self._rows["secret"].select(database, {})}
        state = State(secrets={name: data for name, data in secrets.items() if isinstance(data, bytes)})
        state = state.with_extensions(read_extensions(session))
        self.state = replace(state, groups=read_groups(session))
        self.sequence = next(iter(database.execute('SELECT coalesce(max(sequence), 0) FROM "audit"')))[0]

    def settle(self) -> None:
        """Finish what a power cut left of adding or erasing people; a full disk only puts it off."""
        try:
            swept = self._ring.settle(set(self.state.extensions))
        except OSError:
            self.unfinished = True
            return
        if swept and self._journal is not None:
            self._journal.log(SWEPT, count=swept)

    def destroy_keys(self, people: list[str]) -> None:
        """Fold the WAL, which still holds the rows, and destroy the keys; until done, `unfinished` is set."""
        self._database.pragma("wal_checkpoint", "truncate")
        self._ring.destroy(people)
        self.unfinished = False

    def read(self, jobs: list[Job]) -> None:
        """Do the jobs that only read."""
        session = self.session()
        for job in jobs:
            if not job.writes:
                try:
                    job.result = job.run(session)
                except Exception as error:  # noqa: BLE001 - it goes to whoever asked
                    job.error = error

    def close(self) -> None:
        """Fold the WAL into the database and close it."""
        try:
            self._database.pragma("wal_checkpoint", "truncate")
        except Exception as error:  # the WAL stays and is read at the next open
            if not is_medium_failure(error):
                raise
        finally:
            self._database.close()

    def session(self) -> Session:
        """Return the present state for reading, or as the start of a transaction."""
        return Session(self._database, self._rows, self.tenant, self.state, self._ring.keys, self.sequence)

    def _attempt(self, session: Session, job: Job) -> None:
        state, keys = session.state, session.keys
        session.keys = dict(keys)
        try:
            with self._database:  # a savepoint: this job alone is undone
                job.result = job.run(session)
            job.erases = not keys.keys() <= session.keys.keys()
        except Exception as error:
            session.state, session.keys = state, keys
            if is_medium_failure(error):
                raise
            job.error = error

    def _write_note(self, session: Session, note: Note) -> None:
        if isinstance(note, CallRecord):
            self._guard(insert_call, session, note)
        elif isinstance(note, CallQuality):
            self._guard(insert_quality, session, note)
        else:
            self._guard(insert_audit, session, note)

    def _guard(self, write: Callable[..., None], *arguments: object) -> None:
        """Do one write nobody waits for; what the database refuses is lost alone, and loudly."""
        try:
            with self._database:
                write(*arguments)
        except Exception as error:
            if is_medium_failure(error):
                raise
            if self._journal is not None:
                self._journal.fault(DROPPED, error)

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            try:
                self._database.execute("ROLLBACK")
            except Exception as error:  # SQLite rolls back by itself after some failures
                if not is_medium_failure(error) and self._database.in_transaction:
                    raise
