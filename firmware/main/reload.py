"""Putting a changed site into force while calls run."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from firmware.errors import OperatorError
from provisioning.site import Listener, Site
from sip.flow import Transport
from sip.transport import BindError, Transports

IDLE_SECONDS: Final = 1.0
"""How often a listener that is to go asks whether calls still run."""

KINDS: Final[dict[str, Transport]] = {
    "udp": "UDP", "tcp": "TCP", "tls": "TLS", "ws": "WS", "wss": "WSS",
}  # fmt: skip
"""The transports of listeners, as flows name them."""

SECURE: Final = frozenset({"tls", "wss"})
"""Transports of listeners that need the box's certificate."""


class CannotListen(OperatorError):
    """A listener of the site cannot be bound."""

    key = "start.listener"


class Listeners:
    """The places the box listens at: added at once, taken away when no call is running."""

    def __init__(self, transports: Transports, busy: Callable[[], bool]) -> None:
        self._transports = transports
        self._busy = busy
        self._context: ssl.SSLContext | None = None
        self._bound: list[Listener] = []
        self._leaving: set[Listener] = set()
        self._waiting: asyncio.Task[None] | None = None

    def secure(self, context: ssl.SSLContext) -> None:
        """Use this TLS context for whoever connects from now on."""
        self._context = context
        self._transports.secure(context)

    def names(self) -> list[str]:
        """Return where the box listens now."""
        return [str(listener) for listener in self._bound]

    async def add(self, wanted: Iterable[Listener]) -> None:
        """Listen at all these places or, when one cannot be had, at none of them; raise CannotListen."""
        done: list[Listener] = []
        try:
            for listener in wanted:
                if listener in self._leaving:
                    self._leaving.discard(listener)
                    continue
                kind = KINDS[listener.transport]
                context = self._context if listener.transport in SECURE else None
                origins = frozenset(listener.origins)
                self._transports.bind(kind, listener.address, listener.port, context, origins)
                done.append(listener)
        except BindError as error:
            for listener in done:
                await self._unbind(listener)
            raise CannotListen(
                f"{listener}: cannot listen there ({error.strerror}); nothing was changed"
            ) from error
        self._bound += done

    def remove(self, unwanted: Iterable[Listener]) -> None:
        """Stop listening at these places as soon as no call is running."""
        self._leaving.update(listener for listener in unwanted if listener in self._bound)
        if self._leaving and self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_task(self._leave())

    def allow(self, listeners: Iterable[Listener]) -> None:
        """Let the web pages these name, and no others, connect from now on."""
        for one in listeners:
            self._transports.allow(one.address, one.port, frozenset(one.origins))

    async def close(self) -> None:
        """Give up waiting; the transports close what is bound."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def _leave(self) -> None:
        while self._busy():  # noqa: ASYNC110 - nobody hurries: a look each second spares the calls an event
            await asyncio.sleep(IDLE_SECONDS)
        self._waiting = None
        while self._leaving:
            listener = self._leaving.pop()
            self._bound.remove(listener)
            await self._unbind(listener)

    async def _unbind(self, listener: Listener) -> None:
        await self._transports.unbind(KINDS[listener.transport], listener.address, listener.port)


def in_force(old: Site, new: Site) -> Site:
    """Return the new site with what needs a restart left as it is, so that the next reload names it again."""
    media = replace(old.media, monitor=new.media.monitor, srtp=new.media.srtp)
    sounds = replace(new.sounds, prompts=old.sounds.prompts)
    return replace(
        new, media=media, sounds=sounds, log=replace(new.log, file_kilobytes=old.log.file_kilobytes)
    )
