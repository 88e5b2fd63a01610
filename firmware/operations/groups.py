"""Operations on ring groups."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.extensions import Nothing, Removed, find, follow, refuse_emergency
from firmware.operations.operation import Hint, Name, Operation, Role, argument

if TYPE_CHECKING:
    from firmware.store.model import Group

STRATEGIES: Final = ("all", "sequential", "memory")


class UnknownGroup(OperatorError):
    """There is no group of that number."""

    key = "group.unknown"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group: members in the order of ringing, and who has the call in the end ("": nobody)."""

    number: str
    name: str
    strategy: str
    seconds: int
    members: tuple[str, ...]
    last: str


_WHICH = Hint("the group's number", positional=True)
_MEMBER = Hint("a member's number, in the order of ringing; may be given several times", choices="numbers")
_STRATEGY = Hint(
    "whom to ring: all at once, sequential (one after the other), memory (one more each time)",
    lambda word: "" if word in STRATEGIES else f"one of {', '.join(STRATEGIES)}",
)
_SECONDS = Hint("how long each step rings")
_LAST = Hint("the extension that has the call when no member takes it", choices="numbers")


@dataclass(frozen=True, slots=True)
class Add:
    """Arguments of group.add."""

    number: str = argument(_WHICH)
    name: str = argument(Hint("what the group is called"))
    member: tuple[str, ...] = argument(_MEMBER)
    strategy: str = argument(_STRATEGY, "all")
    seconds: int = argument(_SECONDS, 20)
    last: str | None = argument(_LAST, None)


@dataclass(frozen=True, slots=True)
class Change:
    """Arguments of group.change: what is left out stays as it is."""

    number: str = argument(_WHICH)
    new_number: str | None = argument(Hint("its new number"), None)
    name: str | None = argument(Hint("its new name"), None)
    member: tuple[str, ...] = argument(Hint(f"{_MEMBER.help}; all of them anew", choices="numbers"), ())
    strategy: str | None = argument(_STRATEGY, None)
    seconds: int | None = argument(_SECONDS, None)
    last: str | None = argument(_LAST, None)
    no_last: bool = argument(Hint("nobody has the call in the end"), False)


@dataclass(frozen=True, slots=True)
class Which:
    """Arguments of what concerns one group."""

    number: str = argument(_WHICH)


async def add(context: Context, wanted: Add) -> GroupRow:
    """Make a ring group."""
    from firmware.store.model import Strategy

    refuse_emergency(context.site(), [wanted.number])
    made = await context.durable(
        context.store.groups.add(
            wanted.number,
            wanted.name,
            [find(context, member).id for member in wanted.member],
            strategy=Strategy(wanted.strategy),
            seconds=wanted.seconds,
            last=None if wanted.last is None else find(context, wanted.last).id,
        )
    )
    follow(context, None)
    return _row(context, made)


async def show_all(context: Context, _wanted: Nothing) -> tuple[GroupRow, ...]:
    """List the ring groups, by number."""
    return tuple(_row(context, group) for group in context.store.groups.list())


async def change(context: Context, wanted: Change) -> GroupRow:
    """Change a ring group."""
    from firmware.store.model import Strategy

    group = _find(context, wanted.number)
    if wanted.last and wanted.no_last:
        raise OperatorError("last: both given and taken away; choose one", key="operation.argument")
    refuse_emergency(context.site(), [wanted.new_number or ""])
    last = find(context, wanted.last).id if wanted.last else None if wanted.no_last else group.last
    new = replace(
        group,
        number=wanted.new_number or group.number,
        name=group.name if wanted.name is None else wanted.name,
        members=tuple(find(context, member).id for member in wanted.member) or group.members,
        strategy=Strategy(wanted.strategy) if wanted.strategy else group.strategy,
        seconds=group.seconds if wanted.seconds is None else wanted.seconds,
        last=last,
    )
    if new == group:
        raise OperatorError("nothing to change was given; see --help", key="operation.argument")
    changed = await context.durable(context.store.groups.change(new))
    follow(context, None)
    return _row(context, changed)


async def remove(context: Context, wanted: Which) -> Removed:
    """Remove a ring group; its members stay."""
    group = _find(context, wanted.number)
    await context.durable(context.store.groups.remove(group.id))
    follow(context, None)
    return Removed(group.number)


def _find(context: Context, number: str) -> "Group":
    group = context.store.groups.find(number)
    if group is None:
        raise UnknownGroup("there is no such group; see `branchline group list`", number=number)
    return group


def _row(context: Context, group: "Group") -> GroupRow:
    numbers = {each.id: each.number for each in context.store.extensions.list()}
    members = tuple(numbers[member] for member in group.members if member in numbers)
    last = numbers.get(group.last or "", "")
    return GroupRow(group.number, group.name, group.strategy.value, group.seconds, members, last)


_ADMIN: Final = Role.ADMINISTRATOR

OPERATIONS: Final = (
    Operation(Name.GROUP_ADD, "make a ring group", Add, _ADMIN, add, True, True),
    Operation(Name.GROUP_LIST, "list the ring groups", Nothing, Role.VIEWER, show_all, False, True),
    Operation(Name.GROUP_CHANGE, "change a ring group", Change, _ADMIN, change, True, True),
    Operation(Name.GROUP_REMOVE, "remove a ring group", Which, _ADMIN, remove, True, True),
)
