"""The command line on a store without a box: what it prints, where, and its exit codes."""

import io
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from firmware.cli.command import command
from firmware.cli.completion import script
from firmware.cli.parser import commands
from firmware.cli.place import default_state
from firmware.cli.tables import readable, table
from firmware.operations.operation import Name
from provisioning.site_default import default_site
from tests.support.operations import opened

Printed = pytest.CaptureFixture[str]


def no_run(_state: str | None, _address: str | None) -> int:
    raise AssertionError("nobody asked to run")


def cli(state: Path, *words: str) -> int:
    try:
        return command(["--state", str(state), *words], no_run)
    except SystemExit as end:  # argparse has spoken
        return int(str(end.code))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with opened(tmp_path):
        pass
    (tmp_path / "site.toml").write_text(default_site("192.0.2.1"))
    return tmp_path


def test_a_life_of_an_extension(state: Path, capsys: Printed) -> None:
    assert cli(state, "extension", "add", "--name", "Front desk", "--alias", "0555", "--alias", "0556") == 0
    made = capsys.readouterr().out
    assert "extension 100 (Front desk)" in made
    assert "sip:100@192.0.2.1;transport=udp" in made
    assert "0555 0556" in made
    assert "shown this once" in made
    assert cli(state, "extension", "show", "100", "--json") == 0
    secret = json.loads(capsys.readouterr().out)["secret"]
    assert secret in made
    assert cli(state, "extension", "list") == 0
    listed = capsys.readouterr().out
    assert listed.splitlines() == [
        "NUMBER  NAME        ALIASES    PHONES",
        "100     Front desk  0555 0556  -",
    ]
    assert cli(state, "extension", "change", "100", "--new-number", "120", "--no-alias") == 0
    assert capsys.readouterr().out == "extension 120: Front desk, aliases: none\n"
    assert cli(state, "extension", "change", "120", "--new-secret") == 0
    assert secret not in capsys.readouterr().out
    assert cli(state, "extension", "remove", "120") == 0
    assert capsys.readouterr().out == "extension 120 is removed\n"
    assert cli(state, "extension", "list") == 0
    assert "no extensions" in capsys.readouterr().out


def test_import_reads_a_file(state: Path, tmp_path: Path, capsys: Printed) -> None:
    csv = tmp_path / "people.csv"
    csv.write_text("number,name,aliases\n200,Änne,\n201,b,0555\n", encoding="utf-8-sig")
    assert cli(state, "--json", "extension", "import", str(csv)) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["Änne", "b"]
    csv.write_bytes(b"number,name\n202,\xff\n")
    assert cli(state, "extension", "import", str(csv)) == 1
    assert "not UTF-8" in capsys.readouterr().err
    assert cli(state, "extension", "import", str(tmp_path / "none.csv")) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_json_may_stand_before_or_after(state: Path, capsys: Printed) -> None:
    for words in (("--json", "status"), ("status", "--json")):
        assert cli(state, *words) == 0
        assert json.loads(capsys.readouterr().out)["running"] is False


def test_refusals_are_one_line_on_stderr_and_exit_1(state: Path, capsys: Printed) -> None:
    for words in (
        ("extension", "show", "999"),
        ("extension", "add", "--name", "x", "--number", "112"),
        ("extension", "add", "--name", "x", "--number", "1"),
        ("stop",),
        ("hangup", "c1"),
        ("reload",),
    ):
        assert cli(state, *words) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("branchline: ")
        assert printed.err.count("\n") == 1


def test_refusal_as_json(state: Path, capsys: Printed) -> None:
    assert cli(state, "--json", "extension", "show", "999") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["key"] == "extension.unknown"
    assert error["values"] == {"number": "999"}


def test_wrong_usage_exits_2(state: Path, capsys: Printed) -> None:
    for words in (
        (),
        ("fly",),
        ("extension",),
        ("extension", "add"),
        ("extension", "add", "--name"),
        ("extension", "add", "--nam", "x"),
        ("calls", "--recent", "x"),
        ("calls", "--recent", "-1"),
        ("extension", "add", "--name", "x" * 300),
    ):
        assert cli(state, *words) == 2
        assert capsys.readouterr().out == ""


def test_no_state_directory(tmp_path: Path, capsys: Printed) -> None:
    assert cli(tmp_path / "none", "status") == 1
    assert "no box here" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_run_with_options_in_front_reaches_the_starter(tmp_path: Path) -> None:
    asked = []

    def run(state: str | None, address: str | None) -> int:
        asked.append((state, address))
        return 7

    assert command(["--state", str(tmp_path), "run", "--address", "192.0.2.1"], run) == 7
    assert asked == [(str(tmp_path), "192.0.2.1")]


def test_default_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BRANCHLINE_STATE", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_state() == "/home/someone/.local/state/branchline"
    monkeypatch.setenv("XDG_STATE_HOME", "/var/states")
    assert default_state() == "/var/states/branchline"
    monkeypatch.setenv("BRANCHLINE_STATE", "/srv/box")
    assert default_state() == "/srv/box"


def test_every_operation_has_its_command() -> None:
    found = {".".join(one.words) for one in commands()}
    assert found == {name.value for name in Name} | {"run", "completion"}


def test_answers_without_a_shape_of_their_own_are_readable() -> None:
    assert (
        readable("new.thing", [{"a": 1, "bb": None}, {"a": 22, "bb": ["x", "y"]}]) == "A   BB\n1   -\n22  x y"
    )
    assert readable("new.thing", {"name": "x", "n": 1}) == "name  x\nn     1"
    assert readable("new.thing", []) == ""


def test_table_aligns() -> None:
    assert table(["A", "BB"], [["xxx", "y"]]) == "A    BB\nxxx  y"


# --- completion ------------------------------------------------------------------------------------------


def completed(tmp_path: Path, *words: str) -> list[str]:
    """Ask a real bash what it would offer for the last of the words."""
    (tmp_path / "completion").write_text(script("bash"))
    ask = (
        f"source {tmp_path}/completion\n"
        'branchline() { echo "$*" >> "$ASKED"; printf "100\\n101\\n"; }\n'
        f"COMP_WORDS=({' '.join(repr(word) for word in words)})\n"
        f"COMP_CWORD={len(words) - 1}\n_branchline\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", ask],
        env={"PATH": "/usr/bin:/bin", "ASKED": str(tmp_path / "asked")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return sorted(word for word in done.stdout.split() if words[-1] or word[0] != "-")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["rel"], ["reload"]),
        (["extension", "-"], ["--help", "--json", "--state"]),
        (
            ["extension", ""],
            "add change digest dnd forward import list messages outside private remove show waiting".split(),
        ),
        (["extension", "re"], ["remove"]),
        (["extension", "add", "--n"], ["--name", "--number"]),
        (["extension", "add", "--name", "show", "--al"], ["--alias"]),
        (["extension", "add", "--name", ""], []),
        (["extension", "show", "1"], ["100", "101"]),
        (["--json", "extension", "show", "101"], ["101"]),
        (["completion", "z"], ["zsh"]),
        (["run", "--a"], ["--address"]),
        (["extension", "import", "peo"], ["people.csv"]),
    ],
)
def test_bash_completes(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    (tmp_path / "people.csv").touch()
    assert completed(tmp_path, "branchline", *words) == offered


def test_bash_completes_numbers_of_the_box_that_is_meant(tmp_path: Path) -> None:
    completed(tmp_path, "branchline", "--state", "/srv/box", "extension", "show", "")
    assert (tmp_path / "asked").read_text() == "--state /srv/box complete numbers\n"


def test_numbers_for_completion(state: Path, tmp_path: Path, capsys: Printed) -> None:
    cli(state, "extension", "add", "--name", "x")
    capsys.readouterr()
    assert cli(state, "complete", "numbers") == 0
    assert capsys.readouterr().out == "100\n"
    assert cli(tmp_path / "none", "complete", "numbers") == 0
    assert capsys.readouterr().out == "\n"


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_accepts_the_script(tmp_path: Path) -> None:
    path = tmp_path / "completion"
    path.write_text(script("zsh"))
    subprocess.run(["zsh", "-n", str(path)], check=True)


def test_zsh_script_is_the_same_function() -> None:
    function = script("bash").partition("_branchline()")[2]
    assert script("zsh").partition("_branchline()")[2] == function
    assert "bashcompinit" in script("zsh")


def test_times_are_local(state: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware.clock import local_moment

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert local_moment(0.0) == "1970-01-01 00:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_trunks_password_comes_from_standard_input_only(
    state: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (state / "site.toml").open("a") as site:
        site.write('\n[[trunk]]\nname = "first"\nmode = "register"\nhost = "192.0.2.9"\nuser = "u"\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("not for you\n"))
    assert cli(state, "trunk", "secret", "first") == 0
    assert capsys.readouterr().out == "trunk first has a password now\n"
    assert cli(state, "trunk", "secret", "first", "--secret", "not for you") == 2
    assert cli(state, "trunk", "list") == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[1].split() == "first down - - 0 of 10 the box is not running".split()
    assert cli(state, "trunk", "secret", "first", "--forget") == 0
    assert capsys.readouterr().out == "trunk first has no password now\n"
    [offered] = [line for line in script("bash").splitlines() if line.strip().startswith('"trunk secret")')]
    assert "--forget" in offered
    assert "--secret" not in offered
