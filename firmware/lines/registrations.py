"""Where each extension's phones are: the registrar, kept in the store over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Final, Protocol, cast

from firmware.clock import Clock
from firmware.journal import Journal, Kind
from firmware.labels import Personal
from firmware.lines.accounts import Account, Accounts
from firmware.store.model import StoredBinding
from sip.answer import Answer
from sip.flow import Flow, Transport
from sip.grammar import split_commas
from sip.message import Request
from sip.registrar import Binding, Bindings, RegistrarLimits, SavedBinding

REGISTERED: Final = Kind("register.ok", "{extension} registered over {transport}: {phones} phones")
GONE: Final = Kind("register.gone", "{extension} has {phones} phones left")
SAVE_SECONDS: Final = 1.0
"""How long changed registrations wait to go to the store together."""
RENEWED_SECONDS: Final = 5.0
"""How long prolonged ones wait: a box that dies meanwhile remembers the end before, still to come."""


class SavedBindings(Protocol):
    """Where registrations outlive a restart; the store's `bindings` are one."""

    def load(self) -> list[StoredBinding]:
        """Return what was there when the box stopped."""

    def save(self, extension: str, current: list[StoredBinding]) -> None:
        """Replace what is kept of one extension; never waits."""


class Way(Enum):
    """How a phone is connected."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"
    WS = "WS"
    WSS = "WSS"


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered phone as operations show it; `seconds` of its registration are left."""

    transport: str
    address: tuple[str, int]
    seconds: int


class Registrations:
    """The bindings of all extensions, by the extension's id."""

    def __init__(
        self,
        accounts: Accounts,
        saved: SavedBindings,
        journal: Journal,
        clock: Clock,
        limits: RegistrarLimits,
        heard: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what is kept; `heard` is told the extension whose phones came or went."""
        self._heard = heard
        self.changed: Callable[[str], None] = lambda _: None
        """Told the extension of which anything but the time changed."""
        self._accounts = accounts
        self._saved = saved
        self._journal = journal
        self._clock = clock
        self._bindings = Bindings(limits, self._changed, self._renewed)
        self._phones: dict[str, int] = {}
        self._dirty: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def limit(self, limits: RegistrarLimits) -> None:
        """Grant registrations by other limits from now on."""
        self._bindings.limits = limits

    def serve(self, request: Request, flow: Flow, identity: object, now: float) -> Answer:
        """Answer a REGISTER; the gate made sure that it is about the address of who asks."""
        if not isinstance(identity, Account) or identity.extension is None:
            return Answer(403)
        return self._bindings.register(identity.extension.id, request, flow, now)

    def registered(self) -> list[str]:
        """Return the extensions that have phones."""
        return list(self._phones)

    def lookup(self, extension: str, now: float) -> list[Binding]:
        """Return the ways to an extension's phones, best first."""
        return self._bindings.lookup(extension, now)

    def at(self, flow: Flow, now: float) -> Account | None:
        """Return whose phone is registered from just there; None where nobody's is, or several people's."""
        found = [
            account
            for account in self._accounts.all()
            for binding in self._bindings.lookup(account.party.extension or "", now)
            if binding.flow == flow
        ]
        return found[0] if len({id(account) for account in found}) == 1 else None

    def next_end(self) -> float | None:
        """Return when the next registration ends unless it is renewed."""
        return self._bindings.next_deadline()

    def expire(self, now: float) -> None:
        """Let go of what has ended; nobody hears of it before somebody looks."""
        self._bindings.expire(now)

    def phones(self, extension: str) -> list[Phone]:
        """Return an extension's phones."""
        now = self._clock.now()
        return [
            Phone(binding.flow.transport, binding.flow.remote, ceil(binding.expires_at - now))
            for binding in self._bindings.lookup(extension, now)
        ]

    def drop(self, extension: str) -> None:
        """Forget an extension's phones."""
        self._bindings.remove(extension)

    def flow_closed(self, flow: Flow) -> None:
        """Forget the phones behind a connection that is gone."""
        self._bindings.flow_closed(flow)

    def restore(self) -> None:
        """Take back what was registered before the restart, of extensions there still are."""
        wall = self._clock.wall()
        found = [
            _loaded(stored, wall) for stored in self._saved.load() if self._accounts.get(stored.extension)
        ]
        self._bindings.load(found, self._clock.now())
        for extension in {binding.aor for binding in found}:
            self._phones[extension] = len(self._bindings.lookup(extension, self._clock.now()))

    def save(self) -> None:
        """Hand everything that changed to the store."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        dirty, self._dirty = self._dirty, set()
        now, wall = self._clock.now(), self._clock.wall()
        for extension in dirty:
            current = [_stored(saved, wall) for saved in self._bindings.dump(now, extension)]
            self._saved.save(extension, current)

    def _renewed(self, extension: str) -> None:
        self._dirty.add(extension)
        if self._timer is None:
            self._save_within(RENEWED_SECONDS)

    def _save_within(self, seconds: float) -> None:
        due = self._clock.now() + seconds
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = asyncio.get_running_loop().call_later(seconds, self.save)

    def _changed(self, extension: str) -> None:
        self._dirty.add(extension)
        self._save_within(SAVE_SECONDS)
        self.changed(extension)
        bindings = self._bindings.lookup(extension, self._clock.now())
        before, phones = self._phones.get(extension, 0), len(bindings)
        if phones == before:
            return
        self._heard(extension)
        self.save()  # a phone that came or went is worth a commit of its own; a refresh can wait
        if phones:
            self._phones[extension] = phones
        else:
            self._phones.pop(extension, None)
        account = self._accounts.get(extension)
        shown = None if account is None else Personal("ext", account.party.number)
        if phones > before:
            newest = max(bindings, key=lambda binding: binding.expires_at)
            transport = Way(newest.flow.transport)
            self._journal.log(REGISTERED, extension=shown, transport=transport, phones=phones)
        else:
            self._journal.log(GONE, extension=shown, phones=phones)


def _stored(saved: SavedBinding, wall: float) -> StoredBinding:
    return StoredBinding(
        extension=saved.aor,
        contact=saved.contact,
        transport=saved.transport,
        source=saved.remote,
        local=saved.local,
        call_id=saved.call_id,
        cseq=saved.cseq,
        expires=wall + saved.remaining,
        path=", ".join(saved.path),
    )


def _loaded(stored: StoredBinding, wall: float) -> SavedBinding:
    remaining = stored.expires - wall
    return SavedBinding(
        aor=stored.extension,
        contact=stored.contact,
        transport=cast(Transport, stored.transport),
        local=stored.local,
        remote=stored.source,
        remaining=remaining,
        expires=ceil(remaining),
        call_id=stored.call_id,
        cseq=stored.cseq,
        path=tuple(split_commas(stored.path)) if stored.path else (),
    )
