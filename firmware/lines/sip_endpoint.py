"""The SIP side of the box: phones register, call and are called through one stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from firmware.calls.cause import Cause
from firmware.calls.lamps import Light
from firmware.calls.leg import Diversion, Leg, Manner, Party
from firmware.clock import Clock
from firmware.journal import Journal
from firmware.lines.accounts import STRANGER, Account, Accounts
from firmware.lines.alert import alert
from firmware.lines.blf import DIALOG, DialogPackage
from firmware.lines.gate import Digests, Gate, dialled
from firmware.lines.history import history
from firmware.lines.identity import asserted, named, presented, referred_by, unserved
from firmware.lines.keeper import Keeper
from firmware.lines.mailbox import MAILBOX, MailboxPackage
from firmware.lines.message import send_text
from firmware.lines.phone_leg import PhoneLeg
from firmware.lines.presence import PRESENCE
from firmware.lines.presence_agent import PresenceAgent
from firmware.lines.registrations import Phone, Registrations, SavedBindings
from firmware.lines.sip_leg import IncomingLeg, OutgoingLeg, SipLeg, read
from firmware.lines.status import GOODBYES
from firmware.media import Description, Offers
from firmware.media.rewrite import moved
from firmware.store.model import Extension
from sip.answer import Answer
from sip.digest import DigestServer
from sip.event import Package
from sip.flow import Address, Flow, Transport
from sip.message import Request
from sip.nameaddr import NameAddr
from sip.registrar import Binding, RegistrarLimits, by_device
from sip.session import Session
from sip.stack import Stack, StackConfig
from sip.transfer import Replaces
from sip.uac import UacSession
from sip.uas import UasSession
from sip.uri import SipUri

if TYPE_CHECKING:
    from firmware.lines.trunk_line import TrunkLine
    from firmware.lines.trunks import Trunks

Listener = tuple[Transport, Address]
"""A socket of ours: transport and local address, as in `Flow`."""


@dataclass(frozen=True, slots=True)
class SipSettings:
    """The site's word on SIP.

    `algorithms` are offered in challenges; `listeners` may name others by transport and local address, such
    as SHA-256 alone where only new phones come in. `shortest` and `longest` bound registrations in seconds,
    `phones` those of one extension. `address` is our host where a socket is bound to all addresses.
    `open_emergency`: an emergency call from the local network needs no proof of who calls (a matter of the
    country). `session_seconds` and `shortest_session` are those of session timers (RFC 4028), see
    `StackConfig`. `media6` is the media address that phones on IPv6 are told, where there is one beside the
    usual. `presence`: whether phones may show who is reachable and on the phone.
    """

    realm: str = "branchline"
    algorithms: tuple[str, ...] = ("MD5",)
    listeners: Mapping[Listener, tuple[str, ...]] = field(default_factory=dict)
    shortest: int = 60
    longest: int = 3600
    phones: int = 10
    address: str = ""
    open_emergency: bool = True
    session_seconds: int = 1800
    shortest_session: int = 90
    media6: str = ""
    presence: bool = False

    @property
    def stack(self) -> StackConfig:
        """What the stack needs to know."""
        return StackConfig(
            self.address, session_seconds=self.session_seconds, shortest_session=self.shortest_session
        )

    @property
    def all_algorithms(self) -> tuple[str, ...]:
        """Every algorithm some listener offers."""
        return tuple(
            sorted({*self.algorithms, *(name for names in self.listeners.values() for name in names)})
        )

    @property
    def limits(self) -> RegistrarLimits:
        """What the registrar grants."""
        return RegistrarLimits(self.shortest, self.longest, self.longest, self.phones)


class Directory(Protocol):
    """The extensions; the store's `extensions` are one."""

    def list(self) -> Iterable[Extension]:
        """Return all."""

    def get(self, extension: str) -> Extension | None:
        """Return one by its id."""


class Kept(Protocol):
    """What this needs of the store."""

    @property
    def extensions(self) -> Directory:
        """The extensions."""

    @property
    def bindings(self) -> SavedBindings:
        """Registrations that outlive a restart."""


class Switch(Protocol):
    """What takes incoming legs; `firmware.calls` has it."""

    def incoming(self, leg: Leg) -> None:
        """Take a leg that wants to call somebody."""

    def is_emergency(self, number: str) -> bool:
        """Whether a number calls for help."""

    def turns_away(self, dialled: str) -> bool:
        """Whether a new call to a number finds no room now."""

    def lights(self, extension: str) -> Sequence[Light]:
        """Return what a lamp, of an extension or a slot, shows."""

    def lamp(self, number: str) -> str | None:
        """Return the name of the lamp of a park slot; None for a number that is none."""


class _Stack(Stack):
    """A stack that also tells the registrar and the trunks of connections that are gone."""

    def __init__(
        self,
        send: Callable[[Flow, bytes], bool],
        endpoint: SipEndpoint,
        config: StackConfig,
        registrations: Registrations,
    ) -> None:
        handlers = {"REGISTER": registrations.serve, "PUBLISH": endpoint.presence.publish}
        super().__init__(send, endpoint, config, os.urandom, handlers, endpoint.packages)
        self._registrations = registrations
        self._endpoint = endpoint

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Note that a connection is gone."""
        self._registrations.flow_closed(flow)
        if self._endpoint.trunks is not None:
            self._endpoint.trunks.flow_closed(flow)
        super().flow_closed(flow, now)


class SipEndpoint:
    """One stack and everything the box does with it. It is the stack's user and the calls' dialer.

    `send` puts bytes on a flow (`Transports.send`); `clock.now` must be what the transports' clock is.
    Set `calls` before traffic comes. `proved` hears on which flow somebody has shown who they are.
    """

    def __init__(
        self,
        send: Callable[[Flow, bytes], bool],
        kept: Kept,
        journal: Journal,
        clock: Clock,
        settings: SipSettings | None = None,
        *,
        proved: Callable[[Flow], None] = lambda _: None,
    ) -> None:
        self.calls: Switch | None = None
        self.trunks: Trunks | None = None
        self._proved = proved
        self._kept = kept
        self._now = clock.now
        self._settings = settings or SipSettings()
        self._accounts = Accounts(self._settings.realm, self._settings.all_algorithms)
        self._accounts.load(kept.extensions.list())
        self._gate = Gate(
            self._accounts,
            journal,
            self._is_emergency,
            digests=self._make_digests(),
            open_emergency=self._settings.open_emergency,
        )
        limits = self._settings.limits
        self._registrations = Registrations(
            self._accounts, kept.bindings, journal, clock, limits, self._phones_changed
        )
        self.presence = PresenceAgent(self._accounts, self._registrations, self._lights, clock.now)
        self._registrations.restore()
        self.lamps = DialogPackage(self._accounts, self._lights, self._slot)
        self.mailboxes = MailboxPackage(self._accounts)
        self.packages: dict[str, Package] = {DIALOG: self.lamps, MAILBOX: self.mailboxes}
        self.stack: Stack = _Stack(send, self, self._settings.stack, self._registrations)
        self._keeper = Keeper(self.stack, self._registrations.lookup, clock.now)
        self._registrations.changed = self._keeper.note
        for extension in self._registrations.registered():
            self._keeper.note(extension)
        self.stack.turns_away = self._turns_away
        self.presence.notifier = self.stack.notifier
        self._show_presence(shown=self._settings.presence)

    # -- for the house -----------------------------------------------------------------------------

    @property
    def settings(self) -> SipSettings:
        """The settings in force; new ones hold from the next request on."""
        return self._settings

    @settings.setter
    def settings(self, settings: SipSettings) -> None:
        before, self._settings = self._settings, settings
        self._registrations.limit(settings.limits)
        self._gate.open_emergency = settings.open_emergency
        self.stack.config = settings.stack
        if before.presence != settings.presence:
            self._show_presence(shown=settings.presence)
        if (before.realm, before.algorithms, before.listeners) != (
            settings.realm, settings.algorithms, settings.listeners,
        ):  # fmt: skip
            self._accounts.reset(settings.realm, settings.all_algorithms)
            self._accounts.load(self._kept.extensions.list())
            self._gate.digests = self._make_digests()

    @property
    def counters(self) -> Mapping[str, int]:
        """Whatever was refused, dropped or odd, by name, since the start."""
        trunks = {} if self.trunks is None else self.trunks.counters
        return {**self.stack.counters, **self._gate.counters, **trunks}

    def extension_changed(self, extension: str | None = None) -> None:
        """Read one extension (its id) or all again; who is gone or has a new secret is unregistered."""
        mailboxes = self.stack.notifier.watched(MAILBOX)
        before = {each: self.mailboxes.messages(each) for each in mailboxes}
        self._read(extension)
        for each in mailboxes:
            if self.mailboxes.messages(each) != before[each]:
                self.stack.notifier.changed(MAILBOX, each, self._now())
        self.presence.reviewed()

    def _read(self, extension: str | None) -> None:
        if extension is None:
            for ended in self._accounts.load(self._kept.extensions.list()):
                self._drop(ended)
        elif self._accounts.change(extension, self._kept.extensions.get(extension)):
            self._drop(extension)

    def lamps_changed(self, extensions: Iterable[str]) -> None:
        """Tell who watches these extensions that their calls changed (`firmware.calls.lamps`)."""
        notifier = self.stack.notifier
        for extension in self.lamps.fresh(extensions, notifier.watched(DIALOG)):
            notifier.changed(DIALOG, extension, self._now())
        self.presence.tell(extensions)

    def phones(self, extension: str) -> list[Phone]:
        """Return the registered phones of an extension."""
        return self._registrations.phones(extension)

    def show(self, extension: str, text: str) -> int:
        """Show a text on every phone of an extension; return how many there are."""
        account = self._accounts.get(extension)
        if account is None:
            return 0
        now = self._now()
        return send_text(
            self.stack, self._registrations.lookup(extension, now), account.party.number, text, now
        )

    def close(self) -> None:
        """End whatever session is left and hand the registrations to the store."""
        self._keeper.stop()
        self.presence.show(shown=False)
        self.stack.close(self._now())
        self._registrations.save()

    # -- for calls (firmware.calls.leg.Dialer) -----------------------------------------------------

    def devices(self, extension: str) -> int:
        """Count the phones that `dial` would ring."""
        return len(by_device(self._registrations.lookup(extension, self._now())))

    def dial(
        self,
        extension: str,
        caller: Party,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
        manner: Manner = Manner.USUAL,
        *,
        referrer: Party | None = None,
    ) -> list[Leg]:
        """Ring every phone of an extension; one leg each."""
        account = self._accounts.get(extension)
        if account is None:
            return []
        now = self._now()
        legs: list[Leg] = []
        try:
            legs.extend(
                self._invite(account, ways, caller, offers, diversions, manner, referrer, now)
                for ways in by_device(self._registrations.lookup(extension, now))
            )
        except BaseException:
            for leg in legs:
                leg.hangup(Cause.FAILED)
            raise
        return legs

    def _invite(
        self,
        account: Account,
        ways: Sequence[Binding],
        caller: Party,
        offers: Offers | None,
        diversions: Sequence[Diversion],
        manner: Manner,
        referrer: Party | None,
        now: float,
    ) -> OutgoingLeg:
        """Ring one phone, by the first of its ways that is not broken."""

        def begin(leg: OutgoingLeg, binding: Binding, now: float) -> UacSession:
            host = self.stack.host(binding.flow)
            assured = asserted(caller, host)
            session = self.stack.invite(
                binding.uri,
                binding.flow,
                caller=str(named(caller, host)),
                callee=str(NameAddr(SipUri(user=account.party.number, host=host))),
                offer=None if leg.invited is None else bytes(self._reachable(leg.invited, binding.flow)),
                listener=leg,
                now=now,
                reliable=leg.invited is not None,
                headers=(
                    *binding.routes,
                    *assured,
                    *referred_by(referrer, host),
                    *alert(manner, caller, host),
                    *history(diversions, account.party, host),
                ),
            )
            session.identity = account
            session.asserted = assured
            leg.assured = partial(asserted, host=host)
            return session

        leg = PhoneLeg(os.urandom(8).hex(), account.party, self._now, offers=offers, begin=begin, ways=ways)
        leg.find = self._leg_of
        leg.next(now)
        return leg

    def _reachable(self, offer: Description, flow: Flow) -> Description:
        """Return an offer with our address of the IP version that the phone speaks."""
        host = self._settings.media6
        return moved(offer, host) if host and ":" in flow.remote[0] else offer

    # -- for the stack (sip.stack.StackUser) -------------------------------------------------------

    def authorize(
        self, request: Request, flow: Flow, session: Session | None, now: float
    ) -> Account | TrunkLine | Answer:
        """Say who asks."""
        trunk = None if self.trunks is None else self.trunks.whose(request, flow, session)
        verdict = trunk or self._gate.authorize(request, flow, session, now)
        if verdict is not STRANGER and not isinstance(verdict, Answer):
            self._proved(flow)
        return verdict

    def urgent(self, request: Request) -> bool:
        """Tell whether an INVITE calls for help and must not be refused for load."""
        return self._is_emergency(dialled(request))

    def _turns_away(self, request: Request) -> bool:
        """Tell whether a call finds no room; one that comes into a call there is (RFC 3891) always does."""
        if self.calls is None or request.get("Replaces") is not None:
            return False
        return self.calls.turns_away(dialled(request))

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        """Make a leg of a new session and hand it to call control."""
        if identity is STRANGER:
            session.say_once()
        if self.calls is None or session.request is None:
            self._reject(session, Cause.SHUTDOWN, now)
            return
        trunk = None if self.trunks is None else self.trunks.as_line(identity)
        if trunk is not None:
            call = trunk.take(session, now)
            if call is not None:
                self.calls.incoming(call)
            return
        description = None if session.offer is None else read(session.offer)
        if description is None and session.offer is not None:
            self._reject(session, Cause.NOT_ACCEPTABLE, now)
            return
        refusal = self._refusal(session.request)
        if refusal is not None:
            session.reject(refusal.status, now)
            return
        account = identity if isinstance(identity, Account) else STRANGER
        if account is STRANGER:  # it calls for help: nothing is lost by believing where it comes from
            account = self._registrations.at(session.flow, now) or STRANGER
        leg = IncomingLeg(
            os.urandom(8).hex(),
            presented(session.request, account.party, account.extension),
            self._now,
            session,
            dialled=dialled(session.request),
            description=description,
        )
        leg.find = self._leg_of
        leg.proved = identity is not STRANGER
        leg.assured = partial(asserted, host=self.stack.host(session.flow))
        if session.replaces is not None:
            replaced = session.replaces.listener
            if not leg.proved or not isinstance(replaced, SipLeg):
                leg.hangup(Cause.NOT_ALLOWED)
                return
            leg.replaces = replaced
        self.calls.incoming(leg)

    def _leg_of(self, wanted: Replaces) -> Leg | None:
        session = self.stack.find(wanted)
        listener = None if session is None or session.state != "confirmed" else session.listener
        return listener if isinstance(listener, SipLeg) else None

    def _refusal(self, request: Request) -> Answer | None:
        return None if self.urgent(request) else unserved(request)

    def _reject(self, session: UasSession, cause: Cause, now: float) -> None:
        goodbye = GOODBYES[cause]
        session.reject(goodbye.status, now, headers=goodbye.headers)

    def _is_emergency(self, number: str) -> bool:
        return self.calls is not None and self.calls.is_emergency(number)

    def _drop(self, extension: str) -> None:
        self._registrations.drop(extension)
        self.presence.drop(extension)
        self.stack.notifier.end(extension, self._now())

    def _show_presence(self, *, shown: bool) -> None:
        packages = {**self.packages, PRESENCE: self.presence.package} if shown else self.packages
        self.presence.show(shown=shown)
        self.stack.notifier.serve(packages, self._now())

    def _phones_changed(self, extension: str) -> None:
        self.presence.note((extension,))

    def _lights(self, extension: str) -> Sequence[Light]:
        return () if self.calls is None else self.calls.lights(extension)

    def _slot(self, number: str) -> str | None:
        return None if self.calls is None else self.calls.lamp(number)

    def _make_digests(self) -> Digests:
        # A fresh key each time: nonces hold monotonic time, and the replay table does not outlive us.
        settings = self._settings

        def make(algorithms: tuple[str, ...]) -> DigestServer:
            return DigestServer(settings.realm, os.urandom(32), algorithms, self._accounts.ha1)

        others = {listener: make(algorithms) for listener, algorithms in settings.listeners.items()}
        return Digests(make(settings.algorithms), others)
