"""`[dialling.hours]` and `[dialling.money]`: defaults that stop a weekend's fraud, every fault in a line."""

import pytest

from firmware.calls.making import dialling_of
from firmware.calls.money import Price as Cost
from firmware.store.model import Reach
from provisioning.site import SiteError, parse_site
from provisioning.site_money import Price, is_zone, spans
from tests.provisioning.test_site import MINIMAL

WRITTEN = """
[dialling.hours]
zone = "Europe/Vienna"
open = ["mo-th 08:00-17:30", "fr 08:00-24:00"]
lock = ["mobile"]
[dialling.money]
currency = "CHF"
extension_per_day = 12.5
line_per_day = -1
[[dialling.money.price]]
to = "+43"
minute = 0.0815
call = 0.1
[[dialling.money.price]]
to = "premium"
minute = 2
"""


def test_born_closed_on_weekends_and_with_an_end_to_the_money() -> None:
    found = dialling_of(parse_site(MINIMAL + "[dialling]\n"))
    assert found is not None
    assert found.tariff is not None
    assert (found.tariff.extension_day, found.tariff.line_day) == (500_000, 2_000_000)
    assert found.tariff.price("+4412345678", Reach.INTERNATIONAL) == Cost(0, 10_000)
    saturday = 1_769_860_800.0  # 2026-01-31 12:00 UTC
    assert found.hours.closed(Reach.INTERNATIONAL, saturday)
    assert not found.hours.closed(Reach.NATIONAL, saturday)
    assert not found.hours.closed(Reach.PREMIUM, saturday - 86400)
    assert found.hours.zone == "Europe/Berlin", "the country's"


def test_what_is_written_holds() -> None:
    site = parse_site(MINIMAL + WRITTEN)
    assert site.dialling is not None
    hours, money = site.dialling.hours, site.dialling.money
    assert hours.spans[0] == (0, 480, 1050)
    assert hours.spans[-1] == (4, 480, 1440)
    assert (money.currency, money.extension_day, money.line_day) == ("CHF", 125_000, None)
    assert money.prices[:2] == (Price("+43", "", 1000, 815), Price("", "premium", 0, 20_000))
    assert {price.kind for price in money.prices[2:]} == {"mobile", "international"}
    found = dialling_of(site)
    assert found is not None
    assert found.tariff is not None
    assert found.tariff.price("+4366012345", Reach.INTERNATIONAL).first == 1815
    assert found.hours.zone == "Europe/Vienna"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"Europe/Vienna"', '"Vienna/Europe"', "dialling.hours.zone"),
        ('"Europe/Vienna"', '"../../etc/passwd"', "dialling.hours.zone"),
        ("mo-th 08:00-17:30", "mo-th 17:30-08:00", "dialling.hours.open"),
        ("mo-th 08:00-17:30", "mon 08:00-17:30", "dialling.hours.open"),
        ('["mobile"]', '["internal"]', "dialling.hours.lock"),
        ('"CHF"', '"Fr."', "dialling.money.currency"),
        ("12.5", '"12.5"', "dialling.money.extension_per_day"),
        ("12.5", "nan", "dialling.money.extension_per_day"),
        ('"+43"', '"0043"', "dialling.money.price"),
        ('"premium"', '"+43"', "has a price already"),
        ("minute = 2", "minute = -1", "below nothing"),
        ("minute = 2", "minutes = 2", "minutes"),
    ],
)
def test_every_fault_is_one_line(old: str, new: str, told: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(MINIMAL + WRITTEN.replace(old, new))
    (line,) = str(caught.value).splitlines()
    assert told in line


def test_days_and_hours() -> None:
    assert spans("sa-mo 00:00-24:00") == [(5, 0, 1440), (6, 0, 1440), (0, 0, 1440)]
    assert [spans(text) for text in ("", "mo", "mo 8:00-9:00", "mo 08:00-24:01", "mo 08:60-09:00")] == [
        []
    ] * 5
    assert is_zone("")
    assert not is_zone("Europe")
