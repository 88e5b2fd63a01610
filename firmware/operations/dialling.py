"""Operations on calls outside: what somebody may, what a number would do, and caps that were reached."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.extensions import Nothing, find, follow
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument
from firmware.operations.trunks import trunk_list

if TYPE_CHECKING:
    from firmware.calls.plan import Plan, Route
    from firmware.store.model import Extension

REACHES: Final = ("internal", "national", "mobile", "international", "premium")
_WHICH = Hint("the extension's number", positional=True, choices="numbers")


@dataclass(frozen=True, slots=True)
class OutwardRow:
    """What an extension may do outside; None and "": as the site says."""

    number: str
    may_call: tuple[str, ...] | None
    countries: tuple[str, ...] | None
    at_once: int | None
    hourly: int | None
    shown: str
    emergency_number: str
    location: str


@dataclass(frozen=True, slots=True)
class Change:
    """Arguments of extension.outside."""

    number: str = argument(_WHICH)
    to: tuple[str, ...] = argument(
        Hint(
            f"where it may call, may be given several times: {', '.join(REACHES)}",
            lambda text: "" if text in REACHES else f"one of {', '.join(REACHES)}",
        ),
        (),
    )
    emergency_only: bool = argument(Hint("it may call emergency numbers and nothing else"), False)
    country: tuple[str, ...] = argument(
        Hint("a country it may call though not others, such as at; may be given several times"), ()
    )
    at_once: int | None = argument(Hint("the most calls outside it may have at once"), None)
    hourly: int | None = argument(Hint("the most calls outside it may begin within an hour"), None)
    shown: str | None = argument(Hint('the full number who it calls sees; "" for the usual one'), None)
    emergency_number: str | None = argument(Hint("the full number an emergency service can call back"), None)
    location: str | None = argument(Hint("where its phone stands, told in an emergency"), None)
    site: bool = argument(Hint("take all of this away first: as the site says"), False)


@dataclass(frozen=True, slots=True)
class Which:
    """Arguments of dial-plan."""

    dialled: str = argument(Hint("what is dialled", positional=True))
    by: str = argument(Hint("the extension that dials it", choices="numbers"), "")
    line: str = argument(Hint("the line a call from outside comes in on, instead", choices="trunks"), "")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What becomes of a call: `key` is what a line would be given, `lines` their order and how they are."""

    dialled: str
    goes_to: str
    key: str
    counts_as: str
    allowed: bool
    shows: str
    lines: tuple[str, ...]
    caps: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Arguments of cap.reset."""

    number: str | None = argument(Hint("the extension; all of them and all lines when left out"), None)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The count of the hour begins anew."""

    number: str | None


async def outside(context: Context, wanted: Change) -> About:
    """Set what an extension may do outside; without anything to set, tell how it is."""
    from firmware.store.model import AS_THE_SITE_SAYS, Reach

    found = find(context, wanted.number)
    if wanted.to and wanted.emergency_only:
        raise OperatorError("to: both places to call and none; choose one", key="operation.argument")
    new = AS_THE_SITE_SAYS if wanted.site else found.outward
    if wanted.to or wanted.emergency_only:
        new = replace(new, reach=frozenset(map(Reach, wanted.to)))
    if wanted.country:
        _check_countries(wanted.country)
        new = replace(new, countries=wanted.country)
    if wanted.at_once is not None:
        new = replace(new, at_once=wanted.at_once)
    if wanted.hourly is not None:
        new = replace(new, hourly=wanted.hourly)
    if wanted.shown is not None:
        new = replace(new, shown=wanted.shown)
    if wanted.emergency_number is not None:
        new = replace(new, help_number=wanted.emergency_number)
    if wanted.location is not None:
        new = replace(new, location=wanted.location)
    if new != found.outward:
        found = await context.durable(context.store.extensions.change(found.id, outward=new))
        follow(context, found.id)
    return About(found.id, _row(found))


async def dial_plan(context: Context, wanted: Which) -> Meaning:
    """Tell what would become of a number, without calling it."""
    from firmware.calls.leg import Party
    from firmware.calls.making import make_plan
    from firmware.calls.plan import Emergency

    if bool(wanted.by) == bool(wanted.line):
        raise OperatorError("by: name who dials, or the line it comes in on", key="operation.argument")
    plan = make_plan(context.site(), context.store.extensions.list(), context.store.groups.list())
    found = find(context, wanted.by) if wanted.by else None
    caller = Party(None, "", line=wanted.line) if found is None else Party(found.id, found.number)
    route = plan.route(wanted.dialled, caller)
    goes_to, key, counts_as = _told(route)
    lines: tuple[str, ...] = ()
    shows = caps = ""
    if key:
        shown = plan.help_id(caller) if isinstance(route, Emergency) else plan.caller_id(caller, caller)
        shows = shown.number or "the line's own number"
        lines = tuple(
            f"{one.name}: {'up' if one.up else one.failure or 'down'}, {one.calls} of {one.most} calls"
            for one in await trunk_list(context, Nothing())
        )
    if found is not None and key and not isinstance(route, Emergency):
        caps = _caps(context, plan, found.id)
    return Meaning(wanted.dialled, goes_to, key, counts_as, _allowed(route), shows, lines, caps)


async def forget(context: Context, wanted: Forget) -> Forgotten:
    """Begin the count of the hour anew, for one extension or for all and the lines."""
    found = None if wanted.number is None else find(context, wanted.number)
    context.box().forget_calls(None if found is None else found.id)
    return Forgotten(None if found is None else found.number)


def _told(route: "Route") -> tuple[str, str, str]:
    from firmware.calls.codes import Service
    from firmware.calls.plan import Emergency, Hunt, Internal, NotAllowed, Outside

    told = ("nowhere: nobody has this number", "", "")
    match route:
        case Emergency(number):
            told = ("help", number, "emergency")
        case Internal(_, callee):
            told = (f"extension {callee.number}", "", "internal")
        case Hunt(group):
            told = (f"ring group {group.number}", "", "internal")
        case Service(feature):
            told = (f"feature {feature.value}", "", "internal")
        case Outside(number, reach):
            told = ("outside", number, reach.value)
        case NotAllowed(reach, number):
            told = ("nowhere: not allowed", number, "internal" if reach is None else reach.value)
    return told


def _allowed(route: "Route") -> bool:
    from firmware.calls.plan import NotAllowed, Unknown

    return not isinstance(route, NotAllowed | Unknown)


def _caps(context: Context, plan: "Plan", extension: str) -> str:
    from firmware.calls.outward import caps_of

    at_once, hourly = caps_of(plan, extension)
    now, hour = (0, 0) if context.live is None else context.live.outside_calls(extension)
    return f"{now} of {at_once} calls at once, {hour} of {hourly} within the hour"


def _check_countries(countries: tuple[str, ...]) -> None:
    from firmware.calls.reach import is_country

    for country in countries:
        if country != country.lower() or not is_country(country):
            text = "country: there is none of that code; give two small letters such as at"
            raise OperatorError(text, key="operation.argument", country=country)


def _row(extension: "Extension") -> OutwardRow:
    own = extension.outward
    may_call = None if own.reach is None else tuple(each for each in REACHES if each in own.reach)
    return OutwardRow(
        extension.number,
        may_call,
        own.countries,
        own.at_once,
        own.hourly,
        own.shown,
        own.help_number,
        own.location,
    )


OPERATIONS: Final = (
    Operation(
        Name.EXTENSION_OUTSIDE,
        "what an extension may do outside; without an option, tell how it is",
        Change,
        Role.ADMINISTRATOR,
        outside,
        True,
        True,
    ),
    Operation(
        Name.DIAL_PLAN,
        "what would become of a number: --by EXTENSION",
        Which,
        Role.OPERATOR,
        dial_plan,
        False,
        True,
    ),
    Operation(
        Name.CAP_RESET,
        "begin the count of calls within the hour anew",
        Forget,
        Role.OPERATOR,
        forget,
        True,
        False,
    ),
)
