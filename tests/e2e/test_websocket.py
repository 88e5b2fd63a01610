"""Phones that come by WebSocket (RFC 7118): register, call and are called, over ws and over wss."""

import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.office import Office
from tests.support.sipwire import Message, Wire, digest, sdp
from tests.support.streams import Streams
from tests.support.webphone import WebPhone

pytestmark = pytest.mark.e2e
NET = 88
PAGE = "https://phone.example.com"
_LISTENERS = "".join(
    f'[[listener]]\ntransport = "{transport}"\naddress = "127.{{}}.88.1"\norigins = ["{PAGE}"]\n\n'
    for transport in ("ws", "wss")
)
PORTS = {"ws": 8088, "wss": 8089}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    directory = tmp_path_factory.mktemp("office")
    box = Office(directory, NET).address(1)
    listeners = _LISTENERS.replace("127.{}.88.1", box)
    marker = "# Audio passes through"
    with Office(directory, NET, {marker: listeners + marker}) as made:
        yield made


@contextmanager
def web(office: Office, scheme: str, user: str) -> Iterator[WebPhone]:
    """Connect and register, as `user`, a phone that came with the page."""
    context = None
    if scheme == "wss":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # whom the phone trusts is not what is tested here
    url = f"{scheme}://{office.address(1)}:{PORTS[scheme]}/"
    with WebPhone(url, office.box.udp, PAGE, context) as phone:
        answer = phone.register(user, office.secret(user))
        assert answer.status == 200
        assert "df7jal23ls0d.invalid" in answer.get("contact")
        yield phone


def reply(wire: Wire, request: Message, line: str, body: bytes = b"") -> None:
    """Answer a request the way a phone does."""
    tag = "" if ";tag=" in request.get("to") else ";tag=callee"
    lines = [
        f"SIP/2.0 {line}",
        *(f"Via: {via}" for via in request.all("via")),
        *(f"{name}: {request.get(name)}" for name in ("From", "Call-ID", "CSeq")),
        f"To: {request.get('to')}{tag}",
        f"Contact: <sip:phone@{wire.address}:{wire.port}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    wire.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def until(wire: Wire, first: str) -> Message:
    """Return the next message whose first line begins so."""
    while not (message := wire.receive()).first.startswith(first):
        pass
    return message


def call(caller: Wire, callee: Wire, office: Office, users: tuple[str, str], ports: tuple[int, int]) -> None:
    """Have one call the other, answer, and talk; the caller hangs up."""
    user, other = users
    uri, call_id, tag = f"sip:{other}@{office.server}", secrets.token_hex(8), secrets.token_hex(4)
    with Streams() as streams:
        hosts = [office.address(21), office.address(22)]
        mouths = [streams.add(host, port) for host, port in zip(hosts, ports, strict=True)]
        same: dict[str, Any] = {"user": user, "to": f"<{uri}>", "call_id": call_id, "tag": tag}

        def ask(method: str, cseq: int, target: str = uri, **more: Any) -> Message:
            return caller.answer_to(caller.request(method, target, cseq=cseq, **{**same, **more}))

        def ack(answer: Message, cseq: int, target: str = uri) -> None:
            caller.send(caller.request("ACK", target, cseq=cseq, **{**same, "to": answer.get("to")}))

        offer = sdp(hosts[0], ports[0])
        challenged = ask("INVITE", 1, body=offer)
        assert challenged.status in {401, 407}
        name = "Authorization" if challenged.status == 401 else "Proxy-Authorization"
        challenge = challenged.get("www-authenticate") or challenged.get("proxy-authenticate")
        ack(challenged, 1)
        credentials = digest(challenge, "INVITE", uri, user, office.secret(user))
        caller.send(caller.request("INVITE", uri, cseq=2, headers=((name, credentials),), body=offer, **same))
        invite = until(callee, "INVITE ")
        reply(callee, invite, "180 Ringing")
        assert until(caller, "SIP/2.0 180").status == 180
        reply(callee, invite, "200 OK", sdp(hosts[1], ports[1]))
        taken = until(caller, "SIP/2.0 200")
        target = taken.get("contact").partition("<")[2].partition(">")[0]
        ack(taken, 2, target)
        until(callee, "ACK ")
        streams.aim(mouths[0], taken.media)
        streams.aim(mouths[1], invite.media)
        streams.talk(0.6)
        for own, far in ((0, 1), (1, 0)):
            assert list(mouths[own].received) == [far]
            assert len(mouths[own].received[far]) > 15
        bye = caller.request("BYE", target, cseq=3, **{**same, "to": taken.get("to")})
        caller.send(bye)
        reply(callee, until(callee, "BYE "), "200 OK")
        assert until(caller, "SIP/2.0 200").get("cseq") == "3 BYE"


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_browsers_phone_calls_and_is_called(office: Office, scheme: str) -> None:
    with web(office, scheme, "101") as browser, office.wire(10) as desk:
        assert desk.register("102", office.secret("102")).status == 200
        assert office.phones("101") == 1
        call(browser, desk, office, ("101", "102"), (6000, 6002))
        call(desk, browser, office, ("102", "101"), (6004, 6006))
        assert desk.register("102", office.secret("102"), expires=0).status == 200
    while office.phones("101"):  # its connection was the way to it
        time.sleep(0.02)


def test_a_page_nobody_allowed_cannot_connect(office: Office) -> None:
    from websockets.exceptions import InvalidStatus

    url = f"ws://{office.address(1)}:{PORTS['ws']}/"
    with (
        pytest.raises(InvalidStatus, match="403"),
        WebPhone(url, office.box.udp, "https://elsewhere.example.net"),
    ):
        pass
    assert office.box.ask("status")["counters"]["websocket: origin"] == 1
