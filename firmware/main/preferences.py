"""What people set by dialling: into the store, then into force."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from firmware.store import Store
from firmware.store.model import Extension, Occasion

SECONDS: Final = 30.0


class Preferences:
    """Keeps the wishes of extensions (`firmware.calls.house.Preferences`); `changed` hears whose changed."""

    def __init__(self, store: Store, changed: Callable[[str], None]) -> None:
        self._store = store
        self._changed = changed

    async def forward(self, extension: str, occasion: Occasion, target: str | None) -> None:
        """Send an extension's calls elsewhere on one occasion, no longer where `target` is None."""
        old = self._store.extensions.get(extension)
        seconds = None if old is None else _seconds(old, occasion)
        await self._durable(extension, self._store.extensions.forward(extension, occasion, target, seconds))

    async def disturb(self, extension: str, *, allowed: bool) -> None:
        """Set whether an extension's phones may ring."""
        await self._durable(extension, self._store.extensions.change(extension, dnd=not allowed))

    async def wait(self, extension: str, *, allowed: bool) -> None:
        """Set whether a second call reaches an extension that talks."""
        await self._durable(extension, self._store.extensions.change(extension, waiting=allowed))

    async def _durable(self, extension: str, write: Future[Extension]) -> None:
        await asyncio.wait_for(asyncio.wrap_future(write), SECONDS)
        self._changed(extension)


def _seconds(extension: Extension, occasion: Occasion) -> int | None:
    """Return how long a forward waits already: a new target does not change it."""
    return next((each.seconds for each in extension.forwards if each.occasion is occasion), None)
