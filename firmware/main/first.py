"""The first start: a store, ten extensions to try things with, and what to type into the first phone."""

import os
import sys

from firmware.cli.phone import account_uri, describe, qr_code
from firmware.cli.place import command_for
from firmware.cli.tables import table
from firmware.clock import Clock
from firmware.errors import OperatorError
from firmware.journal import Journal, Word
from firmware.operations.extensions import credentials
from firmware.operations.operation import Name, Outcome, plain
from firmware.store import Extension, FileKey, Store
from provisioning.site import Site

NUMBERS = range(100, 110)
SECONDS = 30.0


def make_store(directory: str, clock: Clock, journal: Journal) -> Store:
    """Make the state directory, its key and its store with ten extensions; raise OperatorError."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as error:
        text = f"{directory}: cannot be made ({error.strerror}); name another with --state"
        raise OperatorError(text, key="start") from error
    store = Store.create(directory, FileKey.create(directory), clock, journal)
    journal.audit_to(store.record_audit)
    try:
        making = [store.extensions.add(str(number), f"Phone {number}") for number in NUMBERS]
        for made in making:
            extension = made.result(SECONDS)
            journal.audit(Word("first start"), Name.EXTENSION_ADD, Outcome.DONE, extension.id)
    except BaseException:
        store.close()
        raise
    return store


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
    """Put the site file in place, whole or not at all."""
    fresh = path + ".new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(fresh, path)
