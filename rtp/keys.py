"""The keys of an end that speaks SRTP, as they travel inside a row of the plan.

`receive` is what the far end encrypts with; `send` is ours, made by us and known to nobody but that far end.
Both are master key and master salt together (RFC 3711 3.2.1).
"""

from __future__ import annotations

from struct import Struct

AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, AEAD_AES_128_GCM, AEAD_AES_256_GCM = 1, 2, 7, 8
"""Suites by their numbers as protection profiles of DTLS-SRTP (RFC 5764 4.1.2, RFC 7714 14.2)."""

LENGTHS = {
    AES_CM_128_HMAC_SHA1_80: 30,
    AES_CM_128_HMAC_SHA1_32: 30,
    AEAD_AES_128_GCM: 28,
    AEAD_AES_256_GCM: 44,
}
NAMES = {
    "AEAD_AES_256_GCM": AEAD_AES_256_GCM,
    "AEAD_AES_128_GCM": AEAD_AES_128_GCM,
    "AES_CM_128_HMAC_SHA1_80": AES_CM_128_HMAC_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": AES_CM_128_HMAC_SHA1_32,
}
"""Suites by their names in descriptions (RFC 4568, RFC 7714), best first."""

_HEAD = Struct("!BI")


class KeysError(Exception):
    """Keys that cannot be; nothing of them is told."""


class Keys:
    """One suite, the key of each direction, and `mask`.

    mask: what is added (exclusive or) to the SSRC of what we send. It is 0 until a media process is replaced:
    the new one does not know how far the old one counted under this key, and another SSRC is another count,
    so that no (key, SSRC, index) is used twice (RFC 3711 9.1).
    """

    __slots__ = ("mask", "receive", "send", "suite")

    def __init__(self, suite: int, receive: bytes, send: bytes, mask: int = 0) -> None:
        self.suite = suite
        self.receive = receive
        self.send = send
        self.mask = mask

    def __bytes__(self) -> bytes:
        return _HEAD.pack(self.suite, self.mask) + self.receive + self.send

    @classmethod
    def parse(cls, data: bytes) -> Keys:
        """Read what `bytes(keys)` wrote; raises KeysError."""
        if not sound(data):
            raise KeysError("an unknown suite, or keys of the wrong length")
        suite, mask = _HEAD.unpack_from(data)
        middle = _HEAD.size + LENGTHS[suite]
        return cls(suite, data[_HEAD.size : middle], data[middle:], mask)

    def masked(self, mask: int) -> Keys:
        """Return the same keys for another media process."""
        return Keys(self.suite, self.receive, self.send, mask)

    def __repr__(self) -> str:
        return f"Keys(suite {self.suite})"


def sound(data: bytes) -> bool:
    """Tell whether `Keys.parse` takes it."""
    return len(data) >= _HEAD.size and len(data) - _HEAD.size == 2 * LENGTHS.get(data[0], -1)
