"""Where a box keeps its state when nobody says otherwise."""

import os


def default_state() -> str:
    """Return the state directory: BRANCHLINE_STATE, else one below the user's home by the XDG rules."""
    given = os.environ.get("BRANCHLINE_STATE")
    if given:
        return given
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "branchline")
