"""Sides that shake hands (DTLS-SRTP, ICE-lite): what is said to them, what crosses over, and sound."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable

import pytest
from pylibsrtp import Policy, Session

from firmware.media import Bridge, Description, Media, NotAcceptable
from firmware.media.certificate import Certificate
from firmware.media.rewrite import moved
from rtp import stun
from rtp.packet import Packet
from rtp.seat import ECHO
from rtp.stun import Message
from sip import sdes
from sip.fingerprint import digest, fingerprint
from tests.firmware.media.calls import HOST, describe, hears, running, target, until
from tests.firmware.media.test_secure import SecretPhone
from tests.rtp.twin import Phone
from tests.support.dtls_peer import THEIRS, Peer

PROFILE = "UDP/TLS/RTP/SAVPF"
SECRET = re.compile(r"fingerprint|setup|ice-|candidate|crypto|tls-id|SAVP|rtcp-mux|mid:|BUNDLE|rtcp-fb")


class Proven(Phone):
    """A far end like a browser's: it checks, shakes hands by OpenSSL, and speaks SRTP by libsrtp."""

    def __init__(self, ufrag: str = "their") -> None:
        super().__init__()
        self.ufrag, self.password = ufrag, "their-password-of-22-octets".replace("-", "+")
        self.more = ""
        self.peer: Peer | None = None

    def line(self, setup: str = "actpass", direction: str = "sendrecv", *, ice: bool = True) -> Description:
        checks = f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.password}\r\n" if ice else ""
        extra = (
            f"a=rtcp-mux\r\na=mid:audio0\r\na=rtcp-fb:* nack\r\na=setup:{setup}\r\n{checks}{self.more}"
            f"a=fingerprint:{fingerprint(THEIRS[2])}\r\n"
        )
        text = bytes(describe(self, direction, extra=extra)).decode().replace("RTP/AVP", PROFILE)
        return Description.parse(text.replace("t=0 0\r\n", "t=0 0\r\na=group:BUNDLE audio0\r\n").encode())

    async def meet(self, told: Description) -> None:
        """Check and shake hands as a description wants it."""
        line, port = told.media[0], target(told)
        ufrag, password = line.get("ice-ufrag"), line.get("ice-pwd")
        checks: list[bytes] = []
        if password:
            name = f"{ufrag}:{self.ufrag}".encode()
            attributes = ((stun.USERNAME, name), (stun.PRIORITY, bytes(4)), (stun.USE_CANDIDATE, b""))
            checks = [Message(stun.REQUEST, bytes(12), attributes).write(password.encode())]
        peer = self.peer = Peer(client=line.get("setup") != "active")
        said = peer.start()
        waited = 0

        def done() -> bool:
            nonlocal waited
            waited += 1
            if waited % 20 == 1:  # what came too early is lost, as on any network
                said[:] = [*checks, *peer.flight]
            for each in said:
                self.rtp.sendto(each, (HOST, port))
            said.clear()
            for each in Phone.raw(self.rtp):
                if 20 <= each[0] < 64:
                    said.extend(peer.receive(each))
            return peer.done and not said

        await until(done, 30)
        material = peer.keys(56)
        client, server = material[:16] + material[32:44], material[16:32] + material[44:]
        own, theirs = (server, client) if line.get("setup") == "active" else (client, server)
        suite = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._out = Session(Policy(own, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
        self._in = Session(Policy(theirs, Policy.SSRC_ANY_INBOUND, srtp_profile=suite))

    def say(self, port: int, text: bytes, payload_type: int = 0) -> None:
        packet = Packet(payload_type, self.sequence, self.sequence * 160, self.address[1], text)
        self.sequence += 1
        self.rtp.sendto(self._out.protect(bytes(packet)), (HOST, port))

    def heard(self) -> list[bytes]:
        sealed = [data for data in Phone.raw(self.rtp) if data[0] >= 128]
        return [Packet.parse(self._in.unprotect(data)).payload for data in sealed]


def within(scene: Callable[[Media, Bridge], Awaitable[None]], **options: str) -> None:
    async def main() -> None:
        async with running(**{"dtls": "browsers", **options}) as media:  # type: ignore[arg-type]
            with media.open() as bridge:
                await scene(media, bridge)

    asyncio.run(main())


async def both_hear(one: Phone, one_to: int, other: Phone, other_to: int) -> None:
    for text in (b"first", b"second"):
        await hears(one, one_to, other, text)
        await hears(other, other_to, one, text)


async def called(bridge: Bridge, *, ice: bool = True) -> tuple[Proven, int, Phone, int]:
    """Let a phone that shakes hands call one that does not; both hear."""
    caller, callee = Proven(), Phone()
    offered = bridge.offers("caller", caller.line(ice=ice)).another()
    answered = bridge.answer("callee", describe(callee))
    await caller.meet(answered)
    await both_hear(caller, target(answered), callee, target(offered))
    return caller, target(answered), callee, target(offered)


def test_what_is_said_to_each_side() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, callee = Proven(), Phone()
        offered = bridge.offers("caller", caller.line()).another()
        assert not SECRET.search(str(offered))
        assert offered.media[0].proto == "RTP/AVP"
        answered = bridge.answer("callee", describe(callee))
        line = answered.media[0]
        assert line.proto == PROFILE
        assert digest(line.get_all("fingerprint")) == media.handshakes.digest
        assert (line.get("setup"), line.get("rtcp-mux"), line.get("mid")) == ("passive", "", "audio0")
        assert line.get("candidate") == f"1 1 UDP 2130706431 {HOST} {line.port} typ host"
        assert answered.get("ice-lite") == ""
        assert answered.get("group") == "BUNDLE audio0"
        assert line.get("tls-id") is None
        assert line.get("rtcp-fb") is None
        for secret in (caller.ufrag, caller.password, THEIRS[2].hex(":").upper()):
            assert secret not in str(answered)
        assert "c=IN IP6 ::1\r\n" in str(moved(answered, "::1"))
        assert f"UDP 2130706431 ::1 {line.port} typ host" in str(moved(answered, "::1"))

    within(scene)


@pytest.mark.parametrize("ice", [True, False])
def test_it_calls_one_without_keys_and_both_hear(ice: bool) -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        await called(bridge, ice=ice)

    within(scene)


@pytest.mark.parametrize("setup", ["active", "passive"])
def test_it_is_called_by_one_without_keys_whoever_begins(setup: str) -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, callee = Phone(), Proven()
        offers = bridge.offers("caller", describe(caller))
        assert offers.linked is not None
        assert not offers.every
        told = offers.linked()
        assert told.media[0].get("setup") == "actpass"
        answered = bridge.answer("callee", callee.line(setup))
        assert not SECRET.search(str(answered))
        shaking = (
            Description.parse(bytes(told).replace(b"actpass", b"active")) if setup == "passive" else told
        )
        await callee.meet(shaking)
        await both_hear(caller, target(answered), callee, target(told))

    within(scene)


def test_of_phones_that_ring_the_one_without_may_answer() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, desk, browser = Phone(), Phone(), Proven()
        offers = bridge.offers("caller", describe(caller))
        assert offers.linked is not None
        told, linked = offers.another(), offers.linked()
        bridge.answer("callee", browser.line("active"))  # its early media
        answered = bridge.answer("callee", describe(desk))
        assert target(told) == target(linked)
        await both_hear(caller, target(answered), desk, target(told))

    within(scene)


def test_who_does_not_accept_it_is_offered_the_usual() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        offers = bridge.offers("caller", describe(Phone()))
        assert offers.linked is not None
        assert offers.every
        instead = offers.instead(offers.linked())
        assert instead is not None
        assert instead.media[0].proto == "RTP/AVP"
        assert offers.instead(instead) is None

    within(scene, dtls="always")


def test_a_site_that_does_not_want_it_refuses_it_and_offers_it_to_nobody() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        with pytest.raises(NotAcceptable, match="DTLS-SRTP"):
            bridge.offers("caller", Proven().line())
        assert bridge.offers("caller", describe(Phone())).linked is None

    within(scene, dtls="off")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1"),
        ("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:"),
        ("a=fingerprint", "a=none"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=ice-ufrag:their", "a=ice-ufrag:" + "x" * 65),
        ("a=ice-ufrag:their", "a=ice-ufrag:a b c d"),
        ("a=ice-pwd:their", "a=ice-pwd:-"),
    ],
)
def test_an_offer_that_proves_nothing_is_refused(old: str, new: str) -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        text = str(Proven().line())
        assert old in text
        with pytest.raises(NotAcceptable):
            bridge.offers("caller", Description.parse(text.replace(old, new).encode()))

    within(scene)


def test_hold_and_resume_from_either_side_change_nothing_of_who_it_is() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, caller_to, callee, callee_to = await called(bridge)
        for direction, back in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            bridge.offer("caller", caller.line("actpass", direction))
            answered = bridge.answer("callee", describe(callee, back))
            assert answered.media[0].get("setup") == "passive"
        await both_hear(caller, caller_to, callee, callee_to)
        for direction, back in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            offered = bridge.offer("callee", describe(callee, direction))
            assert offered.media[0].proto == PROFILE
            assert offered.media[0].get("setup") == "actpass"
            answered = bridge.answer("caller", caller.line("active", back))
            assert not SECRET.search(str(answered))
        await both_hear(caller, caller_to, callee, callee_to)

    within(scene)


def test_each_description_to_it_is_the_next_version_of_one() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, _, callee, _ = await called(bridge)
        versions = []
        for direction, back in (("sendonly", "recvonly"), ("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            bridge.offer("caller", caller.line("actpass", direction))
            answered = bridge.answer("callee", describe(callee, back))
            versions.append((answered.origin.session, answered.origin.version))
        assert len({session for session, _ in versions}) == 1
        numbers = [version for _, version in versions]
        assert numbers[0] == numbers[1] < numbers[2]

    within(scene)


def test_who_takes_its_place_is_met_anew_and_the_one_before_hears_no_more() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        before, _, callee, callee_to = await called(bridge)
        newcomer = Proven("newer")
        newcomer.more = "a=tls-id:another-association-of-another-phone\r\n"
        bridge.offer("caller", newcomer.line())
        answered = bridge.answer("callee", describe(callee))
        assert answered.media[0].get("tls-id")
        await newcomer.meet(answered)
        before.heard()  # what was said before, and was still on its way
        await both_hear(newcomer, target(answered), callee, callee_to)
        assert before.heard() == []
        plain = Phone()
        bridge.offer("caller", describe(plain))
        told = bridge.answer("callee", describe(callee))
        assert not SECRET.search(str(told))
        await both_hear(plain, target(told), callee, callee_to)

    within(scene)


def test_it_is_not_talked_into_less() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        _, _, callee, _ = await called(bridge)
        bridge.offer("callee", describe(callee))
        with pytest.raises(NotAcceptable, match="fingerprint"):
            bridge.answer("caller", describe(Phone()))

    within(scene)


def test_an_answer_of_a_profile_nobody_offered_is_refused() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        bridge.offers("caller", describe(Phone())).another()
        with pytest.raises(NotAcceptable):
            bridge.answer("callee", Proven().line("active"))
        offers = bridge.offers("caller", describe(Phone()))
        assert offers.linked is not None
        offers.linked()
        with pytest.raises(NotAcceptable, match="who shakes hands"):
            bridge.answer("callee", Proven().line("actpass"))

    within(scene)


def test_new_checks_with_new_words_and_the_same_keys() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, caller_to, callee, callee_to = await called(bridge)
        first = bridge.answer("callee", describe(callee))
        caller.ufrag = "again"
        bridge.offer("caller", caller.line())
        second = bridge.answer("callee", describe(callee))
        assert first.media[0].get("ice-pwd") != second.media[0].get("ice-pwd")
        await both_hear(caller, caller_to, callee, callee_to)

    within(scene)


def test_it_waits_without_media_and_goes_on_with_the_next_offer() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, taker = Phone(), Proven()
        bridge.offers("caller", describe(caller)).another()
        paused = bridge.pause("callee", taker.line())
        assert paused.media[0].proto == PROFILE
        assert paused.media[0].direction == "inactive"
        offered = bridge.offer("caller", describe(caller))
        assert offered.media[0].proto == PROFILE
        answered = bridge.answer("callee", taker.line("active"))
        await taker.meet(offered)
        await both_hear(caller, target(answered), taker, target(offered))

    within(scene)


def test_it_can_be_taken_by_the_box_and_by_nobody() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller = Proven()
        told = bridge.hush(caller.line())
        assert (told.media[0].proto, told.media[0].direction) == (PROFILE, "inactive")
        assert told.media[0].get("fingerprint")
        parked = bridge.silent(bridge.offer("callee", describe(Phone())))
        assert parked.media[0].get("fingerprint") is None
        assert bridge.answer("caller", parked).media[0].direction == "inactive"

    within(scene)


def test_a_media_process_that_is_replaced_goes_on_without_another_handshake() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, caller_to, callee, callee_to = await called(bridge)
        await until(lambda: bool((row := media.row(bridge.port("caller"))) and row.srtp and row.source))
        os.kill(media.pid, signal.SIGKILL)
        await until(lambda: media.restarts == 1, 30)
        await both_hear(caller, caller_to, callee, callee_to)

    within(scene)


def test_a_phone_with_keys_in_its_description_calls_it() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, callee = SecretPhone(), Proven()
        offers = bridge.offers("caller", caller.line())
        assert offers.linked is not None
        told = offers.linked()
        assert not sdes.offered(told.media[0])
        answered = bridge.answer("callee", callee.line("active"))
        caller.learns(answered)
        await callee.meet(told)
        await both_hear(caller, target(answered), callee, target(told))
        bridge.offer("callee", callee.line("actpass"))
        again = bridge.answer("caller", caller.line(caller.own))
        assert again.media[0].proto == PROFILE

    within(scene)


def test_where_nothing_goes_without_encryption_it_counts_as_such() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        caller, callee = Proven(), SecretPhone()
        told = bridge.offers("caller", caller.line()).another()
        assert told.media[0].proto == "RTP/SAVP"
        own = callee.learns(told)
        answered = bridge.answer("callee", callee.line(own))
        await caller.meet(answered)
        await both_hear(caller, target(answered), callee, target(told))

    within(scene, srtp="required")


def test_it_talks_with_the_box_itself_and_is_asked_by_it() -> None:
    async def scene(media: Media, bridge: Bridge) -> None:
        place, caller = media.place(0, ECHO), Proven()
        answered = bridge.answer("callee", place.answer(bridge.offer("caller", caller.line())))
        assert answered.media[0].proto == PROFILE
        await caller.meet(answered)
        await hears(caller, target(answered), caller, b"\x11" * 160)
        offered = bridge.offer("callee", place.offer())
        assert offered.media[0].proto == PROFILE
        bridge.answer("caller", caller.line("active"))
        await hears(caller, target(answered), caller, b"\x22" * 160)
        callee = Phone()
        bridge.offer("callee", describe(callee))
        told = bridge.answer("caller", caller.line("active"))
        await both_hear(caller, target(answered), callee, target(told))

    within(scene)


def test_a_certificate_says_nothing_about_anybody_and_is_another_each_time() -> None:
    one, other = Certificate.make(), Certificate.make()
    assert one.digest != other.digest
    assert b"-" in one.certificate
    assert len(one.certificate) < 400
    assert "key" not in repr(one)
