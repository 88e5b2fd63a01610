"""`Leg`: the one interface of everything that can be in a call; implemented in `firmware.lines`.

Every method returns at once; what the far end does comes as an event to the leg's owner, the one
`Scope` it belongs to. `offer` is the only thing that waits.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from firmware.calls.cause import Cause
from firmware.media import Description, Offers
from firmware.store.model import Occasion


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at an end of a call. Its repr shows no name and no number.

    `private`: nobody the call reaches may be told who it is (RFC 3323). `line` is the name of the outside
    line somebody called in on.
    """

    extension: str | None  # the store's id; None: nobody we know
    number: str = field(repr=False)
    name: str = field(default="", repr=False)
    private: bool = False
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Diversion:
    """Who sent the call on, and on what occasion."""

    party: Party
    occasion: Occasion


@dataclass(slots=True)
class Ringing:
    """The far end alerts (180)."""


@dataclass(slots=True)
class EarlyMedia:
    """The far end sends media before it answers (183 with a description)."""

    description: Description


@dataclass(slots=True)
class Answered:
    """The far end took the call. The description is its answer, or its offer where we dialled without one."""

    description: Description


@dataclass(slots=True)
class Reoffer:
    """The far end wants to change the session; it waits for `accept` or `refuse`.

    None: a re-INVITE without an offer; it waits for `offer` or `refuse`.
    """

    offer: Description | None


@dataclass(slots=True)
class Ended:
    """The last event of a leg. `far`: the far end ended it; else it died on our side (timeout, lost flow)."""

    cause: Cause
    far: bool = True


class Referral(Protocol):
    """A transfer the far end of a leg asks for: to a number, or to the far end of another call of its own."""

    @property
    def dialled(self) -> str:
        """The number to call."""

    @property
    def consulted(self) -> "Leg | None":
        """The leg of the call whose other party is meant (attended transfer); None: `dialled` is (blind)."""

    def ringing(self) -> None:
        """Tell that it rings there."""

    def done(self) -> None:
        """Tell that it worked; the last word."""

    def failed(self, cause: Cause) -> None:
        """Tell that it did not work; the last word. Without effect after another last word."""


@dataclass(slots=True)
class Referred:
    """The far end wants its place in the call to be taken by somebody else (REFER)."""

    referral: Referral


@dataclass(slots=True)
class Replaced:
    """Somebody else calls in to take the place of this leg (Replaces); waits for an answer or a hang-up.

    `ringing`: only as long as this leg rings (RFC 3891 3, early-only); a call that was answered is not taken.
    """

    newcomer: "Leg"
    ringing: bool = False


LegEvent = Ringing | EarlyMedia | Answered | Reoffer | Referred | Replaced | Ended


def decline(leg: "Leg", event: LegEvent) -> None:
    """Say no to whatever an event asks for that cannot be had just now."""
    match event:
        case Reoffer():
            leg.refuse(Cause.GLARE)
        case Referred(referral):
            referral.failed(Cause.GLARE)
        case Replaced(newcomer, ringing):
            newcomer.hangup(Cause.BUSY if ringing else Cause.UNREACHABLE)


class Manner(Enum):
    """How a phone is called; it may show and sound what it is about."""

    USUAL = "usual"
    RECALL = "recall"  # who was parked comes back
    INTERCOM = "intercom"  # it is to answer by itself


class Refused(Exception):
    """The far end did not take an offer; the session goes on as it was."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Owner(Protocol):
    """What a leg knows of the scope that owns it."""

    def deliver(self, leg: "Leg", event: LegEvent) -> None:
        """Take an event of a leg that is owned."""


class Leg(ABC):
    """One end of a call.

    `id` is random and safe to journal. `dialled` is what an incoming leg asked for, "" on others.
    `description` is the offer an incoming leg brought; None if it came without, and on outgoing legs.
    `invited` is the offer that an outgoing leg was last sent before it answered, None on others.
    `replaces` is the leg whose place an incoming leg wants, None when it calls somebody.

    Implementers call `emit` for what the far end does and write `send_hangup`; that it is called at most
    once, and that nothing is emitted after the end, is done here. On a leg that is `over` every other
    method does nothing, and `offer` raises `Refused`.
    """

    __slots__ = (
        "__weakref__", "_backlog", "description", "dialled", "id", "invited", "over", "owner", "party",
        "replaces",
    )  # fmt: skip

    def __init__(
        self, leg_id: str, party: Party, *, dialled: str = "", description: Description | None = None
    ) -> None:
        self.id = leg_id
        self.party = party
        self.dialled = dialled
        self.description = description
        self.invited: Description | None = None
        self.replaces: Leg | None = None
        self.owner: Owner | None = None
        self.over = False
        self._backlog: deque[LegEvent] = deque()

    @property
    def lamp(self) -> str | None:
        """Which lamp shows this leg: that of its extension."""
        return self.party.extension

    @property
    def dialog(self) -> tuple[str, str, str] | None:
        """Call-ID, our tag and the far end's of a call that rings at the far end; None for any other."""
        return None

    @property
    def device(self) -> str:
        """What tells the phone at the far end from others of the same extension, "" while nothing does."""
        return ""

    @property
    def rights(self) -> Party:
        """Whose rights hold for what this leg asks for."""
        return self.party

    def emit(self, event: LegEvent) -> None:
        """Hand an event to the owner; kept for the first owner while there is none yet."""
        if self.over:
            return
        if isinstance(event, Ended):
            self.over = True
        if self.owner is None:
            self._backlog.append(event)
        else:
            self.owner.deliver(self, event)

    def owned_by(self, owner: Owner) -> None:
        """Change hands; only `Scope.adopt` calls this."""
        self.owner = owner
        while self._backlog:
            owner.deliver(self, self._backlog.popleft())

    def disowned(self, unseen: Iterable[LegEvent]) -> None:
        """Lose the owner; events it has not looked at are kept for the next. Only `Scope` calls this."""
        self.owner = None
        self._backlog.extend(unseen)

    def hangup(self, cause: Cause) -> None:
        """End it in whatever state it is: CANCEL, BYE or a final answer. Idempotent; no event follows."""
        if not self.over:
            self.over = True
            self.send_hangup(cause)

    def faces(self, party: Party) -> None:  # noqa: B027 - what can show nothing does nothing
        """Note who rings or talks at the other end: the next thing the far end is told says so."""

    def show(self) -> None:  # noqa: B027
        """Tell the far end at once whom it `faces`, where that takes no offer."""

    @abstractmethod
    def send_hangup(self, cause: Cause) -> None:
        """Say goodbye to the far end, whichever way is right now. Called once, never after `Ended`."""

    @abstractmethod
    def ring(self) -> None:
        """Tell the caller that the far end alerts (180). Incoming legs, before the answer, may repeat."""

    @abstractmethod
    def early_media(self, answer: Description) -> None:
        """Give the caller early media (183 with a description). Incoming legs that brought an offer."""

    @abstractmethod
    def answer(self, answer: Description) -> None:
        """Answer the call (200). Incoming legs that brought an offer; for others see `offer`."""

    @abstractmethod
    async def offer(self, offer: Description) -> Description:
        """Make an offer and wait for the answer to it.

        On an established leg this is a re-INVITE. Where the far end asks us to offer, the offer is the
        reply and its ACK brings the answer: on an incoming leg without description (this answers the call,
        200) and after `Reoffer(None)`. Raises `Refused`. If it is cancelled, the answer is ignored.
        """

    @abstractmethod
    async def ask(self) -> Description:
        """Ask the far end of an established leg for an offer (re-INVITE without one); `accept` answers it.

        Raises `Refused`. If it is cancelled, whatever comes is answered with what was agreed before.
        """

    @abstractmethod
    def accept(self, answer: Description) -> None:
        """Answer the far end's offer: after `Reoffer(offer)`, `ask`, or an `Answered` with one."""

    @abstractmethod
    def refuse(self, cause: Cause) -> None:
        """Refuse a `Reoffer`; the session stays as it was."""


class Dialer(Protocol):
    """What reaches phones; implemented in `firmware.lines`."""

    def dial(
        self,
        extension: str,
        caller: Party,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
        manner: Manner = Manner.USUAL,
        *,
        referrer: Party | None = None,
    ) -> Sequence[Leg]:
        """One leg per registered contact of the extension (its id), ringing from now on; [] if none.

        `diversions` are those who sent the call on, first to last; `referrer` hands `caller` over.
        Without offers the far end makes one: `Answered` then brings an offer and waits for `accept`.
        """

    def devices(self, extension: str) -> int:
        """Count the legs that `dial` would make."""
