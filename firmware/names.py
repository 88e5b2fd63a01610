"""The five import names are common words: make sure that they mean this distribution and nobody else's.

`sip` is also the name of a well-known binding generator. A package that took one of the names be imported in
our place, with whatever it does; so the start-up check refuses it before anything else is imported.
"""

import sys
from importlib.machinery import PathFinder
from os.path import dirname

from firmware.errors import OperatorError

NAMES = ("board", "firmware", "provisioning", "rtp", "sip")


class ForeignPackage(OperatorError):
    """One of the import names leads elsewhere; `name` and `place` (a folder, or "" for nowhere) say where."""

    key = "foreign-package"


def _folder(name: str) -> str:
    """Return the folder a name is, or would be, imported from; "" if there is none."""
    module = sys.modules.get(name)
    spec = PathFinder.find_spec(name) if module is None else module.__spec__
    return dirname(spec.origin) if spec is not None and spec.origin else ""


def check() -> None:
    """Raise ForeignPackage unless all five names come from the folder that this file's package came from."""
    root = dirname(dirname(__file__))
    for name in NAMES:
        folder = _folder(name)
        if folder != f"{root}/{name}":
            place = f"comes from {folder}" if folder else "is not installed"
            raise ForeignPackage(
                f"the package {name!r} {place}, not from Branchline in {root}: remove the other one, "
                "or start from a virtual environment of Branchline's own",
                name=name,
                place=folder,
            )
