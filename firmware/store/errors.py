"""Why the store could not be made, opened or written, one clear line each."""

from firmware.errors import OperatorError


class StoreError(OperatorError):
    """The store refuses; nothing was written."""

    key = "store"


class NoStore(StoreError):
    """There is no store in this directory."""

    key = "store.none"


class StoreExists(StoreError):
    """There is a store already; it is never overwritten."""

    key = "store.exists"


class WrongKey(StoreError):
    """The box key is missing or is not the one this store was made with."""

    key = "store.wrong-key"


class StoreLocked(StoreError):
    """Another process has the store open."""

    key = "store.locked"


class ForeignOwner(StoreError):
    """The state directory belongs to another user."""

    key = "store.foreign-owner"


class Damaged(StoreError):
    """A file of the store is missing, cut or altered."""

    key = "store.damaged"


class TooNew(StoreError):
    """The store was written by a newer version."""

    key = "store.too-new"


class Unwritable(StoreError):
    """The medium is full or fails; what was asked for has not happened."""

    key = "store.unwritable"


class QueueFull(StoreError):
    """More work is waiting for the disk than the store holds; what was asked for has not happened."""

    key = "store.queue-full"


class Invalid(StoreError):
    """A value cannot be accepted: `values` names the `field`, and the `row` of a CSV file."""

    key = "store.invalid"
