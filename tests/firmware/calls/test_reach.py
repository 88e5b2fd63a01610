"""What numbers may cost: countries that share a code, premium numbers, and whatever nobody knows."""

import subprocess
import sys

import pytest

from firmware.calls.reach import country_of, is_country, kind_of, short_kind
from firmware.store.model import Reach


@pytest.mark.parametrize(
    ("key", "home", "reach", "country"),
    [
        ("+493012345678", "de", Reach.NATIONAL, "de"),
        ("+491701234567", "de", Reach.MOBILE, "de"),
        ("+498001234567", "de", Reach.NATIONAL, "de"),
        ("+499001234567", "de", Reach.PREMIUM, "de"),
        ("+491805123456", "de", Reach.PREMIUM, "de"),
        ("+436641234567", "de", Reach.INTERNATIONAL, "at"),
        ("+18765551234", "us", Reach.INTERNATIONAL, "jm"),  # Jamaica dials like the next town
        ("+12125550100", "us", Reach.NATIONAL, "us"),
        ("+19005551234", "us", Reach.PREMIUM, "us"),
        ("+447911123456", "gb", Reach.INTERNATIONAL, "gg"),  # Guernsey
        ("+447012345678", "gb", Reach.PREMIUM, "gb"),
        ("+88216123456", "de", Reach.PREMIUM, ""),  # satellites
        ("+97910123456", "de", Reach.PREMIUM, ""),
        ("+80012345678", "de", Reach.INTERNATIONAL, ""),
        ("+4930", "de", Reach.PREMIUM, "de"),
        ("+999123456789", "de", Reach.PREMIUM, ""),
    ],
)
def test_what_a_number_means(key: str, home: str, reach: Reach, country: str) -> None:
    kind = kind_of(key, home)
    assert kind.reach is reach
    assert kind.country == country or reach is Reach.PREMIUM


def test_short_numbers() -> None:
    assert short_kind("116117", "de") == (Reach.NATIONAL, "de")
    assert short_kind("11833", "de") == (Reach.PREMIUM, "de")  # directory enquiries
    for digits, home in (
        ("22456", "de"),
        ("1", "de"),
        ("", "de"),
        ("030", "de"),
        ("116117", ""),
        ("12", "xx"),
    ):
        assert short_kind(digits, home) is None


def test_countries() -> None:
    assert (country_of("49"), country_of("1"), country_of("870"), country_of("999")) == ("de", "us", "", "")
    assert is_country("at")
    assert not is_country("xx")


def test_a_site_without_lines_never_loads_the_numbering_plans() -> None:
    code = (
        "import sys; from firmware.calls.making import make_plan; from provisioning.site import parse_site;"
        "from provisioning.site_default import default_site; from firmware.calls.leg import Party;"
        "plan = make_plan(parse_site(default_site('192.0.2.1')), (), ());"
        "plan.route('+493012345678', Party('id', '100')); plan.route('112', Party('id', '100'));"
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
