#!/bin/sh
# Estimates the mean of the target as an ML Experiment Hub adapter (protocol 1).
# Arguments: run directory, epochs, rate. Reads run.json for the data; writes
# events/main.jsonl and one prediction file per split asked for. Nothing of the
# data is written anywhere else.
set -eu
export LC_ALL=C
run_dir=$1 epochs=$2 rate=$3
events=$run_dir/events/main.jsonl
mkdir -p "$run_dir/events" "$run_dir/predictions"

emit() { printf '%s\n' "$1" >>"$events"; }

refuse() { # exit code, field, message
    emit "{\"error\": {\"field\": \"$2\", \"message\": \"$3\"}}"
    exit "$1"
}

# run.json may not come from the hub, so params are checked again.
case $epochs in '' | *[!0-9]* | 0*) refuse 64 epochs "epochs must be a whole number of at least 1" ;; esac
case $rate in '' | *[!0-9.eE+-]*) refuse 64 rate "rate must be a number above 0" ;; esac

# The text of run.json on one line, without blanks around its marks. Good for
# paths without quotes; use a JSON reader for anything more.
json=$(tr -d '\n' <"$run_dir/run.json" | awk '{ gsub(/[ \t]*:[ \t]*/, ":"); gsub(/,[ \t]+/, ","); gsub(/\{[ \t]+/, "{"); gsub(/\[[ \t]+/, "["); print }')
after() { printf '%s' "$json" | awk -v mark="$1" '{ at = index($0, mark); if (at) print substr($0, at + length(mark)) }'; }
text() { after "$1" | awk -F'"' '{ print $1 }'; }
split_path() { # the path of a split: the first "path" after its name
    after "\"$1\":{" | awk '{ at = index($0, "\"path\":\""); print substr($0, at + 8) }' | awk -F'"' '{ print $1 }'
}
dataset=$(after '"dataset":{')
json=$dataset
target=$(text '"target":"')
train=$(split_path train)

column=$(awk -F, -v name="$target" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) print i; exit }' "$train")
[ -n "$column" ] || refuse 65 "" "the target is not a column of the training split"

awk -F, 'NR == 1 { columns = NF } END { printf "{\"entry\": {\"train\": {\"shape\": [%d, %d], \"dtype\": \"float64\"}}}\n", NR - 1, columns }' "$train" >>"$events"

estimate=$(awk -F, -v column="$column" -v epochs="$epochs" -v rate="$rate" -v events="$events" '
    NR > 1 { y[++n] = $column; sum += $column }
    END {
        mean = sum / n
        for (epoch = 1; epoch <= epochs; epoch++) {
            estimate += rate * (mean - estimate)
            error = 0
            for (i = 1; i <= n; i++) error += (y[i] - estimate) ^ 2
            printf "{\"step\": %d, \"metrics\": {\"train/rmse\": %.17g}}\n", epoch, sqrt(error / n) >>events
            fflush(events)
        }
        printf "%.17g", estimate
    }' "$train")

splits=$(after '"predict_splits":[' | awk -F']' '{ print $1 }' | tr -d '"' | tr ',' ' ')
for split in $splits; do
    out=$run_dir/predictions/$split.csv
    awk -F, -v column="$column" -v estimate="$estimate" '
        NR == 1 { print "id,y_true,y_pred" }
        NR > 1 { printf "%d,%s,%s\n", NR - 2, $column, estimate }' "$(split_path "$split")" >"$out.partial"
    mv "$out.partial" "$out"
    emit "{\"predictions\": {\"split\": \"$split\", \"path\": \"predictions/$split.csv\"}}"
done
