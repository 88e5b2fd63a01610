"""The journal: events go into a bounded queue at once; a thread formats them in batches.

A sink that blocks (a stopped terminal, a slow card) blocks that thread only: events beyond the bound are
counted and reported as one line when there is room again.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from firmware.clock import Clock
from firmware.journal.event import REFUSED, Fault, Field, Kind, Level, Word, show

LIMIT = 4096
BATCH_SECONDS = 0.2
AUDIT_LIMIT = 256

LOST = Kind("journal.lost", "{count} events lost: they came faster than they could be written", Level.WARNING)
SINK_FAILED = Kind("journal.sink", "a log sink failed and is no longer used: {fault}", Level.ALARM)
AUDIT_LOST = Kind("journal.audit.lost", "{count} audit entries lost before the store was open", Level.ALARM)

_Pending = tuple[float, Kind, dict[str, Field]]


@dataclass(frozen=True, slots=True)
class Line:
    """One event ready for a sink: unix seconds, level, dotted name, readable text, all masked."""

    wall: float
    level: Level
    name: str
    text: str


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, lines: list[Line]) -> None:
        """Take one batch, oldest first; may block; an exception takes the sink out of use."""

    def close(self) -> None:
        """Release what it holds."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who (by role) did what, how it ended, and to whom: `subject` is a random id or empty."""

    role: str
    operation: str
    outcome: str
    subject: str
    wall: float
    now: float
    boot: str


class Journal:
    """Log and audit entry point of the box. Every method may be called from any thread."""

    def __init__(self, clock: Clock, *, level: Level = Level.INFO, limit: int = LIMIT) -> None:
        self.lost = 0
        """Events dropped since the start because the queue was full."""
        self.refused = 0
        """Fields that were not of a loggable type, since the start."""
        self._clock = clock
        self._now = clock.now
        self.level = level
        """Events below this are not kept; may be set at any time."""
        self._limit = limit
        self._queue: deque[_Pending] = deque()
        self._reported = 0
        self._sinks: list[Sink] = []
        self._asleep = False
        self._wake = threading.Event()
        self._draining = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._audit_sink: Callable[[AuditEntry], None] | None = None
        self._audit_waiting: deque[AuditEntry] = deque()
        self._audit_lost = 0

    def log(self, kind: Kind, /, **fields: Field) -> None:
        """Note an event with the fields its text names. Never blocks, never raises."""
        if kind.level < self.level:
            return
        queue = self._queue
        if len(queue) >= self._limit:
            self.lost += 1
            return
        queue.append((self._now(), kind, fields))
        # The thread sets _asleep before it looks at the queue for the last time, so no event is left behind.
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def fault(self, kind: Kind, error: BaseException, /, **fields: Field) -> None:
        """Note an exception by type and place; `kind` names it {fault} in its text."""
        self.log(kind, fault=Fault(error), **fields)

    def audit(
        self, role: Enum | Word, operation: Enum | Word, outcome: Enum | Word, subject: str = ""
    ) -> None:
        """Enter an act of administration.

        `subject` is the random id (32 hex digits) of whom it concerns, or empty; never a name or a number.
        """
        clock = self._clock
        entry = AuditEntry(
            _word(role), _word(operation), _word(outcome), subject, clock.wall(), clock.now(), clock.boot()
        )
        if self._audit_sink is not None:
            self._audit_sink(entry)
        elif len(self._audit_waiting) < AUDIT_LIMIT:
            self._audit_waiting.append(entry)
        else:
            self._audit_lost += 1

    def audit_to(self, sink: Callable[[AuditEntry], None]) -> None:
        """Plug in the store; entries made before are handed over first."""
        while self._audit_waiting:
            sink(self._audit_waiting.popleft())
        self._audit_sink = sink
        if self._audit_lost:
            self.log(AUDIT_LOST, count=self._audit_lost)
            self._audit_lost = 0

    def add_sink(self, sink: Sink) -> None:
        """Send lines to one more place from now on."""
        with self._draining:
            self._sinks.append(sink)

    def start(self) -> None:
        """Start the thread that writes batches; until then, and after `close`, `flush` does it."""
        if self._thread is None:
            self._stopping = False
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Format and write what is waiting, on the caller's thread; blocks as the sinks do."""
        with self._draining:
            self._drain()

    def close(self) -> None:
        """Write what is left and close the sinks. Waits for a blocked sink at most a second."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping = True
            self._wake.set()
            thread.join(1.0)
        if self._draining.acquire(timeout=1.0):
            try:
                self._drain()
                for sink in self._sinks:
                    sink.close()
                self._sinks.clear()
            finally:
                self._draining.release()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            self._asleep = True
            if not self._queue:
                self._wake.wait()
            self._asleep = False
            if not self._stopping:
                self._wake.clear()
                self._wake.wait(BATCH_SECONDS)  # gather; close() ends it early
            self.flush()

    def _drain(self) -> None:
        queue = self._queue
        ahead = self._clock.wall() - self._now()
        for _ in range(1 + self._limit // 256):
            lines: list[Line] = []
            while queue and len(lines) < 256:
                then, kind, fields = queue.popleft()
                lines.append(Line(then + ahead, kind.level, kind.name, self._text(kind, fields)))
            if self.lost > self._reported:
                count, self._reported = self.lost - self._reported, self.lost
                lines.append(Line(self._clock.wall(), LOST.level, LOST.name, LOST.text.format(count=count)))
            if not lines:
                return
            self._hand_out(lines)

    def _hand_out(self, lines: list[Line]) -> None:
        for sink in list(self._sinks):
            try:
                sink.write(lines)
            except Exception as error:  # noqa: BLE001 - whatever a sink does wrong, the box and the other sinks go on
                self._sinks.remove(sink)
                self.fault(SINK_FAILED, error)

    def _text(self, kind: Kind, fields: dict[str, Field]) -> str:
        shown = {name: show(value) for name, value in fields.items()}
        self.refused += sum(text == REFUSED for text in shown.values())
        try:
            return kind.text.format_map(shown)
        except (KeyError, ValueError, IndexError):
            self.refused += 1
            return (
                kind.name
            )  # a text that names a field the event does not have: the name still tells what happened


def _word(word: Enum | Word) -> str:
    return str(word.value) if isinstance(word, Enum) else str(word)
