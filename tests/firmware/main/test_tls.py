"""Both sides of TLS against OpenSSL's own client, and the order of ciphers."""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import cast

import pytest

from firmware.clock import Clock
from firmware.main.certificate import context
from firmware.main.tls import Trust, fast_aes, harden, has_aes
from firmware.store import Store

X86 = "processor\t: 0\nflags\t\t: fpu vme aes avx\n"
PI4 = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
PI5 = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2\n"


@pytest.mark.parametrize(("text", "has"), [(X86, True), (PI5, True), (PI4, False), ("", False)])
def test_what_the_processor_can_do(text: str, has: bool) -> None:
    assert has_aes(text) is has


def test_this_machine_is_asked() -> None:
    assert fast_aes() is has_aes(Path("/proc/cpuinfo").read_text())


@pytest.mark.parametrize(("aes", "first"), [(True, "AES"), (False, "CHACHA20")])
def test_the_order_of_ciphers_and_nothing_weak(aes: bool, first: str) -> None:
    made = harden(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), aes=aes)
    ciphers = [one for one in made.get_ciphers() if one["protocol"] == "TLSv1.2"]
    assert first in ciphers[0]["name"]
    assert all(one["name"].startswith("ECDHE-") and one["aead"] for one in ciphers)
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2


def talk(server: ssl.SSLContext, *words: str) -> str:
    """Connect OpenSSL's client to a server with this context; return what it tells."""

    async def scene() -> str:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
        host, port = listening.sockets[0].getsockname()
        client = await asyncio.create_subprocess_exec(
            "openssl", "s_client", "-connect", f"{host}:{port}", *words,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await client.communicate()
        listening.close()
        await listening.wait_closed()
        return told.decode()

    return asyncio.run(scene())


def test_openssl_gets_chacha20_where_there_is_no_aes() -> None:
    kept = cast(Store, Kept())
    for aes, cipher in (
        (False, "ECDHE-ECDSA-CHACHA20-POLY1305"),
        (True, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ):
        server = harden(context(kept, Clock(), ["127.0.0.1"]), aes=aes)
        assert f"Cipher is {cipher}" in talk(server, "-tls1_2")
    phone = ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"]
    assert "Cipher is TLS_CHACHA20_POLY1305_SHA256" in talk(server, *phone)
    assert "Cipher is (NONE)" in talk(server, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


class Kept:
    """The store's secrets, at once."""

    def __init__(self) -> None:
        self.secrets = self
        self.all: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self.all.get(name)

    def put(self, name: str, data: bytes) -> None:
        self.all[name] = data


def test_a_certificate_is_kept_while_it_serves_and_made_anew_in_time() -> None:
    kept, clock = Kept(), Clock()
    wall = clock.wall

    def shown(days: int, *addresses: str) -> tuple[bytes, bytes]:
        clock.wall = lambda: wall() + days * 86400  # type: ignore[method-assign]
        context(cast(Store, kept), clock, addresses or ["127.0.0.1"])
        return kept.all["tls.chain"], kept.all["tls.ca"]

    first = shown(0)
    assert shown(734) == first
    renewed = shown(736)
    assert renewed[0] != first[0]
    assert renewed[1] == first[1]
    assert shown(737, "127.0.0.1", "::1")[0] != renewed[0]
    assert shown(2900)[1] != first[1]


def test_openssl_accepts_the_box_by_its_exported_authority(tmp_path: Path) -> None:
    kept = Kept()
    server = context(cast(Store, kept), Clock(), ["127.0.0.1", "::1"])
    (tmp_path / "ca.pem").write_bytes(kept.all["tls.ca"])
    checked = ["-verify_return_error", "-CAfile", str(tmp_path / "ca.pem"), "-verify_ip"]
    assert "Verification: OK" in talk(server, *checked, "127.0.0.1")
    assert "Verification: OK" in talk(server, *checked, "::1")
    assert "Verification: OK" not in talk(server, *checked, "127.0.0.2")


def test_trust_is_the_box_itself_or_the_operators_file(tmp_path: Path) -> None:
    kept = Kept()
    context(cast(Store, kept), Clock(), ["127.0.0.1"])
    trust = Trust(cast(Store, kept))
    usual = trust("")
    assert any("Branchline box authority" in str(one) for one in usual.get_ca_certs())
    assert usual.verify_mode == ssl.CERT_REQUIRED
    (tmp_path / "ca.pem").write_bytes(kept.all["tls.ca"])
    assert len(trust(str(tmp_path / "ca.pem")).get_ca_certs()) == 1
    (tmp_path / "no.pem").write_text("nothing")
    for file in ("no.pem", "absent.pem"):
        with pytest.raises(OSError, match=r"\[|No such"):
            trust(str(tmp_path / file))
