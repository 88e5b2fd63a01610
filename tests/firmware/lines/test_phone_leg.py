"""Phones behind proxies are reached through them; a phone with several flows by the one that works."""

import asyncio
from typing import Any

from sip.flow import Flow
from tests.firmware.lines.house import BOX, House, Phone, play

EDGE = "<sip:token@192.168.1.12:5062;lr>"
FLOW = '<sip:102@{host}:5062;ob>;+sip.instance="<urn:uuid:1>";reg-id={number}'


async def register(phone: Phone, contact: str, *more: tuple[str, str]) -> None:
    me = f"<sip:{phone.number}@box.invalid>"
    answers: list[Any] = []
    phone.stack.request(
        "REGISTER", "sip:box.invalid", phone.flow, caller=me, callee=me, now=phone.now, done=answers.append,
        headers=(("Contact", contact), ("Expires", "3600"), *more), credentials=phone.credentials,
    )  # fmt: skip
    await asyncio.sleep(0.1)
    assert answers[0].status == 200


def test_a_call_takes_the_path_of_the_registration_after_a_restart_too() -> None:
    async def scene(house: House) -> None:
        anna, ben = house.phone("101", 11), house.phone("102", 12)
        await anna.register()
        await register(ben, "<sip:102@10.0.0.7:5062>", ("Path", EDGE))
        house.line.close()
        assert house.kept.rows["id-102"][0].path == EDGE
        house.start()
        await anna.call("102")
        [invite] = house.sent_to(ben, "INVITE ")
        assert invite.startswith("INVITE sip:102@10.0.0.7:5062 SIP/2.0\r\n")
        assert f"\r\nRoute: {EDGE}\r\n" in invite
        await ben.answer()
        await anna.hangup()

    assert [record.cause for record in play(scene).records] == ["normal"]


async def two_flows(house: House) -> tuple[Phone, Phone, Phone]:
    """Give extension 102 one device with two flows; the newer one, tried first, comes last here."""
    anna = house.phone("101", 11)
    await anna.register()
    older, newer = house.phone("102", 12), house.phone("102", 13)
    await register(older, FLOW.format(host="192.168.1.12", number=1))
    await asyncio.sleep(1)
    await register(newer, FLOW.format(host="192.168.1.13", number=2))
    return anna, older, newer


def test_one_device_is_called_by_one_flow_at_a_time_and_430_leads_to_the_next() -> None:
    async def scene(house: House) -> None:
        anna, older, newer = await two_flows(house)
        await anna.call("102")
        assert len(house.sent_to(newer, "INVITE ")) == 1
        assert house.sent_to(older, "INVITE ") == []
        await newer.reject(430)
        assert len(house.sent_to(older, "INVITE ")) == 1
        await older.answer()
        await anna.hangup()

    assert [record.cause for record in play(scene).records] == ["normal"]


def test_what_is_not_acceptable_is_offered_otherwise_once_by_the_same_flow() -> None:
    async def scene(house: House) -> None:
        house.otherwise = True
        anna, older, newer = await two_flows(house)
        await anna.call("102")
        await newer.reject(488)
        first, second = house.sent_to(newer, "INVITE ")
        assert "a=otherwise" not in first
        assert "a=otherwise" in second
        await newer.reject(488)
        assert len(house.sent_to(newer, "INVITE ")) == 2
        assert house.sent_to(older, "INVITE ") == []
        await asyncio.sleep(1)

    assert [record.cause for record in play(scene).records] == ["not-acceptable"]


def test_any_other_word_is_the_phones_and_the_last_430_its_end() -> None:
    async def scene(house: House) -> None:
        anna, older, newer = await two_flows(house)
        await anna.call("102")
        await newer.reject(486)
        assert house.sent_to(older, "INVITE ") == []
        await asyncio.sleep(1)
        await anna.call("102")
        await newer.reject(430)
        await older.reject(430)
        await asyncio.sleep(1)

    assert [record.cause for record in play(scene).records] == ["busy", "unreachable"]


def test_a_flow_that_takes_nothing_leads_to_the_next() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await anna.register()
        older, newer = house.phone("102", 12), house.phone("102", 13, "TCP")
        await register(older, FLOW.format(host="192.168.1.12", number=1))
        await asyncio.sleep(1)
        await register(newer, FLOW.format(host="192.168.1.13;transport=tcp", number=2))
        newer.plugged = False  # its connection takes nothing, and nobody has noticed yet
        await anna.call("102")
        assert len(house.sent_to(older, "INVITE ")) == 1
        await older.answer()
        await anna.hangup()
        house.line.stack.flow_closed(Flow("TCP", BOX, newer.address, newer.flow.id), house.clock.now())

    assert [record.cause for record in play(scene).records] == ["normal"]
