"""Phones behind address translation are asked often enough, and nobody else is."""

import asyncio
from typing import Any

import pytest

from firmware.lines.keeper import PERIOD
from tests.firmware.lines.house import House, Phone, play

AWAY = "sip:101@10.0.0.7:5062"
OUTBOUND = f'<{AWAY};ob>;+sip.instance="<urn:uuid:1>";reg-id=1'


async def register(phone: Phone, contact: str, expires: int = 300) -> None:
    me = f"<sip:{phone.number}@box.invalid>"
    answers: list[Any] = []
    phone.stack.request(
        "REGISTER", "sip:box.invalid", phone.flow, caller=me, callee=me, now=phone.now, done=answers.append,
        headers=(("Contact", contact), ("Expires", str(expires)), ("Supported", "outbound")),
        credentials=phone.credentials,
    )  # fmt: skip
    await asyncio.sleep(0.1)
    assert answers[0].status == 200


def asked(house: House, phone: Phone) -> int:
    return len(house.sent_to(phone, "OPTIONS "))


def test_it_is_asked_at_least_every_30_seconds_and_answers() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await register(anna, f"<{AWAY}>")
        for count in range(1, 9):
            await asyncio.sleep(PERIOD)
            assert asked(house, anna) == count
        assert PERIOD <= 30
        await register(anna, f"<{AWAY}>", expires=0)
        before = asked(house, anna)
        await asyncio.sleep(100)
        assert asked(house, anna) == before

    play(scene)


@pytest.mark.parametrize("contact", ["<sip:101@192.168.1.11:5062>", OUTBOUND], ids=["local", "outbound"])
def test_who_needs_none_gets_none(contact: str) -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await register(anna, contact)
        await asyncio.sleep(100)
        assert asked(house, anna) == 0

    play(scene)


def test_a_connection_needs_none() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11, "TCP")
        await register(anna, f"<{AWAY};transport=tcp>")
        await asyncio.sleep(100)
        assert asked(house, anna) == 0

    play(scene)


def test_a_silent_phone_is_asked_one_thing_at_a_time_until_its_registration_ends() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await register(anna, f"<{AWAY}>", expires=60)
        anna.unplug()
        await asyncio.sleep(58)
        branches = {text.split("branch=")[1][:20] for text in house.sent_to(anna, "OPTIONS ")}
        assert len(branches) <= 2
        sent = asked(house, anna)
        await asyncio.sleep(100)
        assert asked(house, anna) <= sent + 10

    play(scene)


def test_after_a_restart_it_goes_on() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await register(anna, f"<{AWAY}>")
        house.line.close()
        house.start()
        await asyncio.sleep(2 * PERIOD)
        assert asked(house, anna) == 2
        await register(anna, f"<{AWAY}>", expires=0)

    play(scene)
