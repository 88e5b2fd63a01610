"""sippy 2.5 with rtp.io as a peer to measure against: the other back-to-back user agent in Python.

It runs in an environment of its own (`firmware/image/bench.sh`), with its log off, without RADIUS and
accounting, every call sent to one place. Its own digest code checks who calls: the password stands in the few
lines that start it, where the B2BUA would ask a RADIUS server.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.load import ROOT, Login
from tests.support.office import cpu_seconds, family, pss_kib
from tests.support.sipwire import Wire

PYTHON = ROOT / ".venv-bench/bin/python"
SECRET = "one secret for all"  # a peer of a benchmark, on loopback
_START = """
import sys
from sippy import b2bua
from sippy.SipHeader import SipHeader

SECRET = sys.argv.pop(1)


class Digest(b2bua.CallMap):
    def recvRequest(self, req, sip_t):
        if req.getMethod() == "INVITE" and req.getHFBody("to").getTag() is None:
            if req.countHFs("authorization") == 0:
                challenge = SipHeader(name="www-authenticate")
                challenge.getBody().realm = "sippy.test"
                response = req.genResponse(401, "Unauthorized")
                response.appendHeader(challenge)
                return (response, None, None)
            if not req.getHFBody("authorization").verify(SECRET, "INVITE"):
                return (req.genResponse(403, "Forbidden"), None, None)
        return super().recvRequest(req, sip_t)


b2bua.CallMap = Digest
b2bua.main_func()
"""


def missing() -> str:
    """Say what is not there, "" when sippy can be started."""
    return "" if PYTHON.exists() else "sippy is not installed (sh firmware/image/bench.sh)"


class Sippy:
    """A running sippy at port 5060 of an address; all calls go to `callee`, port 5060. A context manager."""

    def __init__(self, directory: Path, address: str, callee: str) -> None:
        self.server = (address, 5060)
        start = directory / "start.py"
        start.write_text(_START)
        words = ["-f", "-l", address, "-p", "5060", "-u", "-A", "0", "-s", f"{callee}:5060"]
        relay = f"rtp.io:-l;{address};-m;20000;-M;60000;-d;crit"
        self._process = subprocess.Popen(
            [PYTHON, start, SECRET, *words, "-c", directory / "b2bua.sock", "-r", relay],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "SIPLOG_BEND": "none"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        try:
            self._wait(15)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def login(self) -> Login:
        """Return a user it lets in; it knows everybody with the secret."""
        return Login("101", SECRET)

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes."""
        return sum(map(cpu_seconds, family(self._process.pid)))

    def memory(self) -> float:
        """Return the memory of all its processes (MB), shared pages counted by their share."""
        return sum(map(pss_kib, family(self._process.pid))) / 1024

    def _wait(self, seconds: float) -> None:
        """Wait until its port answers an OPTIONS, with whatever status."""
        end = time.monotonic() + seconds
        host = self.server[0]
        with Wire(f"{host[: host.rindex('.')]}.250", self.server, 5060) as wire:
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    wire.send(
                        (
                            f"OPTIONS sip:{host} SIP/2.0\r\n"
                            f"Via: SIP/2.0/UDP {wire.address}:5060;branch=z9hG4bKup;rport\r\n"
                            f"Max-Forwards: 9\r\nFrom: <sip:a@{host}>;tag=a\r\nTo: <sip:{host}>\r\n"
                            "Call-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
                        ).encode()
                    )
                    wire.receive(0.3)
                except OSError:
                    time.sleep(0.1)
                else:
                    return
        raise AssertionError("sippy did not start")

    def _end(self) -> None:
        self._process.send_signal(signal.SIGKILL)  # a stop takes it seconds, and there is nothing to keep
        self._process.wait(5)
