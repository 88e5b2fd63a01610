"""Transfers over real SIP: phones that REFER, a phone that calls in with Replaces."""

import asyncio
from urllib.parse import quote

from firmware.calls.leg import Answered, Party
from firmware.calls.outside import CallerId
from firmware.calls.plan import Plan
from firmware.media import Offers
from sip.sdp import SessionDescription
from sip.session import Session
from sip.transfer import Replaces
from tests.firmware.lines.house import House, Phone, headers, play, sdp
from tests.support.legs import ScriptedLeg
from tests.support.scripted_lines import DIALLING

NORA, BEN = "<sip:100@192.168.1.1>", "<sip:102@192.168.1.1>"


async def three(house: House) -> tuple[Phone, Phone, Phone]:
    anna, ben, nora = house.phone("101", 11), house.phone("102", 12), house.phone("100", 10)
    for phone in (anna, ben, nora):
        await phone.register()
    return anna, ben, nora


async def connected(anna: Phone, ben: Phone) -> tuple[Session, Session]:
    await anna.call(ben.number)
    await ben.answer()
    assert anna.session is not None
    assert ben.session is not None
    return anna.session, ben.session


async def oblige(phone: Phone, session: Session, port: int) -> None:
    session.accept_offer(sdp(port), phone.now)
    await asyncio.sleep(0.1)


def dialog(session: Session) -> Replaces:
    """Name a phone's session as the box, which holds its other end, knows it."""
    there = session._there
    return Replaces(session.call_id, there.remote_tag, there.local_tag)


def test_blind_transfer() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await three(house)
        with_ben, _ = await connected(anna, ben)
        assert await ben.refer(NORA) == 202
        assert ben.notified == ["refer active SIP/2.0 100 Trying"]
        await nora.ring()
        await nora.answer(sdp(7000))
        assert anna.last("offered") == sdp(7000)
        await oblige(anna, with_ben, 4002)
        assert nora.last("acked") == sdp(4002)
        assert ben.notified[1:] == ["refer active SIP/2.0 180 Ringing", "refer terminated SIP/2.0 200 OK"]
        assert ben.heard[-1][0] == "ended"
        assert len(house.calls.active()) == 1
        await nora.hangup()
        assert anna.heard[-1][0] == "ended"

    house = play(scene)
    assert [record.callee for record in house.records] == ["id-100"]


def test_a_transfer_to_nobody_says_so_and_the_call_goes_on() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await three(house)
        await connected(anna, ben)
        assert await anna.refer("<sip:555@192.168.1.1>") == 202
        assert anna.notified[-1] == "refer terminated SIP/2.0 404 Not Found"
        assert await anna.refer("<tel:5>") == 416
        await anna.hangup()

    play(scene)


def test_attended_transfer() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await three(house)
        with_ben, of_ben = await connected(anna, ben)
        with_nora, of_nora = await connected(anna, nora)
        target = f"<sip:100@192.168.1.1?Replaces={quote(str(dialog(with_nora)), safe='')}>"
        assert await anna.refer(target, with_ben) == 202
        assert nora.last("offered") is None
        await oblige(nora, of_nora, 7002)
        assert ben.last("offered") == sdp(7002)
        await oblige(ben, of_ben, 5002)
        assert nora.last("acked") == sdp(5002)
        assert anna.notified[-1] == "refer terminated SIP/2.0 200 OK"
        assert [name for name, _ in anna.heard].count("ended") == 2
        assert len(house.calls.active()) == 1
        await ben.hangup()
        assert nora.heard[-1][0] == "ended"

    house = play(scene)
    assert len(house.records) == 2


def test_nobody_transfers_to_a_call_of_somebody_else() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await three(house)
        first, of_ben = await connected(anna, ben)
        second, _ = await connected(anna, nora)
        target = f"<sip:100@192.168.1.1?Replaces={quote(str(dialog(second)), safe='')}>"
        assert await ben.refer(target, of_ben) == 202
        assert ben.notified[-1] == "refer terminated SIP/2.0 481 Call/Transaction Does Not Exist"
        gone = f"<sip:100@192.168.1.1?Replaces={quote('x;to-tag=a;from-tag=b', safe='')}>"
        await anna.refer(gone, first)
        assert anna.notified[-1] == "refer terminated SIP/2.0 481 Call/Transaction Does Not Exist"
        assert len(house.calls.active()) == 2
        for session in (first, second):
            session.hangup(anna.now)

    play(scene)


async def replace(phone: Phone, dialled: str, session: Session, *, known: bool = True) -> None:
    phone.session = phone.stack.invite(
        f"sip:{dialled}@box.invalid",
        phone.flow,
        caller=f"<sip:{phone.number}@{phone.address[0]}>",
        callee=f"<sip:{dialled}@box.invalid>",
        offer=sdp(7000),
        listener=phone,
        now=phone.now,
        headers=(("Replaces", str(dialog(session))),),
        credentials=phone.credentials if known else None,
    )
    await asyncio.sleep(0.1)


def test_a_phone_that_calls_in_takes_the_place_of_another() -> None:
    async def scene(house: House) -> None:
        anna, ben, nora = await three(house)
        with_ben, of_ben = await connected(anna, ben)
        await replace(nora, "102", of_ben, known=False)
        assert nora.heard[-1][0] == "ended", "who proves nothing replaces nothing"
        assert house.calls.active()
        await replace(nora, "102", of_ben)
        assert anna.last("offered") == sdp(7000)
        await oblige(anna, with_ben, 4002)
        assert nora.last("answered") == sdp(4002)
        assert ben.heard[-1][0] == "ended"
        await nora.hangup()

    play(scene)


def test_a_stranger_who_called_for_help_transfers_nobody() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await three(house)
        await anna.call("112")
        _, of_ben = await connected(anna, ben)
        thief = house.phone("666", 66)
        await replace(thief, "112", of_ben, known=False)
        assert thief.heard[-1][0] == "ended"
        assert ben.heard[-1][0] != "ended"
        await anna.hangup()

    play(scene)


def test_transfers_are_announced() -> None:
    async def scene(house: House) -> None:
        anna, ben, _ = await three(house)
        await connected(anna, ben)
        invite = house.sent_to(ben, "INVITE")[0]
        assert "REFER" in headers(invite, "Allow")[0]
        assert {"replaces", "norefersub"} <= set(headers(invite, "Supported")[0].split(", "))
        await anna.hangup()

    play(scene)


async def call_unproved(phone: Phone, dialled: str) -> None:
    """Call with no way to prove who it is."""
    phone.session = phone.stack.invite(
        f"sip:{dialled}@box.invalid",
        phone.flow,
        caller=f"<sip:{phone.number}@box.invalid>",
        callee=f"<sip:{dialled}@box.invalid>",
        offer=sdp(7000),
        listener=phone,
        now=phone.now,
    )
    await asyncio.sleep(0.1)


class HelpLine:
    """The one line to the outside, played by the test."""

    name, up, most = "only", True, 9

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.legs: list[ScriptedLeg] = []

    def lines(self) -> list["HelpLine"]:
        return [self]

    def dial(self, number: str, caller: CallerId, offers: Offers | None, *_: object) -> ScriptedLeg:
        self.shown.append(caller.number)
        self.legs.append(ScriptedLeg("help", Party(None, number, line=self.name), []))
        return self.legs[-1]


def test_help_without_proof_counts_for_who_registered_from_that_very_flow_and_transfers_nobody() -> None:
    async def scene(house: House) -> None:
        line = HelpLine()
        house.calls.house.lines = line
        house.calls.plan = Plan(("112",), house.extensions, dialling=DIALLING)
        anna, _, _ = await three(house)
        neighbour = Phone(house, "101", (anna.address[0], 5070), "UDP")
        await call_unproved(anna, "112")
        await call_unproved(neighbour, "112")
        assert line.shown == ["+4930555101", "+49305550"], "its own number, then the site's: another port"
        line.legs[0].emit(Answered(SessionDescription.parse(sdp(5000))))
        await asyncio.sleep(0.1)
        assert await anna.refer("<sip:102@box.invalid>") == 403
        await anna.hangup()
        await neighbour.hangup()

    play(scene)
