"""A lamp of the real box: a phone that watches another sees it ring and talk, soon."""

import re
import secrets
import time

import pytest

from tests.support.office import Office
from tests.support.sipwire import Message, Wire, digest

pytestmark = pytest.mark.e2e
NET = 75
SOON = 0.5  # seconds a lamp may take


def subscribe(wire: Wire, office: Office, user: str, watched: str) -> Message:
    """Subscribe with digest; the 200, and the first NOTIFY is answered."""
    uri, call_id, tag = f"sip:{watched}@{wire.server[0]}", secrets.token_hex(8), secrets.token_hex(4)
    headers: tuple[tuple[str, str], ...] = (("Event", "dialog"), ("Expires", "600"))
    for cseq in (1, 2):
        answer = wire.answer_to(
            wire.request(
                "SUBSCRIBE",
                uri,
                user=user,
                to=f"<{uri}>",
                call_id=call_id,
                cseq=cseq,
                tag=tag,
                headers=headers,
            )
        )
        if answer.status == 401:
            credentials = digest(answer.get("www-authenticate"), "SUBSCRIBE", uri, user, office.secret(user))
            headers = (*headers, ("Authorization", credentials))
    return answer


def notified(wire: Wire, seconds: float = 5.0) -> tuple[str, float]:
    """Wait for the next NOTIFY, answer it, return the states it tells and when it came."""
    while True:
        message = wire.receive(seconds)
        if message.method == "NOTIFY":
            break
    lines = ["SIP/2.0 200 OK"]
    lines += [
        f"{name}: {value}"
        for name, value in message.headers
        if name in ("via", "from", "to", "call-id", "cseq")
    ]
    wire.send("\r\n".join([*lines, "Content-Length: 0"]).encode() + b"\r\n\r\n")
    return " ".join(re.findall(r"<state>(\w+)</state>", message.body.decode())), message.at


def test_a_lamp_rings_talks_and_goes_out(office: Office) -> None:
    with office.wire(20) as watcher:
        assert subscribe(watcher, office, "100", "102").status == 200
        assert notified(watcher)[0] == ""
        with (
            office.phone("102", 21),
            office.sipp("uas_talk", 21, words={"RING": 1500}) as callee,
            office.sipp("uac_talk", 22, "101", dialled="102", words={"TALK": 1000}) as caller,
        ):
            assert notified(watcher)[0] == "early"
            assert notified(watcher)[0] == "confirmed"
            caller.wait().expect(1)
            callee.wait().expect(1)
        state, dark = notified(watcher)
    record = office.record(1)
    assert state == ""
    # One clock is the wall's and one is not: both are read now to compare them.
    assert dark + (time.time() - time.monotonic()) - record["ended"] < SOON


def test_strangers_see_no_lamp(office: Office) -> None:
    with office.wire(23) as stranger:
        refused = stranger.answer_to(
            stranger.request(
                "SUBSCRIBE", f"sip:102@{stranger.server[0]}", user="100", headers=(("Event", "dialog"),)
            )
        )
        assert refused.status == 401
