"""The message lamp: bodies to the letter, and who may ask."""

import asyncio
from dataclasses import replace

import pytest

from firmware.lines.mailbox import summary
from firmware.store.model import Messages
from sip.message import parse
from tests.firmware.lines.house import House, Phone, play
from tests.firmware.lines.test_blf import cast, over, watch

TYPE = "application/simple-message-summary"


@pytest.mark.parametrize(
    ("messages", "lines"),
    [
        (Messages(), ["Messages-Waiting: no", "Voice-Message: 0/0 (0/0)"]),
        (Messages(0, 3), ["Messages-Waiting: no", "Voice-Message: 0/3 (0/0)"]),
        (Messages(2, 1), ["Messages-Waiting: yes", "Voice-Message: 2/1 (0/0)"]),
    ],
)
def test_the_summary(messages: Messages, lines: list[str]) -> None:
    waiting, voice = lines
    body = summary(messages, "sip:101@box.invalid").decode()
    assert body == f"{waiting}\r\nMessage-Account: sip:101@box.invalid\r\n{voice}\r\n"


async def count(house: House, number: str, messages: Messages) -> None:
    extension = house.kept.extensions.all[f"id-{number}"]
    house.kept.extensions.all[extension.id] = replace(extension, messages=messages)
    house.line.extension_changed(extension.id)
    await asyncio.sleep(0.1)


def told(house: House, phone: Phone) -> list[str]:
    bodies = [parse(text.encode()).body.decode() for text in house.sent_to(phone, "NOTIFY")]
    return [body.splitlines()[2].removeprefix("Voice-Message: ") for body in bodies]


@pytest.mark.parametrize("number", ["102", "055501427731"])
def test_a_phone_follows_its_own_mailbox(number: str) -> None:
    async def scene(house: House) -> None:
        _, _, ben = await cast(house)
        assert await watch(ben, number, event="message-summary", accept=TYPE) == 200
        await count(house, "102", Messages(1, 0))
        await count(house, "101", Messages(7, 0))  # somebody else's
        await count(house, "102", Messages(1, 0))  # nothing new
        await count(house, "102", Messages(0, 1))
        assert told(house, ben) == ["0/0 (0/0)", "1/0 (0/0)", "0/1 (0/0)"]
        assert "Event: message-summary" in house.sent_to(ben, "NOTIFY")[0]
        await over(house)

    play(scene)


def test_a_mailbox_is_its_owners_alone() -> None:
    async def scene(house: House) -> None:
        nora, _, ben = await cast(house)
        assert await watch(nora, "102", event="message-summary", accept=TYPE) == 403
        assert await watch(nora, "999", event="message-summary", accept=TYPE) == 404
        assert await watch(ben, "102", name="100", event="message-summary", accept=TYPE) == 403
        assert await watch(ben, "102", event="message-summary") == 406
        assert len(house.line.stack.notifier) == 0

    play(scene)


def test_the_lamp_of_an_alias_is_that_of_its_extension() -> None:
    async def scene(house: House) -> None:
        nora, anna, _ = await cast(house)
        assert await watch(nora, "055501427731") == 200
        await anna.call("102")
        await asyncio.sleep(0.3)
        assert 'entity="sip:055501427731@' in house.sent_to(nora, "NOTIFY")[-1]
        assert "<state>early</state>" in house.sent_to(nora, "NOTIFY")[-1]
        await anna.hangup()
        await over(house)

    play(scene)
