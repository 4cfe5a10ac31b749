#!/bin/sh
# Compiles the program where it is not compiled yet, and runs it. Argument: the run
# directory. The adapter's folder is only read: programs lie in the user's cache, one
# per content of the sources and per compiler.
set -eu
here=$(dirname "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mlhub-adapter-neighbours-c
# No contraction to fused steps: the same source then gives the same bits on every CPU
# with IEEE arithmetic.
flags="-std=c11 -O2 -ffp-contract=off -Wall -Wextra"
key=$({ cat "$here/train.c" "$here/json.h"; echo "$flags"; cc --version; } | cksum | tr ' ' '-')
program=$cache/$key
if [ ! -x "$program" ]; then
    mkdir -p "$cache"
    # Under a name of its own first: another run may be doing the same.
    # shellcheck disable=SC2086 # flags are several words
    cc $flags -o "$program.$$" "$here/train.c" -lm
    mv "$program.$$" "$program"
fi
exec "$program" "$1"
