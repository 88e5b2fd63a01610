"""The presence agent (RFC 3856 3): who watches is told, who publishes is heard, what has ended is noticed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from firmware.calls.lamps import Lamps, Light
from firmware.lines.accounts import Account, Accounts
from firmware.lines.pidf import PIDF, Presence, read
from firmware.lines.presence import PRESENCE, PresencePackage
from firmware.lines.registrations import Registrations
from sip.answer import Answer
from sip.event import Notifier
from sip.flow import Flow
from sip.message import Request
from sip.publish import Publications

SOONEST_SECONDS: Final = 0.25
"""How long to wait at least for the next thing to end: what ends together is told together."""


class PresenceAgent:
    """Presence of all extensions. Set `notifier` before traffic comes; nothing is shown before `show`."""

    def __init__(
        self,
        accounts: Accounts,
        registrations: Registrations,
        lights: Callable[[str], Sequence[Light]],
        now: Callable[[], float],
    ) -> None:
        self.notifier: Notifier | None = None
        self._accounts = accounts
        self._registrations = registrations
        self._now = now
        self._shown = False
        self._publications: Publications[Presence] = Publications(PIDF, read, os.urandom)
        self.package = PresencePackage(
            accounts,
            lambda extension: self._shown and bool(registrations.lookup(extension, now())),
            lights,
            lambda extension: self._publications.newest(extension, now()),
        )
        self._gathered = Lamps()
        self._gathered.listener = self.tell
        self._timer: asyncio.TimerHandle | None = None

    def show(self, *, shown: bool) -> None:
        """Begin, or end, to show presence; at the end nothing that was published is left."""
        self._shown = shown
        if not shown:
            self._publications.clear()
            self.package.fresh((), ())
        self._wake()

    def note(self, extensions: Iterable[str]) -> None:
        """Note that phones of these came or went, or published; who watches is told soon."""
        if self._shown:
            self._gathered.note(extensions)
            self._wake()

    def tell(self, extensions: Iterable[str]) -> None:
        """Tell who watches these of whatever changed."""
        notifier = self.notifier
        if self._shown and notifier is not None:
            for extension in self.package.fresh(extensions, notifier.watched(PRESENCE)):
                notifier.changed(PRESENCE, extension, self._now())

    def reviewed(self) -> None:
        """Look at all that is watched: somebody may withhold who they are now, or want no calls."""
        notifier = self.notifier
        if self._shown and notifier is not None:
            watched = notifier.watched(PRESENCE)
            for extension in watched:
                notifier.review(PRESENCE, extension, self._now())
            self.tell(watched)

    def drop(self, extension: str) -> None:
        """Forget what an extension published."""
        self._publications.drop(extension)

    def publish(self, request: Request, flow: Flow, identity: object, now: float) -> Answer:
        """Answer a PUBLISH; everybody publishes their own presence and no other's."""
        del flow
        event = (request.get("Event") or "").partition(";")[0].strip(" \t").lower()
        if not self._shown or event != PRESENCE:
            return Answer(489, () if self.notifier is None else self.notifier.allowed)
        resource = self.package.resource(request)
        if resource is None:
            return Answer(404)
        if not isinstance(identity, Account) or identity.party.extension != resource:
            return Answer(403)
        answer = self._publications.publish(resource, request, now)
        self.note((resource,))
        return answer

    def _wake(self) -> None:
        """Wake up when the next registration or publication ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ends = [
            end for end in (self._registrations.next_end(), self._publications.next_end()) if end is not None
        ]
        if self._shown and ends:
            wait = max(SOONEST_SECONDS, min(ends) - self._now())
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._now()
        self._registrations.expire(now)  # which notes whose phones went
        self.note(self._publications.expire(now))
