"""Tests by name: `sip/test_uri::test_parts` is that function in `tests/sip/test_uri.py`."""

import ast
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]


def missing(names: list[str]) -> list[str]:
    """Return those of the named tests that there are not."""
    return sorted(
        name for name in names if name.partition("::")[2] not in _functions(name.partition("::")[0])
    )


@cache
def _functions(module: str) -> frozenset[str]:
    path = TESTS / f"{module}.py"
    if not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text()))
    return frozenset(
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
