//! Manifests: a whole one loads, and every broken one says where and why.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::Path;

use mlhub_agent::adapter::{Adapter, PASSED_VARIABLES, PLACEHOLDERS, Part, REFUSED_VARIABLES};

const MANIFEST: &str = r#"protocol = 1
name = "good"
version = "1.2.3"
description = "A good one."
capabilities = ["train"]
tasks = ["binary"]
environment = { kind = "venv", lock = "requirements.lock", python = "3.9" }

[commands]
train = ["{python}", "{adapter}/train.py", "{run}", "{params.lr}"]

[config]
schema = "schema.json"
format = "yaml"

[dataset]
required = true
target_required = true

[metrics."train/loss"]
direction = "minimize"
definition = "log_loss@1"

[output]
log_metrics = [{ stream = "stdout", pattern = "loss=(?P<loss>.*)" }]

[smoke]
dataset = "smoke.csv"
target = "y"
task = "binary"
params = { lr = 0.5 }
"#;

const SCHEMA: &str = r#"{"type": "object", "properties": {"lr": {"type": "number", "default": 0.1, "description": "Step size."}}}"#;

fn write(dir: &Path, manifest: &str, schema: &str) {
    fs::write(dir.join("adapter.toml"), manifest).unwrap();
    fs::write(dir.join("schema.json"), schema).unwrap();
    fs::write(dir.join("requirements.lock"), "").unwrap();
    fs::write(dir.join("smoke.csv"), "x,y\n1,0\n2,1\n").unwrap();
}

#[test]
fn a_whole_adapter_loads() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), MANIFEST, SCHEMA);
    let adapter = Adapter::load(dir.path()).unwrap();
    assert_eq!(adapter.reference(), "good@1.2.3");
    assert_eq!(adapter.default_params()["lr"], 0.1);
    assert_eq!(adapter.smoke_params()["lr"], 0.5);
    assert_eq!(adapter.digest.len(), 64);
    assert!(!adapter.is_declarative());
}

/// Broken manifests as (what is changed, to what).
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "later protocol",
        "protocol = 1",
        "protocol = 2\nnew_field = 3",
    ),
    ("no protocol", "protocol = 1\n", ""),
    ("unknown field", "description =", "descriptoin ="),
    ("unknown capability", "[\"train\"]", "[\"trian\"]"),
    ("unknown environment", "kind = \"venv\"", "kind = \"conda\""),
    ("not TOML", "[commands]", "[commands"),
    ("missing name", "name = \"good\"\n", ""),
    ("bad name", "name = \"good\"", "name = \"Good One\""),
    ("bad version", "1.2.3", "1.2"),
    ("two-line description", "\"A good one.\"", "\"A\\nB\""),
    ("bad task", "[\"binary\"]", "[\"Binary!\"]"),
    (
        "no train",
        "capabilities = [\"train\"]",
        "capabilities = [\"predict\"]",
    ),
    (
        "capability without command",
        "[\"train\"]",
        "[\"train\", \"predict\"]",
    ),
    (
        "command without capability",
        "[commands]",
        "[commands]\nexport = [\"x\"]",
    ),
    (
        "export to no format",
        "[\"train\"]\ntasks = [\"binary\"]\nenvironment = { kind = \"venv\", lock = \"requirements.lock\", python = \"3.9\" }\n\n[commands]",
        "[\"train\", \"export\"]\ntasks = [\"binary\"]\nenvironment = { kind = \"venv\", lock = \"requirements.lock\", python = \"3.9\" }\n\n[commands]\nexport = [\"x\"]",
    ),
    (
        "formats without export",
        "[config]",
        "[export]\nformats = [\"onnx\"]\n\n[config]",
    ),
    ("empty command", "train = [", "train = [\"\", "),
    ("unknown placeholder", "{run}", "{rum}"),
    ("unknown param", "{params.lr}", "{params.lrr}"),
    ("lock outside", "requirements.lock", "../requirements.lock"),
    ("absolute schema", "schema.json", "/etc/passwd"),
    ("schema absent", "schema.json", "sch.json"),
    ("bad python", "3.9", "2.7"),
    ("bad config format", "\"yaml\"", "\"ymal\""),
    ("bad direction", "\"minimize\"", "\"minimise\""),
    ("bad definition", "log_loss@1", "log_loss"),
    ("bad pattern", "loss=(?P<loss>.*)", "loss=("),
    ("pattern without a name", "loss=(?P<loss>.*)", "loss=(.*)"),
    ("bad stream", "\"stdout\"", "\"stdin\""),
    ("smoke without dataset", "dataset = \"smoke.csv\"\n", ""),
    ("smoke without target", "target = \"y\"\n", ""),
    (
        "smoke task unknown",
        "task = \"binary\"",
        "task = \"regression\"",
    ),
    ("smoke params of a wrong type", "lr = 0.5", "lr = \"fast\""),
    ("smoke params unknown", "lr = 0.5", "lrr = 0.5"),
];

#[test]
fn broken_manifests_say_where_and_why() {
    let mut reasons = String::new();
    for (what, from, to) in BROKEN {
        assert!(MANIFEST.contains(from), "{what}: nothing is changed");
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &MANIFEST.replacen(from, to, 1), SCHEMA);
        let problem = Adapter::load(dir.path()).expect_err(what);
        let shown = problem
            .to_string()
            .replace(&dir.path().display().to_string(), "DIR");
        reasons.push_str(&format!("{what}\n    {shown}\n"));
    }
    insta::assert_snapshot!(reasons);
}

#[test]
fn broken_schemas_say_why() {
    let mut reasons = String::new();
    for schema in [
        "{",
        "[]",
        r#"{"type": "object"}"#,
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}"#,
        r#"{"type": "object", "properties": {"lr": {"type": "number"}}}"#,
        r#"{"type": "object", "properties": {"lr": {"type": "number", "description": "x", "default": "a"}}}"#,
        r#"{"type": "object", "properties": {"lr": {"$ref": "https://example.org/a.json", "description": "x"}}}"#,
        r#"{"type": "object", "properties": {"lr": {"type": "nummer", "description": "x"}}}"#,
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), MANIFEST, schema);
        let problem = Adapter::load(dir.path()).expect_err(schema);
        assert_eq!(problem.part, Part::Schema, "{problem}");
        let shown = problem
            .to_string()
            .replace(&dir.path().display().to_string(), "DIR");
        reasons.push_str(&format!("{shown}\n"));
    }
    insta::assert_snapshot!(reasons);
}

/// The first code block of `language` in the specification.
fn block<'s>(specification: &'s str, language: &str) -> &'s str {
    let (_, rest) = specification
        .split_once(&format!("```{language}\n"))
        .unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_specification_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../adapters/SPEC.md");
    let specification = fs::read_to_string(path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        block(&specification, "toml"),
        block(&specification, "json"),
    );
    let adapter = Adapter::load(dir.path()).unwrap();
    assert_eq!(adapter.manifest.output.log_metrics.len(), 1);
    for variable in PASSED_VARIABLES.iter().chain(REFUSED_VARIABLES) {
        assert!(
            specification.contains(&format!("`{variable}`")),
            "{variable} is not in the specification"
        );
    }
    for placeholder in PLACEHOLDERS {
        assert!(
            specification.contains(&format!("| `{{{placeholder}}}` |")),
            "{placeholder} is not in the specification"
        );
    }
}

#[test]
fn a_link_out_of_the_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("adapter");
    fs::create_dir(&inside).unwrap();
    write(&inside, MANIFEST, SCHEMA);
    fs::write(dir.path().join("outside.json"), SCHEMA).unwrap();
    fs::remove_file(inside.join("schema.json")).unwrap();
    std::os::unix::fs::symlink("../outside.json", inside.join("schema.json")).unwrap();
    let problem = Adapter::load(&inside).unwrap_err();
    assert!(problem.reason.contains("symbolic link"), "{problem}");
    assert_eq!(problem.line, Some(13), "{problem}");
}
