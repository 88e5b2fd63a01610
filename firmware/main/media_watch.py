"""What happens to media, into the journal: processes that end or hang, sides that are not heard."""

from typing import TYPE_CHECKING, Final

from firmware.journal import Journal, Kind, Level
from firmware.journal.event import Word
from firmware.labels import Personal

if TYPE_CHECKING:
    from firmware.media import Media, Side

BACK: Final = Kind("media.restarted", "the media process had died and is running again", Level.ALARM)
GONE: Final = Kind("media.gone", "the media process dies again and again: calls have no audio", Level.ALARM)
HANGS: Final = Kind("media.hung", "the media process does not answer: it is ended and replaced", Level.ALARM)
ONE_WAY: Final = Kind(
    "media.one-way", "{call}: nothing is heard of the {side} while the other side talks", Level.WARNING
)
GUARDED: Final = Kind("media.kernel", "the kernel relays calls that need nothing else")
GUARD_LOST: Final = Kind(
    "guard.lost", "the guard has ended or its maps are of no use: the media process relays", Level.WARNING
)


def watch(media: "Media", journal: Journal) -> None:
    """Tell the journal."""

    def one_way(call: str, side: "Side") -> None:
        who = Word("caller") if side == "caller" else Word("callee")
        journal.log(ONE_WAY, call=Personal("call", call), side=who)

    media.on_restart = lambda: journal.log(BACK)
    media.on_failure = lambda: journal.log(GONE)
    media.on_hang = lambda: journal.log(HANGS)
    media.on_tier = lambda kernel: journal.log(GUARDED if kernel else GUARD_LOST)
    media.on_one_way = one_way
