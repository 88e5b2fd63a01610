"""The relay program on network interfaces: classifiers of tc's ingress hook (clsact), put there, taken away.

Ours is known by its place, PRIORITY, and its name. One that a guard left behind, however it ended, is
replaced.
"""

import errno
import socket
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

PRIORITY: Final = 177
NAME: Final = "branchline"
_INGRESS: Final = 0xFFFFFFF2
_EGRESS: Final = 0xFFFFFFF3
_EVERY: Final = 0x0003  # ETH_P_ALL, as tc wants it
_CLSACT: Final = 0xFFFF0000


class AttachError(Exception):
    """The program could not be put onto an interface; the text is one line for the operator."""


def attach(interface: str, program: int) -> None:
    """Put the program onto an interface, instead of ours that is there; raises AttachError."""
    index = _index(interface)
    try:
        with IPRoute() as route:
            try:
                route.tc("add", "clsact", index)
            except NetlinkError as error:
                if error.code != errno.EEXIST:
                    raise
            _remove(route, interface, index)
            route.tc(
                "add-filter", "bpf", index, 1, fd=program, name=NAME, parent=_INGRESS, classid=1,
                direct_action=True, prio=PRIORITY, protocol=_EVERY,
            )  # fmt: skip
    except NetlinkError as error:
        raise AttachError(f"{interface}: no classifier can be put there ({_why(error)})") from error


def detach(interface: str) -> bool:
    """Take ours away, and the hook with it if nobody else uses it; tell whether there was one."""
    try:
        index = _index(interface)
    except AttachError:
        return False  # it went away, and its classifiers with it
    with IPRoute() as route:
        found = _remove(route, interface, index)
        others = any(True for parent in (_INGRESS, _EGRESS) for _ in _filters(route, index, parent))
        if found and not others:
            route.tc("del", "clsact", index)
    return found


def attached(interface: str) -> bool:
    """Tell whether a relay program of ours is on an interface."""
    index = _index(interface)
    with IPRoute() as route:
        return any(_name(one) == NAME for one in _filters(route, index, _INGRESS))


def _remove(route: IPRoute, interface: str, index: int) -> bool:
    names = {_name(one) for one in _filters(route, index, _INGRESS) if one["info"] >> 16 == PRIORITY}
    if names - {NAME, None}:
        raise AttachError(f"{interface}: another program has priority {PRIORITY} there; take it away first")
    if names:
        route.tc("del-filter", "bpf", index, 0, parent=_INGRESS, prio=PRIORITY, protocol=_EVERY)
    return bool(names)


def _filters(route: IPRoute, index: int, parent: int) -> list[dict[str, int]]:
    try:
        return [one for one in route.get_filters(index=index, parent=parent) if one["index"] == index]
    except NetlinkError as error:
        if error.code in {errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP}:  # no such hook: nothing on it
            return []
        raise


def _name(one: object) -> str | None:
    options = one.get_attr("TCA_OPTIONS")  # type: ignore[attr-defined]
    return options.get_attr("TCA_BPF_NAME") if hasattr(options, "get_attr") else None


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        raise AttachError(
            f"{interface}: no such network interface; `ip link` lists those there are"
        ) from None


def _why(error: NetlinkError) -> str:
    return str(error.args[1] if len(error.args) > 1 else error)
