"""DTLS-SRTP with far ends that nobody here wrote: baresip, and what browsers do."""

import time
from pathlib import Path

import pytest

from tests.e2e.test_softphones import talk
from tests.support import audio, namespace
from tests.support.baresip import Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 93
SITE = {'dtls = "off"': 'dtls = "always"'}
CHECKING = "10.93.0.10"  # baresip takes no loopback address for a candidate


def both_ways(office: Office, tmp_path: Path, address: str, nat: str = "") -> str:
    """Have a phone that shakes hands call one that does not, and be called by it; what the first printed."""
    audio.speak(tmp_path / "s.wav", "en-gb", 8)
    more = ("module dtls_srtp.so", "module ice.so", "rtcp_mux yes" if nat else "rtcp_mux no")
    with (
        Baresip(tmp_path / "a", address, speech=tmp_path / "s.wav", more=more) as proven,
        Baresip(tmp_path / "b", office.address(11), speech=tmp_path / "s.wav") as plain,
    ):
        account = Account("101", office.secret("101"), office.server, parameters=";mediaenc=dtls_srtp" + nat)
        proven.register(account)
        plain.register(Account("102", office.secret("102"), office.server))
        for caller, callee, number in ((proven, plain, "102"), (plain, proven, "101")):
            since = caller.mark(), callee.mark()
            caller.dial(f"sip:{number}@{office.server}")
            talk(caller, callee, tmp_path / "s.wav", tmp_path / "s.wav", since, late=1.0)
            time.sleep(0.5)
        return proven.log()


def test_a_phone_that_shakes_hands_calls_and_is_called_by_one_that_does_not(
    office: Office, tmp_path: Path
) -> None:
    log = both_ways(office, tmp_path, office.address(10))
    assert log.count("DTLS-SRTP complete (audio/RTP) Profile=AEAD_AES_128_GCM") == 2


@pytest.mark.native
def test_it_does_so_after_checks_of_ice(tmp_path: Path) -> None:
    if why := namespace.missing():
        pytest.skip(why.replace("what the kernel relays", "baresip with ICE"))
    with namespace.network():
        namespace.run("ip", "address", "add", f"{CHECKING}/24", "dev", "lo")
        with Office(tmp_path / "office", NET, SITE) as office:
            log = both_ways(office, tmp_path, CHECKING, ";medianat=ice")
    assert log.count("DTLS-SRTP complete (audio/RTP) Profile=AEAD_AES_128_GCM") == 2
