"""The DNS servers of a site: none unless they are written, and addresses only."""

import pytest

from provisioning.site import SiteError, parse_site
from provisioning.site_default import default_site
from provisioning.site_dns import Dns
from provisioning.site_plan import plan
from tests.provisioning.test_site import MINIMAL


def test_nobody_is_asked_unless_the_site_says_whom() -> None:
    assert parse_site(MINIMAL).dns is None
    assert parse_site(default_site("192.0.2.1")).dns is None


def test_servers_port_and_patience() -> None:
    site = parse_site(MINIMAL + '[dns]\nservers = ["192.0.2.53", "2001:db8::53"]\nport = 5353\nseconds = 2\n')
    assert site.dns == Dns(("192.0.2.53", "2001:db8::53"), 5353, 2)
    assert parse_site(MINIMAL + '[dns]\nservers = ["192.0.2.53"]\n').dns == Dns(("192.0.2.53",))
    assert [str(change) for change in plan(parse_site(MINIMAL), site)] == [
        "dns: none becomes 192.0.2.53 2001:db8::53, port 5353, 2 s; takes hold now"
    ]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("", "dns.servers"),
        ("servers = []", "dns.servers"),
        ('servers = ["dns.example.com"]', "dns.servers[1]"),
        ('servers = ["192.0.2.53", "224.0.0.251"]', "dns.servers[2]"),
        ('servers = ["0.0.0.0"]', "dns.servers[1]"),
        ('servers = ["fe80::1%eth0"]', "dns.servers[1]"),
        ('servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"]', "dns.servers"),
        ('servers = ["192.0.2.53"]\nport = 0', "dns.port"),
        ('servers = ["192.0.2.53"]\nseconds = 11', "dns.seconds"),
        ('servers = ["192.0.2.53"]\nserver = "192.0.2.54"', "dns.server"),
    ],
)
def test_what_is_refused(table: str, key: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(MINIMAL + f"[dns]\n{table}\n")
    assert key in {fault.key for fault in caught.value.faults}
