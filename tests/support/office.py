"""A branch office for tests: one box on its own loopback network, and what its people know.

The box is a `Box` on the ports a box has by default, at host 1 of the network; phones take the other hosts.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from provisioning.site_default import default_site
from tests.support import loopback
from tests.support.box import Box
from tests.support.load import Login
from tests.support.sipp import Sipp, row
from tests.support.sipwire import Wire


class Office:
    """A running box and its network. A context manager; leaving it ends the box, which must exit with 0.

    `changes`: texts of the box's default site file and what stands there instead.
    """

    def __init__(self, directory: Path, net: int, changes: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.state = directory / "state"
        self._net = net
        self._peers = 0
        self._secrets: dict[str, str] = {}
        site = default_site(self.address(1))
        for old, new in (changes or {}).items():
            if old not in site:
                raise ValueError(f"the default site file has no {old!r}")
            site = site.replace(old, new)
        self.box = Box(self.state, site=site)

    def __enter__(self) -> Self:
        self.box.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self.box.__exit__(*details)

    def address(self, host: int) -> str:
        """Return an address of the office's network; host 1 is the box."""
        return loopback.address(self._net, host)

    @property
    def server(self) -> str:
        """Where the box listens for SIP over UDP and TCP, as text."""
        return f"{self.box.udp[0]}:{self.box.udp[1]}"

    def secret(self, number: str) -> str:
        """Return the secret of an extension."""
        if number not in self._secrets:
            self._secrets[number] = self.box.secret(number)
        return self._secrets[number]

    def login(self, number: str) -> Login:
        """Return user and secret of an extension."""
        return Login(number, self.secret(number))

    def numbers(self) -> list[str]:
        """Return the numbers of all extensions."""
        return [str(one["number"]) for one in self.box.ask("extension.list")]

    def phones(self, number: str) -> int:
        """Count the phones that are registered for an extension."""
        rows = self.box.ask("extension.list")
        return next(int(one["phones"]) for one in rows if one["number"] == number)

    def calls(self) -> list[dict[str, Any]]:
        """Return the running calls."""
        return list(self.box.ask("calls", recent=0)["active"])

    def records(self) -> list[dict[str, Any]]:
        """Return the records of calls that are over, newest first."""
        return list(self.box.ask("calls", recent=1000)["recent"])

    def record(self, count: int = 1, seconds: float = 10.0) -> dict[str, Any]:
        """Wait until there are `count` records; the newest."""
        deadline = time.monotonic() + seconds
        while len(records := self.records()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(records)} call records after {seconds:g} s, {count} were expected"
                )
            time.sleep(0.1)
        return records[0]

    def sipp(self, scenario: str, host: int, user: str = "", **options: Any) -> Sipp:
        """Start a sipp at a host of the office.

        With `user` it registers, or calls `dialled`; without it is called. `media`: the port it tells as its
        own for sound.
        """
        self._peers += 1
        if user:
            told = options.pop("media", 6000)
            options["rows"] = [row(user, self.secret(user), str(options.get("dialled", "")), told)]
        if dialled := options.pop("dialled", ""):
            options["auth_uri"] = f"{dialled}@{self.server}"
        if "rows" in options:
            options.setdefault("server", self.server)
        return Sipp(self.directory / f"{self._peers}-{scenario}", scenario, self.address(host), **options)

    @contextlib.contextmanager
    def phone(self, user: str, host: int) -> Iterator[None]:
        """Register a phone at port 5060 of a host, which any driver may take over; unregister it after."""
        self._register(user, host, 600)
        try:
            yield
        finally:
            self._register(user, host, 0)

    def _register(self, user: str, host: int, expires: int) -> None:
        with self.wire(host) as wire:
            answer = wire.register(user, self.secret(user), expires=expires)
        if answer.status != 200:
            raise AssertionError(f"the box refused a registration with {answer.status}")

    def wire(self, host: int, port: int = 5060) -> Wire:
        """Return a hand-driven SIP socket at a host of the office."""
        return Wire(self.address(host), self.box.udp, port)

    def processes(self) -> list[int]:
        """Return the box's process and all below it."""
        return family(self.box.pid)

    def memory(self) -> list[int]:
        """Return the memory of each of `processes`, shared pages counted by their share (kB)."""
        signalling, *media = self.processes()
        others = [pss_kib(pid) for pid in media]
        try:
            return [pss_kib(signalling), *others]
        except PermissionError:  # nobody but root may look into the process with the keys: ask it
            return [self.box.ask("status")["memory"] // 1024 - sum(others), *others]


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Return the processor time all threads of a process have used."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def pss_kib(pid: int) -> int:
    """Return the memory of a process, shared pages counted by their share (kB)."""
    return _kib(f"/proc/{pid}/smaps_rollup", "Pss")


def own_kib(pid: int) -> int:
    """Return what a process has written to its memory (kB): other programs do not change it."""
    return _kib(f"/proc/{pid}/status", "RssAnon")


def _kib(path: str, kind: str) -> int:
    return next(
        int(line.split()[1]) for line in Path(path).read_text().splitlines() if line.startswith(f"{kind}:")
    )
