import random

from sip.core import Core, StackConfig, sdp_of
from sip.flow import Flow
from tests.sip.net import BOX, OFFER, PHONE, Phone


def core(address: str = "") -> Core:
    return Core(lambda *_: True, StackConfig(address=address), random.Random(1).randbytes)


def test_contact_names_the_way_back() -> None:
    assert core().contact(Flow("UDP", BOX, PHONE)) == "<sip:192.0.2.1:5060>"
    assert (
        core().contact(Flow("TLS", ("2001:db8::1", 5061), PHONE, 1))
        == "<sip:[2001:db8::1]:5061;transport=tls>"
    )
    assert core("box.example").contact(Flow("UDP", ("::", 5060), PHONE)) == "<sip:box.example:5060>"


def test_contacts_remembered_are_bounded() -> None:
    shared = core()
    for port in range(1, 500):
        shared.contact(Flow("UDP", ("192.0.2.1", port), PHONE))
    assert len(shared._contacts) <= 65


def test_tags_differ_and_random_numbers_stay_below() -> None:
    shared = core()
    assert len({shared.tag() for _ in range(100)}) == 100
    assert {shared.below(3) for _ in range(100)} == {0, 1, 2}


def test_only_a_session_description_counts_as_one() -> None:
    invite = Phone().invite()
    assert sdp_of(invite) == OFFER
    invite.set("Content-Type", "text/plain")
    assert sdp_of(invite) is None
    assert sdp_of(Phone().invite(body=b"")) is None
