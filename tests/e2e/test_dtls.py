"""DTLS-SRTP with far ends that nobody here wrote: baresip, and what browsers do."""

import time
from pathlib import Path

import pytest

from tests.e2e.test_softphones import talk
from tests.support import audio
from tests.support.baresip import Account, Baresip
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 93
SITE = {"monitor = false": 'monitor = false\ndtls = "always"'}
MODULES = ("dtls_srtp", "ice", "srtp")


@pytest.mark.parametrize("nat", ["", ";medianat=ice"], ids=["by-address", "ice"])
def test_a_phone_that_shakes_hands_calls_and_is_called_by_one_that_does_not(
    office: Office, tmp_path: Path, nat: str
) -> None:
    audio.speak(tmp_path / "s.wav", "en-gb", 8)
    with (
        Baresip(
            tmp_path / "a", office.address(10), speech=tmp_path / "s.wav", modules=("dtls_srtp", "ice")
        ) as proven,
        Baresip(tmp_path / "b", office.address(11), speech=tmp_path / "s.wav") as plain,
    ):
        account = Account("101", office.secret("101"), office.server, parameters=";mediaenc=dtls_srtp" + nat)
        proven.register(account)
        plain.register(Account("102", office.secret("102"), office.server))
        for caller, callee, number in ((proven, plain, "102"), (plain, proven, "101")):
            since = caller.mark(), callee.mark()
            caller.dial(f"sip:{number}@{office.server}")
            talk(caller, callee, tmp_path / "s.wav", tmp_path / "s.wav", since)
            time.sleep(0.5)
        assert proven.log().count("DTLS-SRTP complete") >= 2
