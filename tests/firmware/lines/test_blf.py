"""Lamps on the wire: a phone watches another, and follows its calls."""

import asyncio
import os
import re
from dataclasses import replace

from firmware.calls.plan import Plan
from firmware.store.model import Forward, Occasion
from sip.digest import DigestClient
from sip.flow import Flow
from sip.message import Request, Response, parse
from tests.firmware.lines.house import House, Phone, play


async def watch(
    phone: Phone,
    number: str,
    *,
    name: str = "",
    event: str = "dialog",
    accept: str = "application/dialog-info+xml",
) -> int:
    """Subscribe and return the status."""
    answers: list[Response | None] = []
    me = f"<sip:{name or phone.number}@box.invalid>"
    phone.stack.request(
        "SUBSCRIBE",
        f"sip:{number}@box.invalid",
        phone.flow,
        caller=me,
        callee=f"<sip:{number}@box.invalid>",
        now=phone.now,
        done=answers.append,
        headers=(
            ("Contact", f"<sip:{phone.number}@{phone.address[0]}:{phone.address[1]}>"),
            ("Event", event),
            ("Accept", accept),
            ("Expires", "600"),
        ),
        credentials=phone.credentials,
    )
    await asyncio.sleep(0.1)
    [answer] = answers
    assert answer is not None
    return answer.status


def lamps(house: House, phone: Phone, number: str = "") -> list[str]:
    """Return what the phone was told of a number ("": of all), one text for each NOTIFY."""
    told = []
    for text in house.sent_to(phone, "NOTIFY"):
        if f'entity="sip:{number}' not in text:
            continue
        version = re.findall(r' version="([0-9]+)" state="full"', text)
        calls = re.findall(r'direction="(\w+)"><state>(\w+)</state>', text)
        told.append(" ".join([*version, *(f"{way}:{state}" for way, state in calls)]))
    return told


async def cast(house: House) -> tuple[Phone, Phone, Phone]:
    phones = house.phone("100", 10), house.phone("101", 11), house.phone("102", 12)
    for phone in phones:
        assert await phone.register() == 200
        listen(phone)
    return phones


def listen(phone: Phone) -> None:
    """Let a phone answer NOTIFY, as its stack does not serve it."""
    receive = phone.receive

    def answer(data: bytes, flow: Flow) -> None:
        if data.startswith(b"NOTIFY"):
            message = parse(data)
            assert isinstance(message, Request)
            phone._send(flow, bytes(message.respond(200)))
        else:
            receive(data, flow)

    phone.receive = answer  # type: ignore[method-assign]


async def over(house: House) -> None:
    """End the subscriptions, so that the house can be clean."""
    await asyncio.sleep(700)
    assert len(house.line.stack.notifier) == 0


def test_a_lamp_follows_the_callee_within_half_a_second() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await cast(house)
        assert await watch(nora, "102") == 200
        assert lamps(house, nora) == ["0"]
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(0.3)
        assert lamps(house, nora)[1:] == ["1 recipient:early", "2 recipient:early"]
        assert [" call-id=" in text for text in house.sent_to(nora, "NOTIFY")] == [False, False, True]
        await ben.answer()
        await asyncio.sleep(0.3)
        assert lamps(house, nora)[-1] == "3 recipient:confirmed"
        await anna.hangup()
        await asyncio.sleep(0.3)
        assert lamps(house, nora)[-1] == "4"
        text = house.sent_to(nora, "NOTIFY")[3]
        assert not re.search(r"\b101\b", text.partition("\r\n\r\n")[2])  # ids may have the digits
        await over(house)

    play(scene)


def test_a_lamp_follows_the_caller() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await cast(house)
        assert await watch(nora, "101") == 200
        await anna.call("102")
        await asyncio.sleep(0.3)
        await ben.ring()
        await asyncio.sleep(0.3)
        await ben.reject(486)
        await asyncio.sleep(0.3)
        assert lamps(house, nora) == ["0", "1 initiator:trying", "2 initiator:early", "3"]
        await over(house)

    play(scene)


def test_a_call_that_was_sent_on_leaves_the_first_lamp() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await cast(house)
        away = replace(house.extensions[2], forwards=(Forward(Occasion.BUSY, "100"),))
        house.calls.plan = Plan(("112",), [*house.extensions[:2], away])
        assert await watch(anna, "102") == 200
        assert await watch(anna, "100") == 200
        await anna.call("102")
        await asyncio.sleep(0.3)
        await ben.reject(486)
        await asyncio.sleep(0.3)
        await nora.answer()
        await asyncio.sleep(0.3)
        await nora.hangup()
        await asyncio.sleep(0.3)
        assert lamps(house, anna, "102") == ["0", "1 recipient:early", "2"]
        assert lamps(house, anna, "100") == ["0", "1 recipient:early", "2 recipient:confirmed", "3"]
        await over(house)

    play(scene)


def test_only_our_own_may_watch_and_only_as_themselves() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert await watch(nora, "999") == 404
        assert await watch(nora, "102", name="101") == 403
        nora.client = DigestClient("100", "not the secret at all", os.urandom)
        assert await watch(nora, "102") == 401
        assert len(house.line.stack.notifier) == 0

    play(scene)


def test_a_removed_extension_is_watched_no_longer() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert await watch(nora, "102") == 200
        del house.kept.extensions.all["id-102"]
        house.line.extension_changed("id-102")
        await asyncio.sleep(0.1)
        assert "terminated;reason=noresource" in house.sent_to(nora, "NOTIFY")[-1]
        assert len(house.line.stack.notifier) == 0

    play(scene)
