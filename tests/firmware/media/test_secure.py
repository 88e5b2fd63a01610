"""SRTP that ends here: each phone its own keys, each side by itself where the site wants that, never less."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pylibsrtp import Policy, Session

from firmware.media import Bridge, Description, File, NotAcceptable, Side
from rtp.keys import NAMES, Keys
from rtp.seat import ECHO
from sip import sdes
from sip.sdes import Crypto
from tests.firmware.media.calls import HOST, describe, hears, running, target, until
from tests.rtp.twin import Phone
from tests.support import audio

SUITE = "AES_CM_128_HMAC_SHA1_80"


class SecretPhone(Phone):
    """A phone with SRTP by libsrtp itself: it says its `own` key and decrypts with `theirs`."""

    def __init__(self, suite: str = SUITE) -> None:
        super().__init__()
        self.own = Crypto(1, suite, bytes([self.address[1] & 255]) * sdes.SUITES[suite])
        self._out = Session(Policy(self.own.key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=NAMES[suite]))
        self._in: Session | None = None

    def line(self, key: Crypto | None = None, codec: str = "0", direction: str = "sendrecv") -> Description:
        text = bytes(describe(self, direction)).replace(b"RTP/AVP 0", b"RTP/SAVP " + codec.encode())
        return Description.parse(text + f"a=crypto:{key or self.own}\r\n".encode())

    def learns(self, told: Description) -> Crypto:
        """Take the one key of a description, or the one of its own suite; return it for the answer's tag."""
        keys = sdes.offered(told.media[0])
        theirs = next(key for key in keys if key.suite == self.own.suite)
        self._in = Session(Policy(theirs.key, Policy.SSRC_ANY_INBOUND, srtp_profile=NAMES[theirs.suite]))
        return Crypto(theirs.tag, self.own.suite, self.own.key)

    def say(self, port: int, text: bytes, payload_type: int = 0) -> None:
        from rtp.packet import Packet

        packet = Packet(payload_type, self.sequence, self.sequence * 160, self.address[1], text)
        self.sequence += 1
        self.rtp.sendto(self._out.protect(bytes(packet)), (HOST, port))

    def heard(self) -> list[bytes]:
        from rtp.packet import Packet

        assert self._in is not None
        return [Packet.parse(self._in.unprotect(data)).payload for data in self.raw(self.rtp)]


def keys_of(description: Description) -> list[Crypto]:
    return sdes.offered(description.media[0])


def within(scene: Callable[[Bridge], Awaitable[None]], srtp: str = "passed") -> None:
    async def main() -> None:
        async with running() as media:
            media.srtp = srtp  # type: ignore[assignment]
            with media.open() as bridge:
                await scene(bridge)

    asyncio.run(main())


def rows(bridge: Bridge) -> dict[Side, Keys]:
    found = {side: bridge._media.row(bridge.port(side)) for side in ("caller", "callee")}
    return {side: Keys.parse(row.srtp) for side, row in found.items() if row is not None and row.srtp}  # type: ignore[misc]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("suite", sorted(NAMES))
def test_phones_that_ring_at_once_get_different_keys_and_the_one_that_answers_is_heard(
    suite: str, first: int
) -> None:
    async def scene(bridge: Bridge) -> None:
        caller, loser, winner = SecretPhone(suite), SecretPhone(), SecretPhone()
        offers = bridge.offers("caller", caller.line())
        told = [offers.another() for _ in range(2)]
        secrets = [{key.key for key in keys_of(each)} for each in told]
        assert all(len(each) == len(NAMES) for each in secrets)
        assert not secrets[0] & secrets[1]
        assert caller.own.key not in secrets[0] | secrets[1]
        assert all(each.media[0].proto == "RTP/SAVP" for each in told)
        early = bridge.answer("callee", loser.line(loser.learns(told[1 - first])))
        answer = bridge.answer("callee", winner.line(winner.learns(told[first])))
        assert keys_of(early) == keys_of(answer), "the caller hears whoever answers with one key"
        assert keys_of(answer)[0].key not in {caller.own.key, winner.own.key} | secrets[0] | secrets[1]
        caller.learns(answer)
        await hears(caller, target(answer), winner, b"from the caller")
        await hears(winner, target(told[first]), caller, b"from who answered")

    within(scene)


def test_a_sole_phone_gets_the_callers_own_key_and_another_try_one_of_ours() -> None:
    async def scene(bridge: Bridge) -> None:
        caller = SecretPhone()
        offers = bridge.offers("caller", caller.line(), sole=True)
        first = offers.another()
        assert keys_of(first) == [caller.own]
        second = offers.instead(first)
        assert second is not None
        assert caller.own.key not in {key.key for key in keys_of(second)}
        assert offers.instead(second) is None, "and never a plain line"
        answered = SecretPhone()
        bridge.answer("callee", answered.line())
        assert rows(bridge) == {}

    within(scene)


@pytest.mark.parametrize("secure", ["caller", "callee"])
def test_where_the_site_wants_it_one_side_is_encrypted_and_the_other_not(secure: Side) -> None:
    async def scene(bridge: Bridge) -> None:
        plain, secret = Phone(), SecretPhone()
        if secure == "caller":
            offers = bridge.offers("caller", secret.line(), sole=True)
            across = offers.another()
            own = offers.instead(across)
            told = own and offers.instead(own)
            assert told is not None
            assert offers.instead(told) is None
            assert told.media[0].proto == "RTP/AVP"
            assert "crypto" not in str(told)
            answer = bridge.answer("callee", describe(plain))
            secret.learns(answer)
            to_plain, to_secret = target(told), target(answer)
        else:
            offers = bridge.offers("caller", describe(plain))
            first = offers.another()
            assert "crypto" not in str(first)
            told = offers.instead(first)
            assert told is not None
            answer = bridge.answer("callee", secret.line(secret.learns(told)))
            assert answer.media[0].proto == "RTP/AVP"
            assert "crypto" not in str(answer)
            to_plain, to_secret = target(answer), target(told)
        assert set(rows(bridge)) == {secure}
        await hears(plain, to_plain, secret, b"to the encrypted side")
        await hears(secret, to_secret, plain, b"to the plain side")

    within(scene, "converted")


def test_a_call_for_help_is_made_whatever_the_site_wants() -> None:
    async def main() -> None:
        async with running() as media:
            media.srtp = "required"
            with media.open(urgent=True) as bridge:
                offers = bridge.offers("caller", SecretPhone().line(), sole=True)
                forms = [offers.another()]
                while (after := offers.instead(forms[-1])) is not None:
                    forms.append(after)
                assert [form.media[0].proto for form in forms] == ["RTP/SAVP", "RTP/SAVP", "RTP/AVP"]
                bridge.offers("caller", describe(Phone())).another()
            with media.open() as bridge, pytest.raises(NotAcceptable):
                bridge.offers("caller", describe(Phone()))

    asyncio.run(main())


def test_what_was_encrypted_does_not_go_on_without() -> None:
    async def scene(bridge: Bridge) -> None:
        caller, callee = SecretPhone(), SecretPhone()
        told = bridge.offers("caller", caller.line()).another()
        bridge.answer("callee", callee.line(callee.learns(told)))
        with pytest.raises(NotAcceptable):
            bridge.offer("caller", describe(Phone()))
        with pytest.raises(NotAcceptable):
            bridge.answer("callee", describe(Phone()))

    within(scene)


def test_keys_stay_over_a_hold_and_go_with_who_leaves() -> None:
    async def scene(bridge: Bridge) -> None:
        caller, callee, newcomer = SecretPhone(), SecretPhone(), SecretPhone()
        told = bridge.offers("caller", caller.line()).another()
        answer = bridge.answer("callee", callee.line(callee.learns(told)))
        caller.learns(answer)
        before = rows(bridge)
        held = bridge.offer("caller", caller.line(direction="sendonly"))
        assert len(keys_of(held)) == 1, "the key it has, and no other"
        bridge.answer("callee", callee.line(callee.learns(held), direction="recvonly"))
        assert [bytes(key) for key in rows(bridge).values()] == [bytes(key) for key in before.values()]
        again = bridge.offer("callee", newcomer.line())  # in the place of the callee
        assert keys_of(again)[0].key == before["caller"].send
        welcome = bridge.answer("caller", caller.line(caller.learns(again)))
        newcomer.learns(welcome)
        after = rows(bridge)
        assert after["caller"].send == before["caller"].send
        assert after["callee"].send != before["callee"].send, "who came knows nothing of who left"
        await hears(caller, target(answer), newcomer, b"to the newcomer")
        await hears(newcomer, target(welcome), caller, b"from the newcomer")

    within(scene)


def test_a_phone_that_makes_new_keys_gets_new_ones_of_ours() -> None:
    async def scene(bridge: Bridge) -> None:
        caller, callee = SecretPhone(), SecretPhone()
        told = bridge.offers("caller", caller.line()).another()
        bridge.answer("callee", callee.line(callee.learns(told)))
        before = rows(bridge)
        fresh = SecretPhone()
        fresh.own = Crypto(3, SUITE, bytes([9]) * 30)
        bridge.answer("callee", callee.line(callee.learns(bridge.offer("caller", caller.line(fresh.own)))))
        after = rows(bridge)["caller"]
        assert after.receive == fresh.own.key
        assert after.send not in {before["caller"].send, before["callee"].send}

    within(scene)


def test_two_phones_with_srtp_and_no_common_codec_hear_each_other() -> None:
    async def scene(bridge: Bridge) -> None:
        caller, callee = SecretPhone(), SecretPhone("AEAD_AES_128_GCM")
        told = bridge.offers("caller", caller.line(codec="0")).another()
        assert told.media[0].formats[:2] == ("0", "8")
        answer = bridge.answer("callee", callee.line(callee.learns(told), codec="8"))
        assert answer.media[0].formats[0] == "0"
        caller.learns(answer)
        heard: list[bytes] = []

        def spoken() -> bool:
            caller.say(target(answer), b"\x55" * 160)
            heard.extend(callee.heard())
            return any(len(each) == 160 for each in heard)

        await until(spoken)

    within(scene)


def test_a_media_process_that_is_replaced_goes_on_under_another_source_not_the_same_count() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                caller, callee = SecretPhone(), SecretPhone()
                told = bridge.offers("caller", caller.line()).another()
                answer = bridge.answer("callee", callee.line(callee.learns(told)))
                caller.learns(answer)
                await hears(caller, target(answer), callee, b"before")
                before = rows(bridge)
                assert [key.mask for key in before.values()] == [0, 0]
                import os
                import signal

                os.kill(media.pid, signal.SIGKILL)
                await until(lambda: media.restarts == 1)
                after = rows(bridge)
                assert all(key.mask for key in after.values())
                assert [key.send for key in after.values()] == [key.send for key in before.values()]
                await hears(caller, target(answer), callee, b"after")
                bridge.answer("callee", callee.line(callee.learns(bridge.offer("caller", caller.line()))))
                assert [key.mask for key in rows(bridge).values()] == [key.mask for key in after.values()]

    asyncio.run(main())


@pytest.mark.parametrize(
    "line",
    [
        SUITE + " inline:" + "A" * 40 + "|2^20|1:4",
        SUITE + " inline:" + "A" * 40 + " UNENCRYPTED_SRTP",
        "AES_256_CM_HMAC_SHA1_80 inline:" + "A" * 62 + "==",
    ],
)
def test_keys_we_cannot_use_are_for_a_sole_phone_only(line: str) -> None:
    async def scene(bridge: Bridge) -> None:
        text = re.sub(r"a=crypto:.*", f"a=crypto:1 {line}\r", str(SecretPhone().line()))
        offer = Description.parse(text.encode())
        with pytest.raises(NotAcceptable):
            bridge.offers("caller", offer)
        assert line in str(bridge.offers("caller", offer, sole=True).another())

    within(scene)


@pytest.mark.parametrize("calls", [True, False])
def test_the_box_itself_talks_with_a_phone_that_encrypts(calls: bool) -> None:
    async def main() -> None:
        async with running() as media:
            media.srtp = "required"
            with media.open() as bridge:
                place, phone = media.place(0, ECHO), SecretPhone()
                if calls:
                    told = bridge.answer("callee", place.answer(bridge.offer("caller", phone.line())))
                    phone.learns(told)
                else:
                    told = bridge.offers("caller", place.offer()).another()
                    assert told.media[0].proto == "RTP/SAVP"
                    bridge.answer("callee", phone.line(phone.learns(told)))
                assert len(rows(bridge)) == 1
                heard: list[bytes] = []

                def echoed() -> bool:
                    phone.say(target(told), b"\x11" * 160)
                    heard.extend(phone.heard())
                    return b"\x11" * 160 in heard

                await until(echoed)

    asyncio.run(main())


def test_who_is_held_hears_music_where_each_side_is_encrypted_by_itself(tmp_path: Path) -> None:
    audio.write(tmp_path / "music.wav", b"\x00\x10" * 16000)

    async def main() -> None:
        async with running() as media:
            media.music = (File(str(tmp_path / "music.wav")),)
            with media.open() as bridge:
                caller, callee = SecretPhone(), SecretPhone()
                told = bridge.offers("caller", caller.line()).another()
                caller.learns(bridge.answer("callee", callee.line(callee.learns(told))))
                await hears(callee, target(told), caller, b"before")
                held = bridge.offer("caller", caller.line(direction="inactive"))
                assert held.media[0].direction == "sendonly"
                bridge.answer("callee", callee.line(callee.learns(held), direction="recvonly"))
                await until(lambda: any(set(each) - {0xFF} for each in callee.heard()))

    asyncio.run(main())
