"""Breaks every rule of the house once, in a copy of the tree, and asks that the matching check says so."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts import calls, shape

TREE = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

DOC = '"""Planted."""\n'

# module to plant -> source; each is one kind of forbidden import, and import-linter must name each of them.
IMPORTS = {
    # the rooms
    "sip.planted_rtp": "import rtp",
    "rtp.planted_sip": "from sip import planted_rtp",
    "board.planted_provisioning": "import provisioning",
    "provisioning.planted_board": "import board",
    "sip.planted_firmware": "import firmware",
    "rtp.planted_firmware": "def late() -> None:\n    import firmware",
    # the floors, upwards and sideways
    "firmware.calls.planted_up": "import firmware.operations.planted",
    "firmware.errors_planted": "",
    "firmware.journal.planted_up": "import firmware.store.planted",
    "firmware.media.planted_side": "import firmware.store.planted",
    "firmware.lines.planted_side": "import firmware.update.planted",
    "firmware.calls.planted_main": "import firmware.main",
    # the outside
    "sip.planted_socket": "import socket",
    "firmware.calls.planted_ssl": "import ssl",
    "rtp.planted_select": "def late() -> None:\n    import selectors",
    "provisioning.planted_http": "from urllib.request import urlopen",
    "sip.planted_time": "import time",
    "firmware.calls.planted_time": "from time import monotonic",
    "rtp.planted_file": "import tempfile",
    "firmware.calls.planted_store": "import apsw",
    "board.planted_process": "import subprocess",
    "sip.planted_thread": "import threading",
    "firmware.calls.planted_native": "import ctypes",
    "provisioning.planted_signal": "import signal",
    "sip.planted_serial": "import serial",
    "firmware.calls.planted_tty": "import termios",
    "sip.planted_loop": "import asyncio",
    "rtp.planted_loop": "from asyncio import sleep",
    "board.planted_loop": "import asyncio.streams",
}

# (module, source, kind): what the check of calls must find.
CALLS = [
    ("sip.planted", "open('x')", "files"),
    ("firmware.calls.planted", "import io\nio.open('x')", "files"),
    ("firmware.calls.planted", "from io import open as o", "files"),
    ("rtp.planted", "import pathlib\npathlib.Path('x').read_text()", "files"),
    ("rtp.planted", "from pathlib import Path\nPath('x').open()", "files"),
    ("provisioning.planted", "def f(path: object) -> None:\n    path.open()", "files"),
    ("provisioning.planted", "def f(it: object) -> None:\n    it.open('rb')", "files"),
    ("provisioning.planted", "def f(a: object) -> None:\n    (a / 'b').mkdir()", "files"),
    ("board.planted", "import os\nos.open('x', 0)", "files"),
    ("board.planted", "from os import write", "files"),
    ("firmware.calls.planted", "import os\nos.replace('a', 'b')", "files"),
    ("firmware.calls.planted", "import os\nf = os.fork", "processes"),
    ("firmware.calls.planted", "from os import execv", "processes"),
    (
        "firmware.calls.planted",
        "async def f(loop: object) -> None:\n    loop.run_in_executor(None, f)",
        "processes",
    ),
    ("firmware.calls.planted", "import asyncio\nf = asyncio.to_thread", "processes"),
    ("firmware.calls.planted", "async def f(loop: object) -> None:\n    loop.create_server(f)", "sockets"),
    ("firmware.lines.planted", "def f(loop: object) -> None:\n    loop.add_reader(3, f)", "watches"),
    (
        "firmware.lines.planted",
        "def f(loop: object) -> None:\n    loop.create_datagram_endpoint(f)",
        "sockets",
    ),
    ("firmware.calls.planted", "def f(loop: object) -> None:\n    loop.time()", "loop time"),
    ("sip.planted", "print('x')", "terminal"),
    ("firmware.store.planted", "input()", "terminal"),
    ("firmware.calls.planted", "import sys\nsys.stderr.write('x')", "terminal"),
    ("sip.planted", "eval('1')", "code"),
    ("firmware.main", "exec('1')", "code"),
    ("firmware.main", "__import__('x')", "code"),
    ("firmware.main", "breakpoint()", "code"),
    ("firmware.calls.planted", "import builtins\nbuiltins.open('x')", "files"),
    ("sip.planted", "import os as quiet", "code"),
    ("firmware.main", "import os\nos.environ['A'] = 'b'", "environment"),
    ("firmware.main", "import os\ndel os.environ['A']", "environment"),
    ("firmware.main", "import os\nos.environ.update(A='b')", "environment"),
    ("firmware.main", "import os\nos.putenv('A', 'b')", "environment"),
    ("firmware.media.worker", "import subprocess\nsubprocess.run('x', shell=True)", "shell"),
]

# What ruff must refuse; the rule that does stands with it.
RUFF = {
    "import asyncio\n\n\nasync def f() -> None:\n    await asyncio.open_connection('a', 1)": "TID251",
    "import asyncio\n\n\nasync def f() -> None:\n    await asyncio.start_server(f)  # type: ignore": "TID251",
    "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)": "TID251",
    "import datetime\n\nNOW = datetime.datetime.utcnow()": "TID251",
    "import time\n\nNOW = time.time()": "TID251",
    "import time\n\ntime.sleep(1)": "TID251",
    "from time import monotonic\n\nNOW = monotonic()": "TID251",
    "import pickle\n\nX = pickle.loads(b'')": "TID251",
    "import importlib\n\nX = importlib.import_module('x')": "TID251",
    "import os\n\nos.system('x')": "TID251",
    "import subprocess\n\nsubprocess.run('x', shell=True, check=True)": "S602",
    "import random\n\nX = random.random()": "S311",
    "import hashlib\n\nX = hashlib.md5(b'')": "S324",
    "import time\n\n\nasync def f() -> None:\n    time.sleep(1)": "ASYNC251",
    "from datetime import datetime\n\nX = datetime.fromtimestamp(0)": "DTZ006",
    "def f(a: int) -> int:\n    return a": "D103",
    "def _f(a):\n    return a": "ANN001",
    "print('x')": "T201",
    "try:\n    X = 1\nexcept Exception:\n    X = 2": "BLE001",
}


def module_path(tree: Path, module: str) -> Path:
    """Return the file of a module."""
    return (tree / module.replace(".", "/")).with_suffix(".py")


def plant(tree: Path, module: str, source: str) -> None:
    """Write a module and the packages it needs; a file that is there gets the source appended."""
    path = module_path(tree, module)
    for parent in path.relative_to(tree).parents:
        folder = tree / parent
        if folder != tree:
            folder.mkdir(exist_ok=True)
            if not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text(DOC)
    path.write_text((path.read_text() if path.exists() else DOC) + source + "\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the house that may be broken."""
    target = tmp_path / "tree"
    ignore = shutil.ignore_patterns("__pycache__", "*_cache")
    for room in (*calls.ROOMS, "tests/contracts"):
        shutil.copytree(TREE / room, target / room, ignore=ignore)
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(TREE / name, target / name)
    return target


def lint_imports(tree: Path) -> tuple[int, str]:
    """Return import-linter's exit code and words for a tree."""
    run = subprocess.run(
        [BIN / "lint-imports", "--no-logo", "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_the_tree_as_it_stands_is_clean() -> None:
    assert calls.check(TREE) == []
    assert shape.check(TREE) == []
    code, words = lint_imports(TREE)
    assert code == 0, words


def test_every_forbidden_import_is_named(tree: Path) -> None:
    for module in ("firmware.operations.planted", "firmware.store.planted", "firmware.update.planted"):
        plant(tree, module, "")
    for module, source in IMPORTS.items():
        plant(tree, module, source)
    if not (tree / "firmware/main.py").exists():
        plant(tree, "firmware.main", "")
    code, words = lint_imports(tree)
    assert code == 1, words
    assert [module for module in IMPORTS if module not in words] == []


@pytest.mark.parametrize("listed", ["sip.transport.udp", "rtp.loop", "firmware.operations.socket"])
def test_a_listed_module_may_import_what_it_is_listed_for(tree: Path, listed: str) -> None:
    plant(tree, listed, "import socket")
    _, words = lint_imports(tree)
    assert f"{listed} is not allowed to import socket" not in words


@pytest.mark.parametrize(("module", "source", "kind"), CALLS)
def test_a_call_to_the_outside_is_found(tree: Path, module: str, source: str, kind: str) -> None:
    plant(tree, module, source)
    assert kind in {finding.kind for finding in calls.check(tree) if finding.module == module}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("firmware.store.planted", "import os\nos.replace('a', 'b')\nopen('x')"),
        ("firmware.main", "print('x')"),
        ("sip.transport.planted", "def f(loop: object) -> None:\n    loop.add_reader(3, f)"),
        (
            "firmware.calls.planted",
            "def f(media: object) -> None:\n    media.open()\n    'a'.replace('b', 'c')",
        ),
        ("firmware.calls.planted", "import os\nos.urandom(4)\nos.path.join('a', 'b')\nos.environ['A']"),
    ],
)
def test_what_is_allowed_is_not_found(tree: Path, module: str, source: str) -> None:
    plant(tree, module, source)
    assert calls.check(tree) == []


@pytest.mark.parametrize(("source", "rule"), RUFF.items())
def test_ruff_refuses(tree: Path, source: str, rule: str) -> None:
    plant(tree, "firmware.calls.planted", source)
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "firmware/calls"],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert f" {rule} " in run.stdout


def test_the_format_is_checked(tree: Path) -> None:
    plant(tree, "sip.planted", "X  =  1")
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "sip/planted.py"],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1


def test_types_are_checked_strictly(tree: Path) -> None:
    plant(
        tree,
        "sip.planted",
        "def f(a):\n    return a\n\n\nX: int = 'x'\n\n\ndef g(a: list) -> None:\n    h(a)",
    )
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "sip/planted.py"],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert {"[no-untyped-def]", "[assignment]", "[type-arg]", "[name-defined]"} <= set(run.stdout.split())


@pytest.mark.parametrize(
    ("name", "source", "word"),
    [
        ("sip/planted.py", "X = 1\n", "docstring"),
        ("sip/planted.py", DOC + "X = 1\n" * 501, "seam"),
        ("tests/contracts/deeper/test_planted.py", DOC, "__init__.py"),
        ("sip/planted.py", DOC + "import re\n\nX = re.compile(r'(?:ab)*+')\n", "possessive"),
        ("sip/planted.py", DOC + "import re\n\nX = re.compile(rb'(?:ab){2,3}+')\n", "possessive"),
    ],
)
def test_the_shape_is_checked(tree: Path, name: str, source: str, word: str) -> None:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text(source)
    assert [line for line in shape.check(tree) if line.startswith(name) and word in line]
