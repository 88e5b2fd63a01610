"""The ring of per-person keys: a small file of its own, so that erasing a person is destroying one key.

Two files. `generation` holds the generation key, sealed under the box key; `keyring` holds the person keys,
sealed under the generation key. Adding a person rewrites `keyring` alone. Erasing one makes a new
generation key: `generation` first names both keys, `keyring` is rewritten under the new one, then
`generation` forgets the old. A copy of an old `keyring` (in a backup) is thereby closed for good. A cut at
any step is finished at the next open. Flash memory may still hold old sectors: only a key store that
forgets (TPM, ATECC608) makes this more than a best effort.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from firmware.store.errors import Damaged, WrongKey
from firmware.store.keys import KEY_BYTES, subkey
from firmware.store.place import Place

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

GENERATION = "generation"
KEYRING = "keyring"

_MAGIC_GENERATION = b"BLGENKY1"
_MAGIC_RING = b"BLRING01"
_NONCE = 12
_ID = 16


@cache
def _aead() -> tuple[type["ChaCha20Poly1305"], type[Exception]]:
    """Return the cipher class and what it raises; imported late, they cost 7 MB."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305, InvalidTag


def seal(key: bytes, data: bytes, context: bytes) -> bytes:
    """Encrypt and authenticate (RFC 8439): random nonce, ciphertext, tag. `context` is needed to open it."""
    nonce = os.urandom(_NONCE)
    return nonce + _aead()[0](key).encrypt(nonce, data, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Undo `seal`; raises ValueError where key, data or context are not those it was made with."""
    cipher, wrong = _aead()
    try:
        return cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
    except (wrong, ValueError):  # ValueError: too short to hold a nonce
        raise ValueError("sealed data does not open") from None


class KeyRing:
    """Person keys by person id (32 hex digits), and their two files."""

    def __init__(self, place: Place, box_key: bytes) -> None:
        self.keys: dict[str, bytes] = {}
        self._place = place
        self._wrap = subkey(box_key, "generation key")
        self._check = subkey(box_key, "key check")[:16]
        self._generations: list[tuple[int, bytes]] = []
        self._unsaved = False
        self._under = 0
        """The generation the ring was last written, or begun to be written, under."""

    @classmethod
    def create(cls, place: Place, box_key: bytes) -> "KeyRing":
        """Make the files of an empty ring."""
        self = cls(place, box_key)
        self._generations = [(1, os.urandom(KEY_BYTES))]
        self._unsaved = True
        self._write_ring()
        return self

    @classmethod
    def open(cls, place: Place, box_key: bytes) -> "KeyRing":
        """Read the files, writing nothing; raises WrongKey or Damaged."""
        self = cls(place, box_key)
        data = place.read(GENERATION)
        head = len(_MAGIC_GENERATION)
        if data[:head] != _MAGIC_GENERATION:
            raise Damaged(
                f"{place.path(GENERATION)} is not a generation key file: restore the backup of this box"
            )
        if data[head : head + 16] != self._check:
            raise WrongKey(
                f"the box key does not fit the store in {place.directory}: bring the key it was made with"
            )
        try:
            plain = unseal(self._wrap, data[head + 16 :], data[: head + 16])
        except ValueError:
            raise Damaged(f"{place.path(GENERATION)} was altered: restore the backup of this box") from None
        step = 4 + KEY_BYTES
        entries = [plain[at : at + step] for at in range(0, len(plain), step)]
        self._generations = [(int.from_bytes(entry[:4], "big"), entry[4:]) for entry in entries]
        self._read_ring()
        return self

    def settle(self, people: set[str]) -> int:
        """Finish what a power cut left: drop keys that belong to no row; return how many."""
        orphans = [person for person in self.keys if person not in people]
        if orphans or len(self._generations) > 1:
            self.destroy(orphans)
        return len(orphans)

    def add(self, fresh: dict[str, bytes]) -> None:
        """Add keys; durable on return, before any row sealed with them is committed."""
        self.keys = {**self.keys, **fresh}
        try:
            self._write_ring()
        except OSError:
            self.keys = {person: key for person, key in self.keys.items() if person not in fresh}
            raise

    def destroy(self, people: list[str]) -> None:
        """Destroy keys under a new generation key; durable on return. After an OSError: do it again."""
        self.keys = {person: key for person, key in self.keys.items() if person not in people}
        if self._generations[-1][0] == self._under:
            self._generations.append((self._under + 1, os.urandom(KEY_BYTES)))
        self._unsaved = True
        self._write_ring(wipe=True)
        self._generations = self._generations[-1:]
        self._write_generations()

    def _write_generations(self) -> None:
        self._unsaved = True
        head = _MAGIC_GENERATION + self._check
        plain = b"".join(number.to_bytes(4, "big") + key for number, key in self._generations)
        self._place.replace(GENERATION, head + seal(self._wrap, plain, head), wipe=True)
        self._unsaved = False

    def _write_ring(self, *, wipe: bool = False) -> None:
        if self._unsaved:  # the key it is sealed with is durable first
            self._write_generations()
        number, key = self._generations[-1]
        self._under = number
        head = _MAGIC_RING + number.to_bytes(4, "big")
        plain = b"".join(bytes.fromhex(person) + each for person, each in self.keys.items())
        self._place.replace(KEYRING, head + seal(key, plain, head), wipe=wipe)

    def _read_ring(self) -> None:
        data = self._place.read(KEYRING)
        head = len(_MAGIC_RING) + 4
        number = int.from_bytes(data[head - 4 : head], "big")
        key = dict(self._generations).get(number)
        self._under = number
        try:
            if data[: head - 4] != _MAGIC_RING or key is None:
                raise ValueError("not this box's ring")
            plain = unseal(key, data[head:], data[:head])
        except ValueError:
            raise Damaged(
                f"{self._place.path(KEYRING)} was altered or is an old one: restore the backup of this box"
            ) from None
        step = _ID + KEY_BYTES
        for at in range(0, len(plain), step):
            self.keys[plain[at : at + _ID].hex()] = plain[at + _ID : at + step]
