"""Where people can be reached: the bindings of a registrar (RFC 3261 10.3).

Needs no transaction: a REGISTER repeated with the same Call-ID and CSeq changes nothing and gets the same
answer. Each binding keeps the path its REGISTER came by, because behind address translation there is no
other way to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

from sip.answer import Answer
from sip.contact import Contact
from sip.errors import BadMessage
from sip.flow import Flow, Transport
from sip.layer import reply_flow, wants_rport
from sip.message import Request
from sip.path import first_hop_serves_outbound, path_of, told

_URI_LIMIT: Final = 1024
FLOW_TIMER: Final = 120
"""Seconds after which a connection counts as dead on which its phone has not shown itself (RFC 5626 10)."""
FLOW_TIMER_UDP: Final = 30
"""The same for UDP: a phone shows itself within this time, and translators forget soon (RFC 5626 4.4.2)."""


@dataclass(frozen=True, slots=True)
class RegistrarLimits:
    """Shortest, longest and usual registration in seconds, and the most contacts of an address-of-record."""

    minimum: int = 60
    maximum: int = 3600
    default: int = 3600
    contacts: int = 10


class Binding:
    """One contact of an address-of-record. `uri` is the Request-URI to use, `flow` the way there.

    `path` are the proxies to pass (RFC 3327), `instance` the device and the number of its flow (RFC 5626).
    """

    __slots__ = (
        "_listed",
        "call_id",
        "contact",
        "cseq",
        "expires",
        "expires_at",
        "flow",
        "instance",
        "path",
        "q",
        "uri",
    )

    def __init__(
        self,
        contact: Contact,
        flow: Flow,
        *,
        expires: int,
        expires_at: float,
        call_id: str,
        cseq: int,
        path: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.contact = contact
        self.uri = str(contact.uri)
        self.flow = flow
        self.q = contact.q
        self.instance = (contact.instance, contact.reg_id)
        self._listed = str(contact.without_param("expires"))
        self.renew(expires=expires, expires_at=expires_at, call_id=call_id, cseq=cseq)

    def renew(self, *, expires: int, expires_at: float, call_id: str, cseq: int) -> None:
        """Take what a refresh changes."""
        self.expires = expires
        self.expires_at = expires_at
        self.call_id = call_id
        self.cseq = cseq

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """The Route of requests to it."""
        return tuple(("Route", proxy) for proxy in self.path)

    def listed(self, left: int) -> str:
        """Return the contact as an answer lists it, with `left` seconds to live."""
        return f"{self._listed};expires={left}"


@dataclass(frozen=True, slots=True)
class SavedBinding:
    """A binding as plain values, for a store. `remaining` are seconds of life left when it was saved."""

    aor: str
    contact: str
    transport: Transport
    local: tuple[str, int]
    remote: tuple[str, int]
    remaining: float
    expires: int
    call_id: str
    cseq: int
    path: tuple[str, ...] = ()


class Bindings:
    """All bindings of one registrar, in memory.

    `changed(aor)` is called after each change but those that only prolong a binding, `renewed(aor)` for them.
    """

    def __init__(
        self,
        limits: RegistrarLimits | None = None,
        changed: Callable[[str], None] | None = None,
        renewed: Callable[[str], None] | None = None,
    ) -> None:
        """Begin with no bindings."""
        self.limits = limits or RegistrarLimits()
        self._changed = changed or _nobody
        self._renewed = renewed or _nobody
        self._bindings: dict[str, list[Binding]] = {}
        self._connections: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._bindings.values()))

    def register(self, aor: str, request: Request, flow: Flow, now: float) -> Answer:
        """Do what a REGISTER for `aor`, already authorised, asks for (10.3 steps 6 to 8)."""
        contacts = request.contacts
        try:
            path = path_of(request)
        except BadMessage:
            return Answer(400, reason="Bad Path")
        bindings = self._alive(aor, now)
        known = len(contacts) == 1 and self._refresh(aor, bindings, request, path, flow, now)
        if known or not contacts:
            return self._listing(bindings, request, flow, now)
        if any(contact.star for contact in contacts):
            return self._remove_all(aor, bindings, request, contacts, flow, now)
        wanted = self._wanted(contacts, request)
        if isinstance(wanted, Answer):
            return wanted
        return self._update(aor, bindings, request, wanted=wanted, path=path, flow=flow, now=now)

    def _wanted(self, contacts: list[Contact], request: Request) -> list[tuple[Contact, int]] | Answer:
        """Return each contact with the seconds it is granted, or the refusal of them all."""
        wanted = []
        for contact in contacts:
            seconds = self._seconds(contact, request)
            if 0 < seconds < self.limits.minimum:
                return Answer(423, (("Min-Expires", str(self.limits.minimum)),))
            if not contact.uri.is_sip or len(str(contact.uri)) > _URI_LIMIT:
                return Answer(400, reason="Bad Contact")
            wanted.append((contact, seconds))
        return Answer(403, reason="Too Many Contacts") if len(wanted) > self.limits.contacts else wanted

    def lookup(self, aor: str, now: float) -> list[Binding]:
        """Return the ways to reach `aor`, best first (q, then newest)."""
        alive = self._alive(aor, now)
        if len(alive) > 1:
            alive.sort(key=lambda binding: (-binding.q, -binding.expires_at))
        return alive

    def flow_closed(self, flow: Flow) -> None:
        """Drop the bindings of a connection that is gone (RFC 5626 5.3: a flow that failed leads nowhere)."""
        for aor in self._connections.pop(flow.id, ()):
            kept = [binding for binding in self._bindings.get(aor, ()) if binding.flow.id != flow.id]
            self._store(aor, kept)

    def remove(self, aor: str) -> None:
        """Drop everything of one address-of-record."""
        if aor in self._bindings:
            self._store(aor, [])

    def expire(self, now: float) -> None:
        """Drop what has expired; lookups do so for themselves, this is for those nobody looks up."""
        for aor in list(self._bindings):
            self._alive(aor, now)

    def next_deadline(self) -> float | None:
        """Return when the next binding expires."""
        times = [binding.expires_at for bindings in self._bindings.values() for binding in bindings]
        return min(times, default=None)

    def dump(self, now: float, aor: str | None = None) -> list[SavedBinding]:
        """Return all bindings, or those of one address-of-record, for a store."""
        return [
            SavedBinding(
                name,
                str(binding.contact),
                binding.flow.transport,
                binding.flow.local,
                binding.flow.remote,
                binding.expires_at - now,
                binding.expires,
                binding.call_id,
                binding.cseq,
                binding.path,
            )
            for name in ([aor] if aor is not None else list(self._bindings))
            for binding in self._alive(name, now)
        ]

    def load(self, saved: Iterable[SavedBinding], now: float) -> None:
        """Take back what `dump` gave; connections of an earlier life are not among it. Tells nobody."""
        for entry in saved:
            bindings = self._bindings.setdefault(entry.aor, [])
            if entry.transport == "UDP" and entry.remaining > 0 and len(bindings) < self.limits.contacts:
                flow = Flow(entry.transport, entry.local, entry.remote)
                remaining = min(entry.remaining, self.limits.maximum)
                contact = Contact.parse(entry.contact)
                bindings.append(
                    Binding(
                        contact,
                        flow,
                        expires=entry.expires,
                        expires_at=now + remaining,
                        call_id=entry.call_id,
                        cseq=entry.cseq,
                        path=entry.path,
                    )
                )
            if not bindings:
                del self._bindings[entry.aor]

    # -- inside ------------------------------------------------------------------------------------

    def _alive(self, aor: str, now: float) -> list[Binding]:
        bindings = self._bindings.get(aor)
        if bindings is None:
            return []
        alive = [binding for binding in bindings if binding.expires_at > now]
        if len(alive) != len(bindings):
            self._store(aor, alive)
        return alive

    def _store(self, aor: str, bindings: list[Binding]) -> None:
        before = {binding.flow.id for binding in self._bindings.get(aor, ())}
        after = {binding.flow.id for binding in bindings}
        for gone in before - after:
            names = self._connections.get(gone)
            if names is not None:
                names.discard(aor)
                if not names:
                    del self._connections[gone]
        for new in after - before - {0}:
            self._connections.setdefault(new, set()).add(aor)
        if bindings:
            self._bindings[aor] = bindings
        else:
            self._bindings.pop(aor, None)
        self._changed(aor)

    def _remove_all(
        self,
        aor: str,
        bindings: list[Binding],
        request: Request,
        contacts: list[Contact],
        flow: Flow,
        now: float,
    ) -> Answer:
        """10.3 step 6: "*" stands alone and with Expires: 0."""
        if len(contacts) != 1 or request.expires != 0:
            return Answer(400, reason="Bad Contact")
        if any(_stale(binding, request) or _repeated(binding, request) for binding in bindings):
            return Answer(500)
        if bindings:
            self._store(aor, [])
        return self._listing([], request, flow, now)

    def _seconds(self, contact: Contact, request: Request) -> int:
        """Return how long a contact asks to be kept (10.3 step 7), at most what we grant."""
        seconds = contact.expires
        if seconds is None:
            seconds = request.expires
        return self.limits.default if seconds is None else min(seconds, self.limits.maximum)

    def _refresh(
        self,
        aor: str,
        bindings: list[Binding],
        request: Request,
        path: tuple[str, ...],
        flow: Flow,
        now: float,
    ) -> bool:
        """Renew a binding where a phone says again what is known, by the same way: most there is to do."""
        [contact] = request.contacts
        for binding in bindings:
            if binding.contact is contact or binding.contact == contact:
                break
        else:
            return False
        seconds = self._seconds(contact, request)
        same = binding.path == path and binding.flow == _way_to(contact, request, path, flow)
        if seconds < max(self.limits.minimum, 1) or not same:
            return False
        if _stale(binding, request) or _repeated(binding, request):
            return False
        binding.renew(
            expires=seconds, expires_at=now + seconds, call_id=request.call_id, cseq=request.cseq_number
        )
        if len(bindings) > 1:
            bindings.remove(binding)
            bindings.append(binding)
        self._bindings[aor] = bindings
        self._renewed(aor)
        return True

    def _update(
        self,
        aor: str,
        bindings: list[Binding],
        request: Request,
        *,
        wanted: list[tuple[Contact, int]],
        path: tuple[str, ...],
        flow: Flow,
        now: float,
    ) -> Answer:
        """10.3 step 7: all or nothing."""
        call_id, cseq = request.call_id, request.cseq_number
        kept = list(bindings)
        changed = False
        for contact, seconds in wanted:
            old = next((binding for binding in kept if _same(binding, contact)), None)
            if old is not None:
                if _stale(old, request):
                    return Answer(500)
                if _repeated(old, request):
                    continue
                kept.remove(old)
                changed = True
            if seconds:
                kept.append(
                    Binding(
                        contact,
                        _way_to(contact, request, path, flow),
                        expires=seconds,
                        expires_at=now + seconds,
                        call_id=call_id,
                        cseq=cseq,
                        path=path,
                    )
                )
                changed = True
        while len(kept) > self.limits.contacts:
            # A phone that comes back under a new address each time must not lock itself out.
            kept.remove(min(kept, key=lambda binding: binding.expires_at))
        if changed:
            self._store(aor, kept)
        return self._listing(kept, request, flow, now)

    @staticmethod
    def _listing(bindings: list[Binding], request: Request, flow: Flow, now: float) -> Answer:
        """10.3 step 8: every binding with the time it has left; those of this very request as granted."""
        headers = _outbound(request, flow)
        if "Path" in request and told(request):
            headers += [("Path", proxy) for proxy in request.values("Path")]
        for binding in bindings:
            left = binding.expires if _repeated(binding, request) else ceil(binding.expires_at - now)
            headers.append(("Contact", binding.listed(left)))
        return Answer(200, tuple(headers))


def _nobody(aor: str) -> None:
    """Hear of a change where nobody wants to."""


def _outbound(request: Request, flow: Flow) -> list[tuple[str, str]]:
    """RFC 5626 6: tell a phone that asked for it that its flow is used, and how often to show it is alive."""
    if "reg-id" not in (request.get("Contact") or ""):
        return []
    behind = len(request.values("Via")) > 1
    if behind and not first_hop_serves_outbound(path_of(request)):
        return []
    tags = {tag.lower() for name in ("Supported", "Require") for tag in request.values(name)}
    if "outbound" not in tags or not any(one.instance and one.reg_id for one in request.contacts):
        return []
    if behind:
        return [("Require", "outbound")]  # how often is a matter between the phone and its first proxy
    seconds = FLOW_TIMER if flow.reliable else FLOW_TIMER_UDP
    return [("Require", "outbound"), ("Flow-Timer", str(seconds))]


def _repeated(binding: Binding, request: Request) -> bool:
    return binding.call_id == request.call_id and binding.cseq == request.cseq_number


def _stale(binding: Binding, request: Request) -> bool:
    return binding.call_id == request.call_id and binding.cseq > request.cseq_number


def _same(binding: Binding, contact: Contact) -> bool:
    """Whether a contact replaces a binding: by instance and reg-id (RFC 5626 6), else by URI (10.3)."""
    if contact.instance and contact.reg_id:
        return binding.instance == (contact.instance, contact.reg_id)
    return binding.contact.uri.matches(contact.uri)


def _way_to(contact: Contact, request: Request, path: tuple[str, ...], flow: Flow) -> Flow:
    """Return the way to a contact: its connection, the proxy its REGISTER came by, or where it listens."""
    if flow.transport != "UDP":
        return flow
    back = reply_flow(request, flow)
    return back if path else _reachable(contact, request, back)


def _reachable(contact: Contact, request: Request, path: Flow) -> Flow:
    """Return where to send on UDP: to the source if it asked for that (RFC 3581) or is translated.

    A phone that sends from one port and listens on another says so by a Contact with its own address and no
    `rport`.
    """
    uri = contact.uri
    if uri.host != path.remote[0] or wants_rport(request):
        return path
    return path.to((uri.host, uri.port or 5060))


def by_device(bindings: Iterable[Binding]) -> list[list[Binding]]:
    """Group ways by the device they lead to, in their order: one device is called by one at a time.

    RFC 5626 5.3: flows of the same instance with other reg-ids are for when the first has failed.
    """
    devices: dict[object, list[Binding]] = {}
    for binding in bindings:
        instance, flow = binding.instance
        devices.setdefault(instance if instance and flow else binding, []).append(binding)
    return list(devices.values())
