"""Operations on extensions: the people and numbers of the box.

A secret is answered once, by the operation that made it; later only `extension.show` reveals it, and that is
audited.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.operation import About, Hint, Name, Operation, Role, argument
from provisioning.site import Site

if TYPE_CHECKING:
    from firmware.store.model import Extension

FIRST_NUMBER: Final = 100
CSV_LIMIT: Final = 900_000


class UnknownExtension(OperatorError):
    """There is no extension of that number."""

    key = "extension.unknown"


class EmergencyNumber(OperatorError):
    """A number people must be able to dial for help cannot be somebody's extension."""

    key = "extension.emergency"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a phone needs to register, and where: `servers` are the box's listeners."""

    number: str
    name: str
    aliases: tuple[str, ...]
    secret: str
    uri: str
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtensionRow:
    """One extension without its secret; `phones` are those registered now, None while no box runs."""

    number: str
    name: str
    aliases: tuple[str, ...]
    phones: int | None


@dataclass(frozen=True, slots=True)
class Removed:
    """The extension that is gone."""

    number: str


_WHICH = Hint("the extension's number", positional=True, choices="numbers")
_ALIAS = Hint("another number that reaches it; may be given several times")


@dataclass(frozen=True, slots=True)
class Add:
    """Arguments of extension.add."""

    name: str = argument(Hint("the person's or room's name"))
    number: str | None = argument(Hint("the number; the lowest free one from 100 when left out"), None)
    alias: tuple[str, ...] = argument(_ALIAS, ())


@dataclass(frozen=True, slots=True)
class Import:
    """Arguments of extension.import."""

    csv: str = argument(
        Hint(
            "a CSV file with the header number,name,secret,aliases (secret and aliases may be left out)",
            positional=True,
            limit=CSV_LIMIT,
            choices="files",
        )
    )


@dataclass(frozen=True, slots=True)
class Change:
    """Arguments of extension.change: what is left out stays as it is."""

    number: str = argument(_WHICH)
    new_number: str | None = argument(Hint("its new number"), None)
    name: str | None = argument(Hint("its new name"), None)
    alias: tuple[str, ...] = argument(_ALIAS, ())
    no_alias: bool = argument(Hint("take away its aliases"), False)
    secret: str | None = argument(Hint("a secret of your own"), None)
    new_secret: bool = argument(Hint("make a new random secret"), False)


@dataclass(frozen=True, slots=True)
class Which:
    """Arguments of what concerns one extension."""

    number: str = argument(_WHICH)


@dataclass(frozen=True, slots=True)
class Nothing:
    """No arguments."""


async def add(context: Context, wanted: Add) -> About:
    """Make an extension with a random secret."""
    number = wanted.number or _free_number(context)
    refuse_emergency(context.site(), (number, *wanted.alias))
    made = await context.durable(context.store.extensions.add(number, wanted.name, None, wanted.alias))
    follow(context, made.id)
    return About(made.id, credentials(made, context.site()))


async def load(context: Context, wanted: Import) -> tuple[Credentials, ...]:
    """Make all extensions of a CSV text, or none when one row is refused."""
    from firmware.store.csvfile import parse

    site = context.site()
    for row, one in parse(wanted.csv, context.store.tenant):
        refuse_emergency(site, (one.number, *one.aliases), f"row {row}: ")
    made = await context.durable(context.store.extensions.load_csv(wanted.csv))
    follow(context, None)
    return tuple(credentials(one, site) for one in made)


async def show_all(context: Context, _wanted: Nothing) -> tuple[ExtensionRow, ...]:
    """List the extensions, by number, without secrets."""
    live = context.live
    return tuple(
        ExtensionRow(one.number, one.name, one.aliases, len(live.phones(one.id)) if live else None)
        for one in context.store.extensions.list()
    )


async def change(context: Context, wanted: Change) -> About:
    """Change an extension; answers with its credentials only when the secret is a new one."""
    from firmware.store.checks import new_secret

    old = find(context, wanted.number)
    if wanted.alias and wanted.no_alias:
        raise OperatorError("alias: both given and taken away; choose one", key="operation.argument")
    if wanted.secret and wanted.new_secret:
        raise OperatorError(
            "secret: one given and a random one asked for; choose one", key="operation.argument"
        )
    aliases = wanted.alias or (() if wanted.no_alias else None)
    secret = wanted.secret or (new_secret() if wanted.new_secret else None)
    if (wanted.new_number, wanted.name, aliases, secret) == (None, None, None, None):
        raise OperatorError("nothing to change was given; see --help", key="operation.argument")
    site = context.site()
    refuse_emergency(site, (wanted.new_number or "", *(aliases or ())))
    changed = await context.durable(
        context.store.extensions.change(
            old.id, number=wanted.new_number, name=wanted.name, secret=secret, aliases=aliases
        )
    )
    follow(context, changed.id)
    if secret is not None:
        return About(changed.id, credentials(changed, site))
    phones = len(context.live.phones(changed.id)) if context.live else None
    return About(changed.id, ExtensionRow(changed.number, changed.name, changed.aliases, phones))


async def remove(context: Context, wanted: Which) -> About:
    """Remove an extension and destroy the key of everything stored about it."""
    old = find(context, wanted.number)
    await context.durable(context.store.extensions.remove(old.id))
    follow(context, old.id)
    return About(old.id, Removed(old.number))


async def show(context: Context, wanted: Which) -> About:
    """Show what a phone needs to register as this extension, its secret included."""
    found = find(context, wanted.number)
    return About(found.id, credentials(found, context.site()))


def find(context: Context, number: str) -> "Extension":
    """Return the extension of a number or alias; raise UnknownExtension."""
    found = context.store.extensions.find(number)
    if found is None:
        raise UnknownExtension("there is no such extension; see `branchline extension list`", number=number)
    return found


def credentials(extension: "Extension", site: Site) -> Credentials:
    """Join an extension with the places its phone can register at."""
    # A phone on a desk does not come by WebSocket, unless there is nothing else.
    first = min(site.listeners, key=lambda one: one.transport in {"ws", "wss"})
    usual = first.port == (5061 if first.transport == "tls" else 5060)
    place = first.address if usual else f"{first.address}:{first.port}"
    uri = f"sip:{extension.number}@{place};transport={first.transport}"
    servers = tuple(map(str, site.listeners))
    return Credentials(extension.number, extension.name, extension.aliases, extension.secret, uri, servers)


def _free_number(context: Context) -> str:
    emergency = context.site().emergency
    number = FIRST_NUMBER
    taken = {*emergency, *(group.number for group in context.store.groups.list())}
    while context.store.extensions.find(str(number)) is not None or str(number) in taken:
        number += 1
    return str(number)


def refuse_emergency(site: Site, numbers: Iterable[str], where: str = "") -> None:
    """Raise EmergencyNumber where one of the numbers is dialled to call for help."""
    for number in numbers:
        if number in site.emergency:
            text = f"{where}that is an emergency number of the site's country; choose another"
            raise EmergencyNumber(text, number=number)


def follow(context: Context, extension: str | None) -> None:
    """Tell the running box, if there is one, that an extension changed; None: any number of them."""
    if context.live is not None:
        context.live.extension_changed(extension)


_ADMIN: Final = Role.ADMINISTRATOR

OPERATIONS: Final = (
    Operation(
        Name.EXTENSION_ADD, "make an extension; its secret is shown once", Add, _ADMIN, add, True, True
    ),
    Operation(Name.EXTENSION_IMPORT, "make extensions out of a CSV file", Import, _ADMIN, load, True, True),
    Operation(Name.EXTENSION_LIST, "list the extensions", Nothing, Role.VIEWER, show_all, False, True),
    Operation(Name.EXTENSION_CHANGE, "change an extension", Change, _ADMIN, change, True, True),
    Operation(Name.EXTENSION_REMOVE, "remove an extension for good", Which, _ADMIN, remove, True, True),
    Operation(
        Name.EXTENSION_SHOW, "show how to register a phone, secret included", Which, _ADMIN, show, True, True
    ),
)
