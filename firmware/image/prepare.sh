#!/bin/sh
# Prepares this machine for one kind of work, from a bare Debian 12 with git, make and python3 onwards.
#
#   sh firmware/image/prepare.sh run|lint|test|bench|arm|fuzz
#
# It names the Debian packages that are missing and installs them where it may (root, or sudo without a password);
# where it may not, it prints the command and goes on if the work can be done without them. It then makes .venv and
# installs the hash-locked wheels. A ready machine is recognised in some hundredths of a second, and a damaged
# environment (a file gone or cut short, another Python, a moved tree) is made anew.
set -eu
cd -- "$(dirname -- "$0")/../.."
unset PYTHONHOME PYTHONPATH CDPATH

usage="usage: prepare.sh run|lint|test|bench|arm|fuzz"
goal=${1:?$usage}
case $goal in
run) lock=requirements.lock compile=--compile ;;
lint | test | bench | arm | fuzz) lock=requirements-dev.lock compile=--no-compile ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

log=build/prepare.log
venv=.venv
site= # the environment's site-packages, known once it is there
ticker=

say() { printf '[prepare] %s\n' "$*"; }

fail() {
    printf '[prepare] %s\n' "$*" >&2
    exit 1
}

# step TEXT COMMAND...: run the command with its output in the log and a sign of life every five seconds.
step() {
    say "$1 ..."
    shift
    printf '\n$ %s\n' "$*" >>"$log"
    (while sleep 5 </dev/null >/dev/null 2>&1; do
        say "    still at it: $(grep -v '^WARNING' "$log" | tail -n 1 | tr -d '\r' | tr -s ' ' | cut -c 1-90)"
    done) 9>&- &
    ticker=$!
    result=0
    "$@" >>"$log" 2>&1 </dev/null || result=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    ticker=
    return "$result"
}

# ---------------------------------------------------------------- Debian packages

# privileged COMMAND...: run it as root, directly or by sudo; 126 if neither is possible.
privileged() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 126
    fi
}

apt_install() {
    privileged env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

apt_update_and_install() {
    privileged apt-get update && apt_install "$@"
}

# packages WHAT-FOR PROBE=PACKAGE...: install the packages whose probe (a command or a file) is not there.
# Returns 1 if some stay missing; says which, and how to get them.
packages() {
    purpose=$1
    shift
    missing=
    for pair; do
        probe=${pair%%=*}
        case $probe in
        # A path may be a pattern: libraries lie in a directory named after the architecture.
        # shellcheck disable=SC2086
        /*) ls -d $probe >/dev/null 2>&1 && continue ;;
        *) command -v "$probe" >/dev/null && continue ;;
        esac
        missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0
    say "missing Debian packages for $purpose:$missing"
    command -v apt-get >/dev/null || {
        say "there is no apt-get here: please install their like by hand"
        return 1
    }
    # A package list is words without spaces: splitting it is meant.
    # shellcheck disable=SC2086
    if privileged true; then
        if step "apt-get install$missing" apt_install $missing; then return 0; fi
        if step "apt-get update and install again" apt_update_and_install $missing; then return 0; fi
        say "apt-get failed; its words are in $log:"
        grep -E '^[EW]:' "$log" | tail -n 4 >&2 || true
    fi
    say "to install them:  sudo apt-get install$missing"
    return 1
}

wanted() {
    case $goal in
    run | test | bench | arm)
        packages "the time zones of countries" /usr/share/zoneinfo/Europe/Berlin=tzdata ||
            fail "the open hours of a site cannot be known without them"
        ;;
    esac
    case $goal in
    run | test | bench)
        packages "G.722, Opus, and DTMF and fax tones in sound" '/usr/lib/*/libspandsp.so.2=libspandsp2' \
            '/usr/lib/*/libopus.so.0=libopus0' || say "going on without: calls that need these are not offered them"
        ;;
    esac
    case $goal in
    test)
        packages "the peers of the end-to-end tests and the demo" sipp=sip-tester baresip=baresip-core \
            /usr/sbin/kamailio=kamailio sipsak=sipsak tshark=tshark espeak-ng=espeak-ng sox=sox \
            multimon-ng=multimon-ng ffmpeg=ffmpeg openssl=openssl zsh=zsh ||
            say "going on without: the tests and the demo that need them will fail and name them"
        packages "the check of the kernel program against its source" clang-14=clang-14 \
            /usr/include/linux/bpf.h=linux-libc-dev ||
            say "going on without: that check is skipped and says so"
        ;;
    bench)
        packages "the peers of the measurements" sipp=sip-tester /usr/sbin/kamailio=kamailio \
            rtpengine=rtpengine-daemon || say "going on without: what needs them is not measured, and says so"
        ;;
    arm)
        packages "the arm64 tests" qemu-aarch64-static=qemu-user-static mmdebstrap=mmdebstrap sipp=sip-tester || fail "the arm64 tests cannot be done without them"
        ;;
    esac
}

# ---------------------------------------------------------------- Python environment

# What a finished environment for LOCK is stamped with: anything that changes it means a new one. The listing holds
# name and size of every installed file, so that a partial or damaged environment is seen.
stamp() {
    printf '%s\n' "layout 2" "$PWD" "$(readlink -f "$venv/bin/python" || echo none)"
    cksum requirements.lock "$1"
    find "$venv/lib" "$venv/pyvenv.cfg" "$venv/bin" -name __pycache__ -prune -o -type f -printf '%P %s\n' 2>/dev/null |
        LC_ALL=C sort | cksum
}

ready() {
    [ -f "$venv/ready" ] || return 1
    [ -x "$venv/bin/python" ] || return 1
    current=$(stamp "$(sed -n 1p "$venv/ready")" 2>/dev/null) || return 1
    [ "$current" = "$(sed 1d "$venv/ready")" ] || return 1
    case $lock in requirements.lock) ;; *) [ "$(sed -n 1p "$venv/ready")" = "$lock" ] ;; esac
}

# A pip to install with, without asking for one in the environment: the wheel that Python or Debian carries, an installed
# pip that can work for another environment, or Debian's wheel fetched without being root.
find_pip() {
    for wheel in "$("$python" -c 'import ensurepip, os; print(os.path.dirname(ensurepip.__file__))' 2>/dev/null)"/_bundled/pip-*.whl \
        /usr/share/python-wheels/pip-*.whl "$PWD"/build/pip/usr/share/python-wheels/pip-*.whl; do
        if [ -f "$wheel" ]; then
            pip_wheel=$wheel
            return 0
        fi
    done
    "$python" -m pip --python "$venv/bin/python" --version >>"$log" 2>&1
}

# With the machine's package lists if it has them, else with lists of its own.
fetch_pip='
    mkdir -p build/pip/lists/partial build/pip/cache/archives/partial
    cd build/pip
    own() { apt-get -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" "$@"; }
    apt-get download python3-pip-whl || { own update && own download python3-pip-whl; }
    dpkg-deb -x python3-pip-whl_*.deb .
'

pip_install() {
    if [ -n "$pip_wheel" ]; then
        PYTHONPATH=$pip_wheel "$venv/bin/python" -m pip "$@"
    else
        "$python" -m pip --python "$venv/bin/python" "$@"
    fi
}

environment() {
    python=${PYTHON:-python3}
    command -v "$python" >/dev/null || fail "there is no $python: sudo apt-get install python3"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old: Branchline needs Python 3.11 or newer (PYTHON=/path/to/python3.11 make ...)"

    rm -rf -- "$venv"
    step "making the virtual environment $venv with $("$python" --version)" "$python" -m venv --without-pip "$venv" ||
        fail "it failed; see $log"
    pip_wheel=
    if ! find_pip; then
        packages "installing Python packages" /usr/share/python-wheels=python3-venv || true
        find_pip || { step "fetching Debian's pip wheel instead, which needs no root" sh -euc "$fetch_pip" && find_pip; } ||
            fail "no pip is to be had: sudo apt-get install python3-venv"
    fi
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    PIP_USER=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
        step "installing $(grep -c '^[a-z].*==' "$lock") locked Python packages from $lock" \
        pip_install install --require-hashes --only-binary :all: --no-deps "$compile" --progress-bar off --no-warn-script-location -r "$lock" || {
        tail -n 3 "$log" >&2
        fail "the Python packages could not be installed; see $log, then run this again"
    }
    # The tree itself: a path and a command, so that edits count at once and start-up pays nothing.
    printf '%s\n' "$PWD" >"$site/branchline.pth"
    cat >"$venv/bin/branchline" <<'SCRIPT'
#!/bin/sh
exec "$(dirname -- "$(readlink -f -- "$0")")/python" -m firmware "$@"
SCRIPT
    sed 's/-m firmware /-m firmware.egress.guard /' "$venv/bin/branchline" >"$venv/bin/branchline-guard"
    chmod +x "$venv/bin/branchline" "$venv/bin/branchline-guard"
    printf '%s\n%s\n' "$lock" "$(stamp "$lock")" >"$venv/ready.new"
    mv -f -- "$venv/ready.new" "$venv/ready"
    say "ready in $(($(date +%s) - started)) s"
}

# ----------------------------------------------------------------

wanted_log() {
    mkdir -p build
    : >>"$log"
}

started=$(date +%s)
trap '[ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true' EXIT
wanted_log
wanted
if ! ready; then
    exec 9>build/prepare.lock
    command -v flock >/dev/null && { flock -n 9 || { say "waiting for another preparation of this tree" && flock 9; }; }
    ready || environment
fi

# The engine of `make fuzz` is for x86-64 and Python 3.11 only; without it the mutating fuzzers run alone and say so.
if [ "$goal" = fuzz ] && ! cmp -s requirements-fuzz.lock build/fuzz/lock; then
    rm -rf build/fuzz
    if step "installing the fuzzing engine from requirements-fuzz.lock" \
        "$venv/bin/python" -m pip install --target build/fuzz --require-hashes --only-binary :all: --no-deps \
        --progress-bar off --disable-pip-version-check -r requirements-fuzz.lock; then
        cp requirements-fuzz.lock build/fuzz/lock
    else
        rm -rf build/fuzz
        say "no fuzzing engine for this machine: only mutated inputs will be tried"
    fi
fi
