"""The one thread that writes: a bounded queue, a commit at most every 0.2 s for all that came meanwhile.

Handing over a call record is appending to a deque; nobody on the signalling side ever waits for the disk.
When the medium fails, waiting jobs are refused, records are kept (up to the bound) and tried again.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from firmware.clock import Clock
from firmware.journal import Journal, Kind, Level
from firmware.store.engine import Engine, Job, Note, Session
from firmware.store.errors import QueueFull, Unwritable
from firmware.store.model import StoredBinding

COMMIT_SECONDS = 0.2
BINDINGS_SECONDS = 5.0
"""Registrations are worth a commit of their own only this often: phones come again by themselves."""
RETRY_SECONDS = 5.0
NOTES_LIMIT = 4096
JOBS_LIMIT = 256

FULL = Kind("store.full", "more records wait for the disk than fit: new ones are lost", Level.ALARM)
REFUSED = Kind("store.refused", "{count} records were lost while the disk did not keep up", Level.ALARM)
FAILED = Kind("store.failed", "the store cannot be written, records wait: {fault}", Level.ALARM)
RECOVERED = Kind("store.recovered", "the store can be written again", Level.WARNING)


_T = TypeVar("_T")


class Writer:
    """Queue and thread before an `Engine`."""

    def __init__(self, engine: Engine, journal: Journal | None) -> None:
        self.alarm: str | None = None
        """Why nothing can be written at present, one line for a person; None while all is well."""
        self.refused = 0
        """Records lost to a full queue since the start."""
        self._engine = engine
        self._journal = journal
        self._clock = Clock()  # the pace of a disk is real time, whatever clock the store's values come from
        self._notes: deque[Note] = deque()
        self._flight: list[Note] = []
        self._jobs: deque[Job] = deque()
        self._bindings: dict[str, tuple[StoredBinding, ...]] = {}
        self._bindings_due = 0.0
        self._bindings_lock = threading.Lock()
        self._next = 0.0
        self._retry = 0.0
        self._told_full = 0
        self._asleep = False
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def note(self, note: Note) -> None:
        """Take a record nobody waits for; beyond the bound it is refused, counted and journalled."""
        if len(self._notes) + len(self._flight) >= NOTES_LIMIT or self._closing:
            self._refuse()
            return
        self._notes.append(note)
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def job(self, run: Callable[[Session], Any], *, writes: bool = True) -> Future[Any]:
        """Queue work somebody waits for; raises QueueFull."""
        if len(self._jobs) >= JOBS_LIMIT or self._closing:
            raise QueueFull("the store has too much to do or is closing: try again later")
        job = Job(run, writes)
        self._jobs.append(job)
        self._nudge()
        return job.future

    def flush(self) -> Future[Any]:
        """Return a future that is done once all that was handed over before is durable, registrations too."""
        with self._bindings_lock:
            self._bindings_due = 0.0
        return self.job(lambda _session: None)

    def bindings(self, extension: str, current: tuple[StoredBinding, ...]) -> None:
        """Take the registrations of an extension; a later call before the next commit replaces them."""
        with self._bindings_lock:
            if not self._bindings:
                self._bindings_due = self._clock.now() + BINDINGS_SECONDS
            self._bindings[extension] = current
        self._nudge()

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _nudge(self) -> None:
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def _refuse(self) -> None:
        self.refused += 1
        if self._told_full == 0 and self._journal is not None:
            self._journal.log(FULL)
        self._told_full += 1

    def _due(self) -> float | None:
        """Return when there is something to write next, in the seconds of the clock."""
        times = []
        if self._jobs:
            times.append(self._next)
        if self._notes or self._flight:
            times.append(max(self._next, self._retry))
        if self._bindings:
            times.append(max(self._bindings_due, self._retry))
        if self._engine.unfinished:
            times.append(self._retry)
        return min(times, default=None)

    def _run(self) -> None:
        while not self._closing:
            busy = bool(self._jobs or self._notes)
            # While gathering, further records need not wake the thread. When idle they must; _asleep is set
            # before the last look at the queues, so that none is left behind.
            self._asleep = not busy
            due = self._due()
            wait = None if due is None else due - self._clock.now()
            if wait is None or wait > 0:
                self._wake.wait(wait)
                self._wake.clear()
                self._asleep = False
            else:
                self._asleep = False
                self._batch()
        while (self._jobs or self._notes or self._flight or self._bindings) and self._batch():
            pass
        for job in _take(self._jobs, JOBS_LIMIT):
            job.error = Unwritable("the store was closed before this could be written")
            if job.future.set_running_or_notify_cancel():
                job.settle()

    def _batch(self) -> bool:
        """Write one batch; return whether it worked."""
        jobs = [job for job in _take(self._jobs, JOBS_LIMIT) if job.future.set_running_or_notify_cancel()]
        self._flight += _take(self._notes, NOTES_LIMIT)
        with self._bindings_lock:
            bindings, self._bindings = self._bindings, {}
        engine = self._engine
        before = engine.commits
        try:
            if self._flight or bindings or any(job.writes for job in jobs):
                engine.commit(jobs, self._flight, bindings)
            if engine.unfinished:
                engine.destroy_keys([])
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a disk can do
            committed = engine.commits > before
            self._fail(error)
        else:
            committed = True
            self._recover()
        if committed:
            self._flight.clear()
        else:
            self._put_back(bindings)
        self._next = self._clock.now() + COMMIT_SECONDS
        engine.read(jobs)
        for job in jobs:
            concerned = job.writes and (job.erases or not committed)
            job.settle(Unwritable(self.alarm) if self.alarm and concerned else None)
        return self.alarm is None

    def _put_back(self, bindings: dict[str, tuple[StoredBinding, ...]]) -> None:
        with self._bindings_lock:
            self._bindings = {**bindings, **self._bindings}

    def _fail(self, error: Exception) -> None:
        self._retry = self._clock.now() + RETRY_SECONDS
        if self.alarm is None and self._journal is not None:
            self._journal.fault(FAILED, error)
        self.alarm = f"the store cannot be written ({type(error).__name__}): free or replace the medium"

    def _recover(self) -> None:
        journal = self._journal
        if self.alarm is not None and journal is not None:
            journal.log(RECOVERED)
        if self._told_full and journal is not None:
            journal.log(REFUSED, count=self._told_full)
        self.alarm = None
        self._told_full = 0


def _take(queue: "deque[_T]", limit: int) -> "list[_T]":
    return [queue.popleft() for _ in range(min(len(queue), limit))]
