"""Composition root: starts the box, wires its parts, and stops it; other commands go to `firmware.cli`.

Start-up is kept short by order: `branchline run` reads its few options without argparse, checks everything
that could refuse the start before anything is written, forks the media process while this one is still
small, and only then imports the event loop and the rest.
"""

import os
import sys

from firmware.errors import OperatorError

UNHEARD = 141  # what a shell says of a command whose reader went away (SIGPIPE)


def entry(argv: list[str] | None = None) -> int:
    """Carry out the command line; return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    _mend_output()
    try:
        from firmware import names

        names.check()
        options = _run_options(words)
        if options is not None:
            return _run(*options)
        from firmware.cli.command import command

        return command(words, _run)
    except OperatorError as error:
        for line in error.text.splitlines():
            sys.stderr.write(f"branchline: {line}\n")
        return 1
    except BrokenPipeError:
        return UNHEARD
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"branchline: {place}{error.strerror}; see to the disk and its permissions\n")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        _flush_output()


def _flush_output() -> None:
    """Hand over what was said; that nobody reads any more is not an error of the interpreter's at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


def _mend_output() -> None:
    """Have the three standard streams open, and able to show any text.

    A stream that was closed would give its number to the next file or socket, and prints would land there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        else:
            stream.reconfigure(errors="backslashreplace")


def _run_options(words: list[str]) -> tuple[str | None, str | None] | None:
    """Read `run [--state DIR] [--address IP]`; None for anything else, which argparse reads or refuses."""
    if words[:1] != ["run"]:
        return None
    found: dict[str, str] = {}
    rest = words[1:]
    while rest:
        name, equals, value = rest[0].partition("=")
        if name not in {"--state", "--address"} or name in found:
            return None
        if not equals:
            if len(rest) < 2 or rest[1].startswith("-"):
                return None
            value = rest.pop(1)
        found[name] = value
        rest.pop(0)
    return found.get("--state"), found.get("--address")


def _run(state: str | None, address: str | None) -> int:
    from firmware.main.start import start

    return start(state, address)
