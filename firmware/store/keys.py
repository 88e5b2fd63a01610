"""Where the box key comes from, and what is derived from it.

One 256-bit box key opens everything. Each use gets a key of its own, so that no two uses ever share one.
"""

import os
from contextlib import suppress
from hashlib import blake2b
from typing import Protocol

from firmware.store.errors import WrongKey

KEY_BYTES = 32
BOX_KEY = "box.key"


class KeyProvider(Protocol):
    """Where the box key is kept: a file, below; TPM, ATECC608, OTP and passphrase can fit the same."""

    def box_key(self) -> bytes:
        """Return the 32 bytes; raises WrongKey with one clear line where it cannot."""


class FileKey:
    """The development provider: the key in `box.key` (mode 0600) inside the state directory.

    It lies BESIDE THE DATA: whoever takes the card has both, so the encryption does not stop a thief.
    It is for a developer's machine and for tests of everything else.
    """

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, BOX_KEY)

    @classmethod
    def create(cls, directory: str) -> "FileKey":
        """Make a random key unless there is one; durable on return.

        A directory that has a store, or the keys of its people, but no box key is refused (WrongKey): a new
        one could not open it.
        """
        self = cls(directory)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if not os.path.exists(self.path):
            if any(os.path.exists(os.path.join(directory, name)) for name in ("store.db", "keyring")):
                self.box_key()
            fresh = f"{self.path}.{os.urandom(4).hex()}"
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                try:
                    os.write(fd, os.urandom(KEY_BYTES).hex().encode() + b"\n")
                    os.fsync(fd)
                finally:
                    os.close(fd)
                with suppress(FileExistsError):
                    os.link(fresh, self.path)  # unlike rename, never replaces a key that appeared meanwhile
            finally:
                os.unlink(fresh)
            sync_directory(directory)
        return self

    def box_key(self) -> bytes:
        """Read the key; raises WrongKey where the file is missing or holds no key."""
        try:
            with open(self.path, encoding="ascii") as file:
                key = bytes.fromhex(file.read(200))
        except FileNotFoundError:
            raise WrongKey(
                f"{self.path} is missing: put the box key back, the store cannot be read without"
            ) from None
        except (OSError, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise WrongKey(f"{self.path} does not hold a box key of 64 hex digits: put the right one back")
        return key


def subkey(box_key: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key of one purpose (keyed BLAKE2b, RFC 7693); one tells nothing of another."""
    return blake2b(purpose.encode(), key=box_key, digest_size=KEY_BYTES, person=b"branchline/1").digest()


def sync_directory(directory: str) -> None:
    """Make renames and new names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
