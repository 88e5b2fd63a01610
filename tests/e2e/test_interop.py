"""Small peers, and the wire as another's dissector reads it."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.capture import Capture, missing
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 69


def sipsak(office: Office, *words: str) -> subprocess.CompletedProcess[str]:
    """Run sipsak against the box; its exit code says how it went."""
    host, port = office.box.udp
    return subprocess.run(
        ["sipsak", "-vv", "-p", f"{host}:{port}", *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipsak_asks_what_we_can(office: Office, transport: str, tmp_path: Path) -> None:
    """Only who proves who it is is told; sipsak's own From is of another user, so it is given the request."""
    host = office.address(1)
    (tmp_path / "options").write_text(
        f"OPTIONS sip:107@{host} SIP/2.0\nFrom: <sip:107@{host}>;tag=1\nTo: <sip:107@{host}>\n"
        f"Call-ID: {transport}\nCSeq: 1 OPTIONS\nContact: <sip:107@{office.address(50)}>\n"
        "Max-Forwards: 5\nContent-Length: 0\n\n"
    )
    words = ("-E", transport, "-f", str(tmp_path / "options"), "-s", f"sip:107@{host}", "-u", "107", "-a")
    assert sipsak(office, *words, "wrong-wrong-wrong-wrong").returncode != 0
    done = sipsak(office, *words, office.secret("107"))
    assert done.returncode == 0, done.stdout[-400:]
    allowed = next(line for line in done.stdout.splitlines() if line.lower().startswith("allow:"))
    assert {"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "REFER", "SUBSCRIBE"} <= {
        word.strip() for word in allowed.partition(":")[2].split(",")
    }


def test_sipsak_registers_with_its_secret_and_not_without(office: Office) -> None:
    to = f"sip:107@{office.address(1)}"
    words = ("-U", "-C", "sip:107@" + office.address(50), "-x", "60", "-u", "107", "-s", to)
    assert sipsak(office, *words, "-a", "wrong-wrong-wrong-wrong").returncode != 0
    assert office.phones("107") == 0
    done = sipsak(office, *words, "-a", office.secret("107"))
    assert done.returncode == 0, done.stdout[-400:]
    assert office.phones("107") == 1


@pytest.mark.skipif(bool(missing()), reason=missing() or "-")
def test_a_call_as_another_dissector_reads_it(office: Office, tmp_path: Path) -> None:
    """Nothing malformed, each side sees the box alone, one Call-ID each way, all sound by the box."""
    audio.speak(tmp_path / "a.wav", "en-gb", 4)
    box, (left, right) = office.address(1), (office.address(10), office.address(11))
    with (
        Capture(tmp_path / "call.pcapng", box, (office.box.udp[1],)) as capture,
        Baresip(tmp_path / "a", left, speech=tmp_path / "a.wav") as a,
        Baresip(tmp_path / "b", right, speech=tmp_path / "a.wav") as b,
    ):
        a.register(Account("101", office.secret("101"), office.server))
        b.register(Account("102", office.secret("102"), office.server))
        a.dial(f"sip:102@{office.server}")
        b.wait("CALL_INCOMING")
        b.accept()
        a.wait("CALL_ESTABLISHED")
        time.sleep(1)
        a.hangup()
        b.wait("CALL_CLOSED")
    bad = f"ip.src=={box} && (_ws.malformed || _ws.expert.severity >= 6291456) && (sip || sdp)"
    assert capture.read(bad, "frame.number", "sip.Request-Line", "_ws.expert.message") == []

    seen = ("sip.Call-ID", "sip.Contact", "sip.Via", "sip.from.user", "sip.to.user")
    invites = capture.read(f"sip.Method==INVITE && ip.src=={box}", *seen)
    assert len(invites) == 1
    call, contact, via, caller, callee = invites[0]
    assert (caller, callee) == ("101", "102")
    assert box in contact
    assert box in via
    asked = capture.read(f"sip.Method==INVITE && ip.src=={left}", "sip.Call-ID")
    assert call not in {one for (one,) in asked}

    # Whatever one phone is told speaks of the box, never of the other phone.
    for one, other in ((left, right), (right, left)):
        told = f'ip.src=={box} && ip.dst=={one} && sip && frame contains "{other}"'
        assert capture.read(told, "frame.number") == []

    # baresip sends its sound from 127.0.0.1 (wildcard sockets), so our ports tell the sides apart.
    media = capture.read(f"!sip && !icmp && udp.length > 150 && ip.src=={box}", "udp.srcport")
    heard = capture.read(f"!sip && !icmp && udp.length > 150 && ip.dst=={box}", "udp.dstport")
    assert len({port for (port,) in media}) == 2
    assert {port for (port,) in media} == {port for (port,) in heard}
    assert capture.read(f"sip.Method==BYE && ip.src=={box}", "sip.Call-ID") == [[call]]
