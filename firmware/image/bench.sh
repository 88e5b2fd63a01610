#!/bin/sh
# Makes .venv-bench: sippy and rtp.io, which `make bench BENCH=sip` runs beside the box. They are no dependency of it.
#
# Run after `prepare.sh bench`. Where they cannot be had the measurements go on without them, and say so.
set -eu
cd -- "$(dirname -- "$0")/../.."
unset PYTHONHOME PYTHONPATH CDPATH

venv=.venv-bench
lock=tests/bench/sippy.lock
log=build/prepare.log

install() {
    .venv/bin/python -m pip --python "$venv/bin/python" install --quiet --require-hashes --no-deps "$@"
}

make_it() {
    rm -rf -- "$venv" &&
        .venv/bin/python -m venv --without-pip "$venv" &&
        sed -n '/^\(setuptools\|wheel\|packaging\)==/,/[^\\]$/p' "$lock" >build/bench-tools.lock &&
        install -r build/bench-tools.lock &&
        # sippy comes as a source archive: it is built with the tools just installed
        install --no-build-isolation -r "$lock" &&
        cksum "$lock" >"$venv/ready"
}

mkdir -p build
[ "$(cat "$venv/ready" 2>/dev/null)" = "$(cksum "$lock")" ] && exit 0
printf '[bench] installing sippy and rtp.io into %s ...\n' "$venv"
make_it >>"$log" 2>&1 || printf '[bench] they could not be installed (see %s): going on without\n' "$log"
