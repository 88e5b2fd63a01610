"""Who may use SIP: the extensions by number, with the digest hashes derived when loaded."""

from __future__ import annotations

from collections.abc import Iterable

from firmware.calls.leg import Party
from firmware.store.model import Extension
from sip.digest import ha1


class Account:
    """An extension as SIP sees it, and the identity of a request; `extension` None: a stranger."""

    __slots__ = ("extension", "hashes", "party")

    def __init__(self, extension: Extension | None, hashes: dict[str, str]) -> None:
        self.extension = extension
        self.hashes = hashes
        self.party = (
            Party(None, "")
            if extension is None
            else Party(extension.id, extension.number, extension.name, extension.private)
        )


STRANGER = Account(None, {})
"""Somebody who did not prove anything: may call for help, and nothing else."""


class Accounts:
    """All accounts of one realm, in memory; the store is never asked on the way of a request."""

    def __init__(self, realm: str, algorithms: Iterable[str]) -> None:
        self._realm = realm
        self._algorithms = tuple(algorithms)
        self._by_number: dict[str, Account] = {}
        self._by_id: dict[str, Account] = {}

    def reset(self, realm: str, algorithms: Iterable[str]) -> None:
        """Derive other hashes from the next `load` on."""
        self._realm = realm
        self._algorithms = tuple(algorithms)
        for account in self._by_id.values():
            account.hashes = {}

    def find(self, number: str) -> Account | None:
        """Return the account of a number."""
        return self._by_number.get(number)

    def reached(self, number: str) -> Account | None:
        """Return the account of a number or an alias."""
        found = self._by_number.get(number)
        if found is not None:
            return found
        return next(
            (each for each in self._by_id.values() if each.extension and number in each.extension.aliases),
            None,
        )

    def get(self, extension: str) -> Account | None:
        """Return the account of an extension's id."""
        return self._by_id.get(extension)

    def all(self) -> list[Account]:
        """Return every account."""
        return list(self._by_id.values())

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Return the hash a `DigestServer` asks for."""
        account = self._by_number.get(user)
        return None if account is None else account.hashes.get(algorithm)

    def load(self, extensions: Iterable[Extension]) -> list[str]:
        """Take these for all there are. Returns ids whose registrations end: gone, renumbered, new secret."""
        before, self._by_id, self._by_number = self._by_id, {}, {}
        for extension in extensions:
            self._put(extension, before.get(extension.id))
        return [extension for extension, old in before.items() if self._ended(old)]

    def change(self, extension_id: str, extension: Extension | None) -> bool:
        """Take a new state of one extension, None if it is gone; tell whether its registrations end."""
        old = self._by_id.pop(extension_id, None)
        if old is not None and old.extension is not None:
            self._by_number.pop(old.extension.number, None)
        if extension is not None:
            self._put(extension, old)
        return old is not None and self._ended(old)

    def _put(self, extension: Extension, old: Account | None) -> None:
        if old is not None and old.hashes and old.extension == extension:
            account = old
        else:
            number, secret = extension.number, extension.secret
            # Without a hash an answer is judged, told and counted as a wrong secret is: no algorithm too weak
            # for somebody shows that there is somebody.
            accepted = (name for name in self._algorithms if name in (extension.digest or self._algorithms))
            hashes = {name: ha1(number, self._realm, secret, name) for name in accepted}
            account = Account(extension, hashes)
        self._by_id[extension.id] = account
        self._by_number[extension.number] = account

    def _ended(self, old: Account) -> bool:
        was = old.extension
        if was is None:
            return False
        account = self._by_id.get(was.id)
        now = None if account is None else account.extension
        return now is None or (now.number, now.secret) != (was.number, was.secret)
