from __future__ import annotations

import pytest
from hypothesis import given

from sip.errors import BadMessage
from sip.via import Via
from tests.sip import strategies


@given(strategies.vias)
def test_survives(via: Via) -> None:
    assert Via.parse(str(via)) == via


def test_parts() -> None:
    via = Via.parse("SIP / 2.0 / udp  [2001:db8::9] : 5070 ; branch=z9hG4bKa ;received=[2001:db8::1];rport=7")
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "2001:db8::9", 5070, "z9hG4bKa")
    assert (via.received, via.rport, via.protocol) == ("2001:db8::1", 7, "SIP/2.0")
    assert Via.parse("SIP/2.0/UDP a;received=2001:db8::1").received == "2001:db8::1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP a",
        "SIP/2.0/UDP a:0",
        "SIP/2.0/UDP a:99999",
        "SIP/2.0/UDP a;;b",
        "SIP/2.0/UDP a b",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        Via.parse(text)
    assert (caught.value.layer, caught.value.header) in {("header", "Via"), ("header", "")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # RFC 3261 18.2.1: received only when sent-by is somebody else.
        ("SIP/2.0/UDP 192.0.2.9;branch=b", "SIP/2.0/UDP 192.0.2.9;branch=b"),
        ("SIP/2.0/UDP host.example;branch=b", "SIP/2.0/UDP host.example;branch=b;received=192.0.2.9"),
        # RFC 3581 4: both, always, when rport was asked for.
        (
            "SIP/2.0/UDP 192.0.2.9;rport;branch=b",
            "SIP/2.0/UDP 192.0.2.9;rport=4000;branch=b;received=192.0.2.9",
        ),
        # What the client wrote there itself does not count.
        (
            "SIP/2.0/UDP h;received=198.51.100.1;rport=1",
            "SIP/2.0/UDP h;received=192.0.2.9;rport=4000",
        ),
    ],
)
def test_stamp(text: str, expected: str) -> None:
    assert str(Via.parse(text).stamped("192.0.2.9", 4000)) == expected
