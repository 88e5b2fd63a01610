"""`[dialling]` and `[emergency]`: what the country fills in, and every fault in one line."""

import pytest

from provisioning.site import SiteError, countries, parse_country, parse_site, read_country
from provisioning.site_dialling import Caps, Did, Home, help_forms
from tests.provisioning.test_site import MINIMAL

FULL = """
[dialling]
area_code = "30"
outside_prefix = "0"
main_number = "+49305550"
reception = "100"
allow = ["internal", "national"]
countries = ["at"]
services = ["115"]
send_on = true
[[dialling.did]]
number = "+493055577"
to = "600"
[[dialling.did]]
number = "+4930555"
digits = 3
[dialling.caps]
extension_at_once = 2
[emergency]
notify = ["100", "600"]
"""


def test_a_site_without_the_table_says_nothing() -> None:
    site = parse_site(MINIMAL)
    assert site.dialling is None
    assert site.notify == ()
    assert site.emergency == {"112": "112", "110": "110"}


def test_the_country_fills_in_what_it_decides() -> None:
    site = parse_site(MINIMAL + FULL)
    dialling = site.dialling
    assert dialling is not None
    assert dialling.home == Home("de", "49", "00", "0", ())
    assert (dialling.area, dialling.outside, dialling.main, dialling.reception) == (
        "30",
        "0",
        "+49305550",
        "100",
    )
    assert dialling.did == (Did("+493055577", "600"), Did("+4930555", "", 3))
    assert (dialling.allow, dialling.countries, dialling.services) == (
        ("internal", "national"),
        ("at",),
        ("115",),
    )
    assert dialling.send_on
    assert dialling.caps == Caps(extension_at_once=2)
    assert site.notify == ("100", "600")
    assert site.emergency == {"112": "112", "110": "110", "0112": "112", "0110": "110"}


def test_international_and_premium_are_closed_where_nothing_is_written() -> None:
    dialling = parse_site(MINIMAL + "[dialling]\n").dialling
    assert dialling is not None
    assert dialling.allow == ("internal", "national", "mobile")
    assert not dialling.send_on


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('area_code = "030"', "dialling.area_code", 'without the leading 0, such as "30"'),
        ('area_code = "x"', "dialling.area_code", "not accepted"),
        ('outside_prefix = "123"', "dialling.outside_prefix", "not accepted"),
        ('main_number = "030123456"', "dialling.main_number", "full number such as"),
        ('main_number = "+43123456"', "dialling.main_number", "begins with +49"),
        ('reception = "112"', "dialling.reception", "emergency number"),
        ('allow = ["everything"]', "dialling.allow[1]", "not accepted"),
        ('allow = "internal"', "dialling.allow", "not a list"),
        ('countries = ["Austria"]', "dialling.countries[1]", "not accepted"),
        ("send_on = 1", "dialling.send_on", "neither true nor false"),
        ('country_code = "049"', "dialling.country_code", "not accepted"),
        ('strip = "9"', "dialling.strip", "unknown key"),
        ('[[dialling.did]]\nnumber = "+493055577"\nto = "112"', "dialling.did[1].to", "emergency number"),
        ('[[dialling.did]]\nnumber = "3055577"\nto = "100"', "dialling.did[1].number", "not accepted"),
        ('[[dialling.did]]\nnumber = "+493055577"', "dialling.did[1].to", "missing"),
        ('[[dialling.did]]\nnumber = "+4930"\ndigits = 9', "dialling.did[1].digits", "out of range"),
        (
            '[[dialling.did]]\nnumber = "+4930"\ndigits = 3\n[[dialling.did]]\nnumber = "+4930"\ndigits = 3',
            "dialling.did[2].number",
            "has a rule already",
        ),
        ("[dialling.caps]\nline_per_hour = -1", "dialling.caps.line_per_hour", "out of range"),
    ],
)
def test_faults(line: str, key: str, says: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(MINIMAL + "[dialling]\n" + line + "\n")
    assert [fault.key for fault in caught.value.faults] == [key]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_area_code_needs_a_country() -> None:
    text = MINIMAL.replace('"de"', '"generic"') + '[dialling]\narea_code = "30"\n'
    with pytest.raises(SiteError, match="country code"):
        parse_site(text)
    site = parse_site(text + 'country_code = "49"\ntrunk_prefix = "0"\n')
    assert site.dialling is not None
    assert site.dialling.home == Home("", "49", "00", "0", ())


@pytest.mark.parametrize("country", ["de", "us", "it", "fr"])
@pytest.mark.parametrize("outside", ["9", "0", "1", "11", "99"])
def test_no_prefix_takes_an_emergency_number_away(country: str, outside: str) -> None:
    text = MINIMAL.replace('"de"', f'"{country}"') + f'[dialling]\noutside_prefix = "{outside}"\n'
    site = parse_site(text)
    assert {number: number for number in site.country.emergency}.items() <= site.emergency.items()


def test_a_prefix_that_is_an_emergency_number_is_refused() -> None:
    with pytest.raises(SiteError, match="15 is an emergency number"):
        parse_site(MINIMAL.replace('"de"', '"fr"') + '[dialling]\noutside_prefix = "15"\n')


def test_forms_of_an_emergency_number() -> None:
    assert help_forms(["911"], "9") == {"9911": "911", "911": "911"}
    assert help_forms(["12", "112"], "1") == {"112": "112", "12": "12", "1112": "112"}


@pytest.mark.parametrize("code", [code for code in countries() if code != "generic"])
def test_every_country_says_how_it_dials(code: str) -> None:
    country = read_country(code)
    assert country.home.code
    assert len(country.home.region) == 2
    assert country.home.international in {"00", "011"}
    assert country.home.trunk or country.home.lengths
    assert all(number in country.emergency for _, number in country.services)


def test_a_service_of_a_profile_is_one_of_its_emergency_numbers() -> None:
    text = 'name = "X"\nemergency = ["112"]\n[services]\npolice = "110"\n'
    with pytest.raises(SiteError, match="no emergency number"):
        parse_country(text, "xx", "xx.toml")
