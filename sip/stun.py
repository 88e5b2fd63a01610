"""Answers to STUN keep-alives on a SIP socket (RFC 5626 4.4.2 and 8, RFC 5389 6, 7.3, 15.2).

A phone asks from which address it is seen: that keeps its NAT open, and tells it when the NAT has forgotten.
Stateless, and the answer is at most 24 octets longer than the question.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Final

from sip.flow import Address

_COOKIE: Final = 0x2112A442
_HEADER: Final = struct.Struct("!HHI12s")
_REQUEST, _SUCCESS, _XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x0020


def answer(data: bytes, source: Address) -> bytes | None:
    """Return the answer to a binding request that came from `source`, None for anything else."""
    if len(data) < _HEADER.size:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind != _REQUEST or cookie != _COOKIE or length % 4 or length != len(data) - _HEADER.size:
        return None
    host = ip_address(source[0].partition("%")[0]).packed
    mask = struct.pack("!I12s", _COOKIE, transaction)
    seen = bytes(one ^ other for one, other in zip(host, mask, strict=False))
    family = 1 if len(host) == 4 else 2
    value = struct.pack("!BBH", 0, family, source[1] ^ (_COOKIE >> 16)) + seen
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
    return _HEADER.pack(_SUCCESS, len(attribute), _COOKIE, transaction) + attribute
