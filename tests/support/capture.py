"""What really went over the wire, read by a dissector nobody here wrote: dumpcap and tshark of Debian.

Capturing on loopback needs root (or the file capabilities of the package's group); `missing` says what is not
there, for a skip that is told.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self


def missing() -> str:
    """Say why nothing can be captured here, else ""."""
    if not (shutil.which("dumpcap") and shutil.which("tshark")):
        return "tshark is not installed (apt install tshark): headers on the wire are not read back"
    return (
        ""
        if os.geteuid() == 0
        else "only root may capture on loopback: headers on the wire are not read back"
    )


class Capture:
    """Keeps what passes loopback from and to an address while the context lasts.

    `ports`: those on which SIP is spoken beside 5060, for the dissector.
    """

    def __init__(self, path: Path, address: str, ports: tuple[int, ...] = ()) -> None:
        self.path = path
        self._ports = ports
        words = ["-q", "-i", "lo", "-f", f"host {address}", "-a", "duration:60", "-w", str(path)]
        self._process = subprocess.Popen(
            ["dumpcap", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        end = time.monotonic() + 10
        while not self.path.exists() or not self.path.stat().st_size:
            if time.monotonic() > end or self._process.poll() is not None:
                self._process.kill()
                raise AssertionError("dumpcap did not start")
            time.sleep(0.02)
        time.sleep(0.1)  # the file is there a moment before the first packet is taken
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.6)  # the kernel hands packets over in batches
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)

    def read(self, wanted: str, *fields: str) -> list[list[str]]:
        """Return the values of `fields` of each packet that the display filter `wanted` lets through."""
        as_sip = [word for port in self._ports for word in ("-d", f"udp.port=={port},sip")]
        words = [word for field in fields for word in ("-e", field)]
        done = subprocess.run(
            [
                "tshark",
                "-n",
                "-r",
                self.path,
                *as_sip,
                "-Y",
                wanted,
                "-T",
                "fields",
                "-E",
                "separator=\t",
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return [line.split("\t") for line in done.stdout.splitlines()]
