"""SIPp 3.6.1 of Debian as caller, callee and registering phone, in the background and bounded.

Our scenarios lie in `scenarios/`; words like @STATUS@ in them are filled in here. A run ends by itself after
its calls or its seconds. What it found wrong is in `Outcome.complaints`. Debian's build speaks no TLS and
knows of the digest algorithms MD5 only; its first cnonce is the same in every run, so two runs on one address
within a second may look like a replay.
"""

import csv
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: exit code, calls as the scenario says, calls that were not, complaints, log."""

    code: int
    succeeded: int
    failed: int
    complaints: str
    log: tuple[str, ...]

    def expect(self, calls: int) -> Self:
        """Raise AssertionError unless exactly `calls` calls succeeded and none failed."""
        if (self.code, self.succeeded, self.failed) != (0, calls, 0):
            raise AssertionError(
                f"sipp: {self.succeeded} calls as the scenario says, {self.failed} not, "
                f"exit code {self.code}; {calls} and 0 were expected. {self.complaints[:1500]}"
            )
        return self


def row(user: str, secret: str, dialled: str = "", media_port: int | str = "") -> str:
    """One line of a scenario's CSV: user, credentials, dialled number, media port."""
    return f"{user};[authentication username={user} password={secret}];{dialled};{media_port}"


class Sipp:
    """One running sipp. Use as a context manager; leaving it ends the process."""

    def __init__(
        self,
        directory: Path,
        scenario: str,
        address: str,
        *,
        port: int = 5060,
        server: str = "",
        transport: str = "udp",
        rows: Sequence[str] = (),
        calls: int = 1,
        rate: float = 10.0,
        seconds: int = 30,
        media_port: int = 6000,
        echo: bool = False,
        auth_uri: str = "",
        words: Mapping[str, str | int] | None = None,
    ) -> None:
        """Start `calls` calls of `scenario` at `rate` a second from address:port to `server` (host:port).

        A callee takes no `server`. `echo`: send back all RTP that arrives at `media_port` (and the port two
        above). `auth_uri`: what the credentials name, without `sip:`; sipp's own choice is the server,
        right for REGISTER only. `words`: what stands for @WORDS@ in the scenario; MEDIA is the port a callee
        tells, if not `media_port`.
        """
        directory.mkdir(parents=True)
        self.directory = directory
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for word, value in {"MEDIA": "[media_port]", **(words or {})}.items():
            text = text.replace(f"@{word}@", str(value))
        if left := re.search(r"@[A-Z]+@", text):
            raise ValueError(f"scenario {scenario} needs the word {left[0]}")
        (directory / "scenario.xml").write_text(text)
        command = ["sipp", *([server] if server else []), "-sf", "scenario.xml"]
        command += ["-i", address, "-p", str(port), "-mi", address, "-mp", str(media_port)]
        command += ["-t", {"udp": "u1", "tcp": "t1"}[transport], "-nostdin"]
        command += ["-default_behaviors", "all,-bye"]
        command += [
            "-m",
            str(calls),
            "-r",
            str(rate),
            "-l",
            str(max(1, calls)),
            "-cid_str",
            f"%u-%p-{address}@%s",
        ]
        command += ["-timeout", str(seconds), "-timeout_error", "-recv_timeout", str(seconds * 1000)]
        command += ["-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-error_file", "errors"]
        command += ["-trace_logs", "-log_file", "log"]
        if auth_uri:
            command += ["-auth_uri", auth_uri]
        if rows:
            (directory / "rows.csv").write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
            command += ["-inf", "rows.csv"]
        if echo:
            command.append("-rtp_echo")
        self._seconds = seconds
        self._screen = (directory / "screen").open("wb")
        self.process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=self._screen, stderr=self._screen
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._screen.close()

    def log(self) -> tuple[str, ...]:
        """Return the lines the scenario logged so far."""
        path = self.directory / "log"
        return tuple(path.read_text(errors="replace").splitlines()) if path.exists() else ()

    def wait(self) -> Outcome:
        """Wait for the end of the run, at most its seconds and five more."""
        try:
            code = self.process.wait(self._seconds + 5)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -1
        succeeded = failed = 0
        stat = self.directory / "stat.csv"
        if stat.exists() and (rows := list(csv.DictReader(stat.read_text().splitlines(), delimiter=";"))):
            succeeded, failed = int(rows[-1]["SuccessfulCall(C)"]), int(rows[-1]["FailedCall(C)"])
        errors = self.directory / "errors"
        complaints = errors.read_text(errors="replace") if errors.exists() else ""
        if code not in {0, 1} and not complaints:
            complaints = (self.directory / "screen").read_text(errors="replace")[-1500:]
        return Outcome(code, succeeded, failed, complaints, self.log())

    def kill(self) -> None:
        """Crash, if it still runs: no farewell."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
