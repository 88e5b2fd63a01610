"""A real box for tests: its own process, its own state directory, free ports on loopback.

    with Box() as box:
        phone = sip_phone(box.udp, user="101", secret=box.secret("101"))
        ...
        assert box.json("calls")["active"] == []

Leaving the block stops it with SIGINT and fails unless it exits with 0.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from provisioning.site import read_site
from provisioning.site_default import default_site

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60.0
"""Patience with a busy machine; nothing here takes that long."""
INTERPRETER = "BRANCHLINE_PYTHON"  # another Python to run the box with, such as the emulated one


class Box:
    """A box that runs from entering the block to leaving it.

    `state` may be a directory of an earlier box; `calls` is how many calls it must have media ports for;
    `site` replaces the site file's text, with {udp}, {tls}, {first}, {last} for the ports chosen here.
    """

    def __init__(self, state: Path | None = None, *, calls: int = 25, site: str | None = None) -> None:
        self._own: tempfile.TemporaryDirectory[str] | None = None
        if state is None:
            self._own = tempfile.TemporaryDirectory(prefix="box-")
            state = Path(self._own.name, "state")
        self.state = state
        self._calls = calls
        self._site = site
        self._process: subprocess.Popen[bytes] | None = None
        self._output = os.memfd_create("output", os.MFD_CLOEXEC)

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            code = self.stop()
            if kind is not None:
                print(self.output(), file=sys.stderr)
            else:
                assert code == 0, f"the box exited with {code}:\n{self.output()}"
        finally:
            self._clean()

    # -- life

    def prepare(self) -> None:
        """Write a site file with free ports, unless there is one; the first start then makes the store."""
        path = self.state / "site.toml"
        if not path.exists():
            udp, tls = free_port(), free_port()
            while tls == udp:
                tls = free_port()  # the first was free again when the second was asked for
            first, last = free_block(self._calls * 4)
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._site is None:
                text = default_site("127.0.0.1", sip_port=udp, tls_port=tls, media_ports=(first, last))
            else:
                text = self._site.format(udp=udp, tls=tls, first=first, last=last)
            path.write_text(text)
            path.chmod(0o600)
        site = read_site(path)
        places = {one.transport: (one.address, one.port) for one in site.listeners}
        nowhere = ("", 0)
        self.udp, self.tcp, self.tls = (places.get(kind, nowhere) for kind in ("udp", "tcp", "tls"))
        self.media = site.media

    def start(self, *words: str, ready: bool = True) -> None:
        """Start the process; wait until it says that it is ready."""
        os.truncate(self._output, 0)
        os.lseek(self._output, 0, os.SEEK_SET)
        self._process = subprocess.Popen(
            [*command(), "run", "--state", str(self.state), *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        if ready:
            self.wait_for("\nready: ", "ready: ")

    @property
    def pid(self) -> int:
        """The signalling process; the media process is its child."""
        assert self._process is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop the process if it still runs; return its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until the process has ended; return its exit code."""
        assert self._process is not None
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return -signal.SIGKILL

    # -- what it says

    def output(self) -> str:
        """Return what the box has printed so far, errors included."""
        size = os.fstat(self._output).st_size
        return os.pread(self._output, size, 0).decode()

    def wait_for(self, *texts: str) -> str:
        """Wait until one of the texts stands in the output; return the whole output."""
        assert self._process is not None
        end = time.monotonic() + SECONDS
        while True:
            ended = self._process.poll() is not None
            output = self.output()
            if any(text in output for text in texts):
                return output
            assert not ended, f"the box ended before it said {texts[0]!r}:\n{output}"
            assert time.monotonic() < end, f"the box never said {texts[0]!r}:\n{output}"
            time.sleep(0.01)

    # -- administration

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one command of the command line on this box."""
        return subprocess.run(
            [*command(), "--state", str(self.state), *words],
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def cli(self, *words: str, stdin: str = "") -> str:
        """Run one command that must succeed; return what it printed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str, stdin: str = "") -> Any:
        """Run one command that must succeed; return its answer."""
        return json.loads(self.cli("--json", *words, stdin=stdin))

    def ask(self, operation: str, **arguments: object) -> Any:
        """Carry out one operation over the local socket, without a process of its own: for polling."""
        from firmware.operations.socket import ask

        return ask(str(self.state), operation, arguments)

    def secret(self, number: str) -> str:
        """Return an extension's secret."""
        return str(self.ask("extension.show", number=number)["secret"])

    def _clean(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._output)
        if self._own is not None:
            self._own.cleanup()


def command() -> list[str]:
    """Return the words that start our command line."""
    return [os.environ.get(INTERPRETER, sys.executable), "-m", "firmware"]


def free_port() -> int:
    """Return a port that is free for UDP and TCP on loopback; others may take it until it is used."""
    while True:
        with (
            contextlib.suppress(OSError),
            _bound(socket.SOCK_STREAM, 0) as port,
            _bound(socket.SOCK_DGRAM, port),
        ):
            return port


def free_block(size: int, low: int = 20000, high: int = 30000) -> tuple[int, int]:
    """Return first and last of `size` UDP ports in a row, free on loopback, the first one even."""
    while True:
        first = low + int.from_bytes(os.urandom(4), "big") % (high - low - size) // 2 * 2
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + size):
                stack.enter_context(_bound(socket.SOCK_DGRAM, port))
            return first, first + size - 1


@contextlib.contextmanager
def _bound(kind: int, port: int) -> Iterator[int]:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()[1]
