# Reads one JSON value and prints its leaves, one a line: the path of names and
# positions joined by dots, a tab, the type (text, number, word, or empty for an
# empty list or object), a tab, the value. Not for names or texts with tabs or line
# ends, nor for names with dots; run.json's own names have none.
# Ends with 1 when the text is not JSON.

{ json = json $0 "\n" }

END {
    at = 1
    value("")
    blank()
    if (at <= length(json)) bad()
}

function bad() { print "not JSON" >"/dev/stderr"; exit 1 }

function blank() { while (index(" \t\r\n", substr(json, at, 1)) && at <= length(json)) at++ }

function leaf(path, type, content) { printf "%s\t%s\t%s\n", path, type, content }

function below(path, name) { return path == "" ? name : path "." name }

# A literal or number that begins here and matches a pattern.
function matched(pattern,    text) {
    if (!match(substr(json, at, 64), "^" pattern)) bad()
    text = substr(json, at, RLENGTH)
    at += RLENGTH
    return text
}

function value(path,    first) {
    blank()
    first = substr(json, at, 1)
    if (first == "{") many(path, "}")
    else if (first == "[") many(path, "]")
    else if (first == "\"") leaf(path, "text", string())
    else if (index("tfn", first)) leaf(path, "word", matched("(true|false|null)"))
    else leaf(path, "number", matched("-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?"))
}

# The items of a list or the fields of an object, up to its closing mark.
function many(path, close_mark,    name, count) {
    at++
    blank()
    if (substr(json, at, 1) == close_mark) { at++; leaf(path, "empty", ""); return }
    for (count = 0; ; count++) {
        blank()
        name = count
        if (close_mark == "}") {
            if (substr(json, at, 1) != "\"") bad()
            name = string()
            blank()
            if (substr(json, at++, 1) != ":") bad()
        }
        value(below(path, name))
        blank()
        if (substr(json, at, 1) == close_mark) { at++; return }
        if (substr(json, at++, 1) != ",") bad()
    }
}

function string(    text, mark) {
    for (at++; at <= length(json); at++) {
        mark = substr(json, at, 1)
        if (mark == "\"") { at++; return text }
        text = text (mark == "\\" ? escaped() : mark)
    }
    bad()
}

# The character after a backslash. The awk must work on bytes (LC_ALL=C).
function escaped(    mark, code, i) {
    mark = substr(json, ++at, 1)
    if (mark == "n") return "\n"
    if (mark == "t") return "\t"
    if (mark == "r") return "\r"
    if (mark == "b") return "\b"
    if (mark == "f") return "\f"
    if (mark != "u") return mark
    for (i = 1; i <= 4; i++) code = code * 16 + index("0123456789abcdef", tolower(substr(json, ++at, 1))) - 1
    if (code < 128) return sprintf("%c", code)
    if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
    if (code >= 55296 && code < 57344) bad() # halves of a pair: the hub writes such characters as they are
    return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
}
