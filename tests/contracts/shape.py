"""The shape of the tree: every file says what it is, none grows into a hall, test packages are packages."""

import ast
from pathlib import Path

from tests.contracts.calls import ROOMS

LONGEST = 500  # lines; about there, look for the seam

# A file may be longer for a reason that stands here.
LONGER: dict[str, str] = {
    "rtp/loop.py": "a packet's whole way in one file: it is the description that every other tier must match",
}


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
        if not (path.parent / "__init__.py").exists():
            wrong.append(f"{name}: its folder has no __init__.py")
    wrong += [
        f"{name}: listed as longer than {LONGEST} lines, and is gone"
        for name in LONGER
        if not (tree / name).exists()
    ]
    return wrong
