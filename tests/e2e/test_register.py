"""Phones register: with the right secret over every transport, and in no other way."""

import re
import time

import pytest

from tests.support.office import Office
from tests.support.sipp import row
from tests.support.sipwire import Message, Wire, digest

pytestmark = pytest.mark.e2e
NET = 60


def challenge(wire: Wire, user: str) -> tuple[Message, str]:
    """Ask for a challenge; the answer and the Call-ID it was for."""
    call_id = f"challenge-{time.monotonic_ns()}-{user}"
    first = wire.answer_to(wire.request("REGISTER", uri(wire), user=user, call_id=call_id))
    assert first.status == 401
    return first, call_id


def uri(wire: Wire) -> str:
    return f"sip:{wire.server[0]}"


def register(wire: Wire, user: str, credentials: str, *, call_id: str, cseq: int = 2) -> Message:
    headers = (("Authorization", credentials), ("Expires", "600"))
    return wire.answer_to(
        wire.request("REGISTER", uri(wire), user=user, call_id=call_id, cseq=cseq, headers=headers)
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_registers_with_the_right_secret(office: Office, transport: str) -> None:
    number, host = {"udp": ("101", 10), "tcp": ("102", 9)}[transport]
    with office.sipp("register", host, number, transport=transport, words={"STATUS": 200}) as phone:
        phone.wait().expect(1)
        assert office.phones(number) == (1 if transport == "udp" else office.phones(number))


@pytest.mark.parametrize("user", ["103", "987"])
def test_sipp_is_refused_with_a_wrong_secret_or_name(office: Office, user: str) -> None:
    rows = [row(user, "wrong-wrong-wrong-wrong")]
    with office.sipp("register", 11, rows=rows, words={"STATUS": 200}) as phone:
        outcome = phone.wait()
    assert (outcome.succeeded, outcome.failed) == (0, 1)
    assert office.phones("103") == 0


def test_the_answer_confirms_the_binding_and_its_time(office: Office) -> None:
    with office.wire(12) as wire:
        answer = wire.register("104", office.secret("104"), expires=300)
        assert answer.status == 200
        contact = answer.get("contact")
        assert f"104@{office.address(12)}" in contact
        assert re.search(r"expires=(299|300)\b", contact) or answer.get("expires") == "300"
        assert wire.register("104", office.secret("104"), expires=0).status == 200
    assert office.phones("104") == 0


def shape(message: Message) -> list[object]:
    """Everything of an answer but what must differ: random words by their length, the user's name blanked."""
    blank = re.compile(r"987|103|[0-9a-zA-Z+/=_-]{12,}")
    return [
        message.first,
        *(
            (name, blank.sub(lambda found: "#" * len(found[0]), value))
            for name, value in message.headers
            if name not in {"via", "call-id", "from", "cseq"}
        ),
        message.body,
    ]


def test_an_unknown_user_is_answered_like_a_known_one(office: Office) -> None:
    shapes = []
    for user in ("103", "987"):
        with office.wire(13) as wire:
            first, call_id = challenge(wire, user)
            wrong = digest(first.get("www-authenticate"), "REGISTER", uri(wire), user, "w" * 24)
            last = register(wire, user, wrong, call_id=call_id)
        assert last.status in {401, 403}
        shapes.append((shape(first), shape(last)))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("host", "port"), [(15, 5060), (14, 5061)], ids=["elsewhere", "same address"])
def test_replayed_credentials_register_nobody(office: Office, host: int, port: int) -> None:
    with office.wire(14) as victim, office.wire(host, port) as thief:
        assert victim.register("105", office.secret("105"), expires=0).status == 200
        first, call_id = challenge(victim, "105")
        good = digest(first.get("www-authenticate"), "REGISTER", uri(victim), "105", office.secret("105"))
        assert register(victim, "105", good, call_id=call_id).status == 200
        assert office.phones("105") == 1
        stolen = register(thief, "105", good, call_id="thief", cseq=1)
        assert stolen.status in {400, 401, 403}
        assert office.phones("105") == 1
        # the owner may go on with the same nonce and the next count
        fresh = digest(
            first.get("www-authenticate"),
            "REGISTER",
            uri(victim),
            "105",
            office.secret("105"),
            cnonce=good.partition('cnonce="')[2].partition('"')[0],
            count=2,
        )
        assert register(victim, "105", fresh, call_id=call_id, cseq=3).status == 200


def test_an_invented_nonce_registers_nobody(office: Office) -> None:
    with office.wire(16) as wire:
        first, call_id = challenge(wire, "106")
        header = re.sub(
            r'nonce="[^"]*"', 'nonce="MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="', first.get("www-authenticate")
        )
        forged = digest(header, "REGISTER", uri(wire), "106", office.secret("106"))
        assert register(wire, "106", forged, call_id=call_id).status == 401
    assert office.phones("106") == 0


def test_credentials_of_one_do_not_register_another(office: Office) -> None:
    with office.wire(17) as wire:
        first, call_id = challenge(wire, "107")
        own = digest(first.get("www-authenticate"), "REGISTER", uri(wire), "107", office.secret("107"))
        answer = register(wire, "108", own, call_id=call_id)
    assert answer.status in {401, 403}
    assert office.phones("108") == 0


def test_a_time_too_short_is_refused_with_what_would_do(office: Office) -> None:
    with office.wire(18) as wire:
        answer = wire.register("109", office.secret("109"), expires=5)
    assert answer.status == 423
    assert int(answer.get("min-expires")) == 60
