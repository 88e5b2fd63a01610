"""What the store takes and gives. Reprs leave out what names a person."""

import os
from dataclasses import dataclass, field
from enum import StrEnum


def new_id() -> str:
    """Return a fresh random primary key: 128 bits as 32 hex digits."""
    return os.urandom(16).hex()


class Occasion(StrEnum):
    """When calls to somebody go elsewhere."""

    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Forward:
    """Where calls go on one occasion; `seconds` is how long NO_ANSWER waits, None: as long as any call."""

    occasion: Occasion
    target: str = field(repr=False)
    seconds: int | None = None


class Reach(StrEnum):
    """Where calls may go. A call for help always may."""

    INTERNAL = "internal"
    NATIONAL = "national"
    MOBILE = "mobile"
    INTERNATIONAL = "international"
    PREMIUM = "premium"
    """What costs more than a call, or nobody knows how much."""


@dataclass(frozen=True, slots=True)
class Outward:
    """What an extension may do outside; None: as the site says.

    `reach` is where it may call, nothing but emergency numbers when empty; `countries` are those it may call
    without Reach.INTERNATIONAL. `at_once` and `hourly` cap its calls outside. `shown` is the E.164 number who
    is called sees, `help_number` the one a call for help shows, `location` where its phone stands; "" for
    what the site says.
    """

    reach: frozenset[Reach] | None = None
    countries: tuple[str, ...] | None = None
    at_once: int | None = None
    hourly: int | None = None
    shown: str = field(default="", repr=False)
    help_number: str = field(default="", repr=False)
    location: str = field(default="", repr=False)


AS_THE_SITE_SAYS = Outward()


@dataclass(frozen=True, slots=True)
class Messages:
    """What lies in somebody's mailbox: how many voice messages they have not heard yet, and have."""

    new: int = 0
    old: int = 0


NO_MESSAGES = Messages()


@dataclass(frozen=True, slots=True)
class Extension:
    """A person's (or room's) place in the plan: number, display name, SIP secret, aliases.

    `forwards` has at most one of each occasion. `dnd`: do not disturb, the phones stay silent. `waiting`: a
    second call rings while they talk. `private`: who they call, and who calls them, is not told who they are,
    except in a call for help. `digest`: the algorithms their phones may prove with who they are;
    empty: any the listener offers.
    """

    id: str
    tenant: str
    number: str = field(repr=False)
    name: str = field(repr=False)
    secret: str = field(repr=False)
    aliases: tuple[str, ...] = field(default=(), repr=False)
    forwards: tuple[Forward, ...] = field(default=(), repr=False)
    dnd: bool = field(default=False, repr=False)
    outward: Outward = field(default=AS_THE_SITE_SAYS, repr=False)
    private: bool = field(default=False, repr=False)
    messages: Messages = field(default=NO_MESSAGES, repr=False)
    waiting: bool = field(default=True, repr=False)
    digest: tuple[str, ...] = field(default=(), repr=False)


class Strategy(StrEnum):
    """Whom a ring group rings: all at once, one after the other, or one more each time (memory hunt)."""

    ALL = "all"
    SEQUENTIAL = "sequential"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Group:
    """A number that reaches several people. `members` and `last` are extension ids.

    `seconds` is how long each step rings; `last` has the call when no member took it.
    """

    id: str
    tenant: str
    number: str
    name: str
    strategy: Strategy
    seconds: int
    members: tuple[str, ...]
    last: str | None = None


@dataclass(frozen=True, slots=True)
class StoredBinding:
    """One current registration of an extension, enough to ring the phone again after a restart.

    `expires` is wall time (unix seconds); `q` counts thousandths; `transport` is that of its flow; `path` are
    the proxies to pass (RFC 3327), as in a header.
    """

    extension: str
    contact: str = field(repr=False)
    transport: str
    source: tuple[str, int] = field(repr=False)
    local: tuple[str, int] = field(repr=False)
    call_id: str = field(repr=False)
    cseq: int
    expires: float
    q: int = 1000
    instance: str = field(default="", repr=False)
    path: str = field(default="", repr=False)


class CallKind(StrEnum):
    """Where a call went. Only an INTERNAL one keeps the digits dialled; an outside number is not stored."""

    INTERNAL = "internal"
    OUTGOING = "outgoing"
    INCOMING = "incoming"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One finished call. `caller` and `callee` are extension ids, None for the world outside.

    `started`, `answered`, `ended` are wall time (unix seconds), the `_boot` ones `Clock.now()` of boot
    `boot`: durations come from these. `cause` is a fixed word, `ended_by` is "caller", "callee" or "box".
    An empty `tenant` is the store's own. `line` names the line to the outside that carried it.
    """

    id: str
    tenant: str
    kind: CallKind
    caller: str | None
    callee: str | None
    dialled: str | None = field(repr=False)
    started: float
    answered: float | None
    ended: float
    started_boot: float
    answered_boot: float | None
    ended_boot: float
    boot: str
    cause: str
    ended_by: str
    line: str | None = None
