"""IPv6 in SIP: the cases of RFC 5118 (messages after those of its section 4), and each address we print.

The messages below are shortened from the RFC's; what each section is about stands as it does there.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.contact import Contact
from sip.core import Core, StackConfig
from sip.errors import BadMessage
from sip.flow import Flow
from sip.layer import reply_flow, stamp
from sip.locate import is_numeric
from sip.message import Request, parse
from sip.sdp import SessionDescription
from sip.uri import SipUri
from sip.validate import validate
from sip.via import Via

BODY = "v=0\r\no=assistant 97173 0 IN IP6 2001:db8::20\r\ns=Live video feed\r\n{more}t=3338481189 0\r\n"


def message(
    uri: str = "sip:[2001:db8::10]",
    *,
    method: str = "REGISTER",
    vias: tuple[str, ...] = ("[2001:db8::9:1]",),
    contact: str = "<sip:caller@[2001:db8::1]>",
    body: str = "",
) -> bytes:
    lines = [
        f"{method} {uri} SIP/2.0",
        "To: sip:user@example.com",
        "From: sip:user@example.com;tag=81x2",
        *(f"Via: SIP/2.0/UDP {via};branch=z9hG4bKas3-{place}" for place, via in enumerate(vias)),
        "Call-ID: SSG9559905523997077@hlau_4100",
        "Max-Forwards: 70",
        f'Contact: "Caller" {contact}',
        f"CSeq: 98176 {method}",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def read(data: bytes) -> Request:
    request = parse(data)
    validate(request)
    assert isinstance(request, Request)
    assert bytes(request) == data
    return request


def test_4_1_a_reference_in_brackets_is_valid_everywhere() -> None:
    request = read(message())
    assert (request.request_uri.host, request.request_uri.port) == ("2001:db8::10", None)
    assert request.via.host == "2001:db8::9:1"
    assert request.contacts[0].uri.host == "2001:db8::1"


def test_4_2_without_brackets_it_is_no_uri() -> None:
    with pytest.raises(BadMessage) as caught:
        read(message("sip:2001:db8::10"))
    assert isinstance(caught.value.partial, Request)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("uri", "host", "port"),
    [
        ("sip:[2001:db8::10:5070]", "2001:db8::10:5070", None),  # 4.3: what looks like a port is address
        ("sip:[2001:db8::10]:5070", "2001:db8::10", 5070),  # 4.4
    ],
)
def test_4_3_and_4_4_where_the_address_ends_and_the_port_begins(
    uri: str, host: str, port: int | None
) -> None:
    request = read(message(uri))
    assert (request.request_uri.host, request.request_uri.port) == (host, port)
    assert str(request.request_uri) == uri


@pytest.mark.parametrize("received", ["[2001:db8::9:255]", "2001:db8::9:255"])
def test_4_5_received_with_and_without_brackets_is_the_same(received: str) -> None:
    request = read(message(vias=(f"[2001:db8::9:1];received={received}",)))
    assert request.via.received == "2001:db8::9:255"


def test_4_6_addresses_in_the_description() -> None:
    more = "c=IN IP6 2001:db8::20\r\n"
    body = BODY.format(more=more) + "m=audio 6000 RTP/AVP 2\r\na=rtpmap:2 G726-32/8000\r\n"
    request = read(message("sip:user@[2001:db8::10]", method="INVITE", body=body))
    description = SessionDescription.parse(request.body)
    assert description.connection is not None
    assert (description.connection.family, description.connection.address) == ("IP6", "2001:db8::20")
    assert SessionDescription.parse(bytes(description)) == description


def test_4_7_addresses_of_both_families_side_by_side() -> None:
    vias = ("[2001:db8::9:1]:6050", "192.0.2.1", "[2001:db8::9:255];received=192.0.2.200")
    request = read(message("sip:user@host.example.com", method="BYE", vias=vias))
    assert [via.host for via in request.vias] == ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]
    assert [via.received for via in request.vias] == ["", "", "192.0.2.200"]


def test_4_8_addresses_of_both_families_in_one_description() -> None:
    body = BODY.format(more="") + (
        "m=audio 6000 RTP/AVP 2\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:2 G726-32/8000\r\n"
        "m=video 6024 RTP/AVP 107\r\nc=IN IP4 192.0.2.1\r\na=rtpmap:107 H263-1998/90000\r\n"
    )
    request = read(message("sip:user@[2001:db8::10]", method="INVITE", body=body))
    media = SessionDescription.parse(request.body).media
    found = [(one.connection.family, one.connection.address) for one in media if one.connection is not None]
    assert found == [("IP6", "2001:db8::1"), ("IP4", "192.0.2.1")]


def test_4_9_an_ipv4_address_within_an_ipv6_address() -> None:
    mapped = "[::ffff:192.0.2.10]"
    body = BODY.format(more="c=IN IP6 ::ffff:192.0.2.10\r\n") + "m=audio 6000 RTP/AVP 0\r\n"
    request = read(
        message(
            "sip:user@example.com",
            method="INVITE",
            vias=(f"{mapped}:19823",),
            contact=f"<sip:caller@{mapped}:19823>",
            body=body,
        )
    )
    assert (request.via.host, request.via.port) == ("::ffff:192.0.2.10", 19823)
    assert str(request.contacts[0].uri) == f"sip:caller@{mapped}:19823"
    assert is_numeric(request.via.host)


def test_4_10_the_extra_colon_of_rfc_3261_is_read_and_leads_nowhere() -> None:
    """RFC 3261's grammar allows it, RFC 5954 does not: it may come in, but no packet is ever sent there."""
    request = read(message("sip:user@[2001:db8:::192.0.2.1]", method="OPTIONS"))
    assert str(request.request_uri) == "sip:user@[2001:db8:::192.0.2.1]"
    assert not is_numeric(request.request_uri.host)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("sip:a@[2001:db8::9:1]", "sip:a@[2001:DB8:0:0:0:0:9:01]", True),
        ("sip:a@[::ffff:192.0.2.128]", "sip:a@[::ffff:c000:280]", True),
        ("sip:a@[2001:db8::9:1]", "sip:a@[2001:db8::9:2]", False),
        ("sip:a@[2001:db8::9:1]", "sip:a@192.0.2.1", False),
        ("sip:a@[2001:db8:::1]", "sip:a@[2001:db8::1]", False),
    ],
)
def test_addresses_are_compared_by_value(one: str, other: str, same: bool) -> None:
    assert SipUri.parse(one).matches(SipUri.parse(other)) is same
    assert SipUri.parse(other).matches(SipUri.parse(one)) is same


ADDRESSES = st.ip_addresses(v=6).map(str)


@given(ADDRESSES, st.integers(1, 65535))
def test_every_address_survives_uri_via_and_contact(host: str, port: int) -> None:
    uri = SipUri(user="a", host=host, port=port)
    assert f"[{host}]:{port}" in str(uri)
    assert SipUri.parse(str(uri)) == uri
    via = Via("UDP", host, port, {"branch": "z9hG4bK1", "rport": None})
    assert Via.parse(str(via)) == via
    assert Via.parse(str(via.stamped(host, port))).received == host
    assert Contact.parse(f"<{uri}>;expires=60").uri == uri


@given(ADDRESSES, st.integers(1, 65535))
def test_what_we_say_of_ourselves_and_where_answers_go(host: str, port: int) -> None:
    core = Core(lambda _flow, _data: True, StackConfig(), bytes)
    flow = Flow("UDP", (host, 5060), (host, port))
    assert Via.parse(core.via(flow)).host == core.host(flow) == host or host == "::"
    assert SipUri.parse(core.contact(flow).strip("<>")).port == 5060
    request = read(message(vias=(f"[{host}]:{port};rport",)))
    stamp(request, flow)
    assert (request.via.received, request.via.rport) == (host, port)
    assert reply_flow(request, flow).remote == (host, port)
