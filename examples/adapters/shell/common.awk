# What descend.awk and predict.awk share: events, refusals, and CSV without quotes.
# Names and paths come by the environment, whose texts awk takes as they are: `run`,
# `split`, `target`, `id` (empty: none).

BEGIN {
    run = ENVIRON["run"]
    split_name = ENVIRON["split"]
    target = ENVIRON["target"]
    id = ENVIRON["id"]
    number = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
}

# An `exit` in a rule comes here first.
END { if (refused) exit refused }

function say(event) { print event >>(run "/events/main.jsonl"); fflush(run "/events/main.jsonl") }

function quoted(text) { gsub(/[\\"]/, "\\\\&", text); return "\"" text "\"" }

# Ends with an error event; a field of "" is null.
function refuse(code, field, message) {
    say("{\"error\": {\"field\": " (field == "" ? "null" : quoted(field)) ", \"message\": " quoted(message) "}}")
    print message >"/dev/stderr"
    refused = code
    exit code
}

# Checks the header, now in $1 ... $NF: finds the target, the id and, but for those, the
# columns, in order.
function header(    i) {
    width = NF
    for (i = 1; i <= NF; i++) {
        name[i] = $i
        if ($i == target) target_at = i
        else if (id != "" && $i == id) id_at = i
        else column[++columns] = i
    }
    if (!target_at) refuse(65, "", "the target is no column of split " split_name)
    if (id != "" && !id_at) refuse(65, "", "the id is no column of split " split_name)
    if (!columns) refuse(65, "", "split " split_name " has no column but the target")
}

# Checks the row in $1 ... $NF: a bad one is told by its number, never by its content.
function check(row,    i) {
    if (index($0, "\"")) refuse(65, "", "row " row " of split " split_name " has a quoted cell, which is not read here")
    if (NF != width) refuse(65, "", "row " row " of split " split_name " has not as many cells as the header")
    for (i = 1; i <= width; i++) {
        if (i != id_at && $i !~ number) refuse(65, "", "row " row " of split " split_name " has no number in column " name[i])
    }
}
