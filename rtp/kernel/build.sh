#!/bin/sh
# Compiles the relay program: sh rtp/kernel/build.sh OUTPUT. Needs clang 14 and the kernel's headers of Debian 12.
# Everything that reaches the output is pinned here, so that another machine makes the same octets of program and maps.
set -eu
cd -- "$(dirname -- "$0")"
exec clang-14 -target bpf -mcpu=v2 -O2 -g0 -Wall -Wextra -Werror \
    -I"/usr/include/$(uname -m)-linux-gnu" -c relay.bpf.c -o "$1"
