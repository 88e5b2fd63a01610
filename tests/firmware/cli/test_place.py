"""Where the state is, and how to speak to a box from here."""

import sys
from pathlib import Path

import pytest

from firmware.cli.place import command_for, default_state


def test_the_state_is_where_the_user_says_else_where_their_system_keeps_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("BRANCHLINE_STATE", raising=False)
    assert default_state() == str(tmp_path / "branchline")
    monkeypatch.setenv("BRANCHLINE_STATE", "/there")
    assert default_state() == "/there"


def test_what_to_type_is_what_works_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRANCHLINE_STATE", "here")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert command_for("here") == f"{sys.executable} -m firmware"
    script = tmp_path / ".venv" / "bin" / "branchline"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    assert command_for("here") == ".venv/bin/branchline"
    assert command_for("my box") == ".venv/bin/branchline --state 'my box'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert command_for("there") == "branchline --state there"
