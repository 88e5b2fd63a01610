"""Operations on the lines to carriers: how they are, and their passwords, which nobody is ever shown."""

from dataclasses import dataclass
from typing import Final

from firmware.errors import OperatorError
from firmware.operations.context import Context, TrunkView
from firmware.operations.extensions import Nothing
from firmware.operations.operation import Hint, Name, Operation, Role, argument


class UnknownTrunk(OperatorError):
    """The site has no trunk of that name."""

    key = "trunk.unknown"


@dataclass(frozen=True, slots=True)
class TrunkSecret:
    """Arguments of trunk.secret."""

    name: str = argument(Hint("the trunk's name in the site file", positional=True, choices="trunks"))
    secret: str | None = argument(
        Hint(
            "the password the carrier gave, 1 to 128 printable characters",
            lambda text: "" if text is None or _is_secret(text) else "1 to 128 printable characters",
            hidden=True,
        ),
        None,
    )
    forget: bool = argument(Hint("forget the password"), False)


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether a trunk has a password now."""

    name: str
    password: bool


async def trunk_list(context: Context, _wanted: Nothing) -> tuple[TrunkView, ...]:
    """Tell how every trunk is; while no box runs, only what the site and the store say."""
    if context.live is not None:
        return tuple(context.live.trunks())
    return tuple(
        TrunkView(
            one.name, one.mode, "", False, None, "the box is not running", 0, one.most,
            bool(context.store.secrets.get(one.secret_name)),
        )
        for one in context.site().trunks
    )  # fmt: skip


async def trunk_secret(context: Context, wanted: TrunkSecret) -> Kept:
    """Set a trunk's password, or forget it."""
    trunk = next((one for one in context.site().trunks if one.name == wanted.name), None)
    if trunk is None:
        raise UnknownTrunk("the site has no trunk of that name; write its [[trunk]] first", name=wanted.name)
    if wanted.forget == (wanted.secret is not None):
        raise OperatorError("secret: give it, or forget what there is", key="operation.argument")
    data = (wanted.secret or "").encode()
    await context.durable(context.store.secrets.put(trunk.secret_name, data))
    if context.live is not None:
        context.live.trunk_changed(wanted.name)
    return Kept(wanted.name, bool(data))


def _is_secret(text: str) -> bool:
    return 1 <= len(text) <= 128 and text.isprintable()


OPERATIONS: Final = (
    Operation(
        Name.TRUNK_LIST, "how the lines to carriers are", Nothing, Role.VIEWER, trunk_list, False, True
    ),
    Operation(
        Name.TRUNK_SECRET,
        "set the password of a trunk; it is asked for, or read from standard input",
        TrunkSecret,
        Role.ADMINISTRATOR,
        trunk_secret,
        True,
        True,
    ),
)
