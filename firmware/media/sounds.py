"""What the box plays: prompts and music from files, tones made from numbers.

A sound is a prompt's name ("en/7", `rtp.phrases`), a file of the site or a plan of tones. Each is opened or
made once, at its first use, and known to the media process by a number and a descriptor; a media process
that starts anew gets both again, and what is to be played over and over.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtp import orders, tones

if TYPE_CHECKING:
    from firmware.media.media import Media

MOST = 1000  # sounds known at once: the media process keeps a few more
RATE = 8000
LONGEST = 60  # seconds of a tone that is made
_RIFF = struct.Struct("<4sI4s4sIHHIIHH4sI")


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something said, by its name in the folder of prompts."""

    name: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the site."""

    path: str


@dataclass(frozen=True, slots=True)
class Tone:
    """A plan of tones (`rtp.tones`) that comes to an end."""

    plan: str


Sound = Prompt | File | Tone


@dataclass(slots=True)
class _Playing:
    """What was ordered and is not over."""

    port: int
    room: int
    clips: tuple[int, ...]
    loop: bool
    done: Callable[[], None] | None


class Sounds:
    """All sounds of a box. `folder` holds the prompts; without one there are none."""

    def __init__(self, media: Media, folder: str = "") -> None:
        self._media = media
        self._folder = folder
        self._known: dict[Sound, tuple[int, int]] = {}  # number, descriptor
        self._told: set[int] = set()
        self._playing: dict[int, _Playing] = {}
        self._token = 0

    def has(self, sound: Sound) -> bool:
        """Tell whether there is such a sound: a readable WAV file, a plan that makes sense."""
        return self._find(sound) is not None

    def play(
        self,
        port: int,
        room: int,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Play to the far end at a port, or with port 0 to a whole room; what there is not is left out.

        `done` is called once it is over: played, stopped, nobody there, or nothing to play.
        """
        found = [number for number in map(self._find, sounds) if number is not None]
        self._token = (self._token + 1) & 0xFFFFFFFF
        self._playing[self._token] = _Playing(port, room, tuple(found), loop, done)
        self._order(self._token)

    def stop(self, port: int) -> None:
        """Stop what plays to a far end."""
        self._media.order(orders.Stop(port=port, room=0))

    def take(self, message: orders.Played) -> None:
        """Take the word that something is over."""
        playing = self._playing.pop(message.token, None)
        if playing is not None and playing.done is not None:
            playing.done()

    def again(self) -> None:
        """Fill a media process that started anew; what was played once is over."""
        self._told.clear()
        before, self._playing = self._playing, {}
        self._playing = {token: each for token, each in before.items() if each.loop}
        for token in tuple(self._playing):
            self._order(token)
        for each in before.values():
            if not each.loop and each.done is not None:
                each.done()

    def close(self) -> None:
        """Give all descriptors back."""
        for _, descriptor in self._known.values():
            os.close(descriptor)
        self._known.clear()

    def _order(self, token: int) -> None:
        playing = self._playing[token]
        for number, descriptor in self._known.values():
            if number in playing.clips and number not in self._told:
                self._told.add(number)
                self._media.order(orders.Clip(number=number), descriptor)
        clips = playing.clips[: orders.MOST_CLIPS]
        self._media.order(orders.Play(playing.port, playing.room, token, clips, loop=playing.loop))

    def _find(self, sound: Sound) -> int | None:
        known = self._known.get(sound)
        if known is None:
            if len(self._known) >= MOST:
                return None
            descriptor = self._open(sound)
            if descriptor is None:
                return None
            known = self._known[sound] = (len(self._known) + 1, descriptor)
        return known[0]

    def _open(self, sound: Sound) -> int | None:
        if isinstance(sound, Tone):
            return _made(sound.plan)
        if isinstance(sound, Prompt):
            if not self._folder or ".." in sound.name:
                return None
            return _opened(os.path.join(self._folder, sound.name + ".wav"))
        return _opened(sound.path)


def _opened(path: str) -> int | None:
    """Open a file that begins as sound does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.pread(descriptor, 4, 0) == b"RIFF":
        return descriptor
    os.close(descriptor)
    return None


def _made(plan: str) -> int:
    """Return a descriptor of memory with a tone in the box's format."""
    sound = tones.Tone(tones.Plan.parse(plan), RATE)
    samples = sound.read(sum(length for _, length in tones.Plan.parse(plan).once) * RATE // 1000)
    descriptor = os.memfd_create("tone", os.MFD_CLOEXEC)
    head = _RIFF.pack(
        *(b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, RATE),
        *(RATE * 2, 2, 16, b"data", len(samples)),
    )
    os.write(descriptor, head + samples)
    return descriptor
