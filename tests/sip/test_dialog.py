from __future__ import annotations

import pytest

from sip.dialog import Dialog, contact_of
from sip.flow import Flow
from sip.message import Request
from tests.sip.net import BOX, PHONE, Phone, reply

UDP = Flow("UDP", BOX, PHONE)
LOOSE = ("<sip:p1.invalid;lr>", "<sip:p2.invalid;lr>")


def server(*routes: str, contact: bool = True) -> tuple[Dialog, Request]:
    headers = tuple(("Record-Route", route) for route in routes)
    invite = Phone().invite(headers=headers, contact=contact)
    return Dialog.of_server(invite, "ours", 100, UDP), invite


def client(*routes: str, contact: str = "<sip:102@192.0.2.9:5062>") -> Dialog:
    headers = tuple(("Record-Route", route) for route in routes)
    invite = Phone().invite()
    answer = reply(invite, 200, contact=contact, headers=headers)
    return Dialog.of_client((invite.get("From") or "", invite.from_tag), 1, invite.uri, answer, UDP)


def test_a_server_keeps_the_order_of_record_route_and_a_client_reverses_it() -> None:
    assert server(*LOOSE)[0].routes == LOOSE
    assert client(*LOOSE).routes == LOOSE[::-1]
    assert client(", ".join(LOOSE)).routes == LOOSE[::-1]


def test_requests_of_a_server_swap_from_and_to_and_carry_both_tags() -> None:
    dialog, invite = server()
    bye = dialog.request("BYE", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx")
    assert bye.from_tag == "ours"
    assert bye.to_tag == invite.from_tag
    assert bye.call_id == invite.call_id
    assert bye.uri == "sip:101@192.0.2.9:5062"
    assert bye.cseq_number == 101
    assert dialog.request("INFO", "SIP/2.0/UDP x;branch=z9hG4bKy").cseq_number == 102
    assert dialog.request("ACK", "SIP/2.0/UDP x;branch=z9hG4bKz", cseq=101).cseq_number == 101


def test_loose_routing_leaves_the_target_in_the_request_uri() -> None:
    bye = client(*LOOSE).request("BYE", "SIP/2.0/UDP x;branch=z9hG4bKx")
    assert bye.uri == "sip:102@192.0.2.9:5062"
    assert bye.all("Route") == list(LOOSE[::-1])


def test_a_strict_router_gets_its_own_uri_and_the_target_goes_last() -> None:
    dialog = client("<sip:far.invalid;lr>", "<sip:strict.invalid;transport=tcp;method=BYE?Route=x>")
    bye = dialog.request("BYE", "SIP/2.0/UDP x;branch=z9hG4bKx")
    assert bye.uri == "sip:strict.invalid;transport=tcp"
    assert bye.all("Route") == ["<sip:far.invalid;lr>", "<sip:102@192.0.2.9:5062>"]


def test_the_route_set_is_frozen_and_the_target_is_not() -> None:
    dialog, invite = server(*LOOSE)
    refresh = Phone(("192.0.2.77", 6000)).invite(headers=(("Record-Route", "<sip:new.invalid;lr>"),))
    dialog.refresh(refresh)
    assert dialog.routes == LOOSE
    assert dialog.target == "sip:101@192.0.2.77:6000"
    dialog.refresh(Phone().invite(contact=False))
    assert dialog.target == "sip:101@192.0.2.77:6000"
    del invite


def test_without_contact_the_target_is_the_best_known() -> None:
    assert server(contact=False)[0].target == "sip:101@192.0.2.1"
    assert client(contact="").target == "sip:102@192.0.2.1"


@pytest.mark.parametrize(("number", "fresh"), [(1, False), (2, True), (99, True)])
def test_requests_must_count_upwards(number: int, fresh: bool) -> None:
    dialog, _ = server()
    assert dialog.in_order(Phone().request("BYE", cseq=number)) is fresh
    assert dialog.in_order(Phone().request("BYE", cseq=number)) is False


def test_a_client_takes_any_first_number() -> None:
    assert client().in_order(Phone().request("BYE", cseq=7))


def test_no_contact_is_no_target() -> None:
    assert contact_of(Phone().request("BYE", contact=False)) == ""
