#!/bin/sh
# Renews requirements.lock and requirements-dev.lock from pyproject.toml. Every release file's hash is taken down, so
# the same lock serves x86-64 and aarch64. `LOCKS=--upgrade make locks` moves to the newest versions.
set -eu
cd -- "$(dirname -- "$0")/../.."
export CUSTOM_COMPILE_COMMAND="make locks"

compile() {
    .venv/bin/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
        --no-emit-trusted-host --no-emit-find-links --no-emit-options ${LOCKS:-} "$@" pyproject.toml
}

echo "resolving the runtime dependencies ..."
compile --output-file requirements.lock
echo "resolving the development dependencies (about a minute) ..."
compile --extra dev --constraint requirements.lock --output-file requirements-dev.lock
# pip-compile drops what is true where it runs, and there is no aarch64 wheel of this one.
sed -i 's/^\(pjsua2-python==[^ ]*\) \\$/\1 ; platform_machine == "x86_64" \\/' requirements-dev.lock
echo "locks: $(grep -c '==' requirements.lock) runtime and $(grep -c '==' requirements-dev.lock) development packages"
