"""The box on Debian's arm64 Python: its store, and a call between two native phones through it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.box import INTERPRETER, ROOT, Box
from tests.support.sipp import Sipp, row

pytestmark = [pytest.mark.arm, pytest.mark.timeout(300)]

PYTHON = ROOT / "build" / "arm" / "python"
CALLER, CALLEE = "127.0.77.2", "127.0.77.3"

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
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """Start the whole box under emulation; leaving asserts that it ended with exit code 0."""
    monkeypatch.setenv(INTERPRETER, str(PYTHON))
    with Box() as running:
        yield running


def test_a_call_between_two_native_phones(box: Box, tmp_path: Path) -> None:
    assert b"qemu-aarch64" in Path(f"/proc/{box.pid}/cmdline").read_bytes()
    server = f"127.0.0.1:{box.udp[1]}"
    rows = {number: row(number, box.secret(number), "102", 6400) for number in ("101", "102")}
    for number, address in (("101", CALLER), ("102", CALLEE)):
        registration = Sipp(
            tmp_path / number,
            "register",
            address,
            server=server,
            rows=[rows[number]],
            words={"STATUS": 200},
            seconds=60,
        )
        with registration as phone:
            phone.wait().expect(1)
    callee = Sipp(
        tmp_path / "callee", "uas_talk", CALLEE, words={"RING": 200}, media_port=6200, echo=True, seconds=90
    )
    caller = Sipp(
        tmp_path / "caller",
        "uac_talk",
        CALLER,
        server=server,
        rows=[rows["101"]],
        words={"TALK": 3000},
        media_port=6400,
        seconds=90,
    )
    with callee, caller:
        caller.wait().expect(1)
        callee.wait().expect(1)
    assert box.ask("calls")["active"] == []
    state = b"".join(path.read_bytes() for path in box.state.rglob("*") if path.is_file())
    assert box.secret("101").encode() not in state
