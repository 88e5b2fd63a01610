"""The shape of the tree: every file says what it is, none grows into a hall, test packages are packages."""

import ast
import re
from pathlib import Path

from tests.contracts.calls import ROOMS

LONGEST = 500  # lines; about there, look for the seam

# A file may be longer for a reason that stands here.
LONGER: dict[str, str] = {}

# Python before 3.11.5 forgets to go back where a possessive *group* fails half way (CPython issue 106052);
# Debian may have an older one. Possessive characters (`[a-z]++`) are right everywhere.
_possessive_group = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+").search


def check(tree: Path) -> list[str]:
    """Return one line for everything that is out of shape under `tree`."""
    wrong = []
    for path in sorted(path for room in (*ROOMS, "tests") for path in (tree / room).rglob("*.py")):
        name = path.relative_to(tree).as_posix()
        source = path.read_text()
        # A test file named after the module it tests has said enough.
        if source.strip() and not path.name.startswith("test_") and not ast.get_docstring(ast.parse(source)):
            wrong.append(f"{name}: a file starts with a docstring that says what it is for")
        length = source.count("\n")
        if length > LONGEST and name not in LONGER:
            wrong.append(
                f"{name}: {length} lines; look for the seam at {LONGEST}, or give a reason in {__name__}"
            )
        if "re.compile" in source and not name.startswith("tests/"):
            wrong += [
                f"{name}:{node.lineno}: a possessive group is wrong in Debian's Python; make it greedy"
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.Constant)
                and _possessive_group(node.value if isinstance(node.value, str) else repr(node.value))
            ]
        if not (path.parent / "__init__.py").exists():
            wrong.append(f"{name}: its folder has no __init__.py")
    wrong += [
        f"{name}: listed as longer than {LONGEST} lines, and is gone"
        for name in LONGER
        if not (tree / name).exists()
    ]
    return wrong
