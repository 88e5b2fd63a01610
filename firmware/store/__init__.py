"""The encrypted store: everything the box keeps about people, and its own keys."""

from firmware.store.errors import (
    Damaged,
    ForeignOwner,
    Invalid,
    NoStore,
    QueueFull,
    StoreError,
    StoreExists,
    StoreLocked,
    TooNew,
    Unwritable,
    WrongKey,
)
from firmware.store.keys import FileKey, KeyProvider
from firmware.store.model import (
    CallKind,
    CallRecord,
    Extension,
    Forward,
    Group,
    Occasion,
    StoredBinding,
    Strategy,
    new_id,
)
from firmware.store.store import Store

__all__ = [
    "CallKind",
    "CallRecord",
    "Damaged",
    "Extension",
    "FileKey",
    "ForeignOwner",
    "Forward",
    "Group",
    "Invalid",
    "KeyProvider",
    "NoStore",
    "Occasion",
    "QueueFull",
    "Store",
    "StoreError",
    "StoreExists",
    "StoreLocked",
    "StoredBinding",
    "Strategy",
    "TooNew",
    "Unwritable",
    "WrongKey",
    "new_id",
]
