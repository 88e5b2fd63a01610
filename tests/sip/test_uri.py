from __future__ import annotations

import pytest
from hypothesis import given

from sip.errors import BadMessage
from sip.uri import SipUri
from tests.sip import strategies


@given(strategies.uris)
def test_survives(uri: SipUri) -> None:
    assert SipUri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.example.com",
        "sip:alice:secretword@atlanta.example.com;transport=tcp",
        "sips:alice@atlanta.example.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.example.com;user=phone",
        "sip:alice;day=tuesday@atlanta.example.com",
        "sip:[2001:db8::10]:5070;lr",
        "sip:192.0.2.1",
        "tel:+358-555-1234567;postd=pp22",
        "urn:service:sos",
    ],
)
def test_prints_as_written(text: str) -> None:
    assert str(SipUri.parse(text)) == text


def test_parts() -> None:
    uri = SipUri.parse(
        "SIP:%61lice:p%40ss@[2001:DB8::1]:5080;Transport=TCP;lr;x=%41?Replaces=a%3Bto-tag%3Db&X="
    )
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == (
        "sip",
        "alice",
        "p@ss",
        "2001:DB8::1",
        5080,
    )
    assert dict(uri.params) == {"transport": "TCP", "lr": None, "x": "A"}
    assert uri.headers == (("Replaces", "a;to-tag=b"), ("X", ""))
    assert uri.transport == "tcp"
    assert uri.is_sip
    assert not SipUri.parse("tel:112").is_sip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip",
        "alice@example.com",
        "sip:@example.com",
        "sip:alice@",
        "sip:a@b@c",
        "sip:alice@exa mple.com",
        "sip:alice@example.com:0",
        "sip:alice@example.com:65536",
        "sip:alice@example.com:123456",
        "sip:alice@example.com;",
        "sip:alice@example.com;;lr",
        "sip:alice@example.com;lr;LR",
        "sip:alice@example.com?",
        "sip:alice@example.com?a",
        "sip:al%zzice@example.com",
        "sip:a@2001:db8::1",
        "sip:<a>@b",
        "tel:",
        "tel:1 2",
        "1x:abc",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        SipUri.parse(text)
    assert caught.value.layer == "uri"


# RFC 3261 19.1.4 gives these pairs itself.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:112", "tel:112"),
    ],
)
def test_same(one: str, other: str) -> None:
    assert SipUri.parse(one).matches(SipUri.parse(other))
    assert SipUri.parse(other).matches(SipUri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("tel:112", "tel:113"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert not SipUri.parse(one).matches(SipUri.parse(other))
    assert not SipUri.parse(other).matches(SipUri.parse(one))


def test_edits_leave_the_original() -> None:
    uri = SipUri.parse("sip:a@b;lr")
    assert str(uri.with_param("transport", "tls")) == "sip:a@b;lr;transport=tls"
    assert str(uri.without_params("lr", "x")) == "sip:a@b"
    assert str(uri) == "sip:a@b;lr"
