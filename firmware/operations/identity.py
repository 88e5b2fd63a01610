"""Operations on who is told who an extension is, and on the messages that wait for it."""

from dataclasses import dataclass
from typing import Final

from firmware.operations.context import Context
from firmware.operations.extensions import find, follow
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument

_WHICH: Final = Hint("the extension's number", positional=True, choices="numbers")


@dataclass(frozen=True, slots=True)
class Privacy:
    """Arguments of extension.private."""

    number: str = argument(_WHICH)
    off: bool = argument(Hint("show who it is again"), False)


@dataclass(frozen=True, slots=True)
class PrivacyRow:
    """Whether who an extension talks with is told who it is."""

    number: str
    private: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Arguments of extension.messages."""

    number: str = argument(_WHICH)
    new: int | None = argument(Hint("how many messages nobody has heard yet"), None)
    old: int | None = argument(Hint("how many were heard and kept"), None)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """The messages of one extension."""

    number: str
    new: int
    old: int


async def private(context: Context, wanted: Privacy) -> About:
    """Hide who an extension is from whom it calls and who calls it, or show it again."""
    found = find(context, wanted.number)
    changed = await context.durable(context.store.extensions.change(found.id, private=not wanted.off))
    follow(context, changed.id)
    return About(changed.id, PrivacyRow(changed.number, changed.private))


async def waiting(context: Context, wanted: Waiting) -> About:
    """Set how many messages wait for an extension, or tell."""
    from firmware.store.model import Messages

    found = find(context, wanted.number)
    if wanted.new is not None or wanted.old is not None:
        new = found.messages.new if wanted.new is None else wanted.new
        old = found.messages.old if wanted.old is None else wanted.old
        found = await context.durable(context.store.extensions.change(found.id, messages=Messages(new, old)))
        follow(context, found.id)
    return About(found.id, WaitingRow(found.number, found.messages.new, found.messages.old))


OPERATIONS: Final = (
    Operation(
        Name.EXTENSION_PRIVATE,
        "hide who an extension is in every call but those for help, or --off",
        Privacy,
        Role.OPERATOR,
        private,
        True,
        True,
    ),
    Operation(
        Name.EXTENSION_MESSAGES,
        "set how many messages wait for an extension: --new, --old; without either, tell",
        Waiting,
        Role.OPERATOR,
        waiting,
        True,
        True,
    ),
)
