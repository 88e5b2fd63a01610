"""What a figure is worth nothing without: the machine and the commit it was measured on."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path


@cache
def machine() -> str:
    """Tell CPU model, cores, kernel, Python and commit (with a + when files were changed since)."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
    commit = _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")
    cores, python = os.cpu_count(), platform.python_version()
    return f"{cpu}, {cores} cores, Linux {platform.release()}, Python {python}, {commit or 'no commit'}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()
