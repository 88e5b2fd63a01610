"""A place of the box's own at the other end of a bridge: in a room of the media process, not at a phone.

A bridge learns that nobody but the box is on a side by the description it is given: an `Inside`, which only
a place makes. It then seats the far end of the other side instead of relaying it, and encrypts for it where
that wants keys (`firmware.media.secure`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firmware.media.errors import NotAcceptable
from firmware.media.rewrite import direction
from firmware.media.secure import PLAIN
from firmware.media.transcode import MAPS, ORDER, event_of, ours_of
from rtp.dtmf import DIGITS
from rtp.seat import DEAF, ECHO, MUTED, Format, Seat
from sip.sdp import DIRECTIONS, STATIC, Connection, Media, Origin, SessionDescription

if TYPE_CHECKING:
    from firmware.media.media import Media as MediaProcess
    from firmware.media.sounds import Sound

__all__ = ["DEAF", "ECHO", "MUTED", "Inside", "Place"]

EVENTS = "101"  # the payload type we offer for telephone-event


@dataclass(frozen=True, slots=True)
class Inside(SessionDescription):
    """The description of a place; `place` is whose."""

    place: Place | None = None


class Place:
    """What a far end hears and says while the box is its other end.

    `room`: the number of the room. `flags` as of `rtp.seat.Seat`. `on_seated()` is called when a far end has
    sat down for the first time, `on_digit(key)` for each key it pressed, `on_speaker()` when it becomes who
    is loudest in a room of more than two.
    """

    def __init__(self, media: MediaProcess, room: int, flags: int = 0) -> None:
        self.room = room
        self.flags = flags
        self.port = 0  # the local port that faces the far end, 0 while there is none
        self.held = False  # by the far end: what comes then is not heard
        self.on_seated: Callable[[], None] | None = None
        self.on_digit: Callable[[str], None] | None = None
        self.on_speaker: Callable[[], None] | None = None
        self._media = media

    # -- descriptions

    def answer(self, offer: SessionDescription, wanted: str = "sendrecv") -> Inside:
        """Return the answer to an offer, as far as it is the box's to say: the bridge chooses the codec."""
        media = tuple(
            [
                replace(medium, connection=None).with_direction(wanted) if not medium.rejected else medium
                for medium in offer.media
            ]
        )
        return self._inside(media)

    def offer(self, wanted: str = "sendrecv") -> Inside:
        """Return the offer of the box: every codec it has, and telephone-events."""
        numbers, attributes = [], []
        free = iter(range(110, 128))
        for name in self._media.transcode or ORDER:
            codec = MAPS[name]
            number = next((number for number, each in STATIC.items() if each.matches(codec)), None)
            number = number or str(next(free))
            numbers.append(number)
            attributes.append(("rtpmap", f"{number} {codec}"))
        numbers.append(EVENTS)
        attributes += [("rtpmap", f"{EVENTS} telephone-event/8000"), ("fmtp", f"{EVENTS} 0-15")]
        line = Media("audio", 9, PLAIN, tuple(numbers), None, tuple(attributes))
        return self._inside((line.with_direction(wanted),))

    def _inside(self, media: tuple[Media, ...]) -> Inside:
        origin = Origin("0", 0, Connection.to("0.0.0.0"))  # noqa: S104 - the bridge writes its own
        return Inside(origin, media, place=self)

    # -- by the bridge

    def seated(self, port: int) -> None:
        """Note at which port the far end sits."""
        first, self.port = not self.port, port
        if first and self.on_seated is not None:
            self.on_seated()

    def pressed(self, event: int, length: int) -> None:
        """Take a telephone-event: a key counts when it is let go."""
        if length and event < len(DIGITS) and self.on_digit is not None:
            self.on_digit(DIGITS[event])

    def speaks(self) -> None:
        """Take the word that this far end is the loudest now."""
        if self.on_speaker is not None:
            self.on_speaker()

    # -- by calls

    def move(self, room: int, flags: int = 0) -> None:
        """Sit in another room, or with other flags."""
        self.room, self.flags = room, flags
        row = self._media.row(self.port)
        if row is not None and row.seat:
            seat = Seat.parse(row.seat)
            seat.room, seat.flags = room, flags | (MUTED if self.held else 0)
            self._media.put(row.replace(seat=bytes(seat)))

    def play(
        self, sounds: Sequence[Sound], *, loop: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        """Play to this far end; `done` is called once it is over, whatever the reason."""
        self._media.sounds.play(self.port, 0, sounds, loop=loop, done=done)

    def has(self, sound: Sound) -> bool:
        """Tell whether there is such a sound."""
        return self._media.sounds.has(sound)

    def play_to_all(self, sounds: Sequence[Sound]) -> None:
        """Play to everybody in the room."""
        self._media.sounds.play(0, self.room, sounds)


def boarded(offered: Media, answered: Media, order: tuple[str, ...], place: Place) -> tuple[Media, Seat]:
    """Return the line a far end is answered with, and its seat; raises NotAcceptable.

    `answered` is the place's answer: its direction, and whether it refuses.
    """
    spoken = ours_of(offered.rtpmaps, order or ORDER)
    if not spoken:
        raise NotAcceptable("no codec that the box speaks")
    number, audio = spoken[0]
    event = event_of(offered)
    numbers = [number, *([str(event[0])] if event else [])]
    line = offered.keep_formats(numbers)
    kept = [pair for pair in line.attributes if pair[0] in {"rtpmap", "fmtp", "rtcp-mux"} | set(DIRECTIONS)]
    line = replace(line, port=9, connection=None, attributes=tuple(kept), lines=())
    line = line.with_direction(answered.direction)
    return line, _seat(place, audio, [audio], event, event, held=direction(offered) == "sendonly")


def invited(told: Media, answered: Media, order: tuple[str, ...], place: Place) -> Seat:
    """Return the seat of a far end that answered what the box offered; raises NotAcceptable."""
    others = ours_of(answered.rtpmaps, order or ORDER)
    if not others:
        raise NotAcceptable("no codec that the box speaks")
    hears = [each for _, each in ours_of(told.rtpmaps, order or ORDER)]
    taken = event_of(answered)
    held = direction(answered) == "sendonly"
    return _seat(place, others[0][1], hears, taken, event_of(told) if taken else None, held=held)


def _seat(
    place: Place, speaks: Format, hears: list[Format], to: Format | None, of: Format | None, *, held: bool
) -> Seat:
    """Make a seat; who holds us is not heard: it would be their music on hold."""
    place.held = held
    flags = place.flags | (MUTED if held else 0)
    return Seat(place.room, (speaks, *([to] if to else [])), (*hears, *([of] if of else [])), flags=flags)
