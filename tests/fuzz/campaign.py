"""Trying mutated inputs for a while; what breaks a check is kept and told."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutate


def run(name: str, check: Callable[[bytes], None], inputs: Sequence[bytes], words: Sequence[bytes]) -> int:
    """Read --seconds and --seed, mutate, check; give the exit code."""
    parser = argparse.ArgumentParser(description=f"Fuzz {name}.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random, tried = Random(options.seed), 0  # repeatable, not secret
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        data = mutate(random, inputs, words)
        tried += 1
        try:
            check(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the find
            found = Path(__file__).parent / "corpus" / name
            found.mkdir(parents=True, exist_ok=True)
            path = found / f"{hashlib.sha256(data).hexdigest()[:16]}.dat"
            path.write_bytes(data)
            print(f"{name}: input {tried} (seed {options.seed}) raised {error!r}; kept as {path}")
            return 1
    print(f"{name}: {tried} inputs in {options.seconds:g} s (seed {options.seed}), nothing found")
    return 0
