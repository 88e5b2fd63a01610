"""A sieve in the kernel: sources that flood are dropped before they fill the socket's buffer.

A classic BPF program on our own socket (SO_ATTACH_FILTER, no privilege needed) compares the source address;
everybody else passes. So does, from everywhere, an INVITE for a number that begins like an emergency number:
`sip.transport.fair` looks at it. A datagram begins with its UDP header here; the IP header is reached by
SKF_NET_OFF.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from struct import pack, unpack
from typing import Final

MOST: Final = 32
"""Sources one program can hold back: its jumps reach 255 instructions."""

_ATTACH, _DETACH = 26, 27  # SO_ATTACH_FILTER, SO_DETACH_FILTER: asm-generic/socket.h
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_NET: Final = 0xFFF00000  # SKF_NET_OFF, linux/filter.h
_V4_SOURCE, _V6_SOURCE, _PAYLOAD = 12, 8, 8
_PASS: Final = 0xFFFFFFFF
_HALF: Final = 0x28  # BPF_LD|H|ABS
_INVITE: Final = int.from_bytes(b"INVI", "big")
_SIPS: Final = int.from_bytes(b"sips", "big")
_USER: Final = _PAYLOAD + len(b"INVITE sip:")
_BEGINNINGS: Final = 64


def program(sources: Sequence[str], emergency: Iterable[str] = (), *, v6: bool) -> bytes:
    """Write the program for these addresses (the first 64 bits count of those of IPv6).

    `emergency`: numbers whose first two digits let an INVITE pass; without any, every INVITE passes.
    """
    code: list[tuple[int, int, int, int]] = []  # operation, jump if true, jump if false, operand
    size = 4 if v6 else 1
    left = len(sources)
    if not v6:
        code.append((_LOAD, 0, 0, _NET + _V4_SOURCE))
    for source in sources:
        left -= 1
        found = left * size + 1  # past the rest and the "pass" behind it
        if v6:
            high, low = unpack("!II", ip_address(source.partition("%")[0]).packed[:8])
            code += [(_LOAD, 0, 0, _NET + _V6_SOURCE), (_EQUAL, 0, 2, high)]
            code += [(_LOAD, 0, 0, _NET + _V6_SOURCE + 4), (_EQUAL, found, 0, low)]
        else:
            code.append((_EQUAL, found, 0, int(ip_address(source))))
    code.append((_RETURN, 0, 0, _PASS))
    helps = sorted({int.from_bytes(number[:2].encode(), "big") for number in emergency})[:_BEGINNINGS]
    if helps:
        code += [(_LOAD, 0, 0, _PAYLOAD), (_EQUAL, 0, 5 + len(helps), _INVITE)]  # else drop
        # "sips:" is one longer than "sip:" and "tel:".
        code += [(_LOAD, 0, 0, _USER - 4), (_EQUAL, 0, 2, _SIPS), (_HALF, 0, 0, _USER + 1)]
        code += [(_EQUAL, 1, 1, 0), (_HALF, 0, 0, _USER)]
        code += [(_EQUAL, len(helps) - place, 0, word) for place, word in enumerate(helps)]
    else:
        code += [(_LOAD, 0, 0, _PAYLOAD), (_EQUAL, 1, 0, _INVITE)]
    code += [(_RETURN, 0, 0, 0), (_RETURN, 0, 0, _PASS)]
    return b"".join([pack("HBBI", *step) for step in code])


def hold_back(sock: socket.socket, sources: Sequence[str], emergency: Iterable[str] = ()) -> bool:
    """Drop what these sources send to a socket, nobody else; False where the kernel will not."""
    try:
        if not sources:
            sock.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
            return True
        code = array("B", program(sources[:MOST], emergency, v6=sock.family == socket.AF_INET6))
        address, octets = code.buffer_info()
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH, pack("HP", octets // 8, address))
    except OSError:
        return False
    return True
