"""A branch office for tests: one box on its own loopback network 127.0.N.0/24, and what its people know.

The box is started as `make run` does, in a process of its own, on a state directory of its own. Phones take
addresses from 127.0.N.2 on. Everything asked of the box goes through its command line.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from tests.support.load import ROOT, Login
from tests.support.sipp import Sipp, row
from tests.support.sipwire import Wire

START_SECONDS = 20.0


class BoxError(AssertionError):
    """The box did not do what was asked of it."""


class Office:
    """A running box. A context manager; leaving it ends the box.

    `site`: the text of a site file to start with instead of the one the box makes.
    """

    def __init__(self, directory: Path, net: int, *, site: str = "") -> None:
        self.state = directory / "state"
        self.log_directory = directory / "terminal"
        self.log_directory.mkdir(parents=True)
        self._net = net
        self._starts = 0
        self._peers = 0
        self.directory = directory
        if site:
            self.state.mkdir(mode=0o700)
            (self.state / "site.toml").write_text(site)
        self.process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)

    def address(self, host: int) -> str:
        """Return an address of the office's network; host 1 is the box."""
        return f"127.0.{self._net}.{host}"

    @property
    def udp(self) -> tuple[str, int]:
        """Where the box listens for SIP over UDP and TCP."""
        return self.address(1), 5060

    @property
    def server(self) -> str:
        """The same as text."""
        return f"{self.address(1)}:5060"

    def _start(self) -> "subprocess.Popen[bytes]":
        self._starts += 1
        with (self.log_directory / f"{self._starts}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "firmware",
                    "run",
                    "--state",
                    str(self.state),
                    "--address",
                    self.address(1),
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait(5)
                raise BoxError(f"the box did not start: {self.log()[-1000:]}")
            time.sleep(0.02)
        return process

    def _answers(self) -> bool:
        """Tell whether the box answers an OPTIONS request (which needs no credentials)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((self.address(254), 0))
            sock.settimeout(0.2)
            port = sock.getsockname()[1]
            text = (
                f"OPTIONS sip:{self.server} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.address(254)}:{port};branch=z9hG4bK{time.monotonic_ns()};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:probe@{self.server}>;tag=p\r\nTo: <sip:{self.server}>\r\n"
                f"Call-ID: {time.monotonic_ns()}@probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            with contextlib.suppress(OSError):
                sock.sendto(text.encode(), self.udp)
                return sock.recv(4096).startswith(b"SIP/2.0 ")
        return False

    def log(self) -> str:
        """Return everything the box printed, over all its starts."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.log_directory.iterdir()))

    def ask(self, *words: str) -> Any:
        """Carry out one command of the `branchline` command line; its JSON answer."""
        done = subprocess.run(
            [sys.executable, "-m", "firmware", *words, "--json", "--state", str(self.state)],
            cwd=ROOT,
            capture_output=True,
            timeout=30,
            check=False,
        )
        if done.returncode != 0:
            raise BoxError(f"branchline {words[0]}: {done.stderr.decode(errors='replace')[-500:]}")
        return json.loads(done.stdout)

    def end(self, how: int) -> int:
        """End the box by a signal; its exit code. Safe for SIGKILL too: orphans of the box end by themselves."""
        self.process.send_signal(how)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
            raise BoxError("the box did not end within 15 s") from None

    def start_again(self) -> None:
        """Start the box again on the same state after `end`."""
        self.process = self._start()

    @cached_property
    def _secrets(self) -> dict[str, str]:
        return {}

    def secret(self, number: str) -> str:
        """Return the secret of an extension."""
        if number not in self._secrets:
            self._secrets[number] = str(self.ask("extension", "show", number)["secret"])
        return self._secrets[number]

    def login(self, number: str) -> Login:
        """Return user and secret of an extension."""
        return Login(number, self.secret(number))

    def numbers(self) -> list[str]:
        """Return the numbers of all extensions."""
        return [str(one["number"]) for one in self.ask("extension", "list")]

    def phones(self, number: str) -> int:
        """Count the phones that are registered for an extension."""
        return next(int(one["phones"]) for one in self.ask("extension", "list") if one["number"] == number)

    def calls(self) -> list[dict[str, Any]]:
        """Return the running calls."""
        return list(self.ask("calls", "--recent", "0")["active"])

    def records(self) -> list[dict[str, Any]]:
        """Return the records of calls that are over, newest first."""
        return list(self.ask("calls", "--recent", "1000")["recent"])

    def record(self, count: int = 1, seconds: float = 10.0) -> dict[str, Any]:
        """Wait until there are `count` records; the newest."""
        deadline = time.monotonic() + seconds
        while len(records := self.records()) < count:
            if time.monotonic() > deadline:
                raise BoxError(f"{len(records)} call records after {seconds:g} s, {count} were expected")
            time.sleep(0.1)
        return records[0]

    def sipp(self, scenario: str, host: int, user: str = "", **options: Any) -> Sipp:
        """Start a sipp at a host of the office; with `user` and `dialled` it calls, without it is called."""
        self._peers += 1
        if user:
            dialled, media = str(options.pop("dialled", "")), options.get("media_port", 6000)
            options.setdefault("rows", [row(user, self.secret(user), dialled, media)])
            options.setdefault("server", self.server)
        return Sipp(self.directory / f"{self._peers}-{scenario}", scenario, self.address(host), **options)

    def register(self, user: str, host: int, port: int = 5060) -> None:
        """Register a phone at a host of the office, that any driver then may take over."""
        with self.wire(host, port) as wire:
            answer = wire.register(user, self.secret(user))
        if answer.status != 200:
            raise BoxError(f"the box refused a registration with {answer.status}")

    def wire(self, host: int, port: int = 5060) -> Wire:
        """Return a hand-driven SIP socket at a host of the office."""
        return Wire(self.address(host), self.udp, port)

    def processes(self) -> list[int]:
        """Return the box's process and all below it."""
        return _family(self.process.pid)


def _family(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    return found


@cache
def _tick() -> int:
    return os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _tick()


def pss_kib(pid: int) -> int:
    """Return the memory of a process, shared pages counted by their share (kB)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
