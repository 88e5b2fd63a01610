"""Pickup, park and intercom over real SIP."""

import asyncio
import re

import pytest

from firmware.calls.codes import Codes, Feature
from firmware.calls.house import Circle, Settings
from firmware.calls.plan import Plan
from sip.session import Session
from sip.transfer import Replaces
from tests.firmware.lines.house import House, Phone, headers, play, sdp
from tests.firmware.lines.test_blf import lamps, listen, over, watch

CODES = Codes({Feature.PICKUP: "**", Feature.PARK: "*68", Feature.INTERCOM: "*80"})


def office(reach: Circle = Circle.ALL) -> House:
    house = House(calls=Settings(pickup=reach, park_seconds=30))
    house.calls.plan = Plan(("112",), house.extensions, (), CODES, slots=("701",))
    return house


async def three(house: House) -> tuple[Phone, Phone, Phone]:
    nora, anna, ben = house.phone("100", 10), house.phone("101", 11), house.phone("102", 12)
    for phone in (nora, anna, ben):
        await phone.register()
        listen(phone)
    return nora, anna, ben


def session_of(phone: Phone) -> Session:
    assert phone.session is not None
    return phone.session


async def oblige(phone: Phone, session: Session, port: int) -> None:
    session.accept_offer(sdp(port), phone.now)
    await asyncio.sleep(0.1)


async def call_with(phone: Phone, dialled: str, replaces: str) -> None:
    """Dial with a Replaces header, as pickup keys do."""
    phone.session = phone.stack.invite(
        f"sip:{dialled}@box.invalid",
        phone.flow,
        caller=f"<sip:{phone.number}@box.invalid>",
        callee=f"<sip:{dialled}@box.invalid>",
        offer=sdp(7000),
        listener=phone,
        now=phone.now,
        headers=(("Replaces", replaces), ("Require", "replaces")),
        credentials=phone.credentials,
    )
    await asyncio.sleep(0.1)


def seen(house: House, phone: Phone) -> Replaces:
    """Return what the newest lamp said of a dialog, from the sight of who wants to replace it."""
    body = house.sent_to(phone, "NOTIFY")[-1]
    found = dict(re.findall(r' (call-id|local-tag|remote-tag)="([^"]+)"', body))
    return Replaces(found["call-id"], found["remote-tag"], found["local-tag"])


def test_a_code_picks_up() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        await anna.call("102")
        await ben.ring()
        await nora.call("**102", sdp(7000))
        answer = nora.last("answered")
        assert isinstance(answer, bytes)
        assert b"a=inactive" in answer
        assert nora.last("offered") == sdp(4000)
        await oblige(nora, session_of(nora), 7002)
        assert anna.last("answered") == sdp(7002)
        assert ben.heard[-1][0] == "ended"
        [cancel] = house.sent_to(ben, "CANCEL")
        assert "Call completed elsewhere" in cancel
        await nora.hangup()
        assert anna.heard[-1][0] == "ended"

    house = play(scene, office)
    [record] = house.records
    assert (record.caller, record.callee, record.dialled) == ("id-101", "id-100", "102")


@pytest.mark.parametrize("early_only", [False, True])
def test_a_key_picks_up_by_the_dialog_its_lamp_told(early_only: bool) -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        assert await watch(nora, "102") == 200
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(0.3)
        await call_with(nora, "102", str(seen(house, nora)._replace(early_only=early_only)))
        await oblige(nora, session_of(nora), 7002)
        assert anna.last("answered") == sdp(7002)
        await anna.hangup()
        await over(house)

    play(scene, office)


def test_a_key_that_was_too_late_or_may_not_is_told_so() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        assert await watch(nora, "102") == 200
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(0.3)
        wanted = seen(house, nora)
        await call_with(nora, "102", str(wanted._replace(from_tag="other")))
        await ben.answer()
        await call_with(nora, "102", str(wanted._replace(early_only=True)))
        await anna.hangup()
        await call_with(nora, "102", str(wanted))
        statuses = [text.split()[1] for text in house.sent_to(nora, "SIP/2.0 4") if " INVITE" in text]
        assert [status for status in statuses if status != "401"] == ["481", "486", "481"]
        await over(house)

    play(scene, office)


def test_a_dialog_the_caller_began_is_not_replaced_while_it_rings() -> None:
    """RFC 3891 3: 481 for an early dialog that was not begun by who receives the Replaces."""

    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        await anna.call("102")
        await ben.ring()
        ringing = next(text for text in house.sent_to(anna, "SIP/2.0 180"))
        [from_tag] = re.findall(r"From:.*;tag=(\S+)", ringing)
        [to_tag] = re.findall(r"To:.*;tag=(\S+)", ringing)
        [call_id] = headers(ringing, "Call-ID")
        await call_with(nora, "102", f"{call_id};to-tag={to_tag};from-tag={from_tag}")
        assert house.sent_to(nora, "SIP/2.0 481")
        await anna.hangup()

    play(scene, office)


def test_nobody_outside_the_group_picks_up_by_key() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        assert await watch(nora, "102") == 200
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(0.3)
        await call_with(nora, "102", str(seen(house, nora)))
        assert house.sent_to(nora, "SIP/2.0 403")
        await anna.hangup()
        await over(house)

    play(scene, lambda: office(Circle.GROUP))


def test_parked_with_its_lamp_and_retrieved() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        assert await watch(nora, "701") == 200
        await anna.call("102")
        with_ben = session_of(anna)
        await ben.answer()
        assert await ben.refer("<sip:701@192.168.1.1>") == 202
        await oblige(anna, with_ben, 4000)
        assert any("SIP/2.0 200 OK" in text for text in house.sent_to(ben, "NOTIFY"))
        assert ben.heard[-1][0] == "ended"
        await asyncio.sleep(0.3)
        assert lamps(house, nora)[-1] == "1 recipient:confirmed"
        await nora.call("701", sdp(7000))
        assert anna.last("offered") == sdp(7000)
        await oblige(anna, with_ben, 4002)
        assert nora.last("answered") == sdp(4002)
        await asyncio.sleep(0.3)
        assert lamps(house, nora)[-1] == "2"
        await anna.hangup()
        assert nora.heard[-1][0] == "ended"
        await over(house)

    play(scene, office)


def test_who_parked_is_rung_back_and_told_why() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await three(house)
        await anna.call("102")
        with_ben = session_of(anna)
        await ben.answer()
        await ben.refer("<sip:*68@192.168.1.1>")
        await oblige(anna, with_ben, 4000)
        await asyncio.sleep(31)
        invite = house.sent_to(ben, "INVITE")[-1]
        assert "<urn:alert:service:recall:hold>" in headers(invite, "Alert-Info")[0]
        await ben.answer(sdp(5002))
        assert anna.last("offered") == sdp(5002)
        await oblige(anna, with_ben, 4004)
        assert ben.last("acked") == sdp(4004)
        await ben.hangup()
        assert nora.session is None

    play(scene, office)


def test_the_intercom_asks_four_makers_phones_to_answer() -> None:
    async def scene(house: House) -> None:
        _, anna, ben = await three(house)
        await anna.call("*80102")
        invite = house.sent_to(ben, "INVITE")[0]
        assert headers(invite, "Alert-Info") == ["<http://192.168.1.1>;info=alert-autoanswer;delay=0"]
        assert headers(invite, "Call-Info") == ["<sip:192.168.1.1>;answer-after=0"]
        assert headers(invite, "Answer-Mode") == ["Auto"]
        await ben.answer()
        assert anna.last("answered") == sdp(5000)
        await anna.hangup()

    play(scene, office)
