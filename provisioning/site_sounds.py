"""What the box itself can be heard with: `[sounds]` and `[[room]]` in the site file."""

from dataclasses import dataclass, field
from typing import Final

from provisioning.site_check import Table

LANGUAGES: Final = ["en", "de", "fr"]
MOST_ROOMS: Final = 100


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is played and when.

    `prompts` is the folder of what is said, `hold` the music of who is held; "" for none. `refused`: callers
    in the house are told why a call is refused.
    """

    prompts: str = ""
    language: str = "en"
    hold: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """A conference room: the number that is dialled, and the keys who comes must press ("" for none)."""

    number: str
    pin: str = field(default="", repr=False)


def read_sounds(table: Table) -> Sounds:
    """Read the table."""
    folder = "the whole path of a folder of WAV files, such as /srv/prompts"
    sounds = Sounds(
        table.text("prompts", folder, _is_path, ""),
        table.choice("language", LANGUAGES, "en"),
        table.text("hold", "the whole path of a WAV file, such as /srv/music.wav", _is_path, ""),
        table.flag("refused", default=False),
    )
    table.close()
    return sounds


def read_rooms(tables: list[Table], taken: tuple[str, ...]) -> tuple[Room, ...]:
    """Read the tables; a room has a number of its own, none of those that are `taken`."""
    found: list[Room] = []
    for table in tables:
        room = Room(
            table.text("number", "two to six digits such as 600", lambda text: _is_digits(text, 2, 6)),
            table.text(
                "pin",
                'four to twelve digits; "" for none',
                lambda text: not text or _is_digits(text, 4, 12),
                "",
            ),
        )
        if room.number in taken or room.number in {other.number for other in found}:
            table.fault("number", f"{room.number} is taken", "write a number of its own")
        table.close()
        found.append(room)
    return tuple(found)


def _is_path(text: str) -> bool:
    return not text or (text.startswith("/") and text.isprintable() and len(text) <= 1000)


def _is_digits(text: str, shortest: int, longest: int) -> bool:
    return text.isascii() and text.isdecimal() and shortest <= len(text) <= longest
