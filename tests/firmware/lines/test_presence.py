"""Presence on the wire: who may see it, and that registration, calls and do-not-disturb show soon."""

import asyncio
import re
from dataclasses import replace

from firmware.lines.pidf import PIDF, Presence, document
from firmware.lines.sip_endpoint import SipSettings
from sip.message import Response
from tests.firmware.lines.house import House, Phone, play
from tests.firmware.lines.test_blf import cast, listen, over, watch

SOON = 0.4
"""Half a second is promised; some of it the test itself has spent."""


def shown() -> House:
    """Return a house whose site file says presence = true."""
    return House(settings=SipSettings(presence=True))


async def look(phone: Phone, number: str) -> int:
    return await watch(phone, number, event="presence", accept=PIDF)


def told(house: House, phone: Phone) -> list[str]:
    """Return what each NOTIFY about presence said: "open", "closed busy"."""
    found = []
    for text in house.sent_to(phone, "NOTIFY"):
        if "Event: presence" in text and "<presence" in text:
            state = re.findall(r"<basic>(\w+)</basic>", text)
            found.append(" ".join([*state, *re.findall(r"<rpid:([\w-]+)/>", text)]))
    return found


async def change(house: House, number: str, **fields: bool) -> None:
    extension = house.kept.extensions.all[f"id-{number}"]
    house.kept.extensions.all[extension.id] = replace(extension, **fields)  # type: ignore[arg-type]
    house.line.extension_changed(extension.id)
    await asyncio.sleep(SOON)


async def publish(
    phone: Phone, state: Presence | None, *, number: str = "", tag: str = "", expires: int = 600
) -> tuple[int, str]:
    """Publish, a state or a refresh; returns the status and the new entity-tag."""
    answers: list[Response | None] = []
    me = f"<sip:{phone.number}@box.invalid>"
    phone.stack.request(
        "PUBLISH",
        f"sip:{number or phone.number}@box.invalid",
        phone.flow,
        caller=me,
        callee=me,
        now=phone.now,
        done=answers.append,
        headers=(
            ("Event", "presence"),
            ("Expires", str(expires)),
            *([("SIP-If-Match", tag)] if tag else []),
            *([("Content-Type", PIDF)] if state else []),
        ),
        body=document(state, "sip:me@box.invalid") if state else b"",
        credentials=phone.credentials,
    )
    await asyncio.sleep(SOON)
    [answer] = answers
    assert answer is not None
    return answer.status, answer.get("SIP-ETag") or ""


def test_nobody_sees_anything_unless_the_site_says_so() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert await look(nora, "102") == 489
        assert "Allow-Events: dialog, message-summary\r\n" in house.sent_to(nora, "SIP/2.0 489")[0]
        assert (await publish(nora, Presence(open=True)))[0] == 489

    play(scene)


def test_registration_calls_and_do_not_disturb_show_within_half_a_second() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = (house.phone(number, 10 + at) for at, number in enumerate(("100", "101", "102")))
        for phone in (nora, anna):
            assert await phone.register() == 200
        listen(nora)
        assert await look(nora, "102") == 200
        assert told(house, nora) == ["closed"]
        assert await ben.register() == 200
        await asyncio.sleep(SOON)
        assert told(house, nora)[1:] == ["open"]
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(SOON)
        assert told(house, nora)[2:] == []  # who only rings is not on the phone
        await ben.answer()
        await asyncio.sleep(SOON)
        assert told(house, nora)[2:] == ["open on-the-phone"]
        await anna.hangup()
        await asyncio.sleep(SOON)
        assert told(house, nora)[3:] == ["open"]
        await change(house, "102", dnd=True)
        assert told(house, nora)[4:] == ["closed busy"]
        await change(house, "102", dnd=False)
        assert told(house, nora)[5:] == ["open"]
        assert await ben.register(expires=0) == 200
        await asyncio.sleep(SOON)
        assert told(house, nora)[6:] == ["closed"]
        assert "101" not in house.sent_to(nora, "NOTIFY")[2].partition("\r\n\r\n")[2]
        await over(house)

    play(scene, shown)


def test_a_phone_that_fell_silent_shows_as_soon_as_its_registration_ends() -> None:
    async def scene(house: House) -> None:
        nora, _, ben = await cast(house)
        assert await look(nora, "102") == 200
        assert told(house, nora) == ["open"]
        ben.unplug()
        start = house.clock.now()
        await nora.register(expires=3000)
        await asyncio.sleep(start + 299 - house.clock.now())
        assert told(house, nora)[-1] == "open"
        await asyncio.sleep(1 + SOON)
        assert told(house, nora)[-1] == "closed"
        await over(house)

    play(scene, shown)


def test_who_withholds_their_name_is_not_shown() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        await change(house, "101", private=True)
        assert await look(nora, "101") == 403
        assert await look(nora, "102") == 200
        await change(house, "102", private=True)
        last = house.sent_to(nora, "NOTIFY")[-1]
        assert "Subscription-State: terminated;reason=rejected" in last
        assert len(house.line.stack.notifier) == 0

    play(scene, shown)


def test_the_last_word_to_who_may_watch_no_longer_says_nothing() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert await look(nora, "102") == 200
        extension = house.kept.extensions.all["id-102"]
        house.kept.extensions.all["id-102"] = replace(extension, private=True, dnd=True)
        house.line.extension_changed("id-102")
        await asyncio.sleep(SOON)
        assert told(house, nora)[1:] == ["closed"]

    play(scene, shown)


def test_only_our_own_may_watch_and_only_extensions() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert await look(nora, "999") == 404
        assert await watch(nora, "102", name="101", event="presence", accept=PIDF) == 403
        assert await watch(nora, "102", event="presence") == 406
        assert house.line.presence.package.watcher("a trunk") is None
        assert len(house.line.stack.notifier) == 0

    play(scene, shown)


def test_switched_off_it_ends_and_what_was_published_is_forgotten() -> None:
    async def scene(house: House) -> None:
        nora, _, ben = await cast(house)
        house.line.settings = SipSettings(presence=True)
        assert await look(nora, "102") == 200
        status, tag = await publish(ben, Presence(open=True, activity="away"))
        assert (status, told(house, nora)) == (200, ["open", "open away"])
        house.line.settings = SipSettings()
        await asyncio.sleep(SOON)
        assert "Subscription-State: terminated;reason=rejected" in house.sent_to(nora, "NOTIFY")[-1]
        assert await look(nora, "102") == 489
        house.line.settings = SipSettings(presence=True)
        assert (await publish(ben, None, tag=tag))[0] == 412

    play(scene)


def test_what_a_phone_publishes_lies_over_what_the_box_sees() -> None:
    async def scene(house: House) -> None:
        nora, anna, ben = await cast(house)
        assert await look(nora, "102") == 200
        status, tag = await publish(ben, Presence(open=True, activity="away"))
        assert (status, told(house, nora)[1:]) == (200, ["open away"])
        await anna.call("102")
        await ben.answer()
        await asyncio.sleep(SOON)
        assert told(house, nora)[2:] == ["open on-the-phone"]
        await anna.hangup()
        await asyncio.sleep(SOON)
        status, tag = await publish(ben, Presence(open=False), tag=tag)
        assert (status, told(house, nora)[3:]) == (200, ["open away", "closed"])
        status, tag = await publish(ben, None, tag=tag, expires=0)
        assert (status, told(house, nora)[5:]) == (200, ["open"])
        await publish(ben, Presence(open=True, activity="meeting"), expires=60)
        await asyncio.sleep(60)
        assert told(house, nora)[6:] == ["open meeting", "open"]
        assert await ben.register(expires=0) == 200
        await publish(ben, Presence(open=True))
        assert told(house, nora)[8:] == ["closed"]  # nobody becomes reachable by saying so
        await over(house)

    play(scene, shown)


def test_everybody_publishes_their_own_presence_only() -> None:
    async def scene(house: House) -> None:
        nora, _, _ = await cast(house)
        assert (await publish(nora, Presence(open=True), number="102"))[0] == 403
        assert (await publish(nora, Presence(open=True), number="999"))[0] == 404
        assert (await publish(nora, Presence(open=True), tag="nothing"))[0] == 412

    play(scene, shown)
