"""Load from a process of its own, and what its phones are made of.

Made for speed, so that the box under test is the one that saturates: messages are templates of bytes, answers
are read by searching. UDP and digest with MD5, nothing else.

`python -m tests.support.load storm|calls` reads a specification as JSON from stdin and prints the result;
`in_child` starts that, `outcome` reads it.
"""

import contextlib
import hashlib
import json
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESEND = 0.5
"""Seconds after which an unanswered request is sent again."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """User and secret of an extension."""

    user: str
    secret: str


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def udp_socket(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((address, port))
    return sock


def between(data: bytes, start: bytes, end: bytes) -> bytes:
    at = data.find(start)
    if at < 0:
        return b""
    at += len(start)
    return data[at : data.find(end, at)]


class Credentials:
    """Digest answers of one login, HA1 made once."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._ha1: dict[str, str] = {}
        self._count = 0

    def answer(self, response: bytes, method: str, uri: str) -> str:
        """Return the header line value for a 401 or 407 given as bytes."""
        realm = between(response, b'realm="', b'"').decode()
        nonce = between(response, b'nonce="', b'"').decode()
        user = self.login.user
        ha1 = self._ha1.get(realm) or self._ha1.setdefault(realm, _md5(f"{user}:{realm}:{self.login.secret}"))
        self._count += 1
        cnonce = f"{id(self):x}{self._count:x}"
        said = _md5(f"{ha1}:{nonce}:00000001:{cnonce}:auth:{_md5(f'{method}:{uri}')}")
        return (
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{said}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"'
        )


def in_child(kind: str, **specification: object) -> "subprocess.Popen[bytes]":
    """Start `storm` or `calls` in a process of its own; read the outcome with `outcome`."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.load", kind],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    child.stdin.write(json.dumps(specification, default=lambda value: [value.user, value.secret]).encode())
    child.stdin.close()
    return child


def outcome(child: "subprocess.Popen[bytes]", seconds: float = 60.0) -> dict[str, float]:
    """Wait for a child of `in_child`; its result as a dictionary."""
    assert child.stdout
    timer = time.monotonic() + seconds
    try:
        while child.poll() is None and time.monotonic() < timer:
            time.sleep(0.05)
        if child.poll() is None:
            raise AssertionError("the load did not end in time")
        result: dict[str, float] = json.loads(child.stdout.read())
        return result
    finally:
        if child.poll() is None:
            child.kill()
            child.wait(5)
        child.stdout.close()


def main() -> None:
    """Carry out one specification from stdin; print the result."""
    from tests.support.crowd import Crowd
    from tests.support.storm import storm
    from tests.support.voices import Voices

    wanted = json.load(sys.stdin)
    server = (str(wanted["server"][0]), int(wanted["server"][1]))
    logins = [Login(*pair) for pair in wanted["logins"]]
    if sys.argv[1] == "storm":
        result = storm(
            server, wanted["address"], logins, seconds=wanted["seconds"], rate=wanted.get("rate", 0.0)
        )
        print(json.dumps(asdict(result) | {"rate": result.rate}))
        return
    sound = Voices() if wanted.get("sound", True) else None
    with (
        sound or contextlib.nullcontext(),
        Crowd(server, tuple(wanted["addresses"]), logins, wanted["dialled"], sound) as crowd,
    ):
        began = time.process_time()
        result_ = crowd.run(wanted["calls"], wanted["rate"], wanted["hold"])
        took = time.process_time() - began
        print(json.dumps(asdict(result_) | {"cpu": took}))


if __name__ == "__main__":
    main()
