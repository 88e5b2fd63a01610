"""The distribution builds offline, and holds the five packages, their data, the licence and one command."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contracts.calls import ROOMS

TREE = Path(__file__).parents[2]


@pytest.mark.prove
def test_the_wheel_holds_the_house_and_nothing_else(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for room in ROOMS:
        shutil.copytree(TREE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TREE / name, tree / name)
    (tree / "tests").mkdir()
    (tree / "tests" / "__init__.py").write_text("")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(tmp_path)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *options, "."], cwd=tree, check=True, capture_output=True
    )
    [wheel] = tmp_path.glob("branchline-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [commands] = [name for name in names if name.endswith("entry_points.txt")]
        assert "branchline = firmware.main:entry" in archive.read(commands).decode()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)
    for pattern in ("*.py", "*.toml", "py.typed"):
        there = {path.relative_to(tree).as_posix() for room in ROOMS for path in (tree / room).rglob(pattern)}
        assert there - names == set(), pattern
    assert any(name.endswith("/LICENSE") for name in names)
