"""The command line's grammar, drawn from the operations: one place says what each of them takes."""

import argparse
from dataclasses import MISSING, Field, fields
from typing import Any, Final, NamedTuple

from firmware.operations.operation import Operation, hint
from firmware.operations.registry import REGISTRY

SHELLS: Final = ("bash", "zsh")


class Option(NamedTuple):
    """One option or positional argument of a command."""

    flag: str
    takes_value: bool
    choices: str


class Command(NamedTuple):
    """One command: its words, its operation (None for those that are no operation), its options."""

    words: tuple[str, ...]
    help: str
    operation: Operation | None
    options: tuple[Option, ...]


COMMON: Final = (
    Option("--json", False, ""),
    Option("--state", True, "directories"),
    Option("--help", False, ""),
)


def commands() -> list[Command]:
    """Return every command in the order of the help."""
    found = [
        Command(
            ("run",),
            "start the box; the first start makes a demo site",
            None,
            (Option("--address", True, ""),),
        )
    ]
    found += [
        Command(
            tuple(name.split(".")),
            operation.help,
            operation,
            tuple(_option(one) for one in fields(operation.arguments) if not hint(one).hidden),
        )
        for name, operation in REGISTRY.items()
    ]
    shells = tuple(Option(shell, False, "") for shell in SHELLS)
    return [
        *found,
        Command(("completion",), "print a script that completes commands in a shell", None, shells),
    ]


def parser() -> argparse.ArgumentParser:
    """Build the parser; the parsed namespace has `command`, a key of the registry, or run or completion."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--json", action="store_true", help="print the answer as JSON")
    common.add_argument(
        "--state", metavar="DIR", help="the box's state directory (default: BRANCHLINE_STATE)"
    )
    top = argparse.ArgumentParser(
        prog="branchline",
        description="Run and administer a Branchline box.",
        parents=[common],
        allow_abbrev=False,
    )
    first = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    groups = {"": first}
    for command in commands():
        group = " ".join(command.words[:-1])
        if group not in groups:
            parent = first.add_parser(group, help=f"{group}s: add, list, change and more")
            groups[group] = parent.add_subparsers(title="commands", metavar="COMMAND", required=True)
        one = groups[group].add_parser(
            command.words[-1],
            help=command.help,
            description=command.help,
            parents=[common],
            allow_abbrev=False,
        )
        one.set_defaults(command=".".join(command.words))
        _arguments(one, command)
    return top


def parse(argv: list[str]) -> argparse.Namespace:
    """Parse a command line; argparse prints and exits (code 2) when it is wrong."""
    return parser().parse_args(argv, argparse.Namespace(json=False, state=None))


def given(operation: Operation, parsed: argparse.Namespace) -> dict[str, object]:
    """Collect the operation's arguments out of the namespace; what was not given is left out."""
    values = {one.name: getattr(parsed, one.name, None) for one in fields(operation.arguments)}
    return {name: value for name, value in values.items() if value is not None}


def _option(one: "Field[Any]") -> Option:
    about = hint(one)
    flag = "" if about.positional else "--" + one.name.replace("_", "-")
    return Option(flag, one.type is not bool, about.choices)


def _arguments(to: argparse.ArgumentParser, command: Command) -> None:
    if command.words == ("run",):
        to.add_argument("--address", metavar="IP", help="the address of a new box (default: 127.0.0.1)")
    if command.words == ("completion",):
        to.add_argument("shell", choices=SHELLS)
    if command.operation is None:
        return
    for one in fields(command.operation.arguments):
        about = hint(one)
        if about.hidden:
            continue
        if about.positional:
            to.add_argument(one.name, metavar="FILE" if about.choices == "files" else None, help=about.help)
            continue
        settings: dict[str, Any] = {"dest": one.name, "help": about.help, "default": None}
        if one.type is bool:
            settings["action"] = "store_const"
            settings["const"] = True
        else:
            settings["metavar"] = one.name.upper()
            settings["required"] = one.default is MISSING
            if one.type in (int, int | None):
                settings["type"] = int
            elif one.type not in (str, str | None):
                settings["action"] = "append"
        to.add_argument("--" + one.name.replace("_", "-"), **settings)
