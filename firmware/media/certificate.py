"""The certificate with which calls shake hands (DTLS-SRTP): made at start, in memory, about nobody.

Its digest stands in descriptions and is all that counts of it (RFC 5763 5). It lives as long as the process:
two starts of one box cannot be told to be the same box by it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_UNTIL = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)  # RFC 5280 4.1.2.5: no end


@dataclass(frozen=True, slots=True)
class Certificate:
    """Private key (PKCS 8) and certificate, DER both, and the SHA-256 of the certificate."""

    key: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    digest: bytes

    @classmethod
    def make(cls) -> Certificate:
        """Make a new one: ECDSA on P-256, signed by itself, its name and serial number say nothing."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "-")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(_UNTIL)
            .sign(key, hashes.SHA256())
        )
        der = serialization.Encoding.DER
        private = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(private, made.public_bytes(der), made.fingerprint(hashes.SHA256()))
