"""What changes from one site to the next, and when it takes hold."""

import pytest

from provisioning.site import Site, parse_site
from provisioning.site_plan import Effect, plan

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


def changed(old: str, new: str) -> list[tuple[str, Effect]]:
    before: Site = parse_site(MINIMAL)
    return [(change.key, change.effect) for change in plan(before, parse_site(MINIMAL.replace(old, new)))]


def test_plan_of_equal_sites_is_empty() -> None:
    assert changed("Office", "Office") == []


@pytest.mark.parametrize(
    ("old", "new", "key", "effect"),
    [
        ("Office", "Bureau", "name", Effect.NOW),
        ('"de"', '"fr"', "country", Effect.NEW_CALLS),
        ("16783", "16785", "media.last_port", Effect.RESTART),
        ("16783", "16783\n[calls]\nmost = 7", "calls.most", Effect.NEW_CALLS),
        ("16783", "16783\n[calls]\nring_seconds = 7", "calls.ring_seconds", Effect.NEW_CALLS),
        ("16783", "16783\n[registration]\nphones = 7", "registration.phones", Effect.NOW),
        ("16783", "16783\n[sip]\ndigest = ['SHA-256', 'MD5']", "sip.digest", Effect.NOW),
        ("16783", "16783\n[sip]\nsession_seconds = 600", "sip.session_seconds", Effect.NEW_CALLS),
        ("16783", "16783\n[sip]\nshortest_session = 600", "sip.shortest_session", Effect.NEW_CALLS),
        ("16783", "16783\n[log]\nlevel = 'quiet'", "log.level", Effect.NOW),
        ("16783", "16783\n[log]\nfile_kilobytes = 70", "log.file_kilobytes", Effect.RESTART),
    ],
)
def test_plan_says_what_changes_and_when(old: str, new: str, key: str, effect: Effect) -> None:
    assert changed(old, new) == [(key, effect)]


def test_plan_names_listeners() -> None:
    after = parse_site(MINIMAL.replace('"udp"', '"tcp"'))
    assert [str(change) for change in plan(parse_site(MINIMAL), after)] == [
        "listener: udp 192.0.2.10:5060 removed; takes hold when no call is running",
        "listener: tcp 192.0.2.10:5060 added; takes hold now",
    ]
