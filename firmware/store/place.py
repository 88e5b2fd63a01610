"""The state directory: ours alone, held by one process at a time, files replaced whole or not at all."""

import fcntl
import os
import stat
from contextlib import suppress

from firmware.store.errors import Damaged, ForeignOwner, NoStore, StoreError, StoreLocked, Unwritable
from firmware.store.keys import sync_directory

LOCK = "lock"
DATABASE = "store.db"

_held: set[tuple[int, int]] = set()
"""Lock files this process holds: POSIX locks do not exclude the process that has them."""


class Place:
    """A state directory. `vfs` names the SQLite file layer (tests put a recording one there)."""

    vfs = "multipleciphers-unix"

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._lock = -1
        self._lock_id = (0, 0)

    def path(self, name: str) -> str:
        """Return the path of one file in the directory."""
        return os.path.join(self.directory, name)

    def exists(self) -> bool:
        """Tell whether a store was completely made here."""
        return self.has(DATABASE)

    def has_log(self) -> bool:
        """Tell whether there is a write-ahead log: the store was not closed in order."""
        return self.has(DATABASE + "-wal")

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return os.path.exists(self.path(name))

    def make(self) -> None:
        """Make the directory, for its owner only."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)

    def claim(self) -> None:
        """Check whose directory it is and take the lock; raises NoStore, ForeignOwner or StoreLocked.

        Nothing is written before all that is settled.
        """
        try:
            found = os.stat(self.directory)
        except FileNotFoundError:
            raise self.no_store() from None
        except OSError as error:
            raise StoreError(f"{self.directory} cannot be entered: {error.strerror}") from None
        if not stat.S_ISDIR(found.st_mode):
            raise NoStore(f"{self.directory} is not a directory: name the state directory of the box")
        if found.st_uid != os.geteuid():
            raise ForeignOwner(
                f"{self.directory} belongs to another user (uid {found.st_uid}, this is {os.geteuid()}): "
                "run as that user or name another directory"
            )
        self._take_lock()
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.chmod(self.directory, 0o700)

    def no_store(self) -> NoStore:
        """Return the error for a directory without a store."""
        return NoStore(f"there is no store in {self.directory}: start the box once to make one")

    def release(self) -> None:
        """Let others have the directory."""
        if self._lock >= 0:
            _held.discard(self._lock_id)
            os.close(self._lock)
            self._lock = -1

    def read(self, name: str) -> bytes:
        """Read one small file whole; raises Damaged where it is missing."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read(16 << 20)
        except FileNotFoundError:
            raise Damaged(f"{self.path(name)} is missing: restore the backup of this box") from None
        except OSError as error:
            raise StoreError(f"{self.path(name)} cannot be read: {error.strerror}") from None

    def replace(self, name: str, data: bytes, *, wipe: bool = False) -> None:
        """Put a new content in place of a file: after a power cut it holds the old or the new one, whole.

        Durable on return. `wipe` overwrites the old content where it lay; flash may keep a copy all the same.
        """
        path, fresh = self.path(name), self.path(name + ".new")
        old = -1
        if wipe and self.has(name):
            old = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                _write_all(fd, data)
            finally:
                os.close(fd)
            self.rename(name + ".new", name)
            if old >= 0:
                _write_all(old, bytes(os.fstat(old).st_size))
        finally:
            if old >= 0:
                os.close(old)

    def rename(self, old: str, new: str) -> None:
        """Rename a file within the directory; durable on return."""
        os.replace(self.path(old), self.path(new))
        sync_directory(self.directory)

    def remove(self, name: str) -> None:
        """Remove a file that may be there."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(name))

    def drop_empty_log(self) -> None:
        """Remove the write-ahead log SQLite began for a file that turned out to be damaged."""
        path = self.path(DATABASE + "-wal")
        if os.path.exists(path) and not os.path.getsize(path):
            os.unlink(path)

    def _take_lock(self) -> None:
        path = self.path(LOCK)
        # Looked up before opening: closing a second descriptor would drop the lock this process holds.
        if os.path.exists(path) and _identity(os.stat(path)) in _held:
            raise StoreLocked(f"the store in {self.directory} is already open in this process")
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise Unwritable(
                f"{path} cannot be opened ({error.strerror}): it must be this user's to write"
            ) from None
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise StoreLocked(
                f"the store in {self.directory} is in use by another process: stop the box or ask it"
            ) from None
        self._lock, self._lock_id = fd, _identity(os.fstat(fd))
        _held.add(self._lock_id)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.fsync(fd)
