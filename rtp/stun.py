"""STUN messages (RFC 8489) as far as connectivity checks need them: read, verified, written.

Short-term credentials only (9.1): the password is the HMAC key. HMAC-SHA1 is what ICE speaks (RFC 8445 7.1).
"""

from __future__ import annotations

import hmac
from binascii import crc32
from struct import Struct

COOKIE = 0x2112A442
REQUEST, INDICATION, SUCCESS, FAILURE = 0x0001, 0x0011, 0x0101, 0x0111  # of the method Binding
USERNAME, INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0006, 0x0008, 0x0009, 0x000A
XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE = 0x0020, 0x0024, 0x0025
FINGERPRINT, CONTROLLED, CONTROLLING = 0x8028, 0x8029, 0x802A

MOST = 32  # attributes of one message
LONGEST = 1280  # octets of one message
_HEAD = Struct("!HHI12s")
_PAIR = Struct("!HH")
_MASK = 0x5354554E  # of FINGERPRINT (14.7)
_INTEGRITY_SIZE = 20


class StunError(Exception):
    """No STUN message, or one that is broken; nothing of it is quoted."""


def _attributes(data: bytes) -> list[tuple[int, bytes, int]]:
    """Return type, value and offset of each attribute; raises StunError."""
    found: list[tuple[int, bytes, int]] = []
    at = _HEAD.size
    while at < len(data):
        if at + 4 > len(data) or len(found) == MOST:
            raise StunError("attributes do not fit")
        kind, length = _PAIR.unpack_from(data, at)
        if at + 4 + length > len(data):
            raise StunError("an attribute is cut short")
        found.append((kind, data[at + 4 : at + 4 + length], at))
        at += 4 + length + -length % 4
    return found


class Message:
    """One message: `kind` (REQUEST, ...), its transaction, its attributes in order."""

    __slots__ = ("_at", "_data", "attributes", "kind", "transaction")

    def __init__(self, kind: int, transaction: bytes, attributes: tuple[tuple[int, bytes], ...] = ()) -> None:
        self.kind = kind
        self.transaction = transaction
        self.attributes = attributes
        self._data = b""
        self._at = -1

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Read one datagram; its FINGERPRINT has to be there and right (RFC 8445 7). Raises StunError.

        What follows MESSAGE-INTEGRITY is not covered by it and left out (RFC 8489 14.5).
        """
        if not _HEAD.size <= len(data) <= LONGEST or data[0] > 3 or len(data) % 4:
            raise StunError("no STUN message")
        kind, length, cookie, transaction = _HEAD.unpack_from(data)
        if cookie != COOKIE or length != len(data) - _HEAD.size:
            raise StunError("no STUN message")
        found = _attributes(data)
        if not found or found[-1][0] != FINGERPRINT:
            raise StunError("no FINGERPRINT")
        if found[-1][1] != _fingerprint(data[: found[-1][2]]):
            raise StunError("a wrong FINGERPRINT")
        message = cls(kind, transaction)
        message._data = data
        kept = []
        for name, value, at in found[:-1]:
            if name == INTEGRITY:
                message._at = at
                break
            kept.append((name, value))
        message.attributes = tuple(kept)
        return message

    def get(self, name: int) -> bytes | None:
        """Return the value of the first attribute of a type."""
        return next((value for found, value in self.attributes if found == name), None)

    def authentic(self, password: bytes) -> bool:
        """Tell whether its MESSAGE-INTEGRITY is there and made with this password."""
        if self._at < 0:
            return False
        told = self._data[self._at + 4 : self._at + 4 + _INTEGRITY_SIZE]
        if _PAIR.unpack_from(self._data, self._at)[1] != _INTEGRITY_SIZE:
            return False
        return hmac.compare_digest(told, _integrity(self._data[: self._at], password))

    def write(self, password: bytes) -> bytes:
        """Return the datagram, with MESSAGE-INTEGRITY and FINGERPRINT."""
        body = b"".join(_attribute(name, value) for name, value in self.attributes)
        data = _HEAD.pack(self.kind, len(body), COOKIE, self.transaction) + body
        data = _longer(data + _attribute(INTEGRITY, _integrity(data, password)), 8)
        return data + _attribute(FINGERPRINT, _fingerprint(data))


def mapped(address: bytes, port: int, transaction: bytes) -> tuple[int, bytes]:
    """Return XOR-MAPPED-ADDRESS of a packed address and port (14.2)."""
    mask = COOKIE.to_bytes(4, "big") + transaction
    family = 1 if len(address) == 4 else 2
    hidden = bytes(one ^ other for one, other in zip(address, mask, strict=False))
    return XOR_MAPPED_ADDRESS, bytes((0, family)) + (port ^ COOKIE >> 16).to_bytes(2, "big") + hidden


def failure(code: int, reason: str) -> tuple[int, bytes]:
    """Return ERROR-CODE (14.8)."""
    return ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode()


def _attribute(name: int, value: bytes) -> bytes:
    return _PAIR.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _longer(data: bytes, more: int) -> bytes:
    """Return a message whose length counts what it holds and `more` octets to come."""
    return data[:2] + (len(data) - _HEAD.size + more).to_bytes(2, "big") + data[4:]


def _integrity(before: bytes, password: bytes) -> bytes:
    """Return the HMAC over what stands before, as if the message ended with it (14.5)."""
    return hmac.digest(password, _longer(before, 4 + _INTEGRITY_SIZE), "sha1")


def _fingerprint(before: bytes) -> bytes:
    return (crc32(_longer(before, 8)) ^ _MASK).to_bytes(4, "big")
