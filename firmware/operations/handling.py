"""Operations on what becomes of calls to an extension: forwards, do not disturb, call waiting."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.extensions import find, follow, refuse_emergency
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument

if TYPE_CHECKING:
    from firmware.store.model import Extension

OCCASIONS: Final = ("always", "busy", "no-answer", "unreachable")
_WHICH = Hint("the extension's number", positional=True, choices="numbers")


class NoTarget(OperatorError):
    """Calls cannot be forwarded there."""

    key = "forward.target"


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """Where calls go on one occasion; `seconds` only where it is not the site's ring time."""

    occasion: str
    target: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class HandlingRow:
    """What becomes of calls to one extension."""

    number: str
    dnd: bool
    waiting: bool
    forwards: tuple[ForwardRow, ...]


@dataclass(frozen=True, slots=True)
class ForwardTo:
    """Arguments of extension.forward."""

    number: str = argument(_WHICH)
    to: str | None = argument(Hint("the number calls go to"), None)
    when: str = argument(
        Hint(
            f"the occasion: {', '.join(OCCASIONS)} (always when left out)",
            lambda when: "" if when in OCCASIONS else f"one of {', '.join(OCCASIONS)}",
        ),
        "always",
    )
    seconds: int | None = argument(Hint("how long phones ring before no-answer holds"), None)
    off: bool = argument(Hint("forward no longer on this occasion"), False)


@dataclass(frozen=True, slots=True)
class Disturb:
    """Arguments of extension.dnd."""

    number: str = argument(_WHICH)
    off: bool = argument(Hint("let the phones ring again"), False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Arguments of extension.waiting."""

    number: str = argument(_WHICH)
    off: bool = argument(Hint("a second call finds the extension busy"), False)


async def forward(context: Context, wanted: ForwardTo) -> About:
    """Send an extension's calls elsewhere on one occasion, or no longer; neither: tell how it is."""
    from firmware.store.model import Occasion

    found = find(context, wanted.number)
    if wanted.off and wanted.to is not None:
        raise OperatorError(
            "to: both a target given and forwarding ended; choose one", key="operation.argument"
        )
    if wanted.seconds is not None and (wanted.when != "no-answer" or wanted.to is None):
        raise OperatorError(
            "seconds: only for --when no-answer, together with --to", key="operation.argument"
        )
    if not wanted.off and wanted.to is None:
        return About(found.id, handling(found))
    if wanted.to is not None:
        _check_target(context, found, wanted.to)
    write = context.store.extensions.forward(found.id, Occasion(wanted.when), wanted.to, wanted.seconds)
    changed = await context.durable(write)
    follow(context, changed.id)
    return About(changed.id, handling(changed))


async def disturb(context: Context, wanted: Disturb) -> About:
    """Keep an extension's phones silent, or let them ring again."""
    found = find(context, wanted.number)
    changed = await context.durable(context.store.extensions.change(found.id, dnd=not wanted.off))
    follow(context, changed.id)
    return About(changed.id, handling(changed))


async def wait(context: Context, wanted: Waiting) -> About:
    """Let a second call ring while an extension talks, or not."""
    found = find(context, wanted.number)
    changed = await context.durable(context.store.extensions.change(found.id, waiting=not wanted.off))
    follow(context, changed.id)
    return About(changed.id, handling(changed))


def handling(extension: "Extension") -> HandlingRow:
    """Tell what becomes of calls to an extension."""
    forwards = tuple(
        ForwardRow(each.occasion.value, each.target, each.seconds) for each in extension.forwards
    )
    return HandlingRow(extension.number, extension.dnd, extension.waiting, forwards)


def _check_target(context: Context, extension: "Extension", target: str) -> None:
    """Refuse a target that no forward would be followed to."""
    from firmware.calls.leg import Party
    from firmware.calls.making import make_plan

    refuse_emergency(context.site(), [target])
    store = context.store
    plan = make_plan(context.site(), store.extensions.list(), store.groups.list())
    if plan.onward(target, Party(extension.id, extension.number)) is None:
        raise NoTarget(
            "calls cannot go there: give another extension, a ring group, or a number it may call itself",
            number=target,
        )


OPERATIONS: Final = (
    Operation(
        Name.EXTENSION_FORWARD,
        "send an extension's calls elsewhere: --to, or --off; without either, tell how it is",
        ForwardTo,
        Role.OPERATOR,
        forward,
        True,
        True,
    ),
    Operation(
        Name.EXTENSION_DND,
        "do not disturb an extension, or --off",
        Disturb,
        Role.OPERATOR,
        disturb,
        True,
        True,
    ),
    Operation(
        Name.EXTENSION_WAITING,
        "let a second call ring while an extension talks, or --off",
        Waiting,
        Role.OPERATOR,
        wait,
        True,
        True,
    ),
)
