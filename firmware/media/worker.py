"""Start the media process and talk to it.

`fork_early` is called before anything big is imported (no asyncio, no threads): the child then shares nearly
all its memory with its parent. After a crash the parent is big and has threads, so `spawn` starts a fresh
interpreter.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from rtp.control import LIMIT
from rtp.process import WRONG_ADDRESS, serve

LAUNCHER = "BRANCHLINE_LAUNCHER"  # a command to put before the interpreter, such as a user-mode emulator
TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence

_READS = 64


class Worker:
    """A media process and our end of its control socket; the process is ours to end, and no other."""

    def __init__(self, pid: int, link: socket.socket, host: str, first: int, last: int) -> None:
        self.pid = pid
        self.host = host
        self.first = first
        self.last = last
        self.status: int | None = None  # exit status, or minus the signal's number
        self._link = link
        link.setblocking(False)

    def watch(self, loop: AbstractEventLoop, arrived: Callable[[], None]) -> None:
        """Call `arrived` whenever there is something to receive."""
        loop.add_reader(self._link, arrived)

    def wait_for_room(self, loop: AbstractEventLoop, room: Callable[[], None]) -> None:
        """Call `room` once, when something can be sent again."""

        def writable() -> None:
            loop.remove_writer(self._link)
            room()

        loop.add_writer(self._link, writable)

    def ignore(self, loop: AbstractEventLoop) -> None:
        """Watch and wait no longer."""
        if self._link.fileno() >= 0:
            loop.remove_reader(self._link)
            loop.remove_writer(self._link)

    def send(self, datagram: bytes, descriptors: Sequence[int] = ()) -> bool:
        """Send one control datagram, perhaps with descriptors; False when there is no room now.

        Raises ConnectionError.
        """
        try:
            if descriptors:
                socket.send_fds(self._link, [datagram], descriptors)
            else:
                self._link.send(datagram)
        except BlockingIOError:
            return False
        except OSError as error:
            raise ConnectionError from error
        return True

    def receive(self) -> list[bytes]:
        """Return the datagrams that are there, at most some dozens. Raises ConnectionError at the end."""
        datagrams: list[bytes] = []
        for _ in range(_READS):
            try:
                datagram = self._link.recv(LIMIT)
            except BlockingIOError:
                break
            if not datagram:
                if datagrams:
                    break
                raise ConnectionError
            datagrams.append(datagram)
        return datagrams

    def gone(self) -> bool:
        """Tell whether the process has ended, with all its ports given back; does not wait."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    @property
    def wrong_address(self) -> bool:
        """Tell whether the process ended because the address is not this machine's."""
        return self.gone() and self.status == WRONG_ADDRESS

    def kill(self) -> None:
        """End the process the hard way; harmless when it has ended."""
        if not self.gone():
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the control socket: the process ends by itself."""
        self._link.close()


def fork_early(host: str, first_port: int, last_port: int) -> Worker:
    """Fork the media process for a pool of ports, both bounds included, on a local address.

    `host` may be one address of each IP version with a comma between them.

    To be called first thing in main: no thread may exist and no event loop run.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid:
        theirs.close()
        return Worker(pid, ours, host, first_port, last_port)
    status = 1
    try:
        ours.close()
        serve(theirs, host, first_port, last_port)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  # the child must never return into its parent's program
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def spawn(host: str, first_port: int, last_port: int) -> Worker:
    """Start the media process in a fresh interpreter."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        theirs.set_inheritable(True)
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        command = os.environ.get(LAUNCHER, "").split()
        # -S, -P: nothing of site packages is loaded before it is needed, memory counts
        packages = [path for path in sys.path if path.endswith("-packages")]
        command += [sys.executable, "-S", "-P", "-m", "rtp.process"]
        command += [str(theirs.fileno()), host, str(first_port), str(last_port)]
        pid = os.posix_spawnp(
            command[0], command, {**os.environ, "PYTHONPATH": os.pathsep.join([root, *packages])}
        )
    return Worker(pid, ours, host, first_port, last_port)


def packed(address: str) -> bytes:
    """Return an IPv4 or IPv6 address as 4 or 16 bytes; raises ValueError for anything else, names too."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError) as error:
        raise ValueError("no IP address") from error
