from __future__ import annotations

from typing import Any

import pytest

from sip.peername import identities, proves


def certificate(*alternatives: tuple[str, str], common: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"subject": ((("organizationName", "Example"),),)}
    if common:
        made["subject"] += ((("commonName", common),),)
    if alternatives:
        made["subjectAltName"] = alternatives
    return made


def test_a_sip_uri_counts_before_a_dns_name() -> None:
    both = certificate(("URI", "sip:example.com"), ("DNS", "example.net"), common="example.org")
    assert identities(both) == ["example.com"]
    assert proves(both, "example.com")
    assert not proves(both, "example.net")
    assert not proves(both, "example.org")


@pytest.mark.parametrize(
    "uri", ["sip:user@example.com", "https://example.com", "sips:example.com", "sip:", "x"]
)
def test_a_uri_that_names_no_sip_domain_does_not_count(uri: str) -> None:
    assert identities(certificate(("URI", uri), ("DNS", "example.net"))) == ["example.net"]
    assert identities(certificate(("URI", uri))) == []


def test_the_common_name_counts_only_where_there_is_no_alternative_name() -> None:
    assert proves(certificate(common="Example.COM"), "example.com")
    assert not proves(certificate(("email", "a@example.com"), common="example.com"), "example.com")
    assert identities({}) == []


@pytest.mark.parametrize("name", ["sip.example.com", "example.com", "a.b.example.com"])
def test_wildcards_match_nothing(name: str) -> None:
    assert not proves(certificate(("DNS", "*.example.com")), name)


def test_names_are_equal_but_for_case_and_the_final_dot() -> None:
    found = certificate(("DNS", "SIP.Example.com"))
    assert proves(found, "sip.example.COM.")
    assert not proves(found, "example.com")
    assert not proves(found, "")


@pytest.mark.parametrize(
    ("written", "asked"),
    [("192.0.2.1", "192.0.2.1"), ("2001:DB8:0:0:0:0:0:1\n", "2001:db8::1"), ("2001:db8::1", "2001:DB8:0::1")],
)
def test_a_peer_known_by_its_address_proves_the_address(written: str, asked: str) -> None:
    assert proves(certificate(("IP Address", written)), asked)
    assert not proves(certificate(("IP Address", written)), "192.0.2.7")


def test_an_address_is_no_domain() -> None:
    assert not proves(certificate(("DNS", "example.com"), ("IP Address", "192.0.2.1")), "192.0.2.2")
    assert not proves(certificate(("IP Address", "nonsense")), "nonsense")
