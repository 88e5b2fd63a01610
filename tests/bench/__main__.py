"""Run one family of measurements, or all: `python -m tests.bench [sip|rtp|store|...]`.

A family is a module here with `run() -> list[str]`, the result lines.
"""

import importlib
import pkgutil
import sys
import time
from pathlib import Path

import tests.bench

FAMILIES = sorted(
    name
    for _, name, _ in pkgutil.iter_modules(tests.bench.__path__)
    if "def run(" in Path(tests.bench.__path__[0], f"{name}.py").read_text()
)


def main(wanted: list[str]) -> int:
    """Measure and print; 2 for a family that does not exist."""
    if unknown := [name for name in wanted if name not in FAMILIES]:
        print(f"bench: there is no family {unknown[0]}; there are {', '.join(FAMILIES)}")
        return 2
    count, began = 0, time.monotonic()
    for name in wanted or FAMILIES:
        print(f"measuring {name} ...", flush=True)
        for line in importlib.import_module(f"tests.bench.{name}").run():
            print(line, flush=True)
            count += 1
    print(f"bench: {count} lines in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
