"""Inputs that reach new code: libFuzzer, by atheris, over all doors of `tests.fuzz.entries`.

    python -m tests.fuzz.guided --seconds 60

`make fuzz` installs atheris into build/fuzz where there is one for the machine (x86-64, Python 3.11). Where
there is none this says so, and only mutated inputs are tried. An input that breaks something is kept in
corpus/entries and replayed for ever.
`--keep` writes corpus/entries.txt anew from what was found to reach code, the smallest inputs for all of it.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "build" / "fuzz"
FOUND = HERE / "corpus" / "entries"
LONGEST = 4096
MOST_KEPT = 400
SOURCES = str(HERE.parents[1] / "sip")


def available() -> bool:
    """Tell whether this Python can load the engine."""
    if not ENGINE.exists():
        return False
    words = [sys.executable, "-c", "import atheris"]
    return (
        subprocess.run(words, env={"PYTHONPATH": str(ENGINE)}, capture_output=True, check=False).returncode
        == 0
    )


def engine(arguments: list[str]) -> None:
    """Run libFuzzer in this process; it never returns."""
    sys.path.insert(0, str(ENGINE))
    atheris: Any = __import__("atheris")  # no dependency of the project: see above

    with atheris.instrument_imports(include=["sip"]):
        from tests.fuzz.entries import check

    def one(data: bytes) -> None:
        try:
            check(data)
        except Exception:
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"{hashlib.sha256(data).hexdigest()[:16]}.dat").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def campaign(seconds: float, keep: bool) -> int:
    """Fuzz for a while, and keep what reaches code if that is wanted; give the exit code."""
    from tests.fuzz.entries import KEPT, corpus

    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        inputs = Path(place, "inputs")
        inputs.mkdir()
        for number, data in enumerate(corpus()):
            (inputs / f"{number:05}").write_bytes(data)
        options = [
            f"-max_total_time={max(1, round(seconds))}",
            f"-max_len={LONGEST}",
            f"-artifact_prefix={place}/",
        ]
        code = _run([*options, "-print_final_stats=1", str(inputs)])
        if code == 0 and keep:
            best = fewest([path.read_bytes() for path in inputs.iterdir()])
            KEPT.write_text("".join(f"{data!r}\n" for data in best[:MOST_KEPT]))
    print(f"guided: {seconds:g} s, {'found something: see above' if code else 'nothing found'}")
    return int(code != 0)


def fewest(inputs: list[bytes]) -> list[bytes]:
    """Leave out what takes no step from line to line of `sip/` that a smaller input does not take."""
    from tests.fuzz.entries import check

    known: set[tuple[object, int, int]] = set()
    kept = []
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        before = len(known)
        sys.settrace(_Tracer(known))
        try:
            check(data)
        finally:
            sys.settrace(None)
        if len(known) > before:
            kept.append(data)
    return kept


class _Tracer:
    """Notes each step between two lines of our code."""

    def __init__(self, steps: set[tuple[object, int, int]]) -> None:
        self._steps = steps
        self._last = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> _Tracer | None:
        if event == "call" and not frame.f_code.co_filename.startswith(SOURCES):
            return None
        self._steps.add((frame.f_code, self._last, frame.f_lineno))
        self._last = frame.f_lineno
        return self


def _run(options: list[str]) -> int:
    words = [sys.executable, "-m", "tests.fuzz.guided", "--engine", *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith(("stat::", "#"))]
    print("\n".join(lines[-8:] if done.returncode == 0 else [*done.stdout.splitlines()[-30:], *lines[-8:]]))
    return done.returncode


def main() -> int:
    """Fuzz if the engine is there; say so loudly if it is not."""
    if sys.argv[1:2] == ["--engine"]:
        engine(sys.argv[2:])
    parser = argparse.ArgumentParser(description="Fuzz every door, guided by coverage.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if not available():
        print("guided: NOT RUN: atheris is not here (it is for Python 3.11 on x86-64); mutated inputs only")
        return 0
    shutil.rmtree(ENGINE / "__pycache__", ignore_errors=True)
    return campaign(options.seconds, options.keep)


if __name__ == "__main__":
    sys.exit(main())
