"""The first start: a store, ten extensions to try things with, and what to type into the first phone."""

import os
import sys
from contextlib import suppress

from firmware.cli.phone import account_uri, describe, qr_code
from firmware.cli.place import command_for
from firmware.cli.tables import table
from firmware.clock import Clock
from firmware.errors import OperatorError
from firmware.journal import Journal, Word
from firmware.operations.extensions import credentials
from firmware.operations.operation import Name, Outcome, plain
from firmware.store import Extension, FileKey, Store
from firmware.store.errors import Unwritable
from firmware.store.keys import BOX_KEY
from firmware.store.place import LOCK
from provisioning.site import Site

NUMBERS = range(100, 110)


def make_store(directory: str, clock: Clock, journal: Journal) -> Store:
    """Make state directory, key and store with ten extensions, or nothing. Raises OperatorError."""
    before = os.listdir(directory) if os.path.exists(directory) else None
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        keys = FileKey.create(directory)
        people = [(str(number), f"Phone {number}") for number in NUMBERS]
        store = Store.create(directory, keys, clock, journal, people=people)
    except (OSError, Unwritable) as error:
        if not Store.exists(directory):
            _take_back(directory, before)
        if isinstance(error, OperatorError):
            raise
        text = f"{directory}: cannot be made or written ({error.strerror}); name another with --state"
        raise OperatorError(text, key="start") from error
    journal.audit_to(store.record_audit)
    for extension in store.extensions.list():
        journal.audit(Word("first start"), Name.EXTENSION_ADD, Outcome.DONE, extension.id)
    return store


def _take_back(directory: str, before: list[str] | None) -> None:
    """Remove what was made for a store that could not be made."""
    for name in (BOX_KEY, LOCK):
        if before is None or name not in before:
            with suppress(OSError):
                os.unlink(os.path.join(directory, name))
    if before is None:
        with suppress(OSError):
            os.rmdir(directory)


def welcome(directory: str, site: Site, extensions: tuple[Extension, ...]) -> str:
    """Tell how to register a phone, with every secret, this once."""
    first = plain(credentials(extensions[0], site))
    rows = [[one.number, one.name, one.secret] for one in extensions]
    parts = [
        f"A new box, its state in {directory}.",
        table(["EXTENSION", "NAME", "SECRET"], rows),
        "Type these into a phone, or scan the code, which holds the secret of the first one:",
        describe(first),
    ]
    if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
        parts.append(qr_code(account_uri(first)).rstrip("\n"))
    command = command_for(directory)
    parts.append(
        "The secrets are shown this once. While the box runs, in another terminal:\n"
        f"  {command} extension show 101         another phone's code\n"
        f"  {command} extension add --name NAME  one more extension\n"
        f"  {command} --help                     all commands"
    )
    return "\n\n".join(parts) + "\n"


def write_site(path: str, text: str) -> None:
    """Put the site file in place, whole or not at all; raise OperatorError."""
    fresh = path + ".new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with open(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(fresh)
        raise OperatorError(
            f"{path}: cannot be written ({error.strerror}); make room for it", key="start"
        ) from error
