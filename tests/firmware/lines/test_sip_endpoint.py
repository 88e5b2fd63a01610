"""Calls through the endpoint: what the phones hear, and what they never get to know of each other."""

import asyncio
import gc
import random

import pytest

from firmware.calls.call import Call
from firmware.calls.cause import Cause
from firmware.calls.house import Settings
from firmware.calls.leg import Party
from firmware.lines.sip_endpoint import SipSettings
from firmware.lines.sip_leg import SipLeg
from sip.digest import DigestClient
from sip.listener import End
from sip.message import Request
from sip.session import Session
from tests.firmware.lines.house import House, Phone, headers, play, sdp


async def two(house: House) -> tuple[Phone, Phone]:
    anna, ben = house.phone("101", 11), house.phone("102", 12)
    assert await anna.register() == 200
    assert await ben.register() == 200
    return anna, ben


def test_call_by_alias_hold_and_hang_up() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("055501427731")
        await ben.ring()
        assert anna.last("progress") == (180, None)
        await asyncio.sleep(2)
        await ben.answer()
        assert anna.last("answered") == sdp(5000)
        await anna.reoffer(sdp(4000, "a=sendonly"))
        assert ben.last("offered") == sdp(4000, "a=sendonly")
        assert ben.session is not None
        ben.session.accept_offer(sdp(5000, "a=recvonly"), ben.now)
        await asyncio.sleep(1)
        assert anna.last("reoffered") == sdp(5000, "a=recvonly")
        await ben.hangup()
        assert isinstance(end := anna.last("ended"), End)
        assert end.why == "bye"

    house = play(scene)
    [record] = house.records
    assert (record.cause, record.ended_by) == ("normal", "callee")
    assert (record.caller, record.callee, record.dialled) == ("id-101", "id-102", "055501427731")
    assert record.answered is not None
    assert record.answered - record.started == pytest.approx(2.2, abs=0.1)


def test_callee_learns_who_calls_from_the_store_and_nothing_of_the_callers_phone() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        invite = ben.last("invite")
        assert isinstance(invite, Request)
        assert invite.from_.uri.user == "101"
        assert invite.from_.display == "Anna \u0141"
        await ben.answer()
        await anna.hangup()
        assert anna.session is not None
        for text in house.sent_to(ben, ""):
            for leak in ("192.168.1.11", "LeakyPhone", "Somebody Else", anna.session.call_id):
                assert leak not in text
        for text in house.sent_to(anna, ""):
            assert "192.168.1.12" not in text

    play(scene)


@pytest.mark.parametrize(
    ("status", "told", "cause", "q850"),
    [
        (486, 486, "busy", 17),
        (603, 603, "rejected", 21),
        (480, 480, "no-answer", 19),
        (488, 488, "not-acceptable", 88),
        (404, 480, "unreachable", 20),
        (302, 480, "unreachable", 20),
        (500, 500, "failed", 41),
    ],
)
def test_refusals_are_told_with_status_and_reason(status: int, told: int, cause: str, q850: int) -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.reject(status)
        end = anna.last("ended")
        assert isinstance(end, End)
        assert (end.why, end.status) == ("rejected", told)
        assert end.response is not None
        assert (end.response.get("Reason") or "").startswith(f"Q.850;cause={q850};")

    assert [record.cause for record in play(scene).records] == [cause]


def test_unknown_number_and_nobody_registered() -> None:
    async def scene(house: House) -> None:
        anna, _ = await two(house)
        for dialled, status in (("999", 404), ("100", 480)):
            await anna.call(dialled)
            end = anna.last("ended")
            assert isinstance(end, End)
            assert end.status == status

    assert [record.cause for record in play(scene).records] == ["unknown-number", "unreachable"]


def test_nobody_answers() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.ring()
        await asyncio.sleep(31)
        end = anna.last("ended")
        assert isinstance(end, End)
        assert end.status == 480
        [cancel] = house.sent_to(ben, "CANCEL")
        assert headers(cancel, "Reason") == ['Q.850;cause=19;text="No answer from user"']

    assert [record.cause for record in play(scene).records] == ["no-answer"]


def test_caller_cancels() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.ring()
        await anna.hangup()
        end = ben.last("ended")
        assert isinstance(end, End)
        assert end.why == "cancelled"

    house = play(scene)
    assert [(record.cause, record.ended_by) for record in house.records] == [("cancelled", "caller")]


def test_all_phones_ring_and_the_losers_learn_why() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        other = house.phone("102", 13, "TCP")
        await other.register()
        await anna.call("102")
        await ben.ring()
        await other.ring()
        await other.answer()
        [cancel] = house.sent_to(ben, "CANCEL")
        assert headers(cancel, "Reason") == ['SIP;cause=200;text="Call completed elsewhere"']
        assert not house.sent_to(other, "CANCEL")
        await anna.hangup()
        assert house.sent_to(other, "BYE")

    play(scene)


def test_call_without_an_offer() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102", None)
        assert ben.ringing.offer is None
        await ben.answer(sdp(5000))
        assert anna.last("answered") == sdp(5000)
        assert anna.session is not None
        anna.session.ack(sdp(4000), anna.now)
        await asyncio.sleep(1)
        assert ben.last("acked") == sdp(4000)
        await anna.hangup()

    assert [record.cause for record in play(scene).records] == ["normal"]


def test_a_refused_change_leaves_the_call_alone() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.answer()
        await anna.reoffer(sdp(4004))
        assert ben.session is not None
        ben.session.refuse_offer(ben.now, 488)
        await asyncio.sleep(1)
        assert anna.last("refused") == 488
        assert house.calls.active()
        await ben.hangup()

    play(scene)


def test_both_change_the_call_at_once_and_it_survives() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.answer()
        assert anna.session is not None
        assert ben.session is not None
        anna.session.reoffer(sdp(4000, "a=sendonly"), anna.now)
        ben.session.reoffer(sdp(5000, "a=sendonly"), ben.now)
        seen: set[str] = set()
        for _ in range(100):
            await asyncio.sleep(0.2)
            for phone, port in ((anna, 4000), (ben, 5000)):
                if phone.heard[-1][0] == "offered":
                    phone.heard.append(("", None))
                    assert phone.session is not None
                    phone.session.accept_offer(sdp(port, "a=recvonly"), phone.now)
                seen.update(phone.number for name, _ in phone.heard if name == "reoffered")
        assert seen == {"101", "102"}, "a change was lost"
        assert house.calls.active()
        await ben.hangup()

    play(scene)


def test_callee_falls_silent_before_it_answers() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        ben.unplug()
        await anna.call("102")
        await asyncio.sleep(35)
        end = anna.last("ended")
        assert isinstance(end, End)
        assert end.status == 480

    play(scene)


def test_a_broken_connection_unregisters_the_phone_behind_it() -> None:
    async def scene(house: House) -> None:
        anna, other = house.phone("101", 11), house.phone("102", 13, "TCP")
        await anna.register()
        await other.register()
        assert [phone.transport for phone in house.line.phones("id-102")] == ["TCP"]
        other.unplug()
        assert house.line.phones("id-102") == []
        await anna.call("102")
        assert isinstance(end := anna.last("ended"), End)
        assert end.status == 480

    play(scene)


def test_a_flow_is_vouched_for_once_who_is_behind_it_has_proved_it() -> None:
    async def scene(house: House) -> None:
        stranger, anna, udp = (
            house.phone("101", 11, "TCP"),
            house.phone("101", 12, "TCP"),
            house.phone("102", 13),
        )
        stranger.client = DigestClient("101", "a wrong guess", random.Random(1).randbytes)
        await stranger.register()
        await stranger.call("112")
        assert house.proved == []
        await udp.register()
        await anna.register()
        assert [flow.remote for flow in house.proved] == [udp.address, anna.address]

    play(scene)


def test_full_box_says_when_to_come_back_but_lets_a_call_for_help_in() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        nora = house.phone("100", 10)
        await anna.call("102")
        await nora.call("102")
        end = nora.last("ended")
        assert isinstance(end, End)
        assert end.status == 503
        assert end.response is not None
        assert end.response.get("Retry-After") == "5"
        await nora.call("112")
        assert isinstance(end := nora.last("ended"), End)
        assert end.response is not None
        assert (end.response.get("Reason") or "").startswith("Q.850;cause=34;")
        assert "Retry-After" not in end.response
        await anna.hangup()
        assert ben.heard

    house = play(scene, lambda: House(calls=Settings(max_calls=1)))
    assert sorted(record.kind.value for record in house.records) == ["emergency", "internal"]


def test_above_four_fifths_new_calls_wait_and_those_there_are_go_on() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        nora = house.phone("100", 10)
        for _ in range(4):
            await anna.call("102")
        before = len(house.line.stack._layer.servers)
        await nora.call("102")
        assert isinstance(end := nora.last("ended"), End)
        assert end.status == 503
        assert len(house.line.stack._layer.servers) == before, "refused without a transaction"
        assert house.line.counters["refused for load"] == 1
        await nora.call("112")
        assert isinstance(end := nora.last("ended"), End)
        assert end.response is not None
        assert (end.response.get("Reason") or "").startswith("Q.850;cause=34;")
        await nora.call("102", more=(("Replaces", "x;to-tag=1;from-tag=2"), ("Require", "replaces")))
        assert isinstance(end := nora.last("ended"), End)
        assert end.status == 481, "who comes into a call there is finds room"
        await ben.answer(sdp(5000))
        assert anna.last("answered")
        await anna.hangup()
        await nora.call("102")
        assert house.line.counters["refused for load"] == 1

    play(scene, lambda: House(calls=Settings(max_calls=5)))


def test_a_call_for_help_without_proof_is_refused_once() -> None:
    source = ("192.168.1.99", 5060)
    invite = Request.new(
        "INVITE",
        "sip:112@box.invalid",
        [
            ("Via", "SIP/2.0/UDP 192.168.1.99:5060;branch=z9hG4bKforged;rport"),
            ("From", "<sip:x@box.invalid>;tag=x"),
            ("To", "<sip:112@box.invalid>"),
            ("Call-ID", "forged"),
            ("CSeq", "1 INVITE"),
            ("Contact", "<sip:x@192.168.1.99>"),
            ("Content-Type", "application/sdp"),
        ],
        sdp(4000),
    )

    async def scene(house: House) -> None:
        house.feed(invite, source)
        await asyncio.sleep(20)

        def refusals() -> int:
            return sum(
                there == source and text.startswith(("SIP/2.0 4", "SIP/2.0 5", "SIP/2.0 6"))
                for _, there, text in house.wire
            )

        assert refusals() == 1
        house.feed(invite, source)
        assert refusals() == 2, "who asks again is told again, one for one"

    play(scene)


def test_media_silence_ends_both_sides() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.answer()
        [bridge] = house.bridges
        assert bridge.on_timeout is not None
        anna.plugged = False
        bridge.on_timeout("caller")
        await asyncio.sleep(0.1)
        assert isinstance(end := ben.last("ended"), End)
        assert end.why == "bye"

    assert [record.cause for record in play(scene).records] == ["media-timeout"]


def test_shutdown_ends_calls_politely() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102")
        await ben.answer()
        await house.calls.close()
        house.line.close()
        await asyncio.sleep(0.1)
        for phone in (anna, ben):
            assert isinstance(end := phone.last("ended"), End)
            assert end.why == "bye"
        await anna.call("102")
        assert isinstance(end := anna.last("ended"), End)
        assert end.status == 503

    play(scene)


def test_nonsense_as_description_is_refused_before_anything_rings() -> None:
    async def scene(house: House) -> None:
        anna, ben = await two(house)
        await anna.call("102", b"v=nonsense\r\n")
        assert isinstance(end := anna.last("ended"), End)
        assert end.status == 488
        assert not ben.heard

    play(scene)


def test_before_there_is_call_control_a_call_is_told_to_come_back() -> None:
    async def scene(house: House) -> None:
        anna, _ = await two(house)
        house.line.calls = None
        await anna.call("102")
        assert isinstance(end := anna.last("ended"), End)
        assert end.status == 503

    play(scene)


def test_a_caller_nobody_knows_is_shown_as_anonymous() -> None:
    async def scene(house: House) -> None:
        _, ben = await two(house)
        [leg] = house.line.dial("id-102", Party(None, ""), None)
        await asyncio.sleep(0.1)
        invite = ben.last("invite")
        assert isinstance(invite, Request)
        assert str(invite.from_.uri) == "sip:anonymous@anonymous.invalid"
        assert "4930555" not in str(bytes(invite))
        leg.hangup(Cause.CANCELLED)

    play(scene)


def test_a_finished_call_leaves_nothing_for_the_collector() -> None:
    kinds = (SipLeg, Session, Call)

    async def scene(house: House) -> None:
        anna, ben = await two(house)
        gc.collect()
        gc.disable()
        for _ in range(3):
            await anna.call("102")
            await ben.ring()
            await ben.answer()
            await anna.reoffer(sdp(4000, "a=sendonly"))
            assert ben.session is not None
            ben.session.accept_offer(sdp(5000, "a=recvonly"), ben.now)
            await asyncio.sleep(1)
            await anna.hangup()
            await anna.call("102")
            await ben.reject(486)
            await anna.call("102")
            await anna.hangup()
        await asyncio.sleep(200)
        for phone in (anna, ben):
            phone.session = None
            phone.heard.clear()
        left = [thing for thing in gc.get_objects() if isinstance(thing, kinds)]
        assert not left

    try:
        play(scene)
    finally:
        gc.enable()


def test_early_media_is_certain_and_another_phone_that_answers_is_offered_anew() -> None:
    async def scene(house: House) -> None:
        anna, left, right = house.phone("101", 11), house.phone("102", 12), house.phone("102", 13)
        for phone in (left, right):
            await phone.register()
        await anna.call("102")
        left.ringing.ring(left.now, 183, sdp(5000))
        await asyncio.sleep(0.5)
        assert anna.last("progress") == (183, sdp(5000))
        assert house.sent_to(left, "PRACK")
        assert len(house.sent_to(anna, "SIP/2.0 200")) == 1  # to its PRACK
        await right.answer(sdp(6000))
        assert anna.last("answered") == sdp(5000)
        assert anna.last("offered") == sdp(6000)
        assert anna.session is not None
        anna.session.accept_offer(sdp(4002), anna.now)
        await asyncio.sleep(0.1)
        assert right.last("offered") == sdp(4002)
        right.ringing.accept_offer(sdp(6000), right.now)
        await asyncio.sleep(0.1)
        await anna.hangup()

    play(scene)


def test_the_site_decides_on_session_timers_and_a_dead_phone_ends_the_call() -> None:
    async def scene(house: House) -> None:
        house.line.settings = SipSettings(session_seconds=300, shortest_session=120)
        anna, ben = house.phone("101", 11), house.phone("102", 12)
        await ben.register()
        await anna.call("102")
        assert headers(house.sent_to(ben, "INVITE")[0], "Session-Expires") == ["300"]
        await ben.answer()
        await asyncio.sleep(1000)
        assert house.calls.active(), "a refreshed call was ended"
        assert house.sent_to(ben, "UPDATE") or house.sent_to(anna, "UPDATE")
        assert [name for name, _ in anna.heard] == ["answered"]
        ben.unplug()
        await asyncio.sleep(300)
        assert isinstance(anna.last("ended"), End)

    play(scene)
