"""From the command to a running box: what can refuse the start is checked before anything is written."""

import errno
import gc
import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

from firmware.errors import OperatorError
from firmware.operations import CONTROL

if TYPE_CHECKING:
    from provisioning.site import Site

SITE_FILE = "site.toml"
FIRST_ADDRESS = "127.0.0.1"


class NotStarted(OperatorError):
    """The box cannot start; nothing was written."""

    key = "start"


def start(state: str | None, address: str | None) -> int:
    """Run the box until it is told to stop; return the exit code. Raises OperatorError if it cannot start."""
    from firmware.cli.place import default_state

    directory = os.path.abspath(state or default_state())
    check_place(directory)
    text, site = read_or_default(directory, address)
    check_listeners(site)

    from firmware.main.secrecy import dump_nothing, stay_unread
    from firmware.media.worker import fork_early

    dump_nothing()
    gc.freeze()  # the collector writes into what it looks at, and what is written is shared no longer
    worker = fork_early(",".join(site.media.addresses), site.media.first_port, site.media.last_port)
    try:
        stay_unread()
        import asyncio

        from firmware.main.box import run_box

        return asyncio.run(run_box(directory, site, text, worker))
    finally:
        worker.close()


def check_place(directory: str) -> None:
    """Refuse a directory that is not ours or on which a box is running already."""
    try:
        found = os.stat(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NotStarted(
            f"{directory}: cannot be used ({error.strerror}); name another with --state"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise NotStarted(f"{directory}: not a directory; name another with --state")
    if found.st_uid != os.geteuid():
        raise NotStarted(
            f"{directory}: belongs to another user (uid {found.st_uid}); "
            "run as that user or name another with --state"
        )
    if _is_running(directory):
        raise NotStarted(f"{directory}: a box is running there already; `branchline stop` ends it")


def _is_running(directory: str) -> bool:
    """Tell whether somebody answers at the control socket."""
    try:
        place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(f"/proc/self/fd/{place}/{CONTROL}")
        except OSError:
            return False
        finally:
            os.close(place)
    return True


def read_or_default(directory: str, address: str | None) -> tuple[str | None, "Site"]:
    """Return the site in force; together with its text when there is no site file yet."""
    from pathlib import Path

    from provisioning.site import SiteError, is_address, parse_site, read_site

    if address is not None and not is_address(address):
        raise NotStarted("--address: not one IP address of this machine; give one such as 192.0.2.10")
    path = Path(directory, SITE_FILE)
    try:
        if path.exists():
            site = read_site(path)
            if address is not None and all(address != one.address for one in site.listeners):
                say(f"note: --address is for a new box; this one listens where {path} says")
            return None, site
        from provisioning.site_default import default_site

        text = default_site(address or FIRST_ADDRESS)
        return text, parse_site(text, str(path))
    except SiteError as error:
        raise NotStarted(str(error), key="site.faults") from error


def check_listeners(site: "Site") -> None:
    """Refuse the start when a place to listen at is taken or not ours, by binding and letting go of each."""
    kinds = {"udp": socket.SOCK_DGRAM}
    places = [
        (kinds.get(one.transport, socket.SOCK_STREAM), one.address, one.port, str(one))
        for one in site.listeners
    ]
    places += [(socket.SOCK_DGRAM, address, 0, f"media {address}") for address in site.media.addresses]
    for kind, address, port, name in places:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as trial:
            if kind == socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, port))
                if kind == socket.SOCK_STREAM:
                    trial.listen(1)
            except OSError as error:
                raise NotStarted(f"{name}: {_why(error)}") from error


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has this port; stop it or choose another port in the site file"
    if error.errno == errno.EADDRNOTAVAIL:
        return "not an address of this machine; give one that is (`ip address` lists them)"
    if error.errno == errno.EACCES:
        return "this port needs more rights; choose one above 1023 in the site file"
    return f"cannot listen there ({error.strerror})"


def say(text: str) -> None:
    """Tell the person at the terminal; a terminal that is gone does not stop the box."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
