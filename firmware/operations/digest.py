"""Which digest algorithms an extension's phones may prove with who they are.

A listener offers algorithms to everybody alike; an extension only narrows what is accepted from its phones.
"""

from dataclasses import dataclass
from typing import Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.extensions import find, follow
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument
from provisioning.site import DIGESTS


class NotOffered(OperatorError):
    """No listener offers any of the algorithms: nobody could register."""

    key = "extension.digest"


@dataclass(frozen=True, slots=True)
class Digest:
    """Arguments of extension.digest."""

    number: str = argument(Hint("the extension's number", positional=True, choices="numbers"))
    accept: tuple[str, ...] = argument(
        Hint(
            f"an algorithm to accept, may be given several times: {', '.join(DIGESTS)}",
            lambda text: "" if text in DIGESTS else f"one of {', '.join(DIGESTS)}",
        ),
        (),
    )
    site: bool = argument(Hint("accept whatever the listener offers"), False)


@dataclass(frozen=True, slots=True)
class DigestRow:
    """The algorithms accepted from an extension; none: whatever the listener offers."""

    number: str
    accepted: tuple[str, ...]


async def digest(context: Context, wanted: Digest) -> About:
    """Set which algorithms are accepted from an extension, or tell."""
    found = find(context, wanted.number)
    if wanted.accept and wanted.site:
        text = "accept: both some algorithms and whatever is offered; choose one"
        raise OperatorError(text, key="operation.argument")
    if wanted.accept or wanted.site:
        offered = context.site().digests
        accepted = tuple(name for name in DIGESTS if name in wanted.accept)
        if accepted and offered.isdisjoint(accepted):
            raise NotOffered(
                f"no listener offers that, only {', '.join(sorted(offered))}: its phones could not register; "
                "add it to digest under [sip] or [[listener]] of the site file first"
            )
        found = await context.durable(context.store.extensions.change(found.id, digest=accepted))
        follow(context, found.id)
    return About(found.id, DigestRow(found.number, found.digest))


OPERATIONS: Final = (
    Operation(
        Name.EXTENSION_DIGEST,
        "narrow how its phones may prove who they are: --accept, or --site; without either, tell",
        Digest,
        Role.ADMINISTRATOR,
        digest,
        True,
        True,
    ),
)
