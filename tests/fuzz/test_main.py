from __future__ import annotations

import subprocess
import sys

from tests.fuzz.__main__ import fuzzers


def test_every_fuzzer_is_run() -> None:
    assert "sip_message" in fuzzers()
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "0.2", "5"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert "nothing found" in run.stdout
    assert "\nguided: " in run.stdout
    assert run.stdout.splitlines()[-1] == f"fuzz: {len(fuzzers()) + 1} fuzzers, found something: none"
