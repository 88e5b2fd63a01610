"""Both sides of TLS: versions, the order of ciphers on this processor, and whom we believe."""

import ssl
from typing import Final

from firmware.store.store import AUTHORITY, Store

_CPU: Final = "/proc/cpuinfo"
_AES, _CHACHA = "ECDHE+AESGCM", "ECDHE+CHACHA20"
_PRIORITIZE_CHACHA: Final = 1 << 21
"""SSL_OP_PRIORITIZE_CHACHA of OpenSSL, which the ssl module has no name for."""


def has_aes(cpuinfo: str) -> bool:
    """Tell whether a processor, as Linux describes it, has instructions for AES (x86 and arm64 alike)."""
    for line in cpuinfo.splitlines():
        name, _, words = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return "aes" in words.split()
    return False


def fast_aes() -> bool:
    """Tell whether this machine's processor has instructions for AES."""
    try:
        with open(_CPU, encoding="ascii", errors="replace") as file:
            return has_aes(file.read(1 << 16))
    except OSError:
        return False


def harden(context: ssl.SSLContext, *, aes: bool) -> ssl.SSLContext:
    """Allow TLS 1.2 and 1.3 with forward secrecy and authenticated encryption; ChaCha20 first without `aes`.

    With TLS 1.3 the ssl module cannot order ciphers: there a far end that prefers ChaCha20 gets it, which
    on a phone means that it has no AES either.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{_AES}:{_CHACHA}" if aes else f"{_CHACHA}:{_AES}")
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | _PRIORITIZE_CHACHA
    return context


class Trust:
    """Whom the box believes on connections it makes, by file of authorities; "" stands for the usual ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._aes = fast_aes()

    def __call__(self, file: str) -> ssl.SSLContext:
        """Return the client side of TLS; raises OSError when the file cannot be read or is no such file.

        The usual authorities are the system's and the box's own. Names are checked elsewhere (RFC 5922).
        """
        context = harden(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), aes=self._aes)
        context.check_hostname = False
        if file:
            context.load_verify_locations(file)
            return context
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        own = self._store.secrets.get(AUTHORITY)
        if own is not None:
            context.load_verify_locations(cadata=own.decode("ascii"))
        return context
