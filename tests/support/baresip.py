"""A softphone nobody here wrote, driven without a screen: baresip 1.0.0 of Debian.

One `Baresip` is one process with its own directory, its own loopback address and one account. It speaks
what is in a wav file and everything it would have played to the ear is written to a wav file.

Commands and events pass over its control port (module `ctrl_tcp`: JSON in netstrings); a reader thread notes
each event with the moment it came (time.monotonic), because those moments are what call records are checked
against.

Recording: the filter module `sndfile` stops writing for good after the first hold (the receive filters are
dropped with a change of direction and never made again), so the ear is an ALSA device of type `file` whose
file is a pipe, and a thread of ours draws from that pipe at the pace of a sound card.
"""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support import audio
from tests.support.box import free_block

MODULES = "/usr/lib/baresip/modules"
CONTROL_PORT = 4444
BUFFER = 0.6
"""Seconds the phone keeps before it plays, so that a busy machine makes no holes. They are lost at each
change of direction and at the end of a call: what was said in the last second before is not heard."""
UNHEARD = BUFFER + 0.4
PIPE_BYTES = 4096  # a quarter of a second of audio: the phone cannot run further ahead of the ear


class PhoneError(AssertionError):
    """The phone did not do what was asked of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the phone: its type (CALL_ESTABLISHED ...), moment (monotonic seconds), all its fields."""

    type: str
    at: float
    fields: dict[str, object]


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """What a person types into a phone. `server` is host:port of the box."""

    user: str
    secret: str
    server: str
    transport: str = "udp"
    name: str = ""
    secure: bool = False
    """Nothing but SRTP with keys in the description (SDES)."""
    codec: str = "PCMA/8000/1"
    """The one codec it has."""
    parameters: str = ""
    """More, as baresip reads it: `;mediaenc=dtls_srtp;medianat=ice`."""

    def line(self) -> str:
        """As baresip's command `uanew` wants it."""
        name = f'"{self.name}" ' if self.name else ""
        return (
            f"{name}<sip:{self.user}@{self.server};transport={self.transport}>"
            f";auth_user={self.user};auth_pass={self.secret};regint=600;audio_codecs={self.codec}"
            + (";mediaenc=srtp-mand" if self.secure else "")
            + self.parameters
        )


class Ear(threading.Thread):
    """Draws what the phone plays from its pipe, 8000 samples a second, and keeps it."""

    def __init__(self, pipe: Path) -> None:
        super().__init__(name="ear", daemon=True)
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._halt = threading.Event()
        self.heard = bytearray()

    def run(self) -> None:
        began, taken = 0.0, 0
        while not self._halt.wait(0.01):
            now = time.monotonic()
            if not began:
                began, taken = now - 0.02, 0
            try:
                data = os.read(self._pipe, max(0, int((now - began) * audio.RATE) * 2 - taken))
            except BlockingIOError:
                began = 0.0  # nothing is being played: time does not count
                continue
            taken += len(data)
            self.heard += data

    def stop(self) -> None:
        self._halt.set()
        if self.is_alive():
            self.join(5)
        with contextlib.suppress(OSError):
            os.close(self._pipe)


class Baresip:
    """One running phone. Use as a context manager; leaving it ends the process.

    `address`: own 127.0.0.x. `speech`: wav file it speaks from the moment a call is established.
    `trust`: PEM file of the certificate authority for TLS.
    `more`: lines of its configuration beside the usual.
    Its RTP sockets are bound to every address of the machine, so each phone is given ten ports nobody uses.
    """

    def __init__(
        self,
        directory: Path,
        address: str,
        *,
        speech: Path,
        trust: Path | None = None,
        more: tuple[str, ...] = (),
    ) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.address = address
        self._events: list[Event] = []
        self._replies: list[dict[str, object]] = []
        self._news = threading.Condition()
        self._closed = False
        (directory / "accounts").write_text("")
        (directory / "contacts").write_text("")
        pipe = directory / "ear"
        (directory / "asound.conf").write_text(
            f'pcm.ear {{ type file slave.pcm "deaf" file "{pipe}" format "raw" truncate true }}\n'
            "pcm.deaf { type null }\n"
        )
        (directory / "config").write_text(self._config(speech, trust, more))
        self.ear = Ear(pipe)
        self._log = (directory / "log").open("wb")
        self.process = subprocess.Popen(
            ["baresip", "-f", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={
                "ALSA_CONFIG_PATH": str(directory / "asound.conf"),
                "HOME": str(directory),
                "PATH": os.environ["PATH"],
            },
        )
        try:
            self._control = self._connect()
        except BaseException:
            self.close()
            raise
        self.ear.start()
        self._reader = threading.Thread(target=self._read, name="baresip events", daemon=True)
        self._reader.start()

    def _config(self, speech: Path, trust: Path | None, more: tuple[str, ...]) -> str:
        first, last = free_block(10, 30000, 40000)
        modules = ("g711", "aufile", "alsa", "srtp")
        lines = [
            "poll_method epoll",
            f"sip_listen {self.address}:5060",
            *([f"sip_cafile {trust}"] if trust else []),
            "call_local_timeout 60",
            "call_max_calls 4",
            "audio_player alsa,ear",
            f"audio_source aufile,{speech}",
            "audio_alert alsa,deaf",
            "ausrc_srate 8000",
            "auplay_srate 8000",
            "ausrc_channels 1",
            "auplay_channels 1",
            f"audio_buffer {BUFFER * 1000:.0f}-6000",
            "jitter_buffer_delay 0-10",
            f"rtp_ports {first}-{last}",
            f"net_interface {self.address}",
            f"module_path {MODULES}",
            *(f"module {name}.so" for name in modules),
            *more,
            "module_tmp account.so",
            "module_app menu.so",
            "module_app ctrl_tcp.so",
            f"ctrl_tcp_listen {self.address}:{CONTROL_PORT}",
            "ringback_disabled yes",
            "menu_bell no",
            "statmode_default off",
        ]
        return "\n".join(lines) + "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + 10
        while True:
            try:
                return socket.create_connection((self.address, CONTROL_PORT), timeout=1)
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise PhoneError(f"baresip did not start, see its log: {self.log()[-400:]}") from error
                time.sleep(0.02)

    def _read(self) -> None:
        self._control.settimeout(None)
        buffer = b""
        while True:
            try:
                data = self._control.recv(65536)
            except OSError:
                data = b""
            at = time.monotonic()
            with self._news:
                if not data:
                    self._closed = True
                    self._news.notify_all()
                    return
                buffer += data
                while (colon := buffer.find(b":")) > 0 and len(buffer) > colon + 1 + int(buffer[:colon]):
                    end = colon + 1 + int(buffer[:colon])
                    message: dict[str, object] = json.loads(buffer[colon + 1 : end])
                    buffer = buffer[end + 1 :]
                    if message.get("event"):
                        self._events.append(Event(str(message["type"]), at, message))
                    else:
                        self._replies.append(message)
                self._news.notify_all()

    def command(self, name: str, parameters: str = "") -> str:
        """Send one command, wait for its reply; its text. Raises PhoneError if the phone refuses."""
        text = json.dumps({"command": name, "params": parameters}).encode()
        with self._news:
            self._replies.clear()
            self._control.sendall(b"%d:%s," % (len(text), text))
            if not self._news.wait_for(lambda: self._replies or self._closed, 5) or not self._replies:
                raise PhoneError(f"baresip does not answer the command {name}")
            reply = self._replies.pop()
        if not reply.get("ok"):
            raise PhoneError(f"baresip refuses the command {name}")
        return str(reply.get("data", ""))

    def mark(self) -> int:
        """Count the events so far, to wait for later ones only."""
        with self._news:
            return len(self._events)

    def events(self, kind: str | None = None) -> list[Event]:
        """All events so far, or those of one type."""
        with self._news:
            return [event for event in self._events if kind in (None, event.type)]

    def wait(self, *kinds: str, seconds: float = 10.0, since: int = 0) -> Event:
        """Return the first event of one of these types, there already or still to come; else PhoneError."""

        def search() -> Event | None:
            return next((event for event in self._events[since:] if event.type in kinds), None)

        with self._news:
            self._news.wait_for(lambda: search() or self._closed, seconds)
            if found := search():
                return found
            seen = " ".join(event.type for event in self._events[since:]) or "nothing"
        raise PhoneError(f"no {' or '.join(kinds)} within {seconds:g} s; seen: {seen}")

    def register(self, account: Account, *, seconds: float = 10.0) -> Event:
        """Add the account and register it; REGISTER_OK or REGISTER_FAIL."""
        since = self.mark()
        self.command("uanew", account.line())
        return self.wait("REGISTER_OK", "REGISTER_FAIL", seconds=seconds, since=since)

    def dial(self, target: str) -> float:
        """Call; the moment it was asked (monotonic seconds)."""
        at = time.monotonic()
        self.command("dial", target)
        return at

    def accept(self) -> float:
        """Lift the receiver; the moment it was asked."""
        at = time.monotonic()
        self.command("accept")
        return at

    def hold(self) -> None:
        self.command("hold")

    def resume(self) -> None:
        self.command("resume")

    def hangup(self) -> float:
        """Hang up or refuse; the moment it was asked."""
        at = time.monotonic()
        self.command("hangup")
        return at

    def heard(self) -> audio.Samples:
        """Everything played to the ear so far, silence of pauses included."""
        return audio.samples(bytes(self.ear.heard))

    def log(self) -> str:
        """Return what the phone printed."""
        return (self.directory / "log").read_text(errors="replace")

    def kill(self) -> None:
        """Crash: no farewell."""
        self.process.kill()
        self.process.wait(5)

    def close(self) -> None:
        """End the phone and write `heard.wav` into its directory."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.kill()
        self.ear.stop()
        if hasattr(self, "_control"):
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            if hasattr(self, "_reader"):
                self._reader.join(5)
            self._control.close()
        self._log.close()
        audio.write(self.directory / "heard.wav", bytes(self.ear.heard))
