"""Presence: who can be reached and who is on the phone (RFC 3856), where the site switched it on.

It shows more of people than a lamp does, so a site without the word has none of it. Then every extension may
watch every other, and nobody else may; who withholds their name is not shown to anybody. A phone may publish
(RFC 3903) what only its user knows, such as that they are away. That lies over what the box sees, but makes
nobody reachable who is not, and it is kept in memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from firmware.calls.lamps import Lamp, Light
from firmware.lines.accounts import Account, Accounts
from firmware.lines.gate import dialled
from firmware.lines.pidf import PIDF, Presence, document
from sip.message import Request

PRESENCE: Final = "presence"


class PresencePackage:
    """The package as `sip.event` wants it: watchers and resources are extension ids.

    `reachable` tells whether a phone of an extension is registered, `lights` its calls, `published` what its
    phones said themselves, None if nothing.
    """

    content_type = PIDF

    def __init__(
        self,
        accounts: Accounts,
        reachable: Callable[[str], bool],
        lights: Callable[[str], Sequence[Light]],
        published: Callable[[str], Presence | None] = lambda _: None,
    ) -> None:
        self._accounts = accounts
        self._reachable = reachable
        self._lights = lights
        self._published = published
        self._told: dict[str, Presence] = {}

    def watcher(self, identity: object) -> str | None:
        """Return the extension that asks; strangers may not."""
        return identity.party.extension if isinstance(identity, Account) else None

    def resource(self, request: Request) -> str | None:
        """Return the extension whose number or alias stands in the Request-URI."""
        account = self._accounts.reached(dialled(request))
        return None if account is None else account.party.extension

    def may(self, watcher: str, resource: str) -> bool:
        """Let every extension watch every other that does not withhold who it is."""
        del watcher
        account = self._accounts.get(resource)
        return account is not None and not account.party.private

    def body(self, resource: str, entity: str, version: int) -> bytes:
        """Return how somebody can be reached (RFC 3863 4), with what they do (RFC 4480 3.2)."""
        del version
        return document(self.state(resource), entity)

    def state(self, extension: str) -> Presence:
        """Return what is known of an extension. Who only rings is not on the phone yet."""
        account = self._accounts.get(extension)
        if account is None or account.extension is None or account.extension.private:
            return Presence(open=False)  # even to who watched until now
        if not self._reachable(extension):
            return Presence(open=False)
        said = self._published(extension) or Presence(open=True)
        talks = any(light.initiator or light.lamp is Lamp.CONFIRMED for light in self._lights(extension))
        quiet = account.extension.dnd
        activity = "on-the-phone" if talks else "busy" if quiet else said.activity
        return Presence(said.open and not quiet, activity)

    def fresh(self, extensions: Iterable[str], watched: Sequence[str]) -> list[str]:
        """Return those of the watched extensions that are not as they were at the last look."""
        self._told = {extension: told for extension, told in self._told.items() if extension in watched}
        found = []
        for extension in extensions:
            state = self.state(extension) if extension in watched else None
            if state is not None and self._told.get(extension) != state:
                self._told[extension] = state
                found.append(extension)
        return found
