"""Run every fuzzer for a share of the time: `python -m tests.fuzz [SECONDS] [SEED]`.

A fuzzer is a module of this package with a `check(data)`; its exit code says whether it found something. The
one guided by coverage comes last.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def fuzzers() -> list[str]:
    """Give the names of all fuzzers."""
    sources = [path for path in sorted(HERE.glob("*.py")) if not path.name.startswith(("test_", "_"))]
    return [path.stem for path in sources if "\ndef check(" in path.read_text()]


def main(arguments: list[str]) -> int:
    """Run them one after the other; give 1 when one found something."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = arguments[1] if len(arguments) > 1 else "0"
    names = fuzzers()
    share = f"{seconds / (len(names) + 1):g}"
    runs = [
        subprocess.run(
            [sys.executable, "-m", f"tests.fuzz.{name}", "--seconds", share, "--seed", seed], check=False
        )
        for name in names
    ]
    guided = [sys.executable, "-m", "tests.fuzz.guided", "--seconds", share]
    names.append("guided")
    runs.append(subprocess.run(guided, check=False))
    found = [name for name, run in zip(names, runs, strict=True) if run.returncode]
    print(f"fuzz: {len(names)} fuzzers, found something: {', '.join(found) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
