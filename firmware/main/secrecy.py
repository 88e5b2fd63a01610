"""Keeps the memory of the box, where keys and secrets lie, from files and from its user's other programs."""

import ctypes
import resource

_PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def dump_nothing() -> None:
    """Let neither this process nor those it starts leave a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def stay_unread() -> None:
    """Let nobody but root trace this process, read its memory or environment, or have its core piped to them.

    Not handed on to other programs (prctl(2), PR_SET_DUMPABLE). The media process, forked before, is without
    keys and remains readable: its memory is counted from here.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
