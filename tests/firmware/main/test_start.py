"""The box as a process: it starts, tells, obeys signals; and every reason not to start writes nothing."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.clock import Clock
from firmware.errors import OperatorError
from firmware.journal import Journal
from firmware.main.first import make_store
from firmware.store import Store
from provisioning.site import read_site
from tests.support.box import SECONDS, Box, command, free_port

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state directory of a box that ran once and stopped; no test may change it."""
    state = tmp_path_factory.mktemp("stopped") / "state"
    with Box(state) as box:
        assert box.state == state
    return state


def content(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time of change and content of every file."""
    found = {}
    for path in [directory, *directory.rglob("*")]:
        about = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (
            about.st_mode,
            about.st_mtime_ns if path.is_file() else 0,
            hashlib.sha256(data).hexdigest(),
        )
    return found


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*command(), *words], capture_output=True, text=True, timeout=60, check=False)


def refused(state: Path, says: str, *words: str) -> None:
    """Start a box that must refuse with one clear line, leaving the directory as it was."""
    before = content(state) if state.exists() else None
    done = run("run", "--state", str(state), *words)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("branchline: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr
    assert (content(state) if state.exists() else None) == before


def test_first_start_tells_how_to_register_once(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box:
        first = box.output()
        secrets = {row["number"]: box.secret(row["number"]) for row in box.ask("extension.list")}
        assert list(secrets) == [str(number) for number in range(100, 110)]
        assert all(len(secret) >= 16 for secret in secrets.values())
        assert len(set(secrets.values())) == 10
        assert all(f"{secret}\n" in first for secret in secrets.values())
        assert f"sip:100@127.0.0.1:{box.udp[1]};transport=udp" in first
        assert "█" in first
        assert "extension show 101" in first
        assert box.stop() == 0
        box.start()
        second = box.output()
        assert not any(secret in second for secret in secrets.values())
        assert box.secret("105") == secrets["105"]


def test_state_is_for_its_owner_alone(stopped: Path) -> None:
    for path in (stopped, *stopped.rglob("*")):
        assert path.lstat().st_mode & 0o077 == 0, path
    assert not (stopped / "control").exists()


def test_no_key_in_any_file(stopped: Path) -> None:
    for path in stopped.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()


@pytest.mark.native
def test_status_of_the_running_box(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box:
        status = box.json("status")
        assert status["running"] is True
        assert (status["extensions"], status["registered"], status["calls"]) == (10, 0, 0)
        ports = {"udp": box.udp[1], "tcp": box.tcp[1], "tls": box.tls[1]}
        assert status["listeners"] == [f"{kind} 127.0.0.1:{port}" for kind, port in ports.items()]
        assert 10_000_000 < status["memory"] < 80_000_000
        assert "running since" in box.cli("status")
        assert box.cli("calls") == "no call is running\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_well(tmp_path: Path, number: signal.Signals) -> None:
    with Box(tmp_path / "state") as box:
        children = Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()
        assert len(children) == 1
        assert box.stop(number) == 0
        assert not Path(f"/proc/{children[0]}").exists()
        assert "the box stops" in box.output()


def test_a_second_interrupt_forces_the_end(tmp_path: Path) -> None:
    box = Box(tmp_path / "state")
    box.prepare()
    box.start()
    [child] = Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGSTOP)  # now the end has to wait for it
    try:
        box.send(signal.SIGINT)
        wait_until(lambda: not (box.state / "control").exists() or "the box stops" in box.output())
        box.send(signal.SIGINT)
        assert box.wait() == 130
        assert "forced to end" in box.output()
    finally:
        os.kill(int(child), signal.SIGKILL)
        box.stop()
    box.start()
    assert box.stop() == 0


def test_stop_returns_when_the_box_is_down(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box:
        assert box.cli("stop") == "the box is down\n"
        assert json.loads(run("--state", str(box.state), "--json", "status").stdout)["running"] is False
        assert box.wait() == 0


def test_output_may_be_a_pipe_that_closes(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box:
        assert box.stop() == 0
        with subprocess.Popen(
            [*command(), "run", "--state", str(box.state)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"ready: ")
            process.stdout.close()
            assert box.json("status")["running"] is True
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0


def test_tls_shows_a_certificate_of_the_boxs_own_authority(tmp_path: Path) -> None:
    def shown(box: Box) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(box.tls, 10) as plain, context.wrap_socket(plain) as secure:
            found = secure.getpeercert(binary_form=True)
            assert found is not None
            return found

    with Box(tmp_path / "state") as box:
        first = shown(box)
        assert box.stop() == 0
        box.start()
        assert shown(box) == first


def test_a_start_that_is_interrupted_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """Killed at many moments of its first start, the box has all its extensions or no store yet."""
    for step in range(12):
        state = tmp_path / str(step)
        with subprocess.Popen(
            [*command(), "run", "--state", str(state), "--address", f"127.0.203.{step + 1}"],
            stdout=subprocess.DEVNULL,
        ) as process:
            time.sleep(0.12 + 0.03 * step)
            process.kill()
        if (state / "store.db").exists():
            rows = json.loads(run("--state", str(state), "--json", "extension", "list").stdout)
            assert len(rows) == 10


def test_an_early_interrupt_ends_it_well(tmp_path: Path) -> None:
    """Ctrl-C that comes while the store is made: the secrets are shown all the same."""
    state = tmp_path / "state"
    with subprocess.Popen(
        [*command(), "run", "--state", str(state), "--address", "127.0.203.19"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until((state / "box.key").exists, pause=0.001)
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=SECONDS)
    assert errors == b""
    assert process.returncode == 0
    assert b"SECRET" in shown


def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    state = tmp_path / "stäte"
    start = [*command(), "run", "--state", str(state), "--address", "127.0.203.20"]
    with subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *start]) as process:
        wait_until((state / "control").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    with subprocess.Popen(
        [*command(), "run", "--state", str(state)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready: ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def test_the_media_process_leaves_the_end_to_its_parent(tmp_path: Path) -> None:
    """What a terminal or a service manager sends to all must not cost running calls their sound."""
    with Box(tmp_path / "state") as box:
        (media,) = map(int, Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(media, number)
        time.sleep(0.3)
        status = box.ask("status")
        assert status["counters"]["media process restarted"] == 0
        assert Path(f"/proc/{media}").exists()


@pytest.mark.native
def test_the_memory_of_the_box_stays_unread(tmp_path: Path) -> None:
    """No core file, and for other programs of the same user no look into memory or environment."""
    with Box(tmp_path / "state") as box:
        assert Path(f"/proc/{box.pid}/environ").stat().st_uid == 0
        limits = Path(f"/proc/{box.pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                Path(f"/proc/{box.pid}/environ").read_bytes()


# --- reload ----------------------------------------------------------------------------------------------


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path / "state") as running:
        yield running


def wait_until(true: Callable[[], bool], *, pause: float = 0.01) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(pause)


def rewrite(box: Box, old: str, new: str) -> None:
    path = box.state / "site.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_reload_tells_and_applies_the_difference(box: Box) -> None:
    assert box.cli("reload") == "the site file says what is in force already\n"
    rewrite(box, '"Demo office"', '"Branch"')
    rewrite(box, 'country = "generic"', 'country = "uk"')
    rewrite(box, "last_port = ", "last_port = 1")
    text = box.run("reload")
    assert text.returncode == 1
    assert "media.last_port" in text.stderr
    rewrite(box, "last_port = 1", "last_port = ")
    changes = box.json("reload")["changes"]
    assert changes == [
        "name: Demo office becomes Branch; takes hold now",
        "country: generic becomes uk; takes hold for new calls",
    ]
    assert box.json("status")["site"] == "Branch"
    assert box.run("extension", "add", "--name", "x", "--number", "999").returncode == 1
    assert box.json("reload")["changes"] == []


def test_numbers_that_become_emergency_numbers_are_named(box: Box) -> None:
    box.cli("extension", "add", "--name", "x", "--alias", "999")
    rewrite(box, 'country = "generic"', 'country = "uk"')
    assert "warning: 999 is an emergency number in United Kingdom" in box.json("reload")["changes"][-1]
    assert box.stop() == 0
    box.start()
    assert "warning: 999 is an emergency number" in box.output()


def test_reload_by_signal_says_so_in_the_log(box: Box) -> None:
    rewrite(box, '"Demo office"', '"Branch"')
    box.send(signal.SIGHUP)
    box.wait_for("name: Demo office becomes Branch; takes hold now")
    rewrite(box, '"Branch"', "3")
    box.send(signal.SIGHUP)
    box.wait_for("not reloaded: ")
    assert box.json("status")["site"] == "Branch"


def test_reload_adds_and_removes_listeners(box: Box) -> None:
    port = free_port()
    more = f'[[listener]]\ntransport = "tcp"\naddress = "127.0.0.1"\nport = {port}\n\n[media]'
    rewrite(box, "[media]", more)
    box.cli("reload")
    socket.create_connection(("127.0.0.1", port), 10).close()
    assert f"tcp 127.0.0.1:{port}" in box.json("status")["listeners"]
    rewrite(box, more, "[media]")
    assert box.json("reload")["changes"] == [
        f"listener: tcp 127.0.0.1:{port} removed; takes hold when no call is running"
    ]
    wait_until(lambda: f"tcp 127.0.0.1:{port}" not in box.ask("status")["listeners"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)


def test_reload_with_a_taken_port_changes_nothing(box: Box) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        rewrite(
            box,
            "[media]",
            f'[[listener]]\ntransport = "udp"\naddress = "127.0.0.1"\nport = {port}\n\n[media]',
        )
        rewrite(box, '"Demo office"', '"Branch"')
        done = box.run("reload")
    assert done.returncode == 1
    assert f"udp 127.0.0.1:{port}: cannot listen there" in done.stderr
    assert box.json("status")["site"] == "Demo office"


def test_reload_names_again_what_needs_a_restart(box: Box) -> None:
    rewrite(box, "file_kilobytes = 4096", "file_kilobytes = 128")
    for _ in range(2):
        assert box.json("reload")["changes"] == [
            "log.file_kilobytes: 4096 becomes 128; takes hold at the next start of the box"
        ]


# --- reasons not to start -------------------------------------------------------------------------------


def test_a_taken_port(stopped: Path, tmp_path: Path) -> None:
    for number, listener in enumerate(read_site(stopped / "site.toml").listeners):
        kind = socket.SOCK_DGRAM if listener.transport == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((listener.address, listener.port))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            refused(stopped, f"{listener}: another program has this port")
            fresh = tmp_path / f"fresh{number}"
            fresh.mkdir(mode=0o700)
            (fresh / "site.toml").write_bytes((stopped / "site.toml").read_bytes())
            refused(fresh, f"{listener}: another program has this port")


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    refused(tmp_path / "state", "not an address of this machine", "--address", "192.0.2.77")
    refused(tmp_path / "state", "--address: not one IP address", "--address", "nowhere")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_another_user(stopped: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 12345, 12345)
    refused(state, "belongs to another user (uid 12345)")


@pytest.mark.parametrize("key", [None, b"00" * 32 + b"\n", b"nonsense\n"])
def test_a_wrong_key(stopped: Path, tmp_path: Path, key: bytes | None) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for path in stopped.iterdir():
        if path.is_file():
            (state / path.name).write_bytes(path.read_bytes())
            (state / path.name).chmod(0o600)
    if key is None:
        (state / "box.key").unlink()
    else:
        (state / "box.key").write_bytes(key)
    refused(state, "key")


def test_a_corrupt_site_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    site = state / "site.toml"
    site.write_text('name = "a\n')
    refused(state, f"{site}:1: name: not TOML")


def test_all_faults_of_a_site_file_are_listed(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('name = 3\ncountry = "xx"\n')
    done = run("run", "--state", str(tmp_path))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) > 2
    assert all(line.startswith(f"branchline: {tmp_path}/site.toml:") for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["site.toml"]


def test_a_second_box_on_the_same_state(box: Box) -> None:
    done = run("run", "--state", str(box.state))
    assert done.returncode == 1
    assert (
        done.stderr == f"branchline: {box.state}: a box is running there already; `branchline stop` ends it\n"
    )
    assert box.json("status")["running"] is True


def test_a_lost_database(stopped: Path, tmp_path: Path) -> None:
    """A new store in its place would cost the keys of the old one."""
    state = tmp_path / "state"
    shutil.copytree(stopped, state)
    (state / "store.db").unlink()
    refused(state, "store.db is missing: restore the backup")


def test_a_lost_site_file_is_told(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box:
        assert box.stop() == 0
        (box.state / "site.toml").unlink()
        with subprocess.Popen(
            [*command(), "run", "--state", str(box.state), "--address", "127.0.203.21"],
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert b"site.toml was missing" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0


def test_a_directory_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    state = tmp_path / "state"
    monkeypatch.setattr(Store, "create", full)
    clock = Clock()
    with pytest.raises(OperatorError, match="No space left"):
        make_store(str(state), clock, Journal(clock))
    assert not state.exists()
    state.mkdir(mode=0o700)
    (state / "site.toml").touch()
    with pytest.raises(OperatorError):
        make_store(str(state), clock, Journal(clock))
    assert [path.name for path in state.iterdir()] == ["site.toml"]


def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path / "file", "not a directory")
    refused(tmp_path / "file" / "state", "Not a directory")


def test_wrong_options(tmp_path: Path) -> None:
    for words in (["--state"], ["--adress", "x"], ["extra"]):
        done = run("run", *words)
        assert done.returncode == 2
        assert "usage" in done.stderr
    assert run("run", "--help").returncode == 0


def test_a_command_whose_reader_went_away_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*command(), "completion", "bash"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode in {0, 141}
