"""Codes of the site: the usual ones, others, and those that could not be told apart."""

import pytest

from provisioning.site import SiteError, parse_site
from provisioning.site_codes import DEFAULTS, is_code
from provisioning.site_default import default_site
from provisioning.site_plan import plan
from tests.provisioning.test_site import MINIMAL


def test_a_site_without_the_table_has_the_usual_codes() -> None:
    assert dict(parse_site(MINIMAL).codes) == DEFAULTS
    assert dict(parse_site(default_site("192.0.2.1")).codes) == DEFAULTS


def test_codes_are_changed_and_taken_away() -> None:
    site = parse_site(MINIMAL + '[codes]\nforward_always = "*21*"\ndnd = ""\n')
    assert dict(site.codes) == {**DEFAULTS, "forward_always": "*21*", "dnd": ""}
    changes = [str(change) for change in plan(parse_site(MINIMAL), site)]
    assert changes == [
        "codes.forward_always: *72 becomes *21*; takes hold for new calls",
        "codes.dnd: *78 becomes none; takes hold for new calls",
    ]


@pytest.mark.parametrize("code", ["72", "112", "*", "*12345", "*7a", "+72"])
def test_what_is_no_code(code: str) -> None:
    assert not is_code(code)
    with pytest.raises(SiteError, match=r"codes\.dnd"):
        parse_site(MINIMAL + f'[codes]\ndnd = "{code}"\n')


def test_one_code_may_not_begin_another() -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(MINIMAL + '[codes]\ndnd = "*7"\n')
    assert {fault.key for fault in caught.value.faults} == {
        "codes.dnd",
        "codes.dnd_off",
        "codes.call_waiting",
        "codes.call_waiting_off",
    }
