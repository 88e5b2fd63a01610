"""A stack on real loopback sockets, and a certificate to throw away."""

from __future__ import annotations

import asyncio
import datetime
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sip.stack import Stack, StackConfig
from sip.transport import Transports
from sip.transport.stream import StreamLimits
from tests.sip.net import User


class Box:
    def __init__(self, limits: StreamLimits | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.user = User()
        self.transports = Transports(loop, loop.time, limits)
        self.stack = Stack(self.transports.send, self.user, StackConfig(), os.urandom)
        self.transports.start(self.stack)
        self.now = loop.time

    def bind(
        self, kind: Any, context: ssl.SSLContext | None = None, origins: frozenset[str] = frozenset()
    ) -> tuple[str, int]:
        return self.transports.bind(kind, "127.0.0.1", 0, context, origins)


@asynccontextmanager
async def box(limits: StreamLimits | None = None) -> AsyncIterator[Box]:
    made = Box(limits)
    try:
        yield made
    finally:
        await made.transports.close()


async def until(condition: Any) -> None:
    """Wait until `condition()` is true; the test's own timeout is the limit."""
    while not condition():  # noqa: ASYNC110  # there is no event to wait for
        await asyncio.sleep(0.005)


class Peer:
    """A UDP socket that speaks when told."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.socket.connect(to)
        self.address: tuple[str, int] = self.socket.getsockname()

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.socket, 65535)

    def close(self) -> None:
        self.socket.close()


def certificate(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1; return the contexts of its server and of a client that trusts it."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "branchline test")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_2
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=str(path))
    return server, client
