"""A network of its own for a test: a namespace that this thread enters and leaves."""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """Say why no namespace can be made here, else ""."""
    if os.geteuid():
        return "only root makes network namespaces: what the kernel relays is not tried"
    try:
        with network():
            return ""
    except OSError as error:
        return f"no network namespace can be made ({error.strerror}): what the kernel relays is not tried"


def has_vlan() -> bool:
    """Say whether this kernel makes VLAN interfaces for us."""
    if missing():
        return False
    with network():
        run("ip", "link", "add", "probe", "type", "veth", "peer", "name", "other")
        words = ("ip", "link", "add", "link", "probe", "name", "probe.7", "type", "vlan", "id", "7")
        return subprocess.run(words, check=False, capture_output=True, timeout=20).returncode == 0


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Be in a new network with nothing but a loopback that is up; it is gone afterwards."""
    with open("/proc/thread-self/ns/net", "rb") as outside:
        if _libc.unshare(_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            run("ip", "link", "set", "lo", "up")
            yield
        finally:
            _enter(outside.fileno())


@contextlib.contextmanager
def entered(name: str) -> Iterator[None]:
    """Be in a namespace that `ip netns add` made."""
    with open("/proc/thread-self/ns/net", "rb") as outside, open(f"/run/netns/{name}", "rb") as inside:
        _enter(inside.fileno())
        try:
            yield
        finally:
            _enter(outside.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def run(*words: str) -> str:
    """Run a command in the namespace; what it printed."""
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=20).stdout
