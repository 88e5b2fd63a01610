"""pjsip as a phone, in a process of its own: whatever becomes of it, the tests go on.

with Pjsua("127.0.63.10", speech=wave, heard=record) as phone:
    phone.start(user="101", secret=secret, server="127.0.63.1:5060")
    phone.wait("registered", status=200)
"""

import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SECONDS = 15.0


class Pjsua:
    """One phone. Events are dicts; `wait` takes the first that fits, and those before it are gone."""

    def __init__(self, host: str, *, speech: Path, heard: Path) -> None:
        self.host = host
        self.speech = speech
        self.heard = heard
        self.seen: list[dict[str, Any]] = []
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.pjsua_peer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"{"):
                self._events.put(json.loads(line))
        self._events.put(None)

    def do(self, command: str, **arguments: object) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({"do": command, **arguments}) + "\n").encode())
        self._process.stdin.flush()

    def start(
        self,
        *,
        user: str,
        secret: str,
        server: str,
        transport: str = "udp",
        mwi: bool = False,
        demanding: bool = False,
    ) -> None:
        """Register. `demanding`: it wants reliable provisional answers and session timers in every call."""
        self.do(
            "start",
            host=self.host,
            user=user,
            secret=secret,
            server=server,
            transport=transport,
            mwi=mwi,
            demanding=demanding,
            speech=str(self.speech),
            heard=str(self.heard),
        )
        self.wait("registered", status=200)

    def wait(self, event: str, **fields: object) -> dict[str, Any]:
        """Return the next event of that name with these fields; fails if the phone died or time is up."""
        limit = time.monotonic() + SECONDS
        while True:
            try:
                found = self._events.get(timeout=max(0.0, limit - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"pjsip never told {event} {fields}, but {self.seen}") from None
            assert found is not None, f"pjsip died after {self.seen}"
            self.seen.append(found)
            if found["event"] == event and all(found.get(name) == value for name, value in fields.items()):
                return found
