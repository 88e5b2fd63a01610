"""A text on every phone of an extension, and a call for help by the name of the service, on the wire."""

import asyncio

from firmware.store.model import CallKind
from tests.firmware.lines.house import House, play

SOS = (
    "INVITE urn:service:sos SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.9:5060;branch=z9hG4bKsos\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:x@192.168.1.9>;tag=1\r\nTo: <urn:service:sos>\r\nCall-ID: sos@x\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:x@192.168.1.9:5060>\r\nContent-Length: 0\r\n\r\n"
)


def test_every_phone_of_an_extension_shows_the_text() -> None:
    async def scene(house: House) -> None:
        ben = house.phone("102", 12)
        await ben.register()
        text = "EMERGENCY CALL 112 by 101 Anna \u0141"
        assert house.line.show("id-102", text) == 1
        assert house.line.show("id-100", text) == 0
        assert house.line.show("id-nobody", text) == 0
        await asyncio.sleep(0.1)
        (message,) = house.sent_to(ben, "MESSAGE ")
        assert "Content-Type: text/plain;charset=UTF-8" in message
        assert message.endswith("\r\n\r\n" + text)
        await asyncio.sleep(60)

    play(scene)


def test_help_by_the_name_of_the_service_needs_no_proof() -> None:
    async def scene(house: House) -> None:
        source = ("192.168.1.9", 5060)
        house.feed(SOS.encode(), source)
        await asyncio.sleep(0.5)
        answers = [text for _, there, text in house.wire if there == source]
        assert answers[-1].startswith("SIP/2.0 503 ")  # there is no line, which is said honestly
        assert [record.kind for record in house.records] == [CallKind.EMERGENCY]

    play(scene)
