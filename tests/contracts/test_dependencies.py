"""Every package installed on a box is named, reasoned about and pinned by hash; nothing else is imported."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contracts.calls import ROOMS

TREE = Path(__file__).parents[2]
DECISIONS = TREE / "docs" / "decisions"
SAID = (
    "**Why.**",
    "**Licence.**",
    "**Health.**",
    "**Wheels.**",
    "**Price.**",
    "**What would change our mind.**",
)

# Import names that differ from the distribution's.
IMPORTED_AS = {
    "apsw-sqlite3mc": "apsw",
    "dnspython": "dns",
    "phonenumberslite": "phonenumbers",
    "pyopenssl": "OpenSSL",
}


def locked(name: str) -> dict[str, str]:
    """Return {distribution: its lines in a lock}."""
    entries = re.split(r"^(?=[a-z0-9])", (TREE / name).read_text(), flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry.partition("\n")[0]}


def declared() -> set[str]:
    """Return the runtime dependencies that pyproject.toml names."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=!~ \[]", line)[0] for line in project["dependencies"]}


def reasoned() -> dict[str, Path]:
    """Return {distribution: the page that says why it is there}."""
    pages = {}
    for page in DECISIONS.glob("*-dependency-*.md"):
        found = re.search(r"^Packages: (.+)$", page.read_text(), re.MULTILINE)
        pages.update(dict.fromkeys(found[1].split() if found else [], page))
    return pages


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_is_pinned_by_hash(lock: str) -> None:
    entries = locked(lock)
    assert entries
    for name, entry in entries.items():
        assert re.fullmatch(
            r"[a-z0-9.-]+==[0-9.]+(\.post[0-9]+)?( ; [a-z0-9_]+ == \"[a-z0-9_]+\")? \\",
            entry.partition("\n")[0],
        ), name
        assert "--hash=sha256:" in entry, name


def test_the_locks_agree_and_hold_what_is_declared() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert declared() <= runtime.keys()
    for name, entry in runtime.items():
        assert development[name].partition("\n")[0] == entry.partition("\n")[0]


def test_the_locks_name_no_place() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (TREE / lock).read_text()


def test_every_runtime_dependency_has_a_page_and_every_page_a_dependency() -> None:
    assert reasoned().keys() == locked("requirements.lock").keys()


@pytest.mark.parametrize("page", sorted(set(reasoned().values())), ids=lambda page: page.stem)
def test_a_dependency_page_says_all_it_should(page: Path) -> None:
    text = page.read_text()
    assert [word for word in SAID if word not in text] == []
    assert "aarch64" in text or "Pure Python" in text


def test_the_index_of_decisions_is_complete() -> None:
    index = (DECISIONS / "README.md").read_text()
    assert [page.name for page in DECISIONS.glob("0*.md") if f"({page.name})" not in index] == []


def test_the_rooms_import_only_the_standard_library_and_what_is_declared() -> None:
    ours = set(ROOMS) | {IMPORTED_AS.get(name, name) for name in declared()} | sys.stdlib_module_names
    foreign = set()
    for room in ROOMS:
        for path in (TREE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                foreign |= {f"{path.name}: {name}" for name in names if name.split(".")[0] not in ours}
    assert foreign == set()
