"""An operation: a dataclass of arguments, the role it needs, its handler, and what it answers with.

Arguments come as JSON values from skins and the socket. `arguments` checks them against the dataclass and
refuses with one clear line; every skin draws its help, its options and its completion from the same fields.
"""

from collections.abc import Awaitable, Callable
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from firmware.errors import OperatorError

if TYPE_CHECKING:
    from firmware.operations.context import Context

TEXT_LIMIT: Final = 256
"""Characters of a text argument, unless it says otherwise."""
LIST_LIMIT: Final = 64


class Role(StrEnum):
    """What a caller may do; each role includes those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def reaches(self, needed: "Role") -> bool:
        """Tell whether this role includes another."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Outcome(StrEnum):
    """How an audited operation ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Name(StrEnum):
    """Every operation there is."""

    EXTENSION_ADD = "extension.add"
    EXTENSION_IMPORT = "extension.import"
    EXTENSION_LIST = "extension.list"
    EXTENSION_CHANGE = "extension.change"
    EXTENSION_REMOVE = "extension.remove"
    EXTENSION_SHOW = "extension.show"
    EXTENSION_FORWARD = "extension.forward"
    EXTENSION_DND = "extension.dnd"
    EXTENSION_WAITING = "extension.waiting"
    EXTENSION_PRIVATE = "extension.private"
    EXTENSION_MESSAGES = "extension.messages"
    EXTENSION_DIGEST = "extension.digest"
    EXTENSION_OUTSIDE = "extension.outside"
    DIAL_PLAN = "dial-plan"
    CAP_RESET = "cap.reset"
    DECISION_LIST = "decision.list"
    DECISION_UNDO = "decision.undo"
    GROUP_ADD = "group.add"
    GROUP_LIST = "group.list"
    GROUP_CHANGE = "group.change"
    GROUP_REMOVE = "group.remove"
    TRUNK_LIST = "trunk.list"
    TRUNK_SECRET = "trunk.secret"  # noqa: S105  # the name of an operation
    STATUS = "status"
    CALLS = "calls"
    QUALITY = "quality"
    PARKED = "parked"
    CONFERENCES = "conferences"
    RELOAD = "reload"
    STOP = "stop"
    HANGUP = "hangup"
    AUTHORITY = "authority"


class BadArgument(OperatorError):
    """An argument is missing, unknown or of the wrong kind."""

    key = "operation.argument"


class NotAllowed(OperatorError):
    """The caller's role does not reach."""

    key = "operation.role"


class BoxNeeded(OperatorError):
    """The operation speaks to a running box, and none runs on this state directory."""

    key = "operation.no-box"


@dataclass(frozen=True, slots=True)
class Hint:
    """What a skin needs to know about one argument beside its type.

    `check` answers with what would be right, or with an empty text when the value is. `choices` names what
    shell completion offers: "numbers" (extensions), "calls" (running calls), "trunks" or "files". A `hidden`
    one never stands on a command line, where others could read it: the skin asks for it.
    """

    help: str
    check: Callable[[Any], str] = lambda _value: ""
    positional: bool = False
    limit: int = TEXT_LIMIT
    choices: str = ""
    hidden: bool = False


def argument(hint: Hint, default: Any = MISSING) -> Any:
    """Declare a field of an arguments dataclass."""
    if default is MISSING:
        return field(metadata={"hint": hint})
    return field(default=default, metadata={"hint": hint})


@dataclass(frozen=True, slots=True)
class About:
    """A handler's result together with the random id of whom it concerns, for the audit."""

    subject: str
    result: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked. `audited`: it changes something or reveals a secret.

    The handler answers with a dataclass, a tuple of them, or `About` one.
    """

    name: Name
    help: str
    arguments: type[Any]
    role: Role
    handler: Callable[["Context", Any], Awaitable[Any]]
    audited: bool
    offline: bool
    """It also works on the store alone, while no box runs."""


def hint(of: "Field[Any]") -> Hint:
    """Return the hint a field was declared with."""
    found: Hint = of.metadata["hint"]
    return found


def arguments(kind: type[Any], given: object) -> Any:
    """Make the arguments dataclass out of JSON values; raise BadArgument in one line."""
    if not isinstance(given, dict):
        raise BadArgument("arguments: not a JSON object; send names and values")
    known = {one.name: one for one in fields(kind)}
    for name in given:
        if name not in known:
            there = ", ".join(known) or "none"
            raise BadArgument(f"arguments: an unknown one was given; known here: {there}", name=name)
    values: dict[str, object] = {}
    for name, one in known.items():
        if given.get(name) is not None:
            values[name] = _value(one, given[name])
        elif one.default is MISSING:
            raise BadArgument(f"{name}: missing; give {hint(one).help}")
    return kind(**values)


def _value(of: "Field[Any]", value: object) -> object:
    about = hint(of)
    name = of.name
    if of.type in (str, str | None):
        if not isinstance(value, str):
            raise BadArgument(f"{name}: not a text; give {about.help}")
    elif of.type in (int, int | None):
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadArgument(f"{name}: not a whole number; give {about.help}")
    elif of.type is bool:
        if not isinstance(value, bool):
            raise BadArgument(f"{name}: neither true nor false; give one of them")
    else:
        value = _texts(name, value, about)
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and len(text) > about.limit:
            raise BadArgument(f"{name}: longer than {about.limit} characters; give less")
        right = about.check(text)
        if right:
            raise BadArgument(f"{name}: not accepted; give {right}", value=text)
    return value


def _texts(name: str, value: object, about: Hint) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise BadArgument(f"{name}: not a list; give a list of {about.help}")
    if len(value) > LIST_LIMIT:
        raise BadArgument(f"{name}: more than {LIST_LIMIT} entries; give less")
    texts = tuple(text for text in value if isinstance(text, str))
    if len(texts) != len(value):
        raise BadArgument(f"{name}: holds something that is no text; give a list of {about.help}")
    return texts


def plain(result: Any) -> Any:
    """Turn a result (dataclass, tuple, enum, text, number) into what JSON can say."""
    if isinstance(result, tuple | list):
        return [plain(one) for one in result]
    if isinstance(result, dict):
        return {key: plain(value) for key, value in result.items()}
    if isinstance(result, Enum):
        return result.value
    if hasattr(result, "__dataclass_fields__"):
        return plain(asdict(result))
    return result
