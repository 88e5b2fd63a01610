"""A far end of DTLS-SRTP: OpenSSL's own handshake, nothing of ours around it but the cutting of datagrams."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from OpenSSL import SSL

PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
_RECORD = 13
_MTU = 900


def certificate() -> tuple[bytes, bytes, bytes]:
    """Return a key, its certificate, and its digest."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(der, pkcs8, serialization.NoEncryption())
    return private, made.public_bytes(der), made.fingerprint(hashes.SHA256())


OURS, THEIRS = certificate(), certificate()


def cut(connection: SSL.Connection) -> list[bytes]:
    """Return what OpenSSL wants to send, in datagrams of whole records."""
    try:
        said = connection.bio_read(65536)
    except SSL.WantReadError:
        return []
    datagrams = [b""]
    while said:
        size = _RECORD + int.from_bytes(said[11:13], "big")
        if len(datagrams[-1]) + size > _MTU and datagrams[-1]:
            datagrams.append(b"")
        datagrams[-1] += said[:size]
        said = said[size:]
    return datagrams


class Peer:
    """One end of a handshake; `flight` is what it said last."""

    def __init__(self, *, client: bool, profiles: bytes = PROFILES) -> None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_privatekey(load_der_private_key(THEIRS[0], None))  # type: ignore[arg-type]
        context.use_certificate(x509.load_der_x509_certificate(THEIRS[1]))
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(profiles)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(900)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        self.done = False
        self.flight: list[bytes] = []

    def start(self) -> list[bytes]:
        return self._step()

    def receive(self, datagram: bytes) -> list[bytes]:
        self.connection.bio_write(datagram)
        return self._step()

    def _step(self) -> list[bytes]:
        try:
            if self.done:
                self.connection.recv(1)
            self.connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        said = cut(self.connection)
        self.flight = list(said) or self.flight
        return said

    def keys(self, size: int) -> bytes:
        return self.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
