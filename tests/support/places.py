"""The box as an end of a call, scripted: what it plays is noted, a test presses the keys."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from firmware.media import Description, Prompt, Sound, Tone
from tests.support.virtual_time import settle


class Heard(Protocol):
    """Where what is played is noted; `tests.support.legs.ScriptedMedia` is one."""

    played: list[tuple[int, list[str]]]
    sounds: set[Sound]


class ScriptedPlace:
    """The box as an end of a call: its descriptions say "box", what it plays is a line of the ladder."""

    def __init__(self, media: Heard, room: int, flags: int) -> None:
        self.media = media
        self.room = room
        self.flags = flags
        self.on_seated: Callable[[], None] | None = None
        self.on_digit: Callable[[str], None] | None = None
        self.on_speaker: Callable[[], None] | None = None
        self.done: Callable[[], None] | None = None

    def answer(self, offer: Description, wanted: str = "sendrecv") -> Description:
        asyncio.get_running_loop().call_soon(self._seated)
        return _said("box" if wanted == "sendrecv" else f"box {wanted}")

    def offer(self, wanted: str = "sendrecv") -> Description:
        asyncio.get_running_loop().call_soon(self._seated)
        return _said("box" if wanted == "sendrecv" else f"box {wanted}")

    def _seated(self) -> None:
        seated, self.on_seated = self.on_seated, None
        if seated is not None:
            seated()

    def move(self, room: int, flags: int = 0) -> None:
        self.room, self.flags = room, flags

    def has(self, sound: Sound) -> bool:
        return sound in self.media.sounds or isinstance(sound, Tone)

    def play(
        self, sounds: Sequence[Sound], *, loop: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        self.media.played.append((self.room, [_named(sound) for sound in sounds]))
        self.done = done

    def play_to_all(self, sounds: Sequence[Sound]) -> None:
        self.media.played.append((self.room, ["all", *[_named(sound) for sound in sounds]]))

    async def presses(self, keys: str) -> None:
        for key in keys:
            if self.on_digit is not None:
                self.on_digit(key)
        await settle()

    async def ends(self) -> None:
        """End what was played."""
        if self.done is not None:
            self.done()
        await settle()


def _named(sound: Sound) -> str:
    return sound.plan if isinstance(sound, Tone) else sound.name if isinstance(sound, Prompt) else sound.path


def _said(word: str) -> Description:
    return cast(Description, word)
