"""Debian's kamailio as a peer: a registrar to measure against, and a carrier to register at and call through.

One worker on UDP, everything in memory.
"""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.load import Login
from tests.support.office import cpu_seconds, family

MODULES = Path("/usr/lib")
SECRET = "one secret for all"  # a peer of a benchmark, on loopback
REALM = "kamailio.test"
_CONFIG = """\
debug=-1
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:{address}:5060
mpath="{modules}/"
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")
modparam("usrloc", "db_mode", 0)
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (!is_method("REGISTER")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  if (!pv_www_authenticate("{realm}", "{secret}", "0")) {{ www_challenge("{realm}", "1"); exit; }}
  save("location");
}}
"""
_CARRIER = """\
debug=-1
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:{address}:5060
mpath="{modules}/"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 60)
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "OK"); exit; }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
    if (!is_method("ACK")) sl_send_reply("404", "Not Here");
    exit;
  }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("{realm}", "{secret}", "0")) {{ www_challenge("{realm}", "1"); exit; }}
    save("location");
    exit;
  }}
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  record_route();
  if ($si == "{network}") {{
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
    exit;
  }}
  if (!pv_proxy_authenticate("{realm}", "{secret}", "0")) {{ proxy_challenge("{realm}", "1"); exit; }}
  consume_credentials();
  $du = "sip:{network}:5060";
  t_relay();
}}
"""


def missing() -> str:
    """Say what to install when there is no kamailio here, else ""."""
    return (
        "" if shutil.which("kamailio") and _modules() else "kamailio is not installed (apt install kamailio)"
    )


def _modules() -> Path | None:
    return next(MODULES.glob("*/kamailio/modules"), None)


class Kamailio:
    """A running kamailio at port 5060 of an address; everybody's secret is SECRET. A context manager."""

    def __init__(self, directory: Path, address: str, *, network: str = "") -> None:
        """Start a registrar; with `network`, the address of the telephone network, a carrier before it.

        A carrier lets its registered users call the network, and the network call them.
        """
        self.server = (address, 5060)
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "kamailio.cfg"
        text = _CARRIER if network else _CONFIG
        values = {"address": address, "modules": _modules(), "realm": REALM, "secret": SECRET}
        config.write_text(text.format(network=network, **values))
        words: list[str | Path] = [
            "-DD",
            "-E",
            "-m",
            "64",
            "-M",
            "8",
            "-f",
            config,
            "-w",
            directory,
            "-Y",
            directory,
        ]
        self._process = subprocess.Popen(
            ["kamailio", *words, "-P", directory / "pid"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        try:
            self._wait(10)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def logins(self, count: int) -> list[Login]:
        """Return users it lets in; it knows everybody with the secret."""
        return [Login(str(number), SECRET) for number in range(200, 200 + count)]

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes."""
        return sum(map(cpu_seconds, family(self._process.pid)))

    def _wait(self, seconds: float) -> None:
        """Wait until it answers an OPTIONS, with whatever status."""
        host = self.server[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
            sock.settimeout(0.2)
            own = f"{host}:{sock.getsockname()[1]}"
            request = (
                f"OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKup;rport\r\n"
                f"Max-Forwards: 9\r\nFrom: <sip:a@{host}>;tag=a\r\nTo: <sip:{host}>\r\nCall-ID: up\r\n"
                "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            end = time.monotonic() + seconds
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    sock.sendto(request.encode(), self.server)
                    sock.recv(4096)
                except OSError:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError("kamailio did not start")

    def stop(self) -> None:
        """End it, if it runs; leaving the context does so too."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
