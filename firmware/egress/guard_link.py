"""The box's end of the guard's socket: asks for the kernel's maps, again while there is no guard."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final

PLACE: Final = "/run/branchline/guard"
VARIABLE: Final = "BRANCHLINE_GUARD"
"""Environment: another place of the guard's socket."""
GREETING: Final = b"branchline-guard 1 media"
AGAIN: Final = 5.0  # seconds until a guard is looked for again
_MAPS: Final = 3
_PEER: Final = Struct("=iII")  # struct ucred: pid, uid, gid


class GuardLink:
    """Tells `found(descriptors)` when a guard has handed over its maps, `lost()` when that guard has ended.

    The descriptors belong to `found`. Nothing blocks: the socket is of this machine and never waited for.
    """

    def __init__(self, found: Callable[[Sequence[int]], None], lost: Callable[[], None]) -> None:
        self._place = os.environ.get(VARIABLE, PLACE)
        self._found = found
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._link: socket.socket | None = None
        self._greeted = False
        self._later: asyncio.TimerHandle | None = None

    def start(self) -> bool:
        """Look for the guard; tell whether there is one. If not, it is looked for again."""
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.setblocking(False)
        try:
            link.connect(self._place)
            _, uid, _ = _PEER.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        except OSError:
            uid = -1
        if uid not in {0, os.geteuid()}:  # maps from anybody else are no help
            link.close()
            self._later = self._loop.call_later(AGAIN, self.start)
            return False
        self._link = link
        self._loop.add_reader(link, self._read)
        return True

    def close(self) -> None:
        """Look no longer and let go of the guard."""
        if self._later is not None:
            self._later.cancel()
        if self._link is not None:
            self._loop.remove_reader(self._link)
            self._link.close()
            self._link = None

    def _read(self) -> None:
        link = self._link
        if link is None:
            return
        descriptors: list[int] = []
        try:
            text, descriptors, _, _ = socket.recv_fds(link, 256, _MAPS)
        except BlockingIOError:
            return
        except OSError:
            text = b""
        if text == GREETING and len(descriptors) == _MAPS and not self._greeted:
            self._greeted = True
            self._found(descriptors)
            return
        for each in descriptors:
            os.close(each)
        self.close()
        if self._greeted:
            self._greeted = False
            self._lost()
        self._later = self._loop.call_later(AGAIN, self.start)
