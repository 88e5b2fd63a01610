"""Who is told who somebody is: headers to the letter, and private calls walked from end to end."""

import asyncio
import re
from dataclasses import replace

import pytest

from firmware.calls.leg import Diversion, Party
from firmware.calls.plan import Plan
from firmware.lines.history import history
from firmware.lines.identity import asserted, is_anonymous, named, presented, referred_by, unserved
from firmware.store.model import Extension, Forward, Occasion
from sip.message import Request, parse
from sip.nameaddr import NameAddr
from tests.firmware.lines.house import CODES, House, Phone, headers, play, sdp
from tests.firmware.lines.test_blf import over, watch
from tests.firmware.lines.test_transfer import NORA, dialog, oblige

ANNA = Extension("id-101", "t", "101", "Anna", "a secret of sixteen", ("+49301101", "055501101"))
PARTY = Party("id-101", "101", "Anna")
PRIVATE = replace(PARTY, private=True)
ANON = "sip:anonymous@anonymous.invalid"


def invite(*lines: str, sender: str = "<sip:101@box.invalid>") -> Request:
    text = "\r\n".join(
        ("INVITE sip:102@box.invalid SIP/2.0", f"From: {sender};tag=a", "To: <sip:102@box.invalid>", *lines)
    )
    message = parse(f"{text}\r\nCSeq: 1 INVITE\r\nCall-ID: x\r\n\r\n".encode())
    assert isinstance(message, Request)
    return message


def test_a_party_is_named_asserted_and_refers() -> None:
    assert str(named(PARTY, "192.0.2.1")) == '"Anna" <sip:101@192.0.2.1>'
    assert asserted(PARTY, "192.0.2.1") == (("P-Asserted-Identity", '"Anna" <sip:101@192.0.2.1>'),)
    assert referred_by(PARTY, "192.0.2.1") == (("Referred-By", "<sip:101@192.0.2.1>"),)


@pytest.mark.parametrize("party", [PRIVATE, Party(None, ""), Party(None, "", "Name without number")])
def test_who_is_private_or_unknown_is_nobody(party: Party) -> None:
    assert str(named(party, "192.0.2.1")) == f'"Anonymous" <{ANON}>'
    assert asserted(party, "192.0.2.1") == referred_by(party, "192.0.2.1") == ()


def test_nobody_refers() -> None:
    assert referred_by(None, "192.0.2.1") == ()


def test_who_is_private_has_a_place_but_no_name_in_the_history() -> None:
    said = history([Diversion(PRIVATE, Occasion.BUSY)], Party("id-103", "103"), "192.0.2.1")
    assert said == (
        ("Diversion", f'"Anonymous" <{ANON}>;reason=user-busy;counter=1;privacy=full'),
        ("History-Info", f"<{ANON}>;index=1, <sip:103@192.0.2.1;cause=486>;index=1.1;mp=1"),
    )
    said = history([Diversion(Party("id-103", "103"), Occasion.BUSY)], PRIVATE, "192.0.2.1")
    assert said[1][1] == f"<sip:103@192.0.2.1>;index=1, <{ANON};cause=486>;index=1.1;mp=1"


@pytest.mark.parametrize(
    ("line", "as_a_rule", "private"),
    [
        ("Privacy: id", False, True),
        ("Privacy: ID;critical", False, True),
        ("Privacy: header; user", False, True),
        ("Privacy: header, id", False, True),
        ("Privacy: header;session;history", False, False),
        ("Privacy: none", False, False),
        ("Privacy: none", True, False),
        ("Privacy: header", True, True),
        ("Privacy:", True, True),
        ("Supported: privacy", False, False),
        ("Supported: privacy", True, True),
    ],
)
def test_the_wish_for_privacy(line: str, as_a_rule: bool, private: bool) -> None:
    party = replace(PARTY, private=as_a_rule)
    assert presented(invite(line), party, ANNA) == replace(PARTY, private=private)


@pytest.mark.parametrize(
    "sender", [f'"Anonymous" <{ANON}>', "<sip:anonymous@box.invalid.example>", "<sip:x@anonymous.INVALID>"]
)
def test_an_anonymous_from_hides(sender: str) -> None:
    assert is_anonymous(NameAddr.parse(sender))
    assert presented(invite(sender=sender), PARTY, ANNA).private


def test_privacy_none_does_not_undo_an_anonymous_from() -> None:
    assert presented(invite("Privacy: none", sender=f"<{ANON}>"), PARTY, ANNA).private


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ('"Boss" <sip:+49301101@box.invalid>', "+49301101"),
        ("<tel:+49-301-101>", "+49301101"),
        ("<sip:055501101;phone-context=x@box.invalid>", "055501101"),
        ("<sip:102@box.invalid>", "101"),
        ("<mailto:+49301101>", "101"),
        ("no address at all <", "101"),
        ("<sip:102@box.invalid>, <tel:+49301101>", "+49301101"),
        ("<sip:1@b>, <sip:2@b>, <tel:+49301101>", "101"),
    ],
)
def test_a_preference_is_a_choice_among_own_numbers(value: str, number: str) -> None:
    party = presented(invite(f"P-Preferred-Identity: {value}"), PARTY, ANNA)
    assert party == replace(PARTY, number=number)


def test_what_a_phone_asserts_of_itself_is_not_read() -> None:
    lines = ("P-Asserted-Identity: <sip:102@box.invalid>", "Remote-Party-ID: <sip:102@box.invalid>")
    assert presented(invite(*lines), PARTY, ANNA) is PARTY
    assert presented(invite("P-Preferred-Identity: <tel:+49301101>"), Party(None, ""), None).number == ""


def test_privacy_that_cannot_be_had_refuses_only_a_critical_call() -> None:
    assert unserved(invite()) is None
    assert unserved(invite("Privacy: id;critical")) is None
    assert unserved(invite("Privacy: invisibility")) is None
    refusal = unserved(invite("Privacy: invisibility;critical"))
    assert refusal is not None
    assert refusal.status == 500


# -- on the wire -----------------------------------------------------------------------------------


async def cast(house: House) -> tuple[Phone, Phone, Phone]:
    anna, ben, nora = house.phone("101", 11), house.phone("102", 12), house.phone("100", 10)
    for phone in (anna, ben, nora):
        assert await phone.register() == 200
    return anna, ben, nora


def traces(house: House, but: Phone) -> list[str]:
    """Return the lines of what the box told anybody but one phone that name that phone's owner."""
    told = [
        text for here, there, text in house.wire if here == ("192.168.1.1", 5060) and there != but.address
    ]
    assert told
    return [
        line
        for text in told
        for line in text.splitlines()
        if re.search(r"\b101\b|Anna|055501101|192\.168\.1\.11|LeakyPhone", line)
    ]


WAYS = {
    "header": ("102", "", (("Privacy", "id"),), False),
    "from": ("102", f'"Anonymous" <{ANON}>', (), False),
    "code": ("#31#102", "", (), False),
    "rule": ("102", "", (), True),
    "last code wins": ("*31##31#102", "", (), False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_private_call_leaves_no_trace_of_who_calls_wherever_it_goes(way: str) -> None:
    dialled, claim, more, as_a_rule = WAYS[way]

    async def scene(house: House) -> None:
        anna, ben, nora = await cast(house)
        if as_a_rule:
            await hide(house, "101")
        away = replace(house.kept.extensions.all["id-102"], forwards=(Forward(Occasion.BUSY, "100"),))
        everyone = {**house.kept.extensions.all, "id-102": away}
        house.calls.plan = Plan(("112",), everyone.values(), codes=CODES)
        assert await watch(nora, "102") == 200
        await anna.call(dialled, claim=claim, more=more)
        await ben.ring()
        await ben.reject(486)
        await nora.ring()
        await nora.answer()  # sent on: Diversion and History-Info
        assert anna.session is not None
        await anna.reoffer(sdp(4000, "a=sendonly"))  # re-INVITE
        nora.ringing.accept_offer(sdp(5000, "a=recvonly"), nora.now)
        await asyncio.sleep(0.1)
        house.calls.plan = Plan(("112",), house.kept.extensions.list(), codes=CODES)
        assert await nora.refer("<sip:102@192.168.1.1>") == 202  # REFER, and its NOTIFYs
        await ben.ring()
        await ben.answer(sdp(7000))
        assert anna.last("offered") == sdp(7000)
        await oblige(anna, anna.session, 4002)
        with_anna = ben.session
        assert with_anna is not None
        await ben.call("100")  # a consultation: Anna is handed over with Replaces
        await nora.answer(sdp(6000))
        assert ben.session is not None
        target = f"<sip:100@192.168.1.1?Replaces={dialog(ben.session)}>".replace(";", "%3B").replace(
            "=", "%3D"
        )
        assert await ben.refer(target.replace("Replaces%3D", "Replaces="), with_anna) == 202
        nora.ringing.accept_offer(sdp(6002), nora.now)
        await asyncio.sleep(0.1)
        await oblige(anna, anna.session, 4004)
        assert ben.notified[-1] == "refer terminated SIP/2.0 200 OK"
        assert house.sent_to(nora, "UPDATE"), "who was consulted is told whom they talk with"
        active = house.calls.active()
        assert [view.caller.value for view in active if view.caller.value == "anonymous"]
        await anna.hangup()
        await asyncio.sleep(1)
        assert traces(house, but=anna) == []
        said = [str(value) for _, fields in house.events for value in fields.values()]
        masked = {str(view.caller) for view in active}
        assert masked & set(said)
        await over(house)

    house = play(scene)
    told = [kept for kind, kept in house.events if kind.name.startswith("call.")]
    fields = [value for kept in told for value in kept.values()]
    assert fields
    assert "101" not in {getattr(value, "value", None) for value in fields}


async def hide(house: House, number: str) -> None:
    """Make an extension private as a rule."""
    extension = house.kept.extensions.all[f"id-{number}"]
    house.kept.extensions.all[extension.id] = replace(extension, private=True)
    house.line.extension_changed(extension.id)
    house.calls.plan = Plan(("112",), house.kept.extensions.list(), codes=CODES)


def test_a_code_shows_for_one_call_who_is_private_as_a_rule() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await cast(house)
        await hide(house, "101")
        await anna.call("*31#102")
        [text] = house.sent_to(ben, "INVITE")
        assert headers(text, "P-Asserted-Identity") == ['"Anna \u0141" <sip:101@192.168.1.1>']
        await anna.hangup()

    house = play(scene)
    assert house.records[0].dialled == "102"


def test_a_call_for_help_is_recognised_behind_a_code_and_tells_who_calls() -> None:
    async def scene(house: House) -> None:
        anna, _, _ = await cast(house)
        await hide(house, "101")
        for number in ("#31#112", "112", "#31##31#112"):
            await anna.call(number, claim=f"<{ANON}>", more=(("Privacy", "id;unheard-of;critical"),))
            assert anna.session is not None

    house = play(scene)
    alarms = [kept for kind, kept in house.events if kind.name == "call.emergency.no_line"]
    assert [getattr(kept["caller"], "value", "") for kept in alarms] == ["101"] * 3
    assert [record.kind.value for record in house.records] == ["emergency"] * 3


def test_the_caller_is_told_who_rings_and_who_answers() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await cast(house)
        await anna.call("055501427731")
        await ben.ring()
        await ben.answer()
        for status in ("180", "200"):
            text = [each for each in house.sent_to(anna, f"SIP/2.0 {status}") if "CSeq: 2 INVITE" in each][-1]
            assert headers(text, "P-Asserted-Identity") == ['"Ben" <sip:102@192.168.1.1>']
        await anna.hangup()

    play(scene)


def test_the_caller_is_not_told_who_answers_if_they_are_private() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await cast(house)
        await hide(house, "102")
        await anna.call("055501427731")
        await ben.ring()
        await ben.answer()
        assert not [text for text in house.sent_to(anna, "SIP/2.0") if "Ben" in text or "102" in text]
        await anna.hangup()

    play(scene)


def test_after_a_transfer_both_ends_are_told_whom_they_talk_with() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await cast(house)
        await anna.call("102")
        await ben.answer()
        with_ben = anna.session
        assert with_ben is not None
        assert await ben.refer(NORA) == 202
        [text] = house.sent_to(nora, "INVITE")
        assert headers(text, "P-Asserted-Identity") == ['"Anna \u0141" <sip:101@192.168.1.1>']
        assert headers(text, "Referred-By") == ["<sip:102@192.168.1.1>"]
        await nora.answer(sdp(7000))
        [text] = house.sent_to(anna, "INVITE")
        assert headers(text, "P-Asserted-Identity") == ['"Nora" <sip:100@192.168.1.1>']
        await oblige(anna, with_ben, 4002)
        await nora.hangup()

    play(scene)


def test_who_hands_over_and_is_private_is_not_named_and_what_they_wrote_is_not_passed_on() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await cast(house)
        await hide(house, "102")
        await anna.call("102")
        await ben.answer()
        assert ben.session is not None
        ben.session._send(
            "REFER",
            ben.now,
            lambda *_: None,
            (
                ("Refer-To", NORA),
                ("Referred-By", "<sip:boss@192.168.1.1>"),
                ("Contact", "<sip:102@192.168.1.12>"),
            ),
            aside=True,
        )
        await asyncio.sleep(0.2)
        [text] = house.sent_to(nora, "INVITE")
        assert headers(text, "Referred-By") == []
        assert "boss" not in text
        await anna.hangup()

    play(scene)


def test_a_newcomer_who_is_private_takes_the_place_of_the_name_before() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await cast(house)
        await hide(house, "100")
        await anna.call("102")
        await ben.answer()
        with_ben = anna.session
        assert with_ben is not None
        assert await ben.refer(NORA) == 202
        await nora.answer(sdp(7000))
        [text] = house.sent_to(anna, "INVITE")
        assert headers(text, "P-Asserted-Identity") == [f'"Anonymous" <{ANON}>']
        await oblige(anna, with_ben, 4002)
        await nora.hangup()

    play(scene)


def test_critical_privacy_that_cannot_be_had_ends_the_call() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await cast(house)
        await anna.call("102", more=(("Privacy", "invisibility;critical"),))
        assert anna.heard[-1][0] == "ended"
        assert house.sent_to(anna, "SIP/2.0 500")
        assert not house.sent_to(ben, "INVITE")

    play(scene)
