"""Trunks in the site file."""

import pytest

from provisioning.site import SiteError, Trunk, parse_site
from provisioning.site_default import default_site
from provisioning.site_plan import plan
from provisioning.site_trunk import is_host, split_host

TEXT = default_site("192.0.2.1") + '[dns]\nservers = ["192.0.2.53"]\n'
FULL = """
[[trunk]]
name = "first"
mode = "register"
host = "sip.example.net"
user = "4930123456"
auth_user = "login 1"
domain = "example.net"
outbound_proxy = "edge.example.net:5070"
transport = "tls"
port = 5061
number = "+4930123456"
most = 4
number_format = "national"
country_code = "49"
caller_id = "passthrough"
identity = "preferred"
privacy = "asked"
diversion = true
bulk = true
options_seconds = 0
answer_seconds = 4
expires = 300
networks = ["192.0.2.0/24", "2001:db8::/32"]
media_networks = ["198.51.100.7"]
authorities = "/etc/carrier.pem"

[[trunk]]
name = "second"
mode = "address"
host = "192.0.2.99"
"""


def test_a_site_without_trunks_has_none() -> None:
    assert parse_site(TEXT).trunks == ()


def test_everything_a_trunk_can_say() -> None:
    first, second = parse_site(TEXT + FULL).trunks
    assert first == Trunk(
        "first", "register", "sip.example.net", 5061, "tls", "4930123456", "login 1", "example.net",
        "edge.example.net:5070", "+4930123456", 4, "national", "49", "0", "passthrough", "preferred", "asked",
        True, 0, 4, 300, True, ("192.0.2.0/24", "2001:db8::/32"), ("198.51.100.7",), "/etc/carrier.pem",
    )  # fmt: skip
    assert second == Trunk("second", "address", "192.0.2.99")
    assert (first.realm_user, first.home) == ("login 1", "example.net")
    assert (second.realm_user, second.home) == ("", "192.0.2.99")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('name = "a"\nmode = "register"\nhost = "h.test"', "trunk[1].user: missing"),
        ('name = "A b"\nmode = "address"\nhost = "h.test"', "trunk[1].name"),
        ('name = "a"\nmode = "address"\nhost = "h test"', "trunk[1].host"),
        ('name = "a"\nmode = "address"\nhost = "h.test"\nsecret = "x"', "trunk[1].secret: unknown key"),
        ('name = "a"\nmode = "address"\nhost = "h.test"\nnumber = "030"', "trunk[1].number"),
        (
            'name = "a"\nmode = "address"\nhost = "h.test"\nnumber_format = "national"',
            "country_code: missing",
        ),
        ('name = "a"\nmode = "address"\nhost = "h.test"\nbulk = "yes"', "neither true nor false"),
        ('name = "a"\nmode = "address"\nhost = "h.test"\nnetworks = ["192.0.2.1/24"]', "networks[1]"),
        ('name = "a"\nmode = "address"\nhost = "h.test"\noutbound_proxy = "x:99999"', "outbound_proxy"),
    ],
)
def test_what_is_wrong_is_one_line(wrong: str, said: str) -> None:
    with pytest.raises(SiteError) as refused:
        parse_site(f"{TEXT}\n[[trunk]]\n{wrong}\n")
    assert said in str(refused.value)
    assert len(refused.value.faults) == 1


def test_two_trunks_of_one_name_are_refused() -> None:
    with pytest.raises(SiteError, match="is the name of a trunk above"):
        parse_site(TEXT + FULL.replace('"second"', '"first"'))


def test_national_numbers_are_those_of_the_sites_country() -> None:
    text = TEXT.replace('country = "generic"', 'country = "at"') + FULL.replace('country_code = "49"\n', "")
    first, second = parse_site(text).trunks
    assert (
        (first.country_code, first.national_prefix)
        == (second.country_code, second.national_prefix)
        == ("43", "0")
    )


def test_udp_needs_a_listener() -> None:
    text = TEXT.replace('transport = "udp"', 'transport = "tcp"', 1).replace("port = 5060", "port = 5062", 1)
    with pytest.raises(SiteError, match="second speaks UDP"):
        parse_site(text + FULL)


def test_a_name_needs_dns() -> None:
    with pytest.raises(SiteError, match="first is found by name, and the box has no DNS server"):
        parse_site(default_site("192.0.2.1") + FULL)


def test_what_changes_is_told_in_words() -> None:
    old = parse_site(TEXT + FULL)
    changed = parse_site(TEXT + FULL.replace("most = 4", "most = 5"))
    gone = parse_site(TEXT + FULL.partition('[[trunk]]\nname = "second"')[0])
    assert [str(each) for each in plan(old, changed)] == [
        "trunk: first: most changed; takes hold for new calls"
    ]
    assert [str(each) for each in plan(old, gone)] == [
        "trunk: second removed; its calls go on; takes hold now"
    ]
    assert [str(each) for each in plan(gone, old)] == ["trunk: second added; takes hold now"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.test", ("a.test", 0)), ("a.test:5070", ("a.test", 5070)),
        ("[2001:db8::1]:5070", ("2001:db8::1", 5070)),
        ("2001:db8::1", ("2001:db8::1", 0)), ("a:b", ("a", -1)), ("[2001:db8::1]", ("2001:db8::1", 0)),
    ],
)  # fmt: skip
def test_a_host_may_have_a_port(text: str, parts: tuple[str, int]) -> None:
    assert split_host(text) == parts


def test_hosts() -> None:
    assert is_host("a-b.example")
    assert is_host("2001:db8::1")
    assert not any(map(is_host, ("", "-a.test", "a b", "a/b", "zz::1")))
