"""The tables `[desk]` and `[park]` of the site file."""

import pytest

from provisioning.site import SiteError, parse_site
from provisioning.site_default import default_site
from provisioning.site_desk import Desk
from provisioning.site_plan import plan
from tests.provisioning.test_site import MINIMAL


def test_a_site_without_the_tables_has_what_is_usual() -> None:
    assert parse_site(MINIMAL).desk == parse_site(default_site("192.0.2.1")).desk == Desk()
    assert Desk().slots == ("701", "702", "703", "704", "705", "706", "707", "708", "709", "710")


def test_both_are_read_and_compared() -> None:
    site = parse_site(MINIMAL + '[desk]\npickup = "all"\nintercom = "off"\n[park]\nfirst = 80\nslots = 2\n')
    assert site.desk == Desk("all", "off", 80, 2, 120)
    assert site.desk.slots == ("80", "81")
    assert [str(change) for change in plan(parse_site(MINIMAL), site)] == [
        "desk.pickup: group becomes all; takes hold for new calls",
        "desk.intercom: all becomes off; takes hold for new calls",
        "park.first: 701 becomes 80; takes hold for new calls",
        "park.slots: 10 becomes 2; takes hold for new calls",
    ]


def test_no_slots_is_no_parking() -> None:
    assert parse_site(MINIMAL + "[park]\nslots = 0\n").desk.slots == ()


@pytest.mark.parametrize(
    "table",
    [
        '[desk]\npickup = "some"', "[desk]\nother = 1", "[park]\nfirst = 5", "[park]\nslots = 101",
        "[park]\nseconds = 5",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(table: str) -> None:
    with pytest.raises(SiteError, match=r"desk|park"):
        parse_site(MINIMAL + table + "\n")


def test_presence_is_off_unless_the_site_says_so() -> None:
    site = parse_site(MINIMAL + "[desk]\npresence = true\n")
    assert site.desk.presence
    assert not parse_site(MINIMAL).desk.presence
    assert [str(change) for change in plan(parse_site(MINIMAL), site)] == [
        "desk.presence: false becomes true; takes hold now"
    ]
    with pytest.raises(SiteError, match="presence"):
        parse_site(MINIMAL + '[desk]\npresence = "yes"\n')
