"""DTLS-SRTP (RFC 5763, RFC 5764, RFC 8842): a handshake whose outcome is the keys of SRTP.

Sans-IO around OpenSSL: datagrams and `now` in, datagrams out. What is no handshake never gets here, and no
data is ever sent inside. The certificate a far end shows must have the digest its description told; else
there are no keys. Loaded when the first row of the plan asks for a handshake.
"""

from __future__ import annotations

import hmac
import os

from cryptography.hazmat.primitives.serialization import load_der_private_key
from cryptography.x509 import load_der_x509_certificate
from OpenSSL import SSL

from rtp.keys import AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80, LENGTHS, Keys
from rtp.link import ACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.link import Link

PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"  # best first
_SUITES = {
    b"SRTP_AEAD_AES_128_GCM": AEAD_AES_128_GCM,
    b"SRTP_AES128_CM_SHA1_80": AES_CM_128_HMAC_SHA1_80,
}
SALTS = {AEAD_AES_128_GCM: 12, AES_CM_128_HMAC_SHA1_80: 14}  # octets of LENGTHS that are the salt
_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_DTLS_1_2 = 0xFEFD
_COOKIES = 0x2000  # SSL_OP_COOKIE_EXCHANGE

MTU = 1200  # octets of a datagram of ours
FIRST, SLOWEST = 0.5, 8.0  # seconds until a flight is sent again, and at most (RFC 6347 4.2.4)
LIMIT = 30.0  # seconds a handshake may take
LINGER = 60.0  # seconds after it in which the far end may still ask for the last flight
MOST_OCTETS, MOST_DATAGRAMS = 32768, 200  # taken from a far end in one handshake
_HANDSHAKE, _CLIENT_HELLO, _RECORD = 22, 1, 13


class DtlsError(Exception):
    """No identity that can be used."""


class Identity:
    """Our private key and certificate (DER both), and the contexts made of them."""

    def __init__(self, key: bytes, certificate: bytes) -> None:
        try:
            self._key = load_der_private_key(key, None)
            self._certificate = load_der_x509_certificate(certificate)
        except ValueError as error:
            raise DtlsError("no key and certificate") from error
        self._secret = os.urandom(32)
        self._contexts: dict[bool, SSL.Context] = {}

    def context(self, *, cookies: bool) -> SSL.Context:
        """Return a context; with `cookies` a server's for who may be unreachable (RFC 6347 4.2.1)."""
        if cookies not in self._contexts:
            context = SSL.Context(SSL.DTLS_METHOD)
            context.set_min_proto_version(_DTLS_1_2)
            context.use_certificate(self._certificate)
            context.use_privatekey(self._key)  # type: ignore[arg-type]
            context.set_cipher_list(_CIPHERS)
            context.set_tlsext_use_srtp(PROFILES)
            # Nobody's signature counts, only the digest in the description (RFC 5763 5): see _conclude.
            context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
            context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET)
            if SSL.OP_NO_RENEGOTIATION is not None:
                context.set_options(SSL.OP_NO_RENEGOTIATION)
            context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            if cookies:
                context.set_options(_COOKIES)
                context.set_cookie_generate_callback(self._cookie)
                context.set_cookie_verify_callback(self._known)
            self._contexts[cookies] = context
        return self._contexts[cookies]

    def _cookie(self, connection: SSL.Connection) -> bytes:
        return hmac.digest(self._secret, connection.get_app_data(), "sha256")

    def _known(self, connection: SSL.Connection, cookie: bytes) -> bool:
        return hmac.compare_digest(cookie, self._cookie(connection))


class Doorkeeper:
    """Lets in who can be reached where they say they are; keeps no state, sends less than it is sent.

    Where checks of ICE have proved an address there is no need of it.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._connection: SSL.Connection | None = None

    def admit(self, datagram: bytes, source: bytes) -> tuple[list[bytes], SSL.Connection | None]:
        """Take a first ClientHello; return what to answer, and the handshake once its cookie was right."""
        if not hello(datagram):
            return [], None
        connection = self._connection or _connection(self._identity.context(cookies=True))
        connection.set_accept_state()
        connection.set_app_data(source)
        connection.bio_write(datagram)
        self._connection = None
        try:
            connection.DTLSv1_listen()
        except SSL.WantReadError:
            self._connection = connection
            answer = _drain(connection)
            return (answer, None) if sum(map(len, answer)) <= len(datagram) else ([], None)
        except SSL.Error:
            return [], None
        return [], connection


class Handshake:
    """One DTLS association: `receive` and `tick` give datagrams to send; `keys` are there once it is done.

    `failed`: there will be no keys. `due`: when `tick` is to be called, None: need not be.
    `begun` is a connection the doorkeeper let in; without, the role of the link says who begins.
    """

    __slots__ = ("_connection", "_flight", "_link", "_octets", "_pause", "_until", "due", "failed", "keys")

    def __init__(
        self, identity: Identity, link: Link, now: float, begun: SSL.Connection | None = None
    ) -> None:
        self._link = link
        self._connection = begun or _connection(identity.context(cookies=False))
        if begun is None:
            if link.role == ACTIVE:
                self._connection.set_connect_state()
            else:
                self._connection.set_accept_state()
        self._flight: list[bytes] = []
        self._octets = 0
        self._pause = FIRST
        self._until = now + LIMIT
        self.keys: Keys | None = None
        self.failed = False
        self.due: float | None = self._until

    def start(self, now: float) -> list[bytes]:
        """Begin, or go on after the doorkeeper."""
        return self._step(now)

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """Take one datagram of the far end."""
        if not datagram:
            return []
        self._octets += max(len(datagram), MOST_OCTETS // MOST_DATAGRAMS)
        if self.failed or self._octets > MOST_OCTETS or now >= self._until:
            return []
        done = self.keys is not None
        self._connection.bio_write(datagram)
        said = self._step(now)
        if not said and done and datagram[:2] == b"\x16\xfe":
            return self._flight  # who is still shaking hands has lost it
        return said

    def tick(self, now: float) -> list[bytes]:
        """Send the last flight again where it is time (RFC 6347 4.2.4).

        OpenSSL does it, in new records, once its own timer has run out. Before, the very same records go
        out: who has them drops them as repeated (4.1.2.6), who lost them is glad.
        """
        if self.due is None or now < self.due:
            return []
        if now >= self._until:
            self.failed, self.due = self.keys is None, None
            return []
        self._pause = min(self._pause * 2, SLOWEST)
        self.due = min(now + self._pause, self._until)
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self.failed, self.due = True, None
            return []
        self._flight = _drain(self._connection) or self._flight
        return self._flight

    def over(self, now: float) -> bool:
        """Tell whether nobody can want anything of it any more; the keys are known elsewhere."""
        return self.keys is not None and now >= self._until

    def _step(self, now: float) -> list[bytes]:
        try:
            if self.keys is None:
                self._connection.do_handshake()
                self._conclude(now)
            else:
                self._connection.recv(1)  # has OpenSSL look at it: what it asks for again is sent again
        except SSL.WantReadError:
            pass
        except (SSL.Error, ValueError):
            self.failed, self.due = self.keys is None, None
        said = _drain(self._connection)
        self._flight = said or self._flight
        if said and self.keys is None and not self.failed:
            self._pause = FIRST
            self.due = min(now + FIRST, self._until)
        return said

    def _conclude(self, now: float) -> None:
        suite = _SUITES.get(self._connection.get_selected_srtp_profile())
        shown = self._connection.get_peer_certificate()
        digest = bytes.fromhex(shown.digest("sha256").decode().replace(":", "")) if shown else b""
        if suite is None or not hmac.compare_digest(digest, self._link.digest):
            self.failed, self.due = True, None
            return
        salt = SALTS[suite]
        key = LENGTHS[suite] - salt
        material = self._connection.export_keying_material(_LABEL, 2 * LENGTHS[suite])
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        ours, theirs = (client, server) if self._link.role == ACTIVE else (server, client)
        self.keys = Keys(suite, theirs, ours)
        self._until = now + LINGER
        self.due = None
        self._octets = MOST_OCTETS // 2


def hello(datagram: bytes) -> bool:
    """Tell whether a datagram begins with a ClientHello of a new association."""
    return (
        len(datagram) > _RECORD
        and datagram[0] == _HANDSHAKE
        and datagram[1] == 0xFE
        and datagram[3:5] == b"\0\0"
        and datagram[_RECORD] == _CLIENT_HELLO
    )


def _connection(context: SSL.Context) -> SSL.Connection:
    connection = SSL.Connection(context, None)
    connection.set_ciphertext_mtu(MTU)
    return connection


def _drain(connection: SSL.Connection) -> list[bytes]:
    """Return what OpenSSL wants to send, cut into datagrams between records."""
    try:
        said = connection.bio_read(1 << 16)
    except SSL.WantReadError:
        return []
    datagrams: list[bytes] = []
    at = begin = 0
    while at + _RECORD <= len(said):
        end = at + _RECORD + int.from_bytes(said[at + 11 : at + 13], "big")
        if end - begin > MTU and at > begin:
            datagrams.append(said[begin:at])
            begin = at
        at = end
    datagrams.append(said[begin:])
    return datagrams
