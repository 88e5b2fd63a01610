#!/bin/sh
# Lays out build/arm: Debian's arm64 Python and the locked aarch64 wheels, extracted without booting anything, and
# build/arm/python, which runs them under user emulation. Nothing here needs root. Called by `make test-arm`.
set -eu
cd -- "$(dirname -- "$0")/../.."

target=build/arm
key="layout 4 $(cksum <requirements-dev.lock) $PWD"
[ "$(cat "$target/ready" 2>/dev/null)" != "$key" ] || exit 0

rm -rf -- "$target"
mkdir -p "$target/site"
log=build/arm.log
: >"$log"

fail() {
    grep -E '^(E|ERROR)\b' "$log" | tail -n 3 >&2
    echo "[arm] $1; see $log" >&2
    exit 1
}

echo "[arm] extracting Debian's arm64 Python (about 10 s) ..."
mmdebstrap --variant=extract --architectures=arm64 --include=python3,libc6,libspandsp2,libopus0 bookworm "$target/root" >>"$log" 2>&1 ||
    fail "mmdebstrap failed"
rm -rf -- "$target/root/dev" # it would stand before the real /dev

# Of the development packages only what runs the tests; each with its hashes from the lock.
.venv/bin/python - >"$target/requirements.lock" <<'PYTHON'
import re
from pathlib import Path

wanted = set(re.findall(r"^([a-z0-9-]+)==", Path("requirements.lock").read_text(), re.M))
wanted |= {"pytest", "pytest-timeout", "hypothesis", "websockets", "sortedcontainers", "iniconfig", "pluggy", "packaging", "pygments",
           "numpy"}
for entry in re.split(r"^(?=[a-z0-9])", Path("requirements-dev.lock").read_text(), flags=re.M):
    if entry.partition("==")[0] in wanted:
        print(entry, end="")
PYTHON
echo "[arm] installing the locked aarch64 wheels ..."
PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --target "$target/site" --no-deps --no-compile \
    --require-hashes --only-binary :all: --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
    --platform manylinux_2_34_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 --platform any \
    -r "$target/requirements.lock" >>"$log" 2>&1 || fail "the aarch64 wheels could not be installed"

# A child process of the emulated Python must be emulated as well: it is started by this same script.
cat >"$target/site/sitecustomize.py" <<'PYTHON'
import os
import sys

sys.executable = os.environ["EMULATED_PYTHON"]
PYTHON
cat >"$target/python" <<'SCRIPT'
#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
export EMULATED_PYTHON="$here/python" PYTHONHOME="$here/root/usr" PYTHONPATH="$here/site:$here/../.."
exec qemu-aarch64-static -L "$here/root" "$here/root/usr/bin/python3.11" "$@"
SCRIPT
chmod +x "$target/python"

# Byte code is the same on both machines; compiling it natively saves seconds at every emulated start.
if .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    .venv/bin/python -m compileall -q -j 0 "$target/site" "$target/root/usr/lib/python3.11" >>"$log" 2>&1 || true
fi
echo "$key" >"$target/ready"
echo "[arm] ready: $("$target/python" -c 'import platform; print("Python", platform.python_version(), platform.machine())')"
