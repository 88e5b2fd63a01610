"""What the Makefile runs: `python -m tests test|prove|arm|lint|demo|bench|fuzz [arguments]`.

Each job is a list of steps. A step's output goes straight to the terminal; the last line says how every step
went, how long it took and, for pytest, the counts. Counts are also left in build/results/ for .ci/run.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

UNITS = "not prove and not e2e and not arm and not native"
NOTHING_SELECTED = 5  # pytest's exit code
RESULTS = Path("build/results")
EMULATED = Path("build/arm/python").absolute()
SOURCES = ["board", "firmware", "provisioning", "rtp", "sip"]

Step = tuple[str, list[str]]


def _pytest(name: str, *arguments: str) -> Step:
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    return name, [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]


def _emulated(name: str, *arguments: str) -> Step:
    """Return pytest under the emulated Python, over what needs no native peer and no figure of speed."""
    options = ["-p", "no:cacheprovider", "-o", "timeout=600", "--hypothesis-profile=emulated"]
    _, command = _pytest(name, *options)
    rooms = [f"tests/{room}" for room in SOURCES]
    return name, [str(EMULATED), *command[1:], "-m", UNITS, *rooms, *arguments]


def _module(name: str, *arguments: str) -> Step:
    return name.rpartition(".")[2], [sys.executable, "-m", name, *arguments]


def _steps(job: str, arguments: list[str]) -> list[Step]:
    if job == "test":
        steps = [_pytest("test", "-m", "not prove and not arm", *arguments)]
        return steps if arguments else [*steps, _module("tests.demo")]
    if job == "prove":
        return [_pytest("prove", "-m", "prove", *arguments)]
    if job == "arm":
        return [_emulated("units", *arguments), _pytest("box", "-m", "arm", *arguments)]
    if job == "lint":
        return [
            ("ruff check", [sys.executable, "-m", "ruff", "check", "--quiet"]),
            ("ruff format", [sys.executable, "-m", "ruff", "format", "--check", "--quiet"]),
            ("mypy", [sys.executable, "-m", "mypy", "--no-error-summary"]),
            ("import-linter", [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"]),
            ("outside", [sys.executable, "-m", "tests.contracts"]),
        ]
    if job in {"demo", "bench", "fuzz"}:
        return [_module(f"tests.{job}", *arguments)]
    message = f"no such job: {job}"
    raise SystemExit(message)


def _counts(name: str) -> dict[str, int]:
    """Return passed, failed and skipped from a pytest report; {} when the step wrote none."""
    try:
        text = (RESULTS / f"{name}.xml").read_text()
        suite = dict(re.findall(r'(\w+)="(\d+)"', text[: text.index("<testcase")]))
        total, failed = int(suite["tests"]), int(suite["failures"]) + int(suite["errors"])
        skipped = int(suite["skipped"])
    except (OSError, ValueError, KeyError):
        return {}
    return {"passed": total - failed - skipped, "failed": failed, "skipped": skipped}


def main(arguments: list[str]) -> int:
    """Run every step of the job, report, and return 1 if any failed."""
    job = arguments[0] if arguments else "test"
    RESULTS.mkdir(parents=True, exist_ok=True)
    said, failed, total = [], False, {"passed": 0, "failed": 0, "skipped": 0}
    for name, command in _steps(job, arguments[1:]):
        started = time.monotonic()
        code = subprocess.run(command, check=False).returncode
        if code == NOTHING_SELECTED and arguments[1:] and total["passed"]:
            code = 0  # the words that select tests found theirs in an earlier step
        counts = _counts(name) or {"passed": int(code == 0), "failed": int(code != 0), "skipped": 0}
        if code != 0 and not counts["failed"]:
            counts["failed"] = 1  # no test selected, an internal error, a killed run
        for key, value in counts.items():
            total[key] += value
        failed |= code != 0
        words = "ok" if code == 0 else f"FAILED (exit {code})"
        if command[1:3] == ["-m", "pytest"]:
            words += f", {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
        said.append(f"{name} {words} in {time.monotonic() - started:.0f} s")
    (RESULTS / f"{job}.json").write_text(json.dumps(total))
    print(f"make {job}: " + "; ".join(said), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
