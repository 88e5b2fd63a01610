"""Who shakes hands with whom, in a description: fingerprint (RFC 8122), setup (RFC 4145), tls-id (RFC 8842).

Only SHA-256 is read: every implementation of DTLS-SRTP has to have it (RFC 8122 5).
"""

from __future__ import annotations

import re
from typing import Final

from sip.errors import BadMessage

NAME: Final = "sha-256"
SIZE: Final = 32

SETUP: Final = ("active", "passive", "actpass", "holdconn")

_is_fingerprint = re.compile(r"([A-Za-z0-9-]++) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)").fullmatch


def digest(values: list[str]) -> bytes:
    """Return the digest of the certificate that fingerprint attributes name; raise BadMessage."""
    for value in values:
        match = _is_fingerprint(value.strip())
        if match and match[1].lower() == NAME and len(match[2]) == 3 * SIZE - 1:
            return bytes.fromhex(match[2].replace(":", ""))
    raise BadMessage("sdp", "no fingerprint of SHA-256")


def fingerprint(made: bytes) -> str:
    """Return an attribute's value for a digest of SHA-256."""
    return f"{NAME} {made.hex(':').upper()}"


def reply(setup: str) -> str:
    """Return the role to answer to an offered one (RFC 5763 5): who may choose waits. Raise BadMessage."""
    match setup.lower():
        case "actpass" | "active":
            return "passive"
        case "passive":
            return "active"
    raise BadMessage("sdp", "no role for a handshake", status=488)
