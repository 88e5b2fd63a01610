"""The store: what a start, a record, a commit and an erasure cost."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from firmware.clock import Clock
from firmware.journal import Journal, Kind
from firmware.labels import Personal
from firmware.store import CallKind, CallRecord, FileKey, Store, new_id
from firmware.store.writer import NOTES_LIMIT
from tests.bench.machine import machine

EXTENSIONS = 60
OPENINGS = 9
CALLS = 20_000
BATCH = NOTES_LIMIT // 2
WAIT = 60

SEEN = Kind("bench.seen", "{extension} seen {times} times")

IMPORTS = """
import time, sys
import asyncio, ssl
def pss():
    return next(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:"))
before, begun = pss(), time.perf_counter()
import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
print(round((time.perf_counter() - begun) * 1000, 1), pss() - before)
"""


def run() -> list[str]:
    """Measure everything; one line each."""
    with tempfile.TemporaryDirectory(prefix="bench-store-") as directory:
        state = str(Path(directory, "state"))
        lines = [_imports(), *_filled(state), _opening(state), _log()]
    return [f"store {line}  ({machine()})" for line in lines]


def _imports() -> str:
    done = [
        subprocess.run(
            [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(5)
    ]
    milliseconds, kilobytes = (sorted(float(each[at]) for each in done)[2] for at in (0, 1))
    cost = f"{milliseconds:.0f} ms, {kilobytes / 1024:.1f} MB PSS"
    return f"import of apsw and cryptography beside asyncio and ssl: {cost}"


def _filled(state: str) -> list[str]:
    begun = time.perf_counter()
    store = Store.create(state, FileKey.create(state))
    made = time.perf_counter() - begun
    rows = "number,name,aliases\n" + "".join(
        f"{100 + at},Person {at},05550142{at:04}\n" for at in range(EXTENSIONS)
    )
    begun = time.perf_counter()
    people = store.extensions.load_csv(rows).result(WAIT)
    imported = time.perf_counter() - begun
    calls = [_call(people[at % EXTENSIONS].id, people[(at + 1) % EXTENSIONS].id, at) for at in range(CALLS)]
    handing, commits = 0.0, store.commits
    begun = time.perf_counter()
    for at in range(0, CALLS, BATCH):
        now = time.perf_counter()
        for call in calls[at : at + BATCH]:
            store.record_call(call)
        handing += time.perf_counter() - now
        store.flush().result(WAIT)
    taken = time.perf_counter() - begun
    commits = store.commits - commits
    begun = time.perf_counter()
    found = len(store.calls(100).result(WAIT))
    read = time.perf_counter() - begun
    begun = time.perf_counter()
    store.extensions.remove(people[0].id).result(WAIT)
    erased = time.perf_counter() - begun
    lost = store.refused
    store.close()
    size = Path(state, "store.db").stat().st_size
    return [
        f"creation: {made * 1000:.0f} ms; import of {EXTENSIONS} extensions: {imported * 1000:.0f} ms",
        f"record_call on the caller's thread: {handing / CALLS * 1e6:.2f} us",
        f"{CALLS} calls durable: {CALLS / taken:.0f} rows/s in {commits} commits, {lost} lost, "
        f"{size / CALLS:.0f} bytes each on disk",
        f"newest {found} calls read and decrypted: {read * 1000:.0f} ms, the pace of the writer included",
        f"erasure of a person with {2 * CALLS // EXTENSIONS} calls among {CALLS}: {erased * 1000:.0f} ms",
    ]


def _opening(state: str) -> str:
    times = []
    for _ in range(OPENINGS):
        begun = time.perf_counter()
        store = Store.open(state, FileKey(state))
        times.append(time.perf_counter() - begun)
        store.close()
    middle = sorted(times)[OPENINGS // 2] * 1000
    return f"opening with {EXTENSIONS - 1} extensions and {CALLS} calls: {middle:.1f} ms"


def _log() -> str:
    journal = Journal(Clock(), limit=10_000)
    personal = Personal("ext", "100")
    begun = time.perf_counter()
    for at in range(10_000):
        journal.log(SEEN, extension=personal, times=at)
    return f"journal.log on the caller's thread: {(time.perf_counter() - begun) / 10_000 * 1e6:.2f} us"


def _call(caller: str, callee: str, at: int) -> CallRecord:
    return CallRecord(
        id=new_id(),
        tenant="",
        kind=CallKind.INTERNAL,
        caller=caller,
        callee=callee,
        dialled="055501427731",
        started=1.8e9 + at,
        answered=1.8e9 + at + 3,
        ended=1.8e9 + at + 60,
        started_boot=at,
        answered_boot=at + 3,
        ended_boot=at + 60,
        boot="ab" * 16,
        cause="normal",
        ended_by="caller",
    )
