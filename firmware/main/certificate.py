"""The box's own certificate for SIP over TLS: made once, kept in the store, never a file.

A private authority signs one server certificate for the addresses the box listens on. Phones that check
certificates are given the authority's (`branchline authority`). The server certificate is made anew when the
addresses change or its end comes near; the authority stays.
"""

import datetime
import os
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from firmware.clock import Clock
from firmware.main.tls import fast_aes, harden
from firmware.store.store import AUTHORITY, Store

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DAYS: Final = 825
"""How long the server certificate lasts; more is refused by some clients."""
AUTHORITY_DAYS: Final = 3650
RENEW_DAYS: Final = 90
_DAY: Final = 86400.0

CHAIN, KEY, COVERS = "tls.chain", "tls.key", "tls.covers"
AUTHORITY_KEY = "tls.ca.key"


def context(store: Store, clock: Clock, addresses: Sequence[str]) -> ssl.SSLContext:
    """Return the TLS side of the box for these addresses, with the certificate in the store or a new one."""
    chain, key = store.secrets.get(CHAIN), store.secrets.get(KEY)
    if chain is None or key is None or not _covers(store.secrets.get(COVERS), clock.wall(), addresses):
        chain, key = _make(store, clock.wall(), addresses)
    made = harden(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), aes=fast_aes())
    # The ssl module takes certificates from paths only; this one names memory of this process.
    memory = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(memory, chain + key)
        made.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return made


def _covers(note: bytes | None, now: float, addresses: Sequence[str]) -> bool:
    """Tell whether the certificate noted as `end address address...` still serves."""
    if note is None:
        return False
    end, *covered = note.decode().split()
    return float(end) - now > RENEW_DAYS * _DAY and set(addresses) <= set(covered)


def _make(store: Store, now: float, addresses: Sequence[str]) -> tuple[bytes, bytes]:
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    authority, authority_key = _authority(store, now)
    key = ec.generate_private_key(ec.SECP256R1())
    end = now + DAYS * _DAY
    names = [x509.IPAddress(ip_address(address)) for address in addresses]
    certificate = (
        _builder("Branchline box", key, now, end)
        .issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_authority_id(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, authority))
    secret = _pem(key)
    store.secrets.put(CHAIN, chain)
    store.secrets.put(KEY, secret)
    store.secrets.put(COVERS, " ".join([str(end), *addresses]).encode())
    return chain, secret


def _authority(store: Store, now: float) -> "tuple[x509.Certificate, EllipticCurvePrivateKey]":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    kept, kept_key = store.secrets.get(AUTHORITY), store.secrets.get(AUTHORITY_KEY)
    if kept is not None and kept_key is not None:
        found = x509.load_pem_x509_certificate(kept)
        loaded = serialization.load_pem_private_key(kept_key, None)
        left = found.not_valid_after_utc.timestamp() - now
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and left > DAYS * _DAY:
            return found, loaded
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("Branchline box authority", key, now, now + AUTHORITY_DAYS * _DAY)
    usage = x509.KeyUsage(
        False, False, False, False, False, True, True, False, False
    )  # certificates, revocations
    made = (
        builder.issuer_name(_name("Branchline box authority"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    store.secrets.put(AUTHORITY, made.public_bytes(serialization.Encoding.PEM))
    store.secrets.put(AUTHORITY_KEY, _pem(key))
    return made, key


def _builder(
    name: str, key: "EllipticCurvePrivateKey", start: float, end: float
) -> "x509.CertificateBuilder":
    from cryptography import x509

    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_moment(start - _DAY))  # a phone's clock may be a little behind
        .not_valid_after(_moment(end))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _authority_id(key: "EllipticCurvePrivateKey") -> "x509.AuthorityKeyIdentifier":
    from cryptography import x509

    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _name(common: str) -> "x509.Name":
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _moment(wall: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(wall, datetime.UTC)


def _pem(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
