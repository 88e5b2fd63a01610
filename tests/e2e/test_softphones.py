"""baresip over TCP and TLS, with sound."""

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.baresip import UNHEARD, Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 63


def authority(office: Office, path: Path) -> Path:
    """Fetch the certificates the box shows, with its authority's, as a technician would."""
    host, port = office.box.tls
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-showcerts"],
        input=b"",
        capture_output=True,
        timeout=10,
        check=True,
    ).stdout.decode()
    end = "-----END CERTIFICATE-----\n"
    certificates = ["-----BEGIN" + part.partition("-----BEGIN")[2] + end for part in shown.split(end)[:-1]]
    assert certificates
    path.write_text(certificates[-1])
    return path


def test_a_phone_on_tls_calls_one_on_tcp_and_both_hear(office: Office, tmp_path: Path) -> None:
    audio.speak(tmp_path / "a.wav", "en-gb", 8)
    audio.speak(tmp_path / "b.wav", "en-us", 8, first=2)
    trust = authority(office, tmp_path / "ca.pem")
    with (
        Baresip(tmp_path / "a", office.address(10), speech=tmp_path / "a.wav", trust=trust) as a,
        Baresip(tmp_path / "b", office.address(11), speech=tmp_path / "b.wav") as b,
    ):
        server = f"{office.box.tls[0]}:{office.box.tls[1]}"
        assert a.register(Account("101", office.secret("101"), server, "tls")).type == "REGISTER_OK"
        assert b.register(Account("102", office.secret("102"), office.server, "tcp")).type == "REGISTER_OK"
        a.dial(f"sip:102@{server}")
        b.wait("CALL_INCOMING")
        answered = b.accept()
        began = a.wait("CALL_ESTABLISHED").at
        time.sleep(4)
        b.hangup()
        a.wait("CALL_CLOSED")
        ended = time.monotonic()
        for talker, listener, begin in (("a", b, began), ("b", a, answered)):
            sent = audio.cut(audio.read(tmp_path / f"{talker}.wav"), 0.4, ended - begin - UNHEARD)
            assert audio.find(sent, listener.heard()).correlation >= 0.9
    record = office.record()
    assert (record["caller"], record["callee"], record["ended_by"]) == ("101", "102", "callee")


def test_the_certificate_holds_for_whoever_trusts_the_authority_and_nobody_else(
    office: Office, tmp_path: Path
) -> None:
    """Asked of Python's TLS: baresip 1.0.0 takes any certificate."""
    trusting = ssl.create_default_context(cafile=str(authority(office, tmp_path / "ca.pem")))
    with (
        socket.create_connection(office.box.tls, timeout=10) as sock,
        trusting.wrap_socket(sock, server_hostname=office.address(1)) as secure,
    ):
        assert secure.version() in {"TLSv1.2", "TLSv1.3"}
    stranger = ssl.create_default_context()
    with (
        socket.create_connection(office.box.tls, timeout=10) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        stranger.wrap_socket(sock, server_hostname=office.address(1))


def test_a_wrong_secret_is_refused(office: Office, tmp_path: Path) -> None:
    audio.write(tmp_path / "s.wav", bytes(16000))
    with Baresip(tmp_path / "d", office.address(13), speech=tmp_path / "s.wav") as d:
        event = d.register(Account("104", "wrong-wrong-wrong-wrong", office.server))
    assert event.type == "REGISTER_FAIL"
    assert office.phones("104") == 0
