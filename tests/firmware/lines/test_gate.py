"""The gate: who a request is from, and that nobody gets to be somebody else."""

import asyncio
import os
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.lamps import Light
from firmware.calls.leg import Leg
from firmware.lines.gate import dialled, is_lan, is_near
from firmware.lines.guesses import BURST
from sip.digest import DigestClient
from sip.flow import Flow
from sip.message import Request, parse
from tests.firmware.lines.house import BOX, SECRET, House, play, sdp
from tests.support.virtual_time import VirtualTimeLoop, run

LAN = ("192.168.1.77", 5070)
WAN = ("203.0.113.77", 5070)


def message(
    method: str = "REGISTER",
    user: str = "101",
    *,
    to: str = "",
    uri: str = "sip:box.invalid",
    extra: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    unique = os.urandom(6).hex()
    lines = [
        ("Via", f"SIP/2.0/UDP 192.168.1.77:5070;branch=z9hG4bK{unique};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{user}@box.invalid>;tag={unique}"),
        ("To", f"<sip:{to or user}@box.invalid>"),
        ("Call-ID", unique),
        ("CSeq", f"1 {method}"),
        ("Contact", "<sip:me@192.168.1.77:5070>"),
        *extra,
    ]
    if body:
        lines.append(("Content-Type", "application/sdp"))
    return Request.new(method, uri, lines, body)


def status(answers: list[str]) -> int:
    """Return the final status of one answered request."""
    finals = [int(text.split(" ", 2)[1]) for text in answers if text.startswith("SIP/2.0")]
    return max(finals)


def answered(challenge: str, request: Request, user: str, secret: str, fresh: Request) -> Request:
    """Return `fresh` with credentials made from a challenge."""
    response = parse(challenge.encode())
    assert not isinstance(response, Request)
    name, value = DigestClient(user, secret, os.urandom).answer(response, request)
    fresh.add(name, value)
    return fresh


def ask(
    house: House,
    make: Callable[[], Request],
    user: str,
    secret: str,
    source: tuple[str, int] = LAN,
    *,
    challenged_at: tuple[str, int] | None = None,
) -> list[str]:
    """Ask, and answer the challenge; `challenged_at`: fetch the nonce from another address."""
    [challenge] = house.feed(make(), challenged_at or source)
    assert challenge.startswith("SIP/2.0 401")
    fresh = make()
    return house.feed(answered(challenge, fresh, user, secret, fresh), source)


def scene(test: Callable[[House], None]) -> House:
    async def main(house: House) -> None:
        test(house)
        await asyncio.sleep(0)

    return play(main)


def test_right_secret_registers_wrong_secret_and_unknown_user_are_told_alike() -> None:
    def test(house: House) -> None:
        assert status(ask(house, message, "101", f"{SECRET} 101")) == 200
        [wrong] = ask(house, message, "101", "wrong")
        [unknown] = ask(house, lambda: message(user="777"), "777", f"{SECRET} 101")
        for text in (wrong, unknown):
            assert text.startswith("SIP/2.0 401")
            assert "stale" not in text
        names = [[line.partition(":")[0] for line in text.splitlines()] for text in (wrong, unknown)]
        assert names[0] == names[1]

    scene(test)


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "BYE", "UPDATE"])
def test_nobody_speaks_for_another(method: str) -> None:
    def test(house: House) -> None:
        assert status(ask(house, lambda: message(method, "102"), "101", f"{SECRET} 101")) == 403

    scene(test)


def test_nobody_registers_for_another() -> None:
    def test(house: House) -> None:
        assert status(ask(house, lambda: message(to="102"), "101", f"{SECRET} 101")) == 403
        assert status(ask(house, lambda: message(user="102", to="101"), "101", f"{SECRET} 101")) == 403
        assert house.line.phones("id-102") == []

    scene(test)


@pytest.mark.parametrize("method", ["OPTIONS", "BYE", "UPDATE", "INVITE", "REGISTER"])
def test_every_method_is_asked_who_it_is(method: str) -> None:
    def test(house: House) -> None:
        [answer] = house.feed(message(method), LAN)
        assert answer.startswith("SIP/2.0 401")

    scene(test)


def test_a_challenge_keeps_no_state() -> None:
    def test(house: House) -> None:
        for _ in range(100):
            house.feed(message("INVITE", body=sdp(4000)), WAN)
        assert house.line.stack.transaction_count == 0
        assert house.line.stack.session_count == 0

    scene(test)


def test_guessing_is_slowed_down_and_told_once() -> None:
    def test(house: House) -> None:
        for _ in range(50):
            assert status(ask(house, message, "101", "guess", WAN)) == 401
        assert house.line.counters["gate: wrong secret"] == BURST
        assert status(ask(house, message, "101", f"{SECRET} 101", WAN)) == 401, (
            "the right secret is a guess, too"
        )
        assert status(ask(house, message, "101", f"{SECRET} 101", LAN)) == 200
        told = [fields for kind, fields in house.events if kind.name == "sip.guessing"]
        assert len(told) == 1
        assert WAN[0] not in repr(told)

    scene(test)


def test_a_phone_behind_the_address_of_a_guesser_is_let_in_all_the_time() -> None:
    def test(house: House) -> None:
        assert status(ask(house, message, "101", f"{SECRET} 101", WAN)) == 200
        for _ in range(20):
            ask(house, lambda: message(user="102"), "102", "guess", (WAN[0], 9))
        assert house.line.counters["gate: slowed down"] > 0
        assert status(ask(house, message, "101", f"{SECRET} 101", WAN)) == 200
        assert status(ask(house, message, "101", f"{SECRET} 101", (WAN[0], 7777))) == 200

    scene(test)


def test_forged_addresses_make_nobody_look_guilty() -> None:
    def test(house: House) -> None:
        for _ in range(50):
            answers = ask(house, message, "101", "guess", LAN, challenged_at=WAN)
            assert "stale=true" in answers[0]
        assert house.line.counters["gate: wrong secret"] == 0
        assert status(ask(house, message, "101", f"{SECRET} 101", LAN)) == 200

    scene(test)


def test_a_nonce_of_elsewhere_does_not_tell_a_right_guess_from_a_wrong_one() -> None:
    def test(house: House) -> None:
        right = ask(house, message, "101", f"{SECRET} 101", LAN, challenged_at=WAN)
        wrong = ask(house, message, "101", "guess", LAN, challenged_at=WAN)
        assert status(right) == status(wrong) == 401
        assert ["stale=true" in text for text in (*right, *wrong)] == [True, True]
        assert house.line.phones("id-101") == []

    scene(test)


def test_a_nonce_holds_for_one_transport_and_for_every_port() -> None:
    def test(house: House) -> None:
        [challenge] = house.feed(message(), LAN)
        for transport, port, expected in (("UDP", 9999, 200), ("TCP", LAN[1], 401)):
            fresh = message()
            answered(challenge, fresh, "101", f"{SECRET} 101", fresh)
            number = 0 if transport == "UDP" else 7
            assert status(house.feed(fresh, (LAN[0], port), transport, number)) == expected  # type: ignore[arg-type]

    scene(test)


def test_replayed_credentials_are_stale() -> None:
    def test(house: House) -> None:
        [challenge] = house.feed(message(), LAN)
        first = message()
        answered(challenge, first, "101", f"{SECRET} 101", first)
        assert status(house.feed(first, LAN)) == 200
        again = message(extra=(("Authorization", first.get("Authorization") or ""),))
        [answer] = house.feed(again, LAN)
        assert answer.startswith("SIP/2.0 401")
        assert "stale=true" in answer

    scene(test)


def invite_for(number: str, user: str = "101") -> Request:
    return message("INVITE", user, uri=f"sip:{number}@box.invalid", to=number, body=sdp(4000))


def test_help_comes_without_proof_from_the_lan_only() -> None:
    def test(house: House) -> None:
        [trying] = house.feed(invite_for("112"), LAN)
        assert trying.startswith("SIP/2.0 100")
        assert status(house.feed(invite_for("112"), WAN)) == 401
        assert status(house.feed(invite_for("102"), LAN)) == 401

    house = scene(test)
    assert [(record.kind.value, record.caller) for record in house.records] == [("emergency", None)]


def test_no_wrong_secret_and_no_slowing_down_shadows_a_call_for_help() -> None:
    def test(house: House) -> None:
        for _ in range(20):
            ask(house, message, "101", "guess", LAN)
        [challenge] = house.feed(message(), LAN)
        call = invite_for("112")
        answered(challenge, call, "101", "guess", call)
        [trying] = house.feed(call, LAN)
        assert trying.startswith("SIP/2.0 100")

    assert [record.kind.value for record in scene(test).records] == ["emergency"]


def test_a_call_for_help_with_proof_is_known() -> None:
    def test(house: House) -> None:
        [challenge] = house.feed(message(), LAN)
        call = invite_for("112")
        answered(challenge, call, "101", f"{SECRET} 101", call)
        house.feed(call, LAN)

    assert [record.caller for record in scene(test).records] == ["id-101"]


def test_country_may_want_proof_for_emergencies() -> None:
    from dataclasses import replace

    def test(house: House) -> None:
        house.line.settings = replace(house.line.settings, open_emergency=False)
        assert status(house.feed(invite_for("112"), LAN)) == 401

    scene(test)


def test_within_a_call_another_address_must_prove_to_be_its_owner() -> None:
    async def main(house: House) -> None:
        anna, ben = house.phone("101", 11), house.phone("102", 12)
        await anna.register()
        await ben.register()
        await anna.call("102")
        await ben.answer()
        [ok] = [text for text in house.sent_to(anna, "SIP/2.0 200") if "INVITE" in text]
        dialog = parse(ok.encode())

        def bye(user: str) -> Request:
            lines = [(name, dialog.get(name) or "") for name in ("From", "To", "Call-ID")]
            via = f"SIP/2.0/UDP 192.168.1.77:5070;branch=z9hG4bK{os.urandom(4).hex()};rport"
            return Request.new(
                "BYE",
                "sip:192.168.1.1:5060",
                [("Via", via), ("Max-Forwards", "70"), *lines, ("CSeq", "90 BYE")],
            )

        assert status(house.feed(bye("101"), LAN)) == 401
        assert status(ask(house, lambda: bye("102"), "102", f"{SECRET} 102")) == 403
        assert house.calls.active()
        assert status(ask(house, lambda: bye("101"), "101", f"{SECRET} 101")) == 200
        await asyncio.sleep(0.1)
        assert not house.calls.active()
        await anna.hangup()

    play(main)


class Witness:
    """Takes legs in place of call control and writes down who they say they are."""

    def __init__(self) -> None:
        self.legs: list[Leg] = []

    def incoming(self, leg: Leg) -> None:
        self.legs.append(leg)

    def is_emergency(self, number: str) -> bool:
        return number == "112"

    def turns_away(self, dialled: str) -> bool:
        return False

    def lamp(self, number: str) -> str | None:
        return None

    def lights(self, extension: str) -> list[Light]:
        return []


USERS = ["100", "101", "102", "777"]
user = st.sampled_from(USERS)


@given(
    claims=user,
    proves=st.one_of(st.none(), user),
    right=st.booleans(),
    number=st.sampled_from(["100", "112", "999"]),
    source=st.sampled_from([LAN, WAN]),
    display=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8),
    extra=st.sampled_from(
        [
            (),
            (("P-Asserted-Identity", "<sip:102@box.invalid>"),),
            (("Remote-Party-ID", "<sip:102@box.invalid>"),),
        ]
    ),
)
def test_calls_only_ever_hear_of_the_authenticated_user(
    *,
    claims: str,
    proves: str | None,
    right: bool,
    number: str,
    source: tuple[str, int],
    display: str,
    extra: tuple[tuple[str, str], ...],
) -> None:
    async def main() -> None:
        house = House()
        witness = Witness()
        house.line.calls = witness

        def make() -> Request:
            request = message("INVITE", claims, uri=f"sip:{number}@box.invalid", extra=extra, body=sdp(4000))
            name = display.replace("\\", "").replace('"', "")
            request.set("From", f'"{name}" <sip:{claims}@box.invalid>;tag={os.urandom(4).hex()}')
            return request

        if proves is None:
            house.feed(make(), source)
        else:
            [challenge] = house.feed(message(), source)
            request = make()
            secret = f"{SECRET} {proves}" if right else "wrong"
            house.feed(answered(challenge, request, proves, secret, request), source)
        proven = proves is not None and right and proves in USERS[:3] and claims == proves
        helped = number == "112" and source is LAN
        if proven:
            [leg] = witness.legs
            person = next(person for person in house.extensions if person.number == proves)
            assert (leg.party.extension, leg.party.number, leg.party.name) == (person.id, proves, person.name)
        elif helped:
            [leg] = witness.legs
            assert (leg.party.extension, leg.party.number, leg.party.name) == (None, "", "")
        else:
            assert not witness.legs
        house.line.close()

    run(main(), VirtualTimeLoop())


def test_listeners_may_offer_other_algorithms() -> None:
    from dataclasses import replace

    def test(house: House) -> None:
        house.line.settings = replace(house.line.settings, listeners={("TCP", BOX): ("SHA-256",)})
        [tcp] = house.feed(message(), LAN, "TCP", 7)
        [udp] = house.feed(message(), LAN)
        assert ("algorithm=SHA-256" in tcp, "algorithm=MD5" in tcp) == (True, False)
        assert ("algorithm=SHA-256" in udp, "algorithm=MD5" in udp) == (False, True)
        for challenge, transport, number in ((tcp, "TCP", 7), (udp, "UDP", 0)):
            fresh = message()
            answered(challenge, fresh, "101", f"{SECRET} 101", fresh)
            assert status(house.feed(fresh, LAN, transport, number)) == 200  # type: ignore[arg-type]  # literals

    scene(test)


def test_sha_512_256_alone_proves_who_one_is_where_nothing_else_is_offered() -> None:
    from dataclasses import replace

    def test(house: House) -> None:
        house.line.settings = replace(house.line.settings, listeners={("TCP", BOX): ("SHA-512-256",)})
        [tcp] = house.feed(message(), LAN, "TCP", 7)
        assert re.findall("algorithm=([^,\r]+)", tcp) == ["SHA-512-256"]
        fresh = message()
        answered(tcp, fresh, "101", f"{SECRET} 101", fresh)
        weak = message()
        told = fresh.get("Authorization")
        assert told is not None
        weak.add("Authorization", told.replace("SHA-512-256", "MD5"))
        assert status(house.feed(weak, LAN, "TCP", 7)) == 401
        assert status(house.feed(fresh, LAN, "TCP", 7)) == 200

    scene(test)


def test_dialled_is_the_user_part_without_parameters() -> None:
    flow = Flow("UDP", BOX, LAN)
    assert flow
    for uri, number in (
        ("sip:102@box.invalid", "102"),
        ("sip:%31%31%32@box.invalid", "112"),
        ("sip:112;phone-context=x@box.invalid;user=phone", "112"),
        ("sip:box.invalid", ""),
    ):
        assert dialled(message("INVITE", uri=uri)) == number


@pytest.mark.parametrize(
    ("host", "lan"),
    [
        ("10.1.2.3", True),
        ("127.0.0.1", True),
        ("192.168.9.9", True),
        ("169.254.1.1", True),
        ("172.16.0.1", True),
        ("172.31.9.9", True),
        ("172.15.0.1", False),
        ("172.32.0.1", False),
        ("100.64.0.1", False),
        ("8.8.8.8", False),
        ("192.0.2.1", False),
        ("::1", True),
        ("fe80::1", True),
        ("fd00::1", True),
        ("2001:db8::1", False),
    ],
)
def test_is_lan(host: str, lan: bool) -> None:
    assert is_lan(host) is lan


def test_the_ipv6_network_we_are_in_is_near_as_well() -> None:
    assert is_near("2001:db8:1:2::7", "2001:db8:1:2::1")
    assert not is_near("2001:db8:1:3::7", "2001:db8:1:2::1")
    assert is_near("fd00::9", "2001:db8::1")
    assert not is_near("192.0.2.1", "192.0.2.1")
