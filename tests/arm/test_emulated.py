"""The box on Debian's arm64 Python: its store, and a call between two native phones through it."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.box import INTERPRETER, ROOT
from tests.support.office import Office
from tests.support.streams import Streams

pytestmark = [pytest.mark.arm, pytest.mark.timeout(300)]

PYTHON = ROOT / "build" / "arm" / "python"

# Written and read back by the same SQLite that the box's store uses; the canary must not be seen in any file.
ROUND_TRIP = """
import asyncio, platform, sys
from pathlib import Path
import apsw
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

assert platform.machine() == "aarch64"

def opened(key):
    connection = apsw.Connection(sys.argv[1])
    connection.pragma("cipher", "chacha20")
    connection.pragma("hexkey", key.hex())
    return connection

first = opened(bytes(32))
first.execute("pragma journal_mode=wal; create table t(word); insert into t values ('canary')").fetchall()
assert not [path for path in Path(sys.argv[1]).parent.iterdir() if b"canary" in path.read_bytes()]
first.close()
assert opened(bytes(32)).execute("select word from t").fetchall() == [("canary",)]
try:
    opened(bytes(31) + b"x").execute("select word from t").fetchall()
except apsw.NotADBError:
    pass
else:
    raise AssertionError("a wrong key opened it")
sealed = ChaCha20Poly1305(bytes(32)).encrypt(bytes(12), b"canary", b"whose")
assert ChaCha20Poly1305(bytes(32)).decrypt(bytes(12), sealed, b"whose") == b"canary"
asyncio.run(asyncio.sleep(0.01))
print("round trip")
"""


def test_an_encrypted_file_goes_round(tmp_path: Path) -> None:
    run = subprocess.run(
        [PYTHON, "-W", "error", "-c", ROUND_TRIP, tmp_path / "t.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.returncode) == ("round trip\n", 0), run.stderr


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Start the whole box under emulation; leaving asserts that it ended with exit code 0."""
    monkeypatch.setenv(INTERPRETER, str(PYTHON))
    with Office(tmp_path / "office", 77) as running:
        yield running


def test_a_call_between_two_native_phones(office: Office) -> None:
    """Registered, called, answered, heard both ways, hung up, recorded: each by the emulated box."""
    for pid in office.processes():
        assert b"qemu-aarch64" in Path(f"/proc/{pid}/cmdline").read_bytes()
    with (
        Streams() as streams,
        office.sipp("register", 11, "101", seconds=60, words={"STATUS": 200}) as phone,
        office.phone("102", 10),
    ):
        phone.wait().expect(1)
        stream = streams.add(office.address(12))
        with (
            office.sipp(
                "uas_talk", 10, echo=True, media_port=6000, seconds=90, words={"RING": 200}
            ) as callee,
            office.sipp(
                "uac_talk", 12, "101", dialled="102", media=stream.port, seconds=90, words={"TALK": 5000}
            ) as caller,
        ):
            deadline = time.monotonic() + 60
            while not caller.log() and time.monotonic() < deadline:
                time.sleep(0.05)
            _, _, told = caller.log()[0].split()
            streams.aim(stream, (office.address(1), int(told)))
            streams.talk(2.0)
            caller.wait().expect(1)
            callee.wait().expect(1)
        # What the callee sends back is the caller's own sound: it went through the box twice.
        assert list(stream.received) == [stream.number]
        assert len(stream.received[stream.number]) >= stream.sent - 5 > 50
    record = office.record()
    assert (record["caller"], record["callee"], record["cause"]) == ("101", "102", "normal")
    secret = office.secret("101").encode()
    assert not [path for path in office.state.rglob("*") if path.is_file() and secret in path.read_bytes()]
