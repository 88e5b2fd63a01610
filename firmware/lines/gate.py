"""Who asks? The gate every SIP request passes: digest, one identity per request, help for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from firmware.journal import Journal, Kind, Level
from firmware.labels import Personal
from firmware.lines.accounts import STRANGER, Account, Accounts
from firmware.lines.guesses import Guesses
from firmware.lines.identity import is_anonymous
from sip.answer import Answer
from sip.digest import Challenge, DigestServer, Granted
from sip.flow import Address, Flow, Transport, network
from sip.message import Request
from sip.session import Session

GUESSING: Final = Kind(
    "sip.guessing", "{source} gave wrong secrets again and again and is slowed down", Level.WARNING
)
_FORBIDDEN: Final = Answer(403)


def dialled(request: Request) -> str:
    """Return the number a request is for: the user part without telephone parameters (RFC 3261 19.1.6).

    For an emergency service (RFC 5031) its whole name, such as urn:service:sos.fire.
    """
    uri = request.request_uri
    return f"urn:{uri.opaque}" if uri.scheme == "urn" else uri.user.partition(";")[0]


def is_lan(host: str) -> bool:
    """Tell whether an IP address is of a private network (RFC 1918, 4193), link-local or this machine."""
    if ":" in host:
        return host == "::1" or host.lower().startswith(("fc", "fd", "fe8", "fe9", "fea", "feb"))
    if host.startswith("172."):
        second = host.split(".", 2)[1]
        return second.isdecimal() and 16 <= int(second) <= 31
    return host.startswith(("10.", "127.", "192.168.", "169.254."))


def is_near(host: str, ours: str) -> bool:
    """Tell whether an IP address is local to us: a private one, or of the IPv6 network our own is of."""
    return is_lan(host) or (":" in host and ":" in ours and network(host) == network(ours))


def _same(identity: object, account: Account) -> bool:
    return isinstance(identity, Account) and identity.party.extension == account.party.extension


class Digests:
    """Which digest server asks at which listener (transport and local address)."""

    __slots__ = ("_others", "_usual")

    def __init__(
        self, usual: DigestServer, others: Mapping[tuple[Transport, Address], DigestServer] | None = None
    ) -> None:
        self._usual = usual
        self._others = others or {}

    def of(self, flow: Flow) -> DigestServer:
        """Return the one for what came by a flow."""
        return self._others.get((flow.transport, flow.local), self._usual) if self._others else self._usual


class Gate:
    """Decides for the stack: an Account is who asks, an Answer refuses."""

    def __init__(
        self,
        accounts: Accounts,
        journal: Journal,
        is_emergency: Callable[[str], bool],
        *,
        digests: Digests,
        open_emergency: bool,
    ) -> None:
        self._accounts = accounts
        self._journal = journal
        self._is_emergency = is_emergency
        self.digests = digests
        self.open_emergency = open_emergency
        self._guesses = Guesses()
        self.counters = {
            "gate: challenged": 0,
            "gate: wrong secret": 0,
            "gate: slowed down": 0,
            "gate: not their address": 0,
            "gate: emergency without proof": 0,
        }

    def authorize(
        self, request: Request, flow: Flow, session: Session | None, now: float
    ) -> Account | Answer:
        """Say who asks (see `sip.stack.StackUser.authorize`)."""
        if session is not None and session.flow.remote[0] == flow.remote[0]:
            # Whoever knows its Call-ID and both tags, and sends from where the session is, is its far end.
            owner = session.identity
            return owner if isinstance(owner, Account) else STRANGER
        verdict = self._prove(request, flow, now)
        if self._calls_for_help(request, flow):
            if isinstance(verdict, Account):
                return verdict
            self.counters["gate: emergency without proof"] += 1
            return STRANGER
        if isinstance(verdict, Account) and session is not None and not _same(session.identity, verdict):
            self.counters["gate: not their address"] += 1
            return _FORBIDDEN
        return verdict

    def _prove(self, request: Request, flow: Flow, now: float) -> Account | Answer:
        host, port = flow.remote
        digest = self.digests.of(flow)
        source = f"{flow.transport} {host}"  # not the port: some phones make a connection for every request
        if self._guesses.suspect():
            claimed = digest.claimed(request)
            if claimed and not self._guesses.may_try(host, port, claimed, now):
                self.counters["gate: slowed down"] += 1
                return Answer(401, tuple(digest.challenge(now, source)))
        verdict = digest.check(request, now, source)
        if isinstance(verdict, Granted):
            return self._owner(request, verdict.user, host, port)
        if isinstance(verdict, Challenge):
            self.counters["gate: challenged"] += 1
        else:
            self.counters["gate: wrong secret"] += 1
            if self._guesses.wrong(host, port, verdict.user, now):
                self._journal.log(GUESSING, source=Personal("addr", host))
        return Answer(401, tuple(verdict.headers))

    def _owner(self, request: Request, user: str, host: str, port: int) -> Account | Answer:
        """Hold whoever proved to be `user` to that name: nobody speaks, or registers, for another."""
        self._guesses.right(host, port, user)
        account = self._accounts.find(user)
        names = [request.from_, request.to] if request.method == "REGISTER" else [request.from_]
        if request.method != "REGISTER" and is_anonymous(request.from_):
            names = []  # it names nobody: RFC 3323 4.1.1.3
        if account is None or any(name.uri.user != user for name in names):
            self.counters["gate: not their address"] += 1
            return _FORBIDDEN
        return account

    def _calls_for_help(self, request: Request, flow: Flow) -> bool:
        return (
            self.open_emergency
            and request.method == "INVITE"
            and not request.to_tag
            and self._is_emergency(dialled(request))
            and is_near(flow.remote[0], flow.local[0])
        )
