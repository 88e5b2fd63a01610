"""Candidates and credentials of ICE as they stand in descriptions."""

import pytest

from sip.candidate import HOST_PRIORITY, Candidate, check_credential
from sip.errors import BadMessage


@pytest.mark.parametrize(
    "value",
    [  # RFC 8839 5.1, and as browsers write them
        "1 1 UDP 2130706431 203.0.113.141 8998 typ host",
        "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
        "842163049 1 udp 1677729535 2001:db8::9 46154 typ srflx raddr :: rport 0 generation 0 ufrag EEtu",
        "0 1 UDP 2122252543 8f5d3c4a-0c2e-4c6a-9c3e-1a2b3c4d5e6f.local 57122 typ host",
    ],
)
def test_it_survives_but_for_what_a_lite_agent_has_no_use_for(value: str) -> None:
    candidate = Candidate.parse(value)
    assert value.startswith(str(candidate))
    assert Candidate.parse(str(candidate)) == candidate


@pytest.mark.parametrize(
    "value", ["", "1 1 UDP 1 192.0.2.1 9", "1 1 UDP 1 192.0.2.1 9 typ", "1 1 UDP x a 9 typ host"]
)
def test_nonsense_is_refused(value: str) -> None:
    with pytest.raises(BadMessage):
        Candidate.parse(value)


def test_the_priority_of_the_only_one() -> None:
    assert HOST_PRIORITY == 2130706431
    assert str(Candidate.host("192.0.2.1", 16384)) == "1 1 UDP 2130706431 192.0.2.1 16384 typ host"


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("ice-ufrag", "8hhY", True),
        ("ice-ufrag", "8hh", False),
        ("ice-ufrag", "8hh ", False),
        ("ice-ufrag", "x" * 65, False),
        ("ice-pwd", "YH75Fviy6338Vbrhrlp8Yh", True),
        ("ice-pwd", "YH75Fviy6338Vbrhrlp8Y", False),
        ("ice-pwd", "YH75Fviy6338Vbrhrlp8Y:", False),
    ],
)
def test_credentials(name: str, value: str, good: bool) -> None:
    if good:
        assert check_credential(name, value) == value
        return
    with pytest.raises(BadMessage):
        check_credential(name, value)
