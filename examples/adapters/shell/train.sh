#!/bin/sh
# Linear regression as an ML Experiment Hub adapter (protocol 1), in POSIX shell and
# awk. Argument: the run directory. This script reads run.json, checks, and puts the
# awk programs beside it to work; arithmetic is theirs.
set -eu
export LC_ALL=C # awk works on bytes, and numbers have points
here=$(dirname "$0")
export run="$1"
mkdir -p "$run/events" "$run/checkpoints" "$run/predictions" "$run/artifacts"

emit() { printf '%s\n' "$1" >>"$run/events/main.jsonl"; }

refuse() { # exit code, field or nothing, message
    field=null
    [ -z "$2" ] || field="\"$2\""
    emit "{\"error\": {\"field\": $field, \"message\": \"$3\"}}"
    printf '%s\n' "$3" >&2
    exit "$1"
}

leaves=$(awk -f "$here/json.awk" "$run/run.json") || refuse 1 "" "run.json cannot be read"

# The value at a path of run.json, when it is of that type; else fails.
field() { # type, path
    printf '%s\n' "$leaves" | type=$1 path=$2 awk -F '\t' '
        $1 == ENVIRON["path"] && $2 == ENVIRON["type"] { print $3; found = 1 }
        END { exit !found }'
}

# A param that is a number for which an awk condition on `value` holds.
number() { # name, condition, what it must be
    value=$(field number "params.$1") && awk -v value="$value" "BEGIN { exit !($2) }" ||
        refuse 64 "$1" "$1 must be $3"
    printf '%s\n' "$value"
}

version=$(field number version)
[ "$version" = 1 ] || refuse 69 version "run.json must have version 1"

# run.json may not come from the hub, so params are checked again. A command
# substitution ends in a shell of its own, so its exit code is passed on.
whole='value == int(value) && value >= 1 && value <= 1000000'
iterations=$(number iterations "$whole" "a whole number from 1 to 1000000") || exit $?
every=$(number checkpoint_every "$whole" "a whole number from 1 to 1000000") || exit $?
rate=$(number learning_rate "value > 0 && value <= 1" "a number above 0 and at most 1") || exit $?
task=$(field text task) || task=regression
[ "$task" = regression ] || refuse 69 task "the task must be regression"

target=$(field text dataset.target) || refuse 65 "" "name a dataset and its target"
id=$(field text dataset.id) || id=
start=$(field number resume.step) || start=0
checkpoint=$(field text resume.checkpoint) || checkpoint=
export target id checkpoint

path() { field text "dataset.splits.$1.path" || refuse 65 "" "run.json names no split $1"; }

train=$(path train) || exit $?
model=$run/artifacts/model.tsv
split=train awk -v iterations="$iterations" -v rate="$rate" -v every="$every" -v start="$start" \
    -f "$here/common.awk" -f "$here/descend.awk" "$train" >"$model.partial"
mv "$model.partial" "$model"

position=0
while split=$(field text "predict_splits.$position"); do
    out=predictions/$split.csv
    rows=$(path "$split") || exit $?
    split=$split awk -f "$here/common.awk" -f "$here/predict.awk" "$model" "$rows" >"$run/$out.partial"
    mv "$run/$out.partial" "$run/$out"
    emit "{\"predictions\": {\"split\": \"$split\", \"path\": \"$out\"}}"
    position=$((position + 1))
done
emit '{"artifact": {"path": "artifacts/model.tsv", "kind": "model"}}'
