"""How an end proves who it is before it is heard: ICE, DTLS-SRTP or both, as it travels inside a row."""

from __future__ import annotations

PASSIVE, ACTIVE = 0, 1
WAITING = 0
LONGEST = 64  # octets of a user name fragment or a password
DIGEST = 32  # octets of SHA-256


class LinkError(Exception):
    """A link that cannot be; nothing of it is told."""


class Link:
    """What two descriptions said about one end.

    association: a number; another one than before ends the DTLS association and its keys (RFC 8842). WAITING:
    nothing is known of the far end yet, and what it says waits in its socket.
    role: whether we wait for the far end's handshake (PASSIVE) or begin it. digest: SHA-256 of the
    certificate the far end shows (RFC 8122). ufrag, password: ours for checks (RFC 8445 5.3), both empty: no
    ICE. far_ufrag: the far end's.
    """

    __slots__ = ("association", "digest", "far_ufrag", "password", "role", "ufrag")

    def __init__(
        self,
        association: int,
        role: int,
        digest: bytes,
        ufrag: bytes = b"",
        password: bytes = b"",
        far_ufrag: bytes = b"",
    ) -> None:
        self.association = association
        self.role = role
        self.digest = digest
        self.ufrag = ufrag
        self.password = password
        self.far_ufrag = far_ufrag

    @property
    def ice(self) -> bool:
        """Whether only checks decide who is the far end."""
        return bool(self.password)

    def __bytes__(self) -> bytes:
        words = (self.ufrag, self.password, self.far_ufrag)
        head = self.association.to_bytes(4, "big") + bytes((self.role,)) + self.digest
        return head + b"".join(bytes((len(word),)) + word for word in words)

    @classmethod
    def parse(cls, data: bytes) -> Link:
        """Read what `bytes(link)` wrote; raises LinkError."""
        if len(data) < 5 + DIGEST + 3 or data[4] not in {PASSIVE, ACTIVE}:
            raise LinkError("cut short, or an unknown role")
        words = []
        at = 5 + DIGEST
        for _ in range(3):
            size = data[at] if at < len(data) else LONGEST + 1
            if size > LONGEST or at + 1 + size > len(data):
                raise LinkError("a word is cut short or too long")
            words.append(data[at + 1 : at + 1 + size])
            at += 1 + size
        if at != len(data) or len({bool(word) for word in words}) != 1:
            raise LinkError("too long, or only half of ICE")
        return cls(int.from_bytes(data[:4], "big"), data[4], data[5 : 5 + DIGEST], *words)

    @classmethod
    def waiting(cls) -> Link:
        """Return the link of an end that was offered one and has not answered."""
        return cls(WAITING, PASSIVE, bytes(DIGEST))

    def __repr__(self) -> str:
        return f"Link(association {self.association}, {'ICE' if self.ice else 'no ICE'})"


def sound(data: bytes) -> bool:
    """Tell whether `Link.parse` takes it."""
    try:
        Link.parse(data)
    except LinkError:
        return False
    return True
