"""baresip over TCP and TLS, with sound."""

import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.baresip import UNHEARD, Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 63


def authority(office: Office, path: Path) -> Path:
    """Fetch the certificate of the box's authority, as a technician would."""
    path.write_text(office.box.cli("authority"))
    return path


def server_of(office: Office, transport: str) -> str:
    """Return where the box listens for a transport, as text."""
    return f"{office.box.tls[0]}:{office.box.tls[1]}" if transport == "tls" else office.server


def both_hear(
    office: Office,
    tmp_path: Path,
    transports: tuple[str, str],
    *,
    secure: bool = False,
    codecs: tuple[str, str] = ("PCMA/8000/1", "PCMA/8000/1"),
) -> set[str]:
    """Call from one phone to another; both speak and hear. Return how their sound went over the wire."""
    audio.speak(tmp_path / "a.wav", "en-gb", 8)
    audio.speak(tmp_path / "b.wav", "en-us", 8, first=2)
    trust = authority(office, tmp_path / "ca.pem")
    with (
        Baresip(tmp_path / "a", office.address(10), speech=tmp_path / "a.wav", trust=trust) as a,
        Baresip(tmp_path / "b", office.address(11), speech=tmp_path / "b.wav") as b,
    ):
        people = zip((a, b), ("101", "102"), transports, codecs, strict=True)
        for phone, user, transport, codec in people:
            server = server_of(office, transport)
            account = Account(user, office.secret(user), server, transport, secure=secure, codec=codec)
            assert phone.register(account).type == "REGISTER_OK"
        a.dial(f"sip:102@{server_of(office, transports[0])}")
        talk(a, b, tmp_path / "a.wav", tmp_path / "b.wav")
    return {"SRTP" if " SRTP" in phone.log() else "RTP" for phone in (a, b)}


def talk(
    caller: Baresip,
    callee: Baresip,
    said: Path,
    replied: Path,
    since: tuple[int, int] = (0, 0),
    late: float = 0.0,
) -> None:
    """Answer the call that rings, let both speak and hear, hang up.

    `since`: events of earlier calls. `late`: seconds after the answer in which a phone may begin to speak.
    """
    callee.wait("CALL_INCOMING", since=since[1])
    before = {phone: len(phone.ear.heard) for phone in (caller, callee)}
    answered = callee.accept()
    began = caller.wait("CALL_ESTABLISHED", since=since[0]).at
    time.sleep(4)
    callee.hangup()
    caller.wait("CALL_CLOSED", since=since[0])
    ended = time.monotonic()
    for speech, listener, begin in ((said, callee, began), (replied, caller, answered)):
        sent = audio.cut(audio.read(speech), 0.4, ended - begin - UNHEARD - late)
        heard = audio.samples(bytes(listener.ear.heard[before[listener] :]))
        assert audio.find(sent, heard).correlation >= 0.9


def test_a_phone_on_tls_calls_one_on_tcp_and_both_hear(office: Office, tmp_path: Path) -> None:
    both_hear(office, tmp_path, ("tls", "tcp"))
    record = office.record()
    assert (record["caller"], record["callee"], record["ended_by"]) == ("101", "102", "callee")


@pytest.mark.parametrize("codecs", [("PCMU/8000/1", "PCMA/8000/1"), ("PCMA/8000/1", "PCMU/8000/1")])
def test_two_phones_without_a_common_codec_hear_each_other(
    office: Office, tmp_path: Path, codecs: tuple[str, str]
) -> None:
    both_hear(office, tmp_path, ("udp", "udp"), codecs=codecs)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_two_phones_that_take_nothing_but_srtp_hear_each_other(
    office: Office, tmp_path: Path, transport: str
) -> None:
    wires = both_hear(office, tmp_path, (transport, transport), secure=True)
    assert wires == {"SRTP"}


def test_a_phone_that_takes_nothing_but_srtp_is_not_talked_into_less(office: Office, tmp_path: Path) -> None:
    audio.write(tmp_path / "s.wav", bytes(16000))
    before = len(office.records())
    with (
        Baresip(tmp_path / "e", office.address(14), speech=tmp_path / "s.wav") as e,
        Baresip(tmp_path / "f", office.address(15), speech=tmp_path / "s.wav") as f,
    ):
        e.register(Account("103", office.secret("103"), office.server, secure=True))
        f.register(Account("104", office.secret("104"), office.server))
        e.dial(f"sip:104@{office.server}")
        assert "488" in str(e.wait("CALL_CLOSED").fields)
        since = f.mark()
        f.dial(f"sip:103@{office.server}")
        assert "488" in str(f.wait("CALL_CLOSED", since=since).fields)
    office.record(before + 2)
    assert {record["cause"] for record in office.records()[:2]} == {"not-acceptable"}


def test_an_srtp_phone_that_calls_several_gets_keys_of_the_boxs_own(office: Office, tmp_path: Path) -> None:
    """103 has two phones; the box is an end of SRTP on both sides."""
    audio.speak(tmp_path / "s.wav", "en-gb", 8)
    phones = [tmp_path / name for name in "ghi"]
    with (
        Baresip(phones[0], office.address(16), speech=tmp_path / "s.wav") as caller,
        Baresip(phones[1], office.address(17), speech=tmp_path / "s.wav") as one,
        Baresip(phones[2], office.address(18), speech=tmp_path / "s.wav") as other,
    ):
        for phone, user in ((caller, "101"), (one, "103"), (other, "103")):
            phone.register(Account(user, office.secret(user), office.server, secure=True))
        caller.dial(f"sip:103@{office.server}")
        one.wait("CALL_INCOMING")
        other.wait("CALL_INCOMING")
        talk(caller, other, tmp_path / "s.wav", tmp_path / "s.wav")
        assert all(" SRTP" in phone.log() for phone in (caller, other))


def test_where_the_site_wants_it_each_side_is_encrypted_by_itself(tmp_path: Path) -> None:
    audio.speak(tmp_path / "s.wav", "en-gb", 8)
    converted = {'srtp = "passed"': 'srtp = "converted"'}
    with (
        Office(tmp_path, NET + 1, converted) as office,
        Baresip(tmp_path / "j", office.address(10), speech=tmp_path / "s.wav") as secret,
        Baresip(tmp_path / "k", office.address(11), speech=tmp_path / "s.wav") as plain,
    ):
        secret.register(Account("101", office.secret("101"), office.server, secure=True))
        plain.register(Account("102", office.secret("102"), office.server))
        for caller, callee, number in ((secret, plain, "102"), (plain, secret, "101")):
            since = caller.mark(), callee.mark()
            caller.dial(f"sip:{number}@{office.server}")
            talk(caller, callee, tmp_path / "s.wav", tmp_path / "s.wav", since)
        assert " SRTP" in secret.log()
        assert " SRTP" not in plain.log()


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
