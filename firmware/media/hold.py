"""Music for who is held: the box plays it where whoever holds sends nothing.

Who holds by `inactive` can send nothing. Who holds by `sendonly` may play music of their own, and many have
none: packets tell. Only where audio passes in a codec of the box, and not encrypted by the far ends for each
other; anybody else hears what they are sent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from firmware.media.rewrite import direction
from firmware.media.transcode import ORDER, ours_of
from rtp import plan
from rtp.control import Statistics
from rtp.seat import DEAF, MUTED, Seat

if TYPE_CHECKING:
    from firmware.media.media import Media as MediaProcess
    from sip.sdp import Media

FIRST, LOOK = 1.0, 2.0  # seconds until it is seen whether packets come, and from then on
NOTHING, GONE, THERE = 700, 3000, 500  # ms without a packet: none since the hold; music that ended; a stream
_HOLDS = frozenset({"sendonly", "inactive"})
_HEARS = frozenset({"sendrecv", "recvonly"})


def offered_inactive(media: MediaProcess, line: Media) -> bool:
    """Tell whether a line holds so that music of ours must be offered in its place."""
    return bool(media.music) and direction(line) == "inactive" and _plays(media, line)


def answered_inactive(media: MediaProcess, offered: Media, line: Media) -> bool:
    """Tell whether an answered line holds so that music of ours must be answered in its place."""
    held = line.direction == "inactive" and direction(offered) in _HEARS
    return bool(media.music) and held and _plays(media, line)


def holder(offered: Media, answered: Media) -> str:
    """Return who of the "offerer" and the "answerer" holds the other, "" for nobody or both."""
    said, back = direction(offered), direction(answered)
    if said in _HOLDS and back == "recvonly":
        return "offerer"
    return "answerer" if said == "sendrecv" and back in _HOLDS else ""


def _plays(media: MediaProcess, line: Media) -> bool:
    return bool(ours_of(line.rtpmaps, media.transcode or ORDER))


class Hold:
    """One far end held by the other, until `end`; `line` is what the held one hears by."""

    def __init__(self, media: MediaProcess, *, held: int, by: int, line: Media, sends: bool) -> None:
        """`held` and `by` are the local ports that face them; `sends`: who holds may send."""
        self._media = media
        self._held = held
        self._by = by
        self._line = line
        self._before: plan.Row | None = None  # while it plays
        self._task: asyncio.Task[None] | None = None
        if sends:
            self._task = asyncio.get_running_loop().create_task(self._follow())
        else:
            self._play()

    @property
    def playing(self) -> bool:
        """Whether our music plays."""
        return self._before is not None

    def end(self) -> None:
        """Stop; the row is whoever's calls this."""
        if self._task is not None:
            self._task.cancel()
        if self._before is not None:
            self._media.sounds.stop(self._held)

    async def _follow(self) -> None:
        quiet = NOTHING
        await asyncio.sleep(FIRST)
        while True:
            seen = await self._media.ask(self._by)
            if isinstance(seen, Statistics):
                if not self.playing and seen.idle >= quiet:
                    self._play()
                elif self.playing and seen.idle < THERE:
                    self._give_back()
                quiet = GONE
            await asyncio.sleep(LOOK)

    def _play(self) -> None:
        row = self._media.row(self._held)
        if row is None:
            return
        self._before = row
        seat = row.seat or bytes(self._seat())  # who has a seat is in a room with who holds: both are heard
        self._media.put(row.replace(seat=seat, partner=0, direction=plan.RECVONLY))
        self._media.sounds.play(self._held, 0, self._media.music, loop=True)

    def _give_back(self) -> None:
        before, self._before = self._before, None
        row = self._media.row(self._held)
        self._media.sounds.stop(self._held)
        if row is not None and before is not None:
            back = row.replace(seat=before.seat, partner=before.partner, direction=before.direction)
            self._media.put(back)

    def _seat(self) -> Seat:
        spoken = [each for _, each in ours_of(self._line.rtpmaps, self._media.transcode or ORDER)]
        return Seat(self._held, (spoken[0],), tuple(spoken), flags=DEAF | MUTED)


def hold(
    media: MediaProcess,
    ports: dict[str, int],
    offered: Media,
    answered: Media,
    told: Media,
) -> Hold | None:
    """Return the hold that an exchange began, None for none, or none with music.

    `ports` are those of the "offerer" and the "answerer"; `told` is the line the offerer was answered with.
    """
    who = holder(offered, answered)
    if not who or not media.music:
        return None
    other, said = ("answerer", direction(offered)) if who == "offerer" else ("offerer", direction(answered))
    line = answered if other == "answerer" else told
    if not _plays(media, line):
        return None
    return Hold(media, held=ports[other], by=ports[who], line=line, sends=said == "sendonly")
