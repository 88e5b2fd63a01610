"""All operations by name, and the one way to carry one out."""

from dataclasses import dataclass
from typing import Any, Final

from firmware.errors import OperatorError
from firmware.journal.event import Kind, Level
from firmware.operations import (
    box,
    decisions,
    dialling,
    digest,
    extensions,
    groups,
    handling,
    identity,
    trunks,
)
from firmware.operations.context import Context
from firmware.operations.operation import About, NotAllowed, Operation, Outcome, Role, arguments, plain
from provisioning.site import SiteError

REGISTRY: Final[dict[str, Operation]] = {
    one.name.value: one
    for part in (extensions, handling, identity, digest, dialling, decisions, groups, trunks, box)
    for one in part.OPERATIONS
}

PERFORMED: Final = Kind("operation", "{role} asked for {operation}: {outcome}")
BROKEN: Final = Kind("operation.fault", "{operation} broke: {fault}", Level.ALARM)


class UnknownOperation(OperatorError):
    """No operation has that name."""

    key = "operation.unknown"


class BadSite(OperatorError):
    """The site file cannot be used; the text has a line for each fault."""

    key = "site.faults"


class Broken(OperatorError):
    """A fault of ours; the journal has the place."""

    key = "operation.fault"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a role, as the skin that speaks for them knows it."""

    role: Role


async def perform(context: Context, caller: Caller, name: str, given: object) -> Any:
    """Carry out an operation on JSON arguments and return its JSON result.

    Raises nothing but OperatorError.
    """
    operation = REGISTRY.get(name)
    if operation is None:
        raise UnknownOperation(f"there is no such operation; known are {', '.join(REGISTRY)}", operation=name)
    subject = ""
    try:
        if not caller.role.reaches(operation.role):
            raise NotAllowed(f"this needs the role of {operation.role.value}")
        result = await operation.handler(context, arguments(operation.arguments, given))
        if isinstance(result, About):
            subject, result = result.subject, result.result
    except OperatorError:
        _enter(context, caller, operation, Outcome.REFUSED)
        raise
    except SiteError as error:
        _enter(context, caller, operation, Outcome.REFUSED)
        raise BadSite(str(error)) from error
    except Exception as error:
        context.journal.fault(BROKEN, error, operation=operation.name)
        _enter(context, caller, operation, Outcome.FAILED)
        raise Broken("the operation broke, which is a fault of ours; the log says where") from error
    _enter(context, caller, operation, Outcome.DONE, subject)
    return plain(result)


def _enter(
    context: Context, caller: Caller, operation: Operation, outcome: Outcome, subject: str = ""
) -> None:
    if operation.audited:
        context.journal.audit(caller.role, operation.name, outcome, subject)
        context.journal.log(PERFORMED, role=caller.role, operation=operation.name, outcome=outcome)
