"""The tables `[sounds]` and `[[room]]` of the site file."""

import pytest

from provisioning.site import SiteError, parse_site
from provisioning.site_default import default_site
from provisioning.site_plan import plan
from provisioning.site_sounds import Room, Sounds
from tests.provisioning.test_site import MINIMAL

ROOM = '[[room]]\nnumber = "600"\npin = "2468"\n'


def test_a_site_without_the_tables_has_neither() -> None:
    for text in (MINIMAL, default_site("192.0.2.1")):
        site = parse_site(text)
        assert (site.sounds, site.rooms) == (Sounds(), ())


def test_both_are_read_and_compared_and_the_pin_is_not_shown() -> None:
    site = parse_site(
        MINIMAL
        + '[sounds]\nprompts = "/srv/p"\nlanguage = "de"\nhold = "/srv/m.wav"\nrefused = true\n'
        + ROOM
        + '[[room]]\nnumber = "61"\n'
    )
    assert site.sounds == Sounds("/srv/p", "de", "/srv/m.wav", True)
    assert site.rooms == (Room("600", "2468"), Room("61"))
    assert "2468" not in repr(site)
    assert [str(change) for change in plan(parse_site(MINIMAL), site)] == [
        "sounds.prompts: none becomes /srv/p; takes hold at the next start of the box",
        "sounds.language: en becomes de; takes hold for new calls",
        "sounds.hold: none becomes /srv/m.wav; takes hold now",
        "sounds.refused: false becomes true; takes hold for new calls",
        "room: 600 added; takes hold for new calls",
        "room: 61 added; takes hold for new calls",
    ]
    other = parse_site(MINIMAL + ROOM.replace("2468", "1357"))
    assert [str(change) for change in plan(parse_site(MINIMAL + ROOM), other)] == [
        "room: 600: pin changed; takes hold for new calls"
    ]
    assert [str(change) for change in plan(other, parse_site(MINIMAL))] == [
        "room: 600 removed; takes hold for new calls"
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[sounds]\nprompts = "prompts"', "prompts"),
        ('[sounds]\nlanguage = "nl"', "language"),
        ("[sounds]\nother = 1", "other"),
        ('[sounds]\nhold = "music.wav"', "hold"),
        ('[sounds]\nrefused = "yes"', "refused"),
        ('[[room]]\nnumber = "6"', "number"),
        ('[[room]]\nnumber = "600"\npin = "12"', "pin"),
        (ROOM + ROOM, "600 is taken"),
        ('[[room]]\nnumber = "705"', "705 is taken"),
        ('[[room]]\nnumber = "112"', "112 calls for help"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(table: str, said: str) -> None:
    with pytest.raises(SiteError) as refused:
        parse_site(MINIMAL + table + "\n")
    [fault] = refused.value.faults
    assert said in str(fault)
    assert "\n" not in str(fault)
