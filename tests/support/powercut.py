"""Power cuts for the store: record writes and syncs below SQLite, build what a disk could hold after a cut.

All that was synced is there. Of what was not, a random subset of 512-byte sectors is, in whatever order; an
unsynced truncation or deletion happened or not; a file being replaced is the old or the new one. The
recorder lies under the cipher, so an image is what would be read back from the card.
"""

import os
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from firmware.store.place import Place

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written at an offset; data of None: truncated there."""

    name: str
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Sync:
    """A file is durable up to here."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A file was deleted, durable or not."""

    name: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A file gets a new content under its name; `done` tells that it is durable."""

    name: str
    data: bytes
    done: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the workload wants remembered at this point, such as an acknowledged change."""

    what: tuple[str, ...]


Event = Write | Sync | Delete | Swap | Mark


class Recorder:
    """The log of everything below one directory, and the images made from it. `place` goes into the store."""

    _count = 0

    def __init__(self, directory: Path) -> None:
        self.events: list[Event] = []
        self.failure: type[apsw.Error] | None = None
        """Raised instead of writing, while set."""
        self.forgetful = False
        """Whether replaced files are never durable: a control that must be noticed."""
        self.before = (
            {file.name: file.read_bytes() for file in directory.iterdir()} if directory.exists() else {}
        )
        self._lock = threading.Lock()
        Recorder._count += 1
        name = f"recorder{Recorder._count}"
        self._vfs = _Vfs(name, self)
        self.place: Place = _Place(str(directory), f"multipleciphers-{name}", self)

    def note(self, event: Event) -> None:
        """Append to the log."""
        with self._lock:
            self.events.append(event)

    def mark(self, *what: str) -> None:
        """Note something for the checks."""
        self.note(Mark(what))

    def marks(self, cut: int) -> list[tuple[str, ...]]:
        """Return what was marked before a cut."""
        return [event.what for event in self.events[:cut] if isinstance(event, Mark)]

    def image(self, cut: int, choice: random.Random, directory: Path) -> None:
        """Write what the disk could hold when the power fails after `cut` events."""
        disk = {name: _File(data) for name, data in self.before.items()}
        for event in self.events[:cut]:
            if not isinstance(event, Mark):
                disk.setdefault(event.name, _File(None)).apply(event, forgetful=self.forgetful)
        directory.mkdir(mode=0o700)
        for name, file in disk.items():
            content = file.settle(choice)
            if content is not None:
                (directory / name).write_bytes(content)


@dataclass(slots=True)
class _File:
    """One file: what is durable, and what is not yet."""

    durable: bytes | None
    pending: list[Event] = field(default_factory=list)

    def apply(self, event: Event, *, forgetful: bool) -> None:
        if isinstance(event, Sync) or (isinstance(event, Swap) and event.done and not forgetful):
            if isinstance(event, Swap):
                self.durable = event.data
            else:
                for each in self.pending:
                    self.durable = _apply(self.durable, each)
                self.durable = self.durable or b""
            self.pending.clear()
        elif not (isinstance(event, Swap) and event.done):
            self.pending.append(event)

    def settle(self, choice: random.Random) -> bytes | None:
        """Return one of the contents the file could have."""
        content = self.durable
        share = choice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for event in self.pending:
            for piece in _sectors(event):
                if choice.random() < share:
                    content = _apply(content, piece)
        return content


def _sectors(event: Event) -> list[Event]:
    if not isinstance(event, Write) or event.data is None:
        return [event]
    pieces: list[Event] = []
    at = 0
    while at < len(event.data):
        end = at + SECTOR - (event.offset + at) % SECTOR
        pieces.append(Write(event.name, event.offset + at, event.data[at:end]))
        at = end
    return pieces


def _apply(content: bytes | None, event: Event) -> bytes | None:
    if isinstance(event, Delete):
        return None
    if isinstance(event, Swap):
        return event.data
    if isinstance(event, Write):
        old = content or b""
        if event.data is None:
            return old[: event.offset].ljust(event.offset, b"\0")
        old = old.ljust(event.offset, b"\0")
        return old[: event.offset] + event.data + old[event.offset + len(event.data) :]
    return content


class _Place(Place):
    """A state directory whose small files are recorded too."""

    def __init__(self, directory: str, vfs: str, recorder: Recorder) -> None:
        super().__init__(directory)
        self.vfs = vfs
        self._recorder = recorder

    def replace(self, name: str, data: bytes, *, wipe: bool = False) -> None:
        if self._recorder.failure is not None:
            raise OSError(28, "no space")
        self._recorder.note(Swap(name, data, done=False))
        super().replace(name, data, wipe=wipe)

    def rename(self, old: str, new: str) -> None:
        data = Path(self.path(old)).read_bytes()
        if old != new + ".new" or new.endswith(".db"):
            self._recorder.note(Swap(new, data, done=False))
        super().rename(old, new)
        self._recorder.note(Swap(new, data, done=True))


class _VfsFile(apsw.VFSFile):
    def __init__(
        self, name: str, path: "str | apsw.URIFilename", flags: list[int], recorder: Recorder
    ) -> None:
        self._name = name
        self._recorder = recorder
        super().__init__("unix", path, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._recorder.failure is not None:
            raise self._recorder.failure("the medium fails, as the test asked")
        super().xWrite(data, offset)
        self._recorder.note(Write(self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        super().xTruncate(size)
        self._recorder.note(Write(self._name, size, None))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        super().xSync(flags)
        self._recorder.note(Sync(self._name))


class _Vfs(apsw.VFS):
    def __init__(self, name: str, recorder: Recorder) -> None:
        self._recorder = recorder
        super().__init__(name, "unix")

    def xOpen(self, name: "str | apsw.URIFilename | None", flags: list[int]) -> _VfsFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        return _VfsFile(os.path.basename(path), name or "", flags, self._recorder)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        super().xDelete(filename, syncdir)
        self._recorder.note(Delete(os.path.basename(filename)))
