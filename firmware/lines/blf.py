"""Lamps of busy extensions and park slots: the dialog event package (RFC 4235), for phones of this box only.

A watcher learns that an extension rings or talks and who of the two ends made the call, not with whom. Of a
call that rings it also learns the dialog, so that its pickup key can ask to replace that (RFC 3891).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from firmware.calls.lamps import Light
from firmware.lines.accounts import Account, Accounts
from firmware.lines.gate import dialled
from sip.message import Request

DIALOG: Final = "dialog"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class DialogPackage:
    """The package as `sip.event` wants it: watchers and resources are extension ids."""

    content_type = "application/dialog-info+xml"

    def __init__(
        self,
        accounts: Accounts,
        lights: Callable[[str], Sequence[Light]],
        slot: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """Take the extensions, what is to be shown, and which numbers are park slots: their lamps' names."""
        self._slot = slot
        self._accounts = accounts
        self._lights = lights
        self._seen: dict[str, tuple[Light, ...]] = {}

    def watcher(self, identity: object) -> str | None:
        """Return the extension that asks; strangers may not."""
        return identity.party.extension if isinstance(identity, Account) else None

    def resource(self, request: Request) -> str | None:
        """Return the extension, or the park slot, whose number stands in the Request-URI."""
        number = dialled(request)
        account = self._accounts.reached(number)
        return self._slot(number) if account is None else account.party.extension

    def may(self, watcher: str, resource: str) -> bool:
        """Every extension may watch every other of the house."""
        del watcher, resource
        return True

    def body(self, resource: str, entity: str, version: int) -> bytes:
        """Return the calls of an extension; full state each time."""
        entity = entity.translate(_ESCAPES)
        dialogs = "".join(
            f'<dialog id="{light.call}"{_names(light)} '
            f'direction="{"initiator" if light.initiator else "recipient"}">'
            f"<state>{light.lamp.value}</state></dialog>\r\n"
            for light in self._lights(resource)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\r\n'
            f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" '
            f'entity="{entity}">\r\n{dialogs}</dialog-info>\r\n'
        ).encode()

    def fresh(self, extensions: Iterable[str], watched: Sequence[str]) -> list[str]:
        """Return those of the watched extensions whose calls are not as they were at the last look."""
        self._seen = {extension: seen for extension, seen in self._seen.items() if extension in watched}
        found = []
        for extension in extensions:
            lights = tuple(self._lights(extension)) if extension in watched else None
            if lights is not None and self._seen.get(extension) != lights:
                self._seen[extension] = lights
                found.append(extension)
        return found


def _names(light: Light) -> str:
    """Return the attributes that name a dialog as the watched phone sees it: the remote tag is ours."""
    if light.dialog is None:
        return ""
    call_id, ours, theirs = light.dialog
    return f' call-id="{call_id}" local-tag="{theirs.translate(_ESCAPES)}" remote-tag="{ours}"'
