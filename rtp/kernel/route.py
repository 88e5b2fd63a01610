"""By which network interface a far end is reached: one question to the kernel (rtnetlink(7))."""

from __future__ import annotations

import socket
from struct import Struct, error

_HEADER = Struct("=IHHII")  # length, type, flags, sequence, port
_ROUTE = Struct("=8BI")  # family, sizes of destination and source, tos, table, protocol, scope, type, flags
_ATTRIBUTE = Struct("=HH")  # length, type
_GET_ROUTE, _NEW_ROUTE, _REQUEST = 26, 24, 1
_DESTINATION, _SOURCE, _OUT = 1, 2, 4
_UNICAST, _LOCAL = 1, 2
_LONGEST = 8192
_PATIENCE = 0.2  # seconds; the kernel answers at once


def interface(local: str, peer: str) -> int | None:
    """Return the number of the interface from our address to a peer's, 0 if it is in this machine.

    None if there is no way, or the kernel does not say. Addresses are text, of one IP version.
    """
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    attributes = b""
    for kind, host in ((_DESTINATION, peer), (_SOURCE, local)):
        packed = socket.inet_pton(family, host)
        attributes += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), kind) + packed
    bits = len(packed) * 8
    body = _ROUTE.pack(family, bits, bits, 0, 0, 0, 0, 0, 0) + attributes
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_PATIENCE)
        try:
            netlink.sendto(_HEADER.pack(_HEADER.size + len(body), _GET_ROUTE, _REQUEST, 1, 0) + body, (0, 0))
            return _out(netlink.recv(_LONGEST))
        except (OSError, error):
            return None


def _out(answer: bytes) -> int | None:
    length, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _NEW_ROUTE:
        return None
    sort = _ROUTE.unpack_from(answer, _HEADER.size)[7]
    if sort == _LOCAL:
        return 0
    at = _HEADER.size + _ROUTE.size
    while sort == _UNICAST and at + _ATTRIBUTE.size <= length:
        size, name = _ATTRIBUTE.unpack_from(answer, at)
        if name == _OUT:
            return int.from_bytes(answer[at + 4 : at + 8], "little")
        at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return None
