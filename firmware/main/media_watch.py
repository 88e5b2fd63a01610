"""What happens to media, into the journal: processes that end or hang, sides that are not heard.

And how good a call was, into the store, where the site monitors that.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from firmware.journal import Journal, Kind, Level
from firmware.journal.event import Word
from firmware.labels import Personal
from firmware.store.quality import CallQuality

if TYPE_CHECKING:
    from firmware.media import Media, Side
    from firmware.media.quality import Quality

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


def watch(media: "Media", journal: Journal, keep: Callable[[CallQuality], None]) -> None:
    """Tell the journal; have `keep` keep how good a call was."""

    def one_way(call: str, side: "Side") -> None:
        who = Word("caller") if side == "caller" else Word("callee")
        journal.log(ONE_WAY, call=Personal("call", call), side=who)

    def concluded(call: str, found: "dict[Side, Quality]") -> None:
        for side, one in found.items():
            keep(
                CallQuality(
                    call,
                    side,
                    one.codec,
                    one.packets,
                    one.lost,
                    one.jitter,
                    one.round_trip,
                    one.mos,
                    one.quiet,
                )
            )

    media.on_quality = concluded
    media.on_restart = lambda: journal.log(BACK)
    media.on_failure = lambda: journal.log(GONE)
    media.on_hang = lambda: journal.log(HANGS)
    media.on_tier = lambda kernel: journal.log(GUARDED if kernel else GUARD_LOST)
    media.on_one_way = one_way
