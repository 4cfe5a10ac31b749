#!/bin/sh
# Compiles the program where it is not compiled yet, and becomes it. Argument: the run
# directory. The adapter's folder is only read: programs lie in the user's cache, one
# per content of the sources and per compiler.
set -eu
here=$(dirname "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mlhub-adapter-ridge-rust
key=$({ cat "$here/train.rs" "$here/json.rs" "$here/ridge.rs" "$here/table.rs"; rustc -vV; } | cksum | tr ' ' '-')
program=$cache/$key
if [ ! -x "$program" ]; then
    mkdir -p "$cache"
    # Under a name of its own first: another run may be doing the same.
    rustc --edition 2021 -O -o "$program.$$" "$here/train.rs"
    mv "$program.$$" "$program"
fi
exec "$program" "$1"
