"""A phone in a browser: SIP over WebSocket and media by two foreign clients (aiortc), and a desk phone."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_websocket import PAGE, reply, until
from tests.support.baresip import Account, Baresip
from tests.support.office import Office
from tests.support.sipwire import digest
from tests.support.webcall import WebCall, loudest
from tests.support.webphone import WebPhone

pytestmark = pytest.mark.e2e
NET = 94


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    directory = tmp_path_factory.mktemp("office")
    box = Office(directory, NET).address(1)
    marker = "# Audio passes through"
    listener = f'[[listener]]\ntransport = "ws"\naddress = "{box}"\norigins = ["{PAGE}"]\n\n'
    changes = {marker: listener + marker, 'dtls = "off"': 'dtls = "browsers"'}
    with Office(directory, NET, changes) as made:
        yield made


def tone(path: Path, hertz: int) -> Path:
    import numpy as np

    from tests.support import audio

    moments = np.arange(audio.RATE * 20) / audio.RATE
    audio.write(path, (8000 * np.sin(2 * np.pi * hertz * moments)).astype("<i2").tobytes())
    return path


def test_a_browser_calls_a_desk_phone_and_both_hear(office: Office, tmp_path: Path) -> None:
    user = "101"
    uri = f"sip:102@{office.server}"
    with (
        WebPhone(f"ws://{office.address(1)}:8088/", office.box.udp, PAGE) as browser,
        WebCall(office.address(20), 700) as media,
        Baresip(tmp_path / "d", office.address(11), speech=tone(tmp_path / "t.wav", 1100)) as desk,
    ):
        assert browser.register(user, office.secret(user)).status == 200
        desk.register(Account("102", office.secret("102"), office.server))
        same: dict[str, Any] = {"user": user, "to": f"<{uri}>", "call_id": secrets.token_hex(8), "tag": "b"}
        offer = media.offer()
        challenged = browser.answer_to(browser.request("INVITE", uri, cseq=1, body=offer, **same))
        browser.send(browser.request("ACK", uri, cseq=1, **{**same, "to": challenged.get("to")}))
        name = "Authorization" if challenged.status == 401 else "Proxy-Authorization"
        challenge = challenged.get("www-authenticate") or challenged.get("proxy-authenticate")
        credentials = digest(challenge, "INVITE", uri, user, office.secret(user))
        browser.send(
            browser.request("INVITE", uri, cseq=2, headers=((name, credentials),), body=offer, **same)
        )
        desk.wait("CALL_INCOMING")
        desk.accept()
        taken = until(browser, "SIP/2.0 200")
        target = taken.get("contact").partition("<")[2].partition(">")[0]
        browser.send(browser.request("ACK", target, cseq=2, **{**same, "to": taken.get("to")}))
        media.answered(taken.body)
        media.wait()
        time.sleep(3)
        assert abs(loudest(media.heard) - 1100) < 20
        assert abs(loudest(desk.heard()) - 700) < 20
        desk.hangup()
        reply(browser, until(browser, "BYE "), "200 OK")


def test_a_desk_phone_calls_a_browser_and_both_hear(office: Office, tmp_path: Path) -> None:
    with (
        WebPhone(f"ws://{office.address(1)}:8088/", office.box.udp, PAGE) as browser,
        WebCall(office.address(21), 800) as media,
        Baresip(tmp_path / "d", office.address(12), speech=tone(tmp_path / "t.wav", 1200)) as desk,
    ):
        assert browser.register("101", office.secret("101")).status == 200
        desk.register(Account("102", office.secret("102"), office.server))
        desk.dial(f"sip:101@{office.server}")
        invite = until(browser, "INVITE ")
        print(invite.body.decode())
        reply(browser, invite, "180 Ringing")
        reply(browser, invite, "200 OK", media.answer(invite.body))
        until(browser, "ACK ")
        media.wait()
        time.sleep(3)
        assert abs(loudest(media.heard) - 1200) < 20
        assert abs(loudest(desk.heard()) - 800) < 20
        desk.hangup()
        reply(browser, until(browser, "BYE "), "200 OK")
