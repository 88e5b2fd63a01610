"""The guard: a small service, as root, that lets the kernel relay media.

It makes the maps, loads the relay program, puts it onto the interfaces it was told, and hands the maps to
whoever connects to its socket and is the box's user (SO_PEERCRED). It knows nothing of calls. When the box
goes, what the box had entered goes; when the guard is told to end, the program goes; when the guard is
killed, calls go on, and the next guard replaces what it finds.
"""

import argparse
import contextlib
import os
import pwd
import select
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import Final

import rtp.kernel
from firmware.egress.attachment import AttachError, attach, detach
from firmware.egress.guard_link import GREETING, PLACE
from rtp.kernel.bpf import BpfError, Map
from rtp.kernel.program import MAPS, OBJECT, BadObject, Program

_PEER: Final = Struct("=iII")  # struct ucred: pid, uid, gid
_BACKLOG: Final = 4
_FAILED: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end by a signal; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="branchline-guard", description="Lets the kernel relay the media of a box. Needs root."
    )
    parser.add_argument(
        "--interface",
        action="append",
        required=True,
        help="a network interface with phones or trunks; may repeat",
    )
    parser.add_argument("--user", default="root", help="the user the box runs as, beside root (%(default)s)")
    parser.add_argument("--socket", default=PLACE, help="where the box asks (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        user = pwd.getpwnam(given.user).pw_uid
    except KeyError:
        return _fail(f"--user {given.user}: no such user on this machine; name the one the box runs as")
    try:
        with loaded() as (program, maps), _signals() as woken, on_interfaces(given.interface, program):
            serve(given.socket, frozenset({0, user}), maps, woken)
    except (AttachError, BpfError, BadObject) as error:
        return _fail(f"{error}; the box relays media without it")
    except OSError as error:
        return _fail(
            f"{given.socket}: cannot listen there ({error.strerror}); name another place with --socket"
        )
    return 0


@contextlib.contextmanager
def loaded() -> Iterator[tuple[int, dict[str, Map]]]:
    """Load the program with maps of its own: descriptor and maps. Raises BpfError, BadObject."""
    program = Program.parse((Path(rtp.kernel.__file__).parent / OBJECT).read_bytes())
    maps = program.create_maps()
    try:
        descriptor = program.load(maps)
        try:
            yield descriptor, maps
        finally:
            os.close(descriptor)
    finally:
        for each in maps.values():
            each.close()


@contextlib.contextmanager
def on_interfaces(names: Sequence[str], program: int) -> Iterator[None]:
    """Have the program on all these interfaces, or on none. Raises AttachError."""
    with contextlib.ExitStack() as after:
        for name in names:
            attach(name, program)
            after.callback(detach, name)
        yield


def serve(place: str, users: frozenset[int], maps: dict[str, Map], woken: socket.socket) -> None:
    """Hand the maps to the box, one at a time, until `woken` can be read. Raises OSError."""
    box: socket.socket | None = None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        _listen(listening, place)
        say(f"ready at {place}")
        try:
            while True:
                ready, _, _ = select.select([listening, woken, *([box] if box else [])], [], [])
                if woken in ready:
                    return
                if box is not None and box in ready and not _alive(box):
                    box.close()
                    box = None
                    _forget(maps)
                if listening in ready:
                    box = _welcome(listening, users, maps, box)
        finally:
            os.unlink(place)
            if box is not None:
                box.close()


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Have a socket that can be read once a signal asks to end."""
    waker, woken = socket.socketpair()
    with waker, woken:
        waker.setblocking(False)
        before = signal.set_wakeup_fd(waker.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(before)


def _listen(listening: socket.socket, place: str) -> None:
    """Listen at `place`, which appears only once whoever finds it there is let in."""
    os.makedirs(os.path.dirname(place) or ".", mode=0o755, exist_ok=True)
    unready = f"{place}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unready)  # a guard that was killed left it
    listening.bind(unready)
    os.chmod(unready, 0o666)  # noqa: S103 - who asks is looked at, not who could
    listening.listen(_BACKLOG)
    os.rename(unready, place)


def _welcome(
    listening: socket.socket, users: frozenset[int], maps: dict[str, Map], box: socket.socket | None
) -> socket.socket | None:
    asking, _ = listening.accept()
    _, uid, _ = _PEER.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if uid not in users or box is not None:
        say("refused somebody who is not the box" if uid not in users else "refused a second box")
        asking.close()
        return box
    asking.setblocking(False)
    try:
        socket.send_fds(asking, [GREETING], [maps[name].fd for name in MAPS])
    except OSError:
        asking.close()
        return None
    say("the box is here")
    return asking


def _alive(box: socket.socket) -> bool:
    try:
        return bool(box.recv(64))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _forget(maps: dict[str, Map]) -> None:
    """Take out what a box left: nothing is relayed for a box that is gone."""
    for path in maps["legs"].keys():  # noqa: SIM118 - a map of the kernel
        maps["legs"].remove(path)
    say("the box is gone, and what it had the kernel relay")


def say(text: str) -> None:
    """Write one line for whoever runs the guard."""
    sys.stdout.write(f"branchline-guard: {text}\n")
    sys.stdout.flush()


def _fail(text: str) -> int:
    sys.stderr.write(f"branchline-guard: {text}\n")
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
