"""SRTP and SRTCP of one end (RFC 3711, RFC 7714), by libsrtp through pylibsrtp.

The one seam for whoever has keys, from a description (SDES) or a handshake (DTLS-SRTP): `Row.srtp`, which is
`bytes(rtp.keys.Keys)`. An end with keys hands every datagram it receives to `open` and every one it sends to
`protect` or `protect_report`; in between, relaying, rooms and statistics see plain RTP. Replay windows and
roll-over counts are libsrtp's. Loaded when the first row has keys.
"""

from __future__ import annotations

from pylibsrtp import Error, Policy, Session

from rtp.keys import Keys

SOURCES = 32  # SSRCs of one direction: each has a replay window of its own for as long as its key lasts


class SrtpError(OSError):
    """A packet that cannot be protected: it is not sent, whatever the reason, as with any OSError."""


class Srtp:
    """What one end decrypts and encrypts with. `refused` counts what was not authentic, old or repeated."""

    __slots__ = ("_heard", "_inward", "_keys", "_mask", "_outward", "_said", "refused")

    def __init__(self) -> None:
        self.refused = 0
        self._keys: Keys | None = None
        self._inward: Session | None = None
        self._outward: Session | None = None
        self._heard: set[bytes] = set()
        self._said: set[bytes] = set()
        self._mask = 0

    def follow(self, keys: Keys) -> None:
        """Go on with these keys. A direction whose key is as before goes on counting where it was."""
        old, self._keys = self._keys, keys
        same = old is not None and old.suite == keys.suite
        if old is None or not same or old.receive != keys.receive:
            self._inward, self._heard = _session(keys.suite, keys.receive, Policy.SSRC_ANY_INBOUND), set()
        if old is None or not same or old.send != keys.send:
            self._outward, self._said = _session(keys.suite, keys.send, Policy.SSRC_ANY_OUTBOUND), set()
        self._mask = keys.mask

    def open(self, buffer: bytearray, size: int) -> int:
        """Decrypt the first `size` bytes of a buffer in place; return how many are left, -1 if refused.

        RTCP is known by its second byte (RFC 5761 4).
        """
        if size < 12 or self._inward is None:
            self.refused += 1
            return -1
        report = 192 <= buffer[1] <= 223
        source = bytes(buffer[4:8] if report else buffer[8:12])
        known = source in self._heard
        try:
            if not known and len(self._heard) >= SOURCES:
                raise Error
            opened = (self._inward.unprotect_rtcp if report else self._inward.unprotect)(bytes(buffer[:size]))
        except (Error, ValueError):
            self.refused += 1
            return -1
        if not known:
            self._heard.add(source)
        buffer[: len(opened)] = opened
        return len(opened)

    def protect(self, packet: bytes) -> bytes:
        """Return an RTP packet encrypted; raises SrtpError, also where its index was used before."""
        source = packet[8:12]
        if self._mask:
            source = (int.from_bytes(source, "big") ^ self._mask).to_bytes(4, "big")
            packet = packet[:8] + source + packet[12:]
        self._admit(source)
        return self._sealed(packet, report=False)

    def protect_report(self, packet: bytes) -> bytes:
        """Return an RTCP packet encrypted; raises SrtpError, always if it names other SSRCs than ours."""
        if self._mask:
            raise SrtpError("reports name other sources")
        self._admit(packet[4:8])
        return self._sealed(packet, report=True)

    def _admit(self, source: bytes) -> None:
        if source not in self._said:
            if len(self._said) >= SOURCES:
                raise SrtpError("too many sources under one key")
            self._said.add(source)

    def _sealed(self, packet: bytes, *, report: bool) -> bytes:
        if self._outward is None:
            raise SrtpError("no key")
        try:
            sealed = self._outward.protect_rtcp(packet) if report else self._outward.protect(packet)
        except (Error, ValueError):
            raise SrtpError("a packet that cannot be protected, or was before") from None
        return bytes(sealed)


def _session(suite: int, key: bytes, kind: int) -> Session:
    return Session(Policy(key=key, ssrc_type=kind, srtp_profile=suite))
