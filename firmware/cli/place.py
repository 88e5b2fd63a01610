"""Where a box keeps its state when nobody says otherwise, and how to speak to a box from here."""

import os
import shlex
import sys


def default_state() -> str:
    """Return the state directory: BRANCHLINE_STATE, else one below the user's home by the XDG rules."""
    given = os.environ.get("BRANCHLINE_STATE")
    if given:
        return given
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "branchline")


def command_for(directory: str) -> str:
    """Return what a user types before an operation on this state directory, from where they stand now."""
    name = "branchline"
    if not any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.get_exec_path()):
        beside = os.path.join(sys.prefix, "bin", name)
        name = os.path.relpath(beside) if os.access(beside, os.X_OK) else f"{sys.executable} -m firmware"
    if os.path.abspath(directory) == os.path.abspath(default_state()):
        return name
    return f"{name} --state {shlex.quote(os.path.relpath(directory))}"
