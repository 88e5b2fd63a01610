"""The site file: what is read, and every kind of fault with its exact line and key."""

import os
from pathlib import Path

import pytest

from provisioning.site import (
    LARGEST,
    Listener,
    Media,
    SiteError,
    countries,
    parse_country,
    parse_site,
    read_country,
    read_site,
)
from provisioning.site_default import default_site
from provisioning.site_plan import plan

MINIMAL = """\
name = "Office"
country = "de"

[[listener]]
transport = "udp"
address = "192.0.2.10"

[media]
address = "192.0.2.10"
first_port = 16384
last_port = 16783
"""


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SiteError) as caught:
        parse_site(text)
    assert str(caught.value).count("\n") + 1 == len(caught.value.faults)
    return [(fault.line, fault.key) for fault in caught.value.faults]


def only(text: str) -> str:
    """Return the single line a text is refused with."""
    assert len(faults(text)) == 1
    with pytest.raises(SiteError) as caught:
        parse_site(text, "s.toml")
    return str(caught.value)


def test_minimal_site_gets_defaults() -> None:
    site = parse_site(MINIMAL)
    assert site.listeners == (Listener("udp", "192.0.2.10", 5060),)
    assert site.media == Media("192.0.2.10", 16384, 16783)
    assert (site.registration.shortest, site.registration.longest) == (60, 3600)
    assert (site.calls.most, site.log.level) == (100, "normal")
    assert set(site.country.emergency) == {"112", "110"}


def test_default_port_of_tls() -> None:
    assert parse_site(MINIMAL.replace('"udp"', '"tls"')).listeners[0].port == 5061


def test_default_site_is_accepted_and_complete() -> None:
    text = default_site("127.0.0.1", sip_port=6060, tls_port=6061, media_ports=(20000, 20007))
    site = parse_site(text)
    assert [str(one) for one in site.listeners] == [
        "udp 127.0.0.1:6060",
        "tcp 127.0.0.1:6060",
        "tls 127.0.0.1:6061",
    ]
    assert site.calls.most == 2
    assert "112" in site.country.emergency


def test_unknown_key() -> None:
    line = only(MINIMAL.replace("first_port = 16384", "first_port = 16384\nfrist_port = 1"))
    assert line.startswith("s.toml:11: media.frist_port: unknown key; ")
    assert "known here" in line or "first_port" in line


def test_misspelled_key_names_the_nearest_and_the_missing_one() -> None:
    text = MINIMAL.replace("address", "adress", 1)
    assert faults(text) == [(4, "listener[1].address"), (6, "listener[1].adress")]
    with pytest.raises(SiteError, match='did you mean "address"'):
        parse_site(text)


def test_unknown_table() -> None:
    line = only(MINIMAL + "\n[trunks]\nhost = 'x'\n")
    assert line.startswith("s.toml:13: trunks: unknown key; ")


def test_missing_keys() -> None:
    assert faults("") == [(1, "name"), (1, "country"), (1, "listener"), (1, "media")] + [
        (1, f"media.{key}") for key in ("address", "first_port", "last_port")
    ]
    assert only(MINIMAL.replace("last_port = 16783\n", "")) == (
        "s.toml:8: media.last_port: missing; add it: a whole number from 1025 to 65535"
    )


@pytest.mark.parametrize(
    ("old", "new", "where", "why"),
    [
        ('name = "Office"', "name = 3", (1, "name"), "3 is not a text"),
        ('name = "Office"', 'name = ""', (1, "name"), "'' is not accepted"),
        ('name = "Office"', 'name = "a\\u0007"', (1, "name"), r"'a\x07' is not accepted"),
        ('"de"', '"dee"', (2, "country"), 'did you mean "de"?'),
        ('"de"', "false", (2, "country"), "false is not a choice"),
        ('"udp"', '"UDP"', (5, "listener[1].transport"), "write one of udp, tcp, tls"),
        ('"192.0.2.10"\n\n', '"192.0.2.256"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"0.0.0.0"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"192.0.2.010"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"pbx.example"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"2001:DB8::1"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"fe80::1"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"::"\n\n', (6, "listener[1].address"), "one IP address"),
        ('"192.0.2.10"\n\n', '"::ffff:192.0.2.1"\n\n', (6, "listener[1].address"), "one IP address"),
        ("16384", '16384\naddress6 = "192.0.2.1"', (11, "media.address6"), "one IPv6 address"),
        ("16384", '"16384"', (10, "media.first_port"), "'16384' is not a whole number"),
        ("16384", '16384\nsrtp = "on"', (11, "media.srtp"), "one of passed, converted, required"),
        ("16384", '16384\ntranscode = ["pcmu", "g729"]', (11, "media.transcode[2]"), "one of pcmu, pcma"),
        ("16384", "true", (10, "media.first_port"), "true is not a whole number"),
        ("16384", "16385", (10, "media.first_port"), "even"),
        ("16384", "80", (10, "media.first_port"), "from 1024 to 65534"),
        ("16783", "70000", (11, "media.last_port"), "from 1025 to 65535"),
        ("16783", "16700", (11, "media.last_port"), "100 calls (calls.most) need 400 media ports"),
        ("16783", "1.5", (11, "media.last_port"), "1.5 is not a whole number"),
        ("[media]", "[sip]\ndigest = ['MD5', 'SHA-1']\n[media]", (9, "sip.digest[2]"), "MD5, SHA-256"),
        ("[media]", "[sip]\ndigest = ['MD5', 'MD5']\n[media]", (9, "sip.digest"), "named twice"),
        ("[media]", "[sip]\ndigest = 'MD5'\n[media]", (9, "sip.digest"), "not a list"),
        ("[media]", "digest = ['SHA-1']\n[media]", (8, "listener[1].digest[1]"), "SHA-512-256"),
        ("[media]", "digest = []\n[media]", (8, "listener[1].digest"), "empty"),
        ("[media]", "digest = ['MD5', 'MD5']\n[media]", (8, "listener[1].digest"), "named twice"),
        ("[media]", "[sip]\nsession_seconds = 60\n[media]", (9, "sip.session_seconds"), "60 is less than"),
        ("[media]", "[sip]\nshortest_session = 60\n[media]", (9, "sip.shortest_session"), "from 90 to 3600"),
        ("[media]", "[[media]]", (8, "media"), "a list is not a table"),
        ("[[listener]]", "[listener]", (4, "listener"), "a table is not an array of tables"),
    ],
)
def test_wrong_values(old: str, new: str, where: tuple[int, str], why: str) -> None:
    text = MINIMAL.replace(old, new, 1)
    assert text != MINIMAL
    with pytest.raises(SiteError) as caught:
        parse_site(text)
    assert (caught.value.line, caught.value.key) == where
    assert why in str(caught.value).splitlines()[0]


def test_two_listeners_in_one_place() -> None:
    again = '[[listener]]\ntransport = "{}"\naddress = "192.0.2.10"\nport = {}\n\n[media]'
    assert only(MINIMAL.replace("[media]", again.format("udp", 5060))).startswith(
        "s.toml:11: listener[2].port: "
    )
    text = MINIMAL.replace('"udp"', '"tcp"').replace("[media]", again.format("tls", 5060))
    assert faults(text) == [(11, "listener[2].port")]
    parse_site(MINIMAL.replace("[media]", again.format("tcp", 5060)))


def test_listener_inside_media_ports() -> None:
    text = MINIMAL.replace("[media]", "port = 16400\n[media]")
    assert only(text).startswith("s.toml:8: listener[1].port: 16400 is one of the media ports")


def test_every_fault_is_listed_in_order_of_lines() -> None:
    text = MINIMAL.replace('"de"', '"xx"').replace('"udp"', "7").replace("16384", "5")
    text += "nothing = 1\n[calls]\nmost = 0\n"
    assert faults(text) == [
        (2, "country"),
        (5, "listener[1].transport"),
        (10, "media.first_port"),
        (12, "media.nothing"),
        (14, "calls.most"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("name = \n", 1, "name"),
        ('name = "a"\ncountry = "de\n', 2, "country"),
        ('name = "a"\nname = "b"\n', 2, "name"),
        ('name = "a"\n\n[media\n', 3, "media"),
        ('name = "a"\n\nnonsense\n', 3, "nonsense"),
        ("a = " + "[" * 5000, 0, ""),
    ],
)
def test_syntax_errors(text: str, line: int, key: str) -> None:
    assert faults(text) == [(line, key)]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    with pytest.raises(SiteError, match="cannot be read") as caught:
        read_site(path)
    assert str(path) in str(caught.value)
    path.write_bytes(b'name = "a"\ncountry = "\xff"\n')
    with pytest.raises(SiteError, match="not UTF-8") as caught:
        read_site(path)
    assert caught.value.line == 2
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(SiteError, match="larger than"):
        read_site(path)
    path.write_text(MINIMAL)
    assert read_site(path) == parse_site(MINIMAL)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SiteError, match="not a file"):
        read_site(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(SiteError, match="not a file"):
        read_site(path)


def test_message_is_short_and_printable_whatever_was_written() -> None:
    line = only(MINIMAL.replace('"Office"', '"' + "\\u001b[31m" * 500 + '"'))
    assert line.isprintable()
    assert len(line) < 200


@pytest.mark.parametrize("code", countries())
def test_every_country_has_emergency_numbers(code: str) -> None:
    country = read_country(code)
    assert country.emergency
    assert len(set(country.emergency)) == len(country.emergency)
    assert {"112", "911"} & set(country.emergency)


def test_country_profile_cannot_be_emptied() -> None:
    for emergency in ("[]", '""', '[""]', '["1"]', '["abc"]', "[112]"):
        with pytest.raises(SiteError) as caught:
            parse_country(f'name = "X"\nemergency = {emergency}\n', "xx", "xx.toml")
        assert (caught.value.line, caught.value.key.partition("[")[0]) == (2, "emergency")
    with pytest.raises(SiteError, match="missing"):
        parse_country('name = "X"\n', "xx", "xx.toml")


def test_ipv6_addresses_have_brackets_where_a_port_follows() -> None:
    text = default_site("2001:db8::10")
    site = parse_site(
        text.replace(
            'address = "2001:db8::10"\nfirst', 'address = "192.0.2.1"\naddress6 = "2001:db8::10"\nfirst'
        )
    )
    assert str(site.listeners[0]) == "udp [2001:db8::10]:5060"
    assert site.media.addresses == ("192.0.2.1", "2001:db8::10")
    assert parse_site(text).media.addresses == ("2001:db8::10",)


def test_an_ipv6_address_beside_another_is_refused() -> None:
    text = default_site("2001:db8::10").replace("first_port", 'address6 = "2001:db8::11"\nfirst_port')
    with pytest.raises(SiteError, match="IPv6 address too"):
        parse_site(text)


def test_a_listener_may_name_its_own_algorithms() -> None:
    own = MINIMAL.replace("[media]", "digest = ['SHA-512-256', 'SHA-256']\n[media]")
    site = parse_site(own)
    assert site.listeners[0].digest == ("SHA-512-256", "SHA-256")
    assert site.digests == {"SHA-512-256", "SHA-256"}, "[sip] digest is offered nowhere"
    usual = parse_site(MINIMAL)
    assert usual.digests == {"MD5"}
    assert usual.listeners == site.listeners  # the same place, however people prove who they are
    assert [str(change) for change in plan(usual, site)] == [
        "listener udp 192.0.2.10:5060, digest: as [sip] becomes SHA-512-256 SHA-256; takes hold now"
    ]


WEB = """
[[listener]]
transport = "{transport}"
address = "192.0.2.10"
origins = {origins}
"""


def test_listeners_for_browsers_and_whose_pages_may_connect() -> None:
    site = parse_site(MINIMAL + WEB.format(transport="wss", origins='["https://phone.example.com"]'))
    assert str(site.listeners[-1]) == "wss 192.0.2.10:8089"
    assert site.listeners[-1].origins == ("https://phone.example.com",)
    other = parse_site(MINIMAL + WEB.format(transport="wss", origins='["*", "http://[2001:db8::1]:8080"]'))
    assert other.listeners == site.listeners  # the same place, whoever may come
    assert [str(change) for change in plan(site, other)] == [
        "listener wss 192.0.2.10:8089, origins: https://phone.example.com becomes "
        "* http://[2001:db8::1]:8080; takes hold now"
    ]


@pytest.mark.parametrize(
    ("transport", "origins", "key"),
    [
        ("tcp", '["https://phone.example.com"]', "listener[2].origins"),
        ("ws", "[]", "listener[2].origins"),
        ("ws", '["phone.example.com"]', "listener[2].origins[1]"),
        ("ws", '["https://phone.example.com/"]', "listener[2].origins[1]"),
        ("ws", '["https://Phone.example.com"]', "listener[2].origins[1]"),
        ("ws", '["https://"]', "listener[2].origins[1]"),
        ("ws", '["ftp://phone.example.com"]', "listener[2].origins[1]"),
    ],
)
def test_origins_that_are_none(transport: str, origins: str, key: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(MINIMAL + WEB.format(transport=transport, origins=origins))
    assert key in {fault.key for fault in caught.value.faults}
