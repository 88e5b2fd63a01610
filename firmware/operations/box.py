"""Operations on the box itself: what it does now, what it did, and its coming and going."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from firmware.errors import OperatorError
from firmware.operations.context import ActiveCall, Attendee, Context, Parked
from firmware.operations.extensions import Nothing
from firmware.operations.operation import Hint, Name, Operation, Role, argument
from firmware.store.store import AUTHORITY

if TYPE_CHECKING:
    from firmware.store.model import CallRecord

MOST_RECORDS: Final = 1000


class UnknownCall(OperatorError):
    """No running call has that id."""

    key = "call.unknown"


class NoAuthority(OperatorError):
    """No TLS listener has ever been in force, so no certificate was made."""

    key = "authority.none"


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of the box's own authority, PEM; phones that have it know the box from others."""

    certificate: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the box is; what only a running box knows is None or empty while none runs."""

    running: bool
    site: str
    country: str
    extensions: int
    started: float | None
    registered: int | None
    calls: int | None
    listeners: tuple[str, ...]
    memory: int | None
    alarm: str | None
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """One call that is over: times in unix seconds, numbers as they are now, "" for a removed extension."""

    started: float
    answered: float | None
    ended: float
    caller: str
    callee: str
    dialled: str
    cause: str
    ended_by: str
    kind: str


@dataclass(frozen=True, slots=True)
class CallList:
    """Running calls and those of the past, newest first."""

    active: tuple[ActiveCall, ...]
    recent: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one side of a past call said, as it was heard: see `firmware.store.quality.CallQuality`."""

    ended: float
    speaker: str
    side: str
    codec: str
    packets: int
    lost: int
    jitter: float
    round_trip: float | None
    mos: float
    quiet: int


@dataclass(frozen=True, slots=True)
class Recent:
    """Arguments of calls."""

    recent: int = argument(
        Hint(
            f"how many past calls to show, 0 to {MOST_RECORDS}",
            lambda count: "" if 0 <= count <= MOST_RECORDS else f"a whole number from 0 to {MOST_RECORDS}",
        ),
        20,
    )


@dataclass(frozen=True, slots=True)
class WhichCall:
    """Arguments of hangup."""

    call: str = argument(Hint("the call's id, see `branchline calls`", positional=True, choices="calls"))


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The differences that were put into force, each with when it takes hold."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked for is done or under way."""

    done: bool = True


async def status(context: Context, _wanted: Nothing) -> Status:
    """Tell how the box is."""
    live = context.live
    site = context.site()
    extensions = context.store.extensions.list()
    about = (site.name, site.country.code, len(extensions))
    alarm = context.store.alarm
    if live is None:
        return Status(False, *about, None, None, None, (), None, alarm, {})
    registered = sum(len(live.phones(one.id)) for one in extensions)
    calls = len(live.active_calls())
    listeners = tuple(live.listeners())
    return Status(
        True,
        *about,
        live.started(),
        registered,
        calls,
        listeners,
        live.memory(),
        alarm,
        await live.counters(),
    )


async def calls(context: Context, wanted: Recent) -> CallList:
    """List running and past calls."""
    active: Sequence[ActiveCall] = context.live.active_calls() if context.live else ()
    records: Sequence[CallRecord] = ()
    if wanted.recent:
        if context.live:
            await context.durable(context.store.flush())  # a call that just ended is part of the answer
        records = await context.durable(context.store.calls(wanted.recent))
    numbers = {one.id: one.number for one in context.store.extensions.list()}
    return CallList(tuple(active), tuple(_record(one, numbers) for one in records))


async def quality(context: Context, wanted: Recent) -> tuple[Heard, ...]:
    """List how good past calls were, two rows for a call that both sides spoke in."""
    if context.live:
        await context.durable(context.store.flush())
    found = await context.durable(context.store.qualities(2 * wanted.recent))
    numbers = {one.id: one.number for one in context.store.extensions.list()}
    return tuple(
        Heard(
            one.ended,
            numbers.get(one.speaker or "", ""),
            one.side,
            one.codec,
            one.packets,
            one.lost,
            round(one.jitter, 1),
            None if one.round_trip is None else round(one.round_trip, 1),
            round(one.mos, 2),
            one.quiet,
        )
        for one in found
    )


async def parked(context: Context, _wanted: Nothing) -> tuple[Parked, ...]:
    """List who is parked."""
    return tuple(context.live.parked()) if context.live else ()


async def conferences(context: Context, _wanted: Nothing) -> tuple[Attendee, ...]:
    """List who is in a conference room; `hangup` with their call removes them."""
    return tuple(context.live.conferences()) if context.live else ()


def _record(record: "CallRecord", numbers: dict[str, str]) -> Record:
    return Record(
        record.started,
        record.answered,
        record.ended,
        numbers.get(record.caller or "", ""),
        numbers.get(record.callee or "", ""),
        record.dialled or "",
        record.cause,
        record.ended_by,
        record.kind.value,
    )


async def reload(context: Context, _wanted: Nothing) -> Reloaded:
    """Put the site file into force without touching running calls."""
    return Reloaded(tuple(await context.box().reload()))


async def stop(context: Context, _wanted: Nothing) -> Done:
    """Shut the box down: running calls are ended."""
    context.box().stop()
    return Done()


async def hangup(context: Context, wanted: WhichCall) -> Done:
    """End one running call."""
    if not context.box().hangup(wanted.call):
        raise UnknownCall("no running call has that id; see `branchline calls`", call=wanted.call)
    return Done()


async def authority(context: Context, _wanted: Nothing) -> Authority:
    """Hand out the certificate that phones need to check the box's."""
    found = context.store.secrets.get(AUTHORITY)
    if found is None:
        raise NoAuthority("the box has no certificate yet: write a tls listener into the site and start it")
    return Authority(found.decode("ascii"))


OPERATIONS: Final = (
    Operation(Name.STATUS, "how the box is", Nothing, Role.VIEWER, status, False, True),
    Operation(Name.CALLS, "running and past calls", Recent, Role.OPERATOR, calls, False, True),
    Operation(Name.QUALITY, "how good past calls were", Recent, Role.OPERATOR, quality, False, True),
    Operation(Name.PARKED, "who is parked, and where", Nothing, Role.OPERATOR, parked, False, True),
    Operation(
        Name.CONFERENCES, "who is in a conference room", Nothing, Role.OPERATOR, conferences, False, True
    ),
    Operation(
        Name.RELOAD, "put the changed site file into force", Nothing, Role.ADMINISTRATOR, reload, True, False
    ),
    Operation(Name.STOP, "shut the box down", Nothing, Role.ADMINISTRATOR, stop, True, False),
    Operation(Name.HANGUP, "end a running call", WhichCall, Role.OPERATOR, hangup, True, False),
    Operation(
        Name.AUTHORITY,
        "print the certificate phones check the box by",
        Nothing,
        Role.VIEWER,
        authority,
        False,
        True,
    ),
)
