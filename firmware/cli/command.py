"""One call of the command line: parse, ask the running box or the store, print."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from firmware.cli.parser import given, parse
from firmware.cli.place import default_state
from firmware.errors import OperatorError
from firmware.operations.operation import BadArgument, BoxNeeded, Role, arguments
from firmware.operations.registry import REGISTRY, Caller

REFUSED: Final = 1
USAGE: Final = 2
_LARGEST_FILE: Final = 1 << 20
_LONGEST_LINE: Final = 1024


def command(argv: list[str], run: Callable[[str | None, str | None], int]) -> int:
    """Carry out one command; return 0 when done, 1 when refused (one line on stderr), 2 for wrong usage.

    `run` starts the box on a state directory and an address, either None for the usual one.
    """
    if "complete" in argv:
        return _words(argv)
    parsed = parse(argv)
    if parsed.command == "run":
        return run(parsed.state, parsed.address)
    if parsed.command == "completion":
        from firmware.cli.completion import script

        sys.stdout.write(script(parsed.shell))
        return 0
    operation = REGISTRY[parsed.command]
    try:
        wanted = given(operation, parsed)
        if "csv" in wanted:
            wanted["csv"] = _read(str(wanted["csv"]))
        if parsed.command == "trunk.secret" and not wanted.get("forget"):
            wanted["secret"] = _password()
        arguments(operation.arguments, wanted)
        result = carry_out(parsed.state or default_state(), parsed.command, wanted)
    except OperatorError as error:
        return _refuse(error, parsed.json, USAGE if isinstance(error, BadArgument) else REFUSED)
    if parsed.json:
        print(json.dumps(result, ensure_ascii=False))  # noqa: T201 - the command line's own output
        return 0
    from firmware.cli.tables import readable

    print(readable(parsed.command, result))  # noqa: T201
    return 0


def carry_out(state: str, name: str, wanted: dict[str, object]) -> Any:
    """Ask the box that runs on the state directory, or do it on the store alone; raise OperatorError."""
    from firmware.operations.socket import ask

    if not os.path.isdir(state):
        raise BoxNeeded(f"{state}: no box here; start one with `branchline run --state DIR`")
    try:
        return ask(state, name, wanted)
    except (FileNotFoundError, ConnectionRefusedError):
        from firmware.operations.offline import perform_offline

        return perform_offline(state, Caller(Role.ADMINISTRATOR), name, wanted)
    except PermissionError as error:
        raise BoxNeeded(f"{state}: this box belongs to another user; ask as that user") from error


def line(error: OperatorError) -> str:
    """Return an error's text with the values it concerns, for the person who gave them."""
    about = ", ".join(
        f"{name} {value!r}" for name, value in error.values.items() if name not in {"field", "row"}
    )
    return f"{error.text} ({about})" if about else error.text


def _refuse(error: OperatorError, as_json: bool, code: int) -> int:
    if as_json:
        values = {name: str(value) for name, value in error.values.items()}
        said = json.dumps({"error": {"key": error.key, "text": error.text, "values": values}})
        print(said)  # noqa: T201
    print(f"branchline: {line(error)}", file=sys.stderr)  # noqa: T201
    return code


def _password() -> str:
    """Ask for a password, or take the first line of a standard input that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    from getpass import getpass

    try:
        return getpass("password of the trunk (not shown): ")
    except EOFError as error:
        raise OperatorError("no password was given; nothing is changed") from error


def _read(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read(_LARGEST_FILE)
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read(_LARGEST_FILE)
    except UnicodeDecodeError as error:
        raise OperatorError(f"{path}: not UTF-8 text; save the file as UTF-8") from error
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read ({error.strerror}); give a readable file") from error


def _words(argv: list[str]) -> int:
    """Print what shell completion offers for an extension number or a call id, one a line."""
    kind = argv[-1]
    state = argv[argv.index("--state") + 1] if "--state" in argv else default_state()
    found: list[str] = []
    with contextlib.suppress(OperatorError):
        if kind == "numbers":
            found = [row["number"] for row in carry_out(state, "extension.list", {})]
        elif kind == "calls":
            found = [row["id"] for row in carry_out(state, "calls", {"recent": 0})["active"]]
        elif kind == "trunks":
            found = [row["name"] for row in carry_out(state, "trunk.list", {})]
    print("\n".join(found))  # noqa: T201
    return 0
