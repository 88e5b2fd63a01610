"""What the site lets be heard: the music of who is held."""

from typing import TYPE_CHECKING, Final

from firmware.journal import Journal, Kind, Level
from firmware.media import File

if TYPE_CHECKING:
    from firmware.media import Media
    from provisioning.site import Sounds

NO_MUSIC: Final = Kind(
    "sounds.hold",
    "[sounds] hold is no readable WAV file: who is held hears nothing of the box",
    Level.WARNING,
)


def use_music(media: "Media", sounds: "Sounds", journal: Journal) -> None:
    """Play the site's music to who is held from now on; tell if that cannot be."""
    wanted = (File(sounds.hold),) if sounds.hold else ()
    media.music = tuple(filter(media.sounds.has, wanted))
    if wanted and not media.music:
        journal.log(NO_MUSIC)
