"""A foreign package under one of the five names is refused in one line, and the check costs nothing."""

import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from firmware import names

TREE = Path(__file__).parents[2]
CHECK = """
from firmware import names
try:
    names.check()
except names.OperatorError as error:
    print(error)
"""


def check_with(folder: Path, before: str = "") -> str:
    """Run the check in an interpreter of its own whose import path begins with `folder`."""
    code = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(TREE)!r}]\n{before}\n{CHECK}"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    return run.stdout


def test_our_own_names_are_accepted() -> None:
    names.check()


@pytest.mark.parametrize("name", [name for name in names.NAMES if name != "firmware"])
@pytest.mark.parametrize("imported", [True, False], ids=["imported", "not yet imported"])
def test_a_foreign_package_is_refused_in_one_line(tmp_path: Path, name: str, imported: bool) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    words = check_with(tmp_path, f"import {name}" if imported else "")
    assert words.count("\n") == 1
    assert f"the package '{name}' comes from {tmp_path / name}" in words


def test_a_foreign_module_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sip.py").write_text("")
    assert "the package 'sip' comes from" in check_with(tmp_path)


def test_where_the_others_are_not_installed_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "firmware").symlink_to(TREE / "firmware")
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{CHECK}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "the package 'board' is not installed" in run.stdout


def test_the_check_is_no_burden_at_start_up() -> None:
    # Typically 0.1 ms or less; the limit only catches a check that began to import or to walk folders.
    assert min(timeit.repeat(names.check, number=1, repeat=50)) < 0.005
