//! Resolution end to end: precedence, origins, equality of syntaxes, redaction, smoke.
//!
//! Error texts are in `messages.rs`.

use std::time::Duration;

use mlhub_config::{
    AdapterDefaults, ErrorKind, Experiment, Origin, Override, REDACTED, Resolved, SplitSpec,
    Syntax, defaults_diff, parse, redact, resolve,
};
use serde_json::{Value, json};

const YAML: &str = r#"
project: digits
description: "two lines\nof text"
adapter: sklearn@1
dataset:
  path: data/digits.csv
  format: csv
  target: label
  id: row_id
  split: {seed: 7, fractions: {train: 0.8, test: 0.2}, stratify: label}
seeds: [1, 2, 3]
params:
  lr: 0.5
  layers: [64, 32]
  optimizer: {name: sgd}
evaluation: {task: multiclass, metrics: [accuracy, log_loss@1], bootstrap: {samples: 200}}
resources: {cpus: 2, memory: 4GiB, timeout: 1h}
environment: {variables: {THREADS: "2", API_TOKEN: hunter2}, pass: [HOME]}
tags: {team: vision, day: "2026-01-02"}
"#;

const TOML: &str = r#"
project = "digits"
description = "two lines\nof text"
adapter = "sklearn@1"
seeds = [1, 2, 3]
tags = { team = "vision", day = "2026-01-02" }

[dataset]
path = "data/digits.csv"
format = "csv"
target = "label"
id = "row_id"
split = { seed = 7, fractions = { train = 0.8, test = 0.2 }, stratify = "label" }

[params]
lr = 0.5
layers = [64, 32]
optimizer.name = "sgd"

[evaluation]
task = "multiclass"
metrics = ["accuracy", "log_loss@1"]
bootstrap.samples = 200

[resources]
cpus = 2
memory = "4GiB"
timeout = 3600

[environment]
variables = { THREADS = "2", API_TOKEN = "hunter2" }
pass = ["HOME"]
"#;

const JSON: &str = r#"{
  "project": "digits", "description": "two lines\nof text", "adapter": "sklearn@1",
  "dataset": {"path": "data/digits.csv", "format": "csv", "target": "label", "id": "row_id",
    "split": {"seed": 7, "fractions": {"train": 0.8, "test": 0.2}, "stratify": "label", "group": null}},
  "seeds": [1, 2, 3],
  "params": {"lr": 0.5, "layers": [64, 32], "optimizer": {"name": "sgd"}},
  "evaluation": {"task": "multiclass", "metrics": ["accuracy", "log_loss@1"], "bootstrap": {"samples": 200}},
  "resources": {"cpus": 2, "memory": 4294967296, "timeout": "60m"},
  "environment": {"variables": {"THREADS": "2", "API_TOKEN": "hunter2"}, "pass": ["HOME"]},
  "tags": {"team": "vision", "day": "2026-01-02"}
}"#;

fn adapter() -> AdapterDefaults {
    AdapterDefaults {
        name: "sklearn".to_owned(),
        version: "1.2.0".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "lr": {"type": "number", "default": 0.1, "exclusiveMinimum": 0},
                "epochs": {"type": "integer", "default": 10},
                "layers": {"type": "array", "items": {"type": "integer"}, "default": [8]},
                "optimizer": {"type": "object", "properties": {
                    "name": {"enum": ["adam", "sgd"], "default": "adam"},
                    "momentum": {"type": ["number", "null"], "default": null},
                }},
            },
        }),
    }
}

fn run(text: &str, syntax: Syntax, overrides: &[&str], smoke: Option<&Value>) -> Resolved {
    let document = parse(text, "dir/exp.yaml", syntax).expect("parses");
    let overrides: Vec<Override> = overrides
        .iter()
        .map(|text| Override::parse(text).expect("an override"))
        .collect();
    resolve(&document, &adapter(), &overrides, smoke).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_three_syntaxes_resolve_equal() {
    let resolved = [
        (YAML, Syntax::Yaml),
        (TOML, Syntax::Toml),
        (JSON, Syntax::Json),
    ]
    .map(|(text, syntax)| run(text, syntax, &[], None));
    assert_eq!(resolved[0].document, resolved[1].document);
    assert_eq!(resolved[0].document, resolved[2].document);
    assert_eq!(resolved[0].hash, resolved[1].hash);
    assert_eq!(resolved[0].experiment, resolved[2].experiment);
    assert_eq!(resolved[0].environment_plain, resolved[1].environment_plain);
}

#[test]
fn the_resolved_document_is_a_snapshot_of_everything() {
    let resolved = run(YAML, Syntax::Yaml, &["lr=0.25", "resources.gpus=1"], None);
    insta::assert_json_snapshot!("resolved", resolved);
}

#[test]
fn a_resolved_document_resolves_to_itself() {
    let first = run(YAML, Syntax::Yaml, &[], None);
    let again = run(&first.document.to_string(), Syntax::Json, &[], None);
    assert_eq!(first.document, again.document);
    assert_eq!(first.hash, again.hash);
}

#[test]
fn typed_fields_hold_what_the_file_says() {
    let experiment = run(YAML, Syntax::Yaml, &[], None).experiment;
    assert_eq!(experiment.name, "exp");
    assert_eq!(experiment.adapter.version.as_deref(), Some("1.2.0"));
    assert_eq!(experiment.resources.memory_bytes, Some(4 << 30));
    assert_eq!(
        experiment.resources.timeout,
        Some(Duration::from_secs(3_600))
    );
    assert_eq!(experiment.resources.grace, Duration::from_secs(30));
    assert_eq!(experiment.evaluation.splits, ["test"]);
    assert_eq!(experiment.evaluation.metrics[1].version, Some(1));
    let split = experiment.dataset.and_then(|dataset| dataset.split);
    assert!(
        matches!(split, Some(SplitSpec::Fractions { seed: 7, ref fractions, .. }) if fractions["train"] == 0.8)
    );
}

#[test]
fn defaults_nest_and_origins_name_the_line() {
    let resolved = run(YAML, Syntax::Yaml, &[], None);
    assert_eq!(
        Value::Object(resolved.params.clone()),
        json!({"lr": 0.5, "epochs": 10, "layers": [64, 32], "optimizer": {"name": "sgd", "momentum": null}})
    );
    let at = |line, column| Origin::File {
        file: "dir/exp.yaml".to_owned(),
        line,
        column,
    };
    assert_eq!(resolved.origins["params.optimizer.name"], at(15, 21));
    assert_eq!(resolved.origins["params.layers"], at(14, 11));
    assert_eq!(resolved.origins["resources.grace"], Origin::BuiltinDefault);
    assert_eq!(resolved.origins["name"], Origin::BuiltinDefault);
    assert_eq!(
        resolved.origins["params.optimizer.momentum"],
        Origin::AdapterDefault {
            adapter: "sklearn".to_owned(),
            version: "1.2.0".to_owned()
        }
    );
    let changed: Vec<_> = resolved
        .diff_from_defaults
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(
        changed,
        ["params.layers", "params.lr", "params.optimizer.name"]
    );
}

#[test]
fn smoke_beats_the_file_and_overrides_beat_smoke() {
    let smoke = json!({"params": {"epochs": 1, "lr": 0.9, "optimizer": {"momentum": 0.5}}, "rows": 20,
        "dataset": "tiny.csv", "target": "y", "task": null, "check_params": {"layers": 77}});
    let resolved = run(
        YAML,
        Syntax::Yaml,
        &["lr=0.01", "params.lr=0.02"],
        Some(&smoke),
    );
    assert_eq!(resolved.params["lr"], json!(0.02));
    assert_eq!(resolved.params["epochs"], json!(1));
    assert_ne!(resolved.params["layers"], json!(77), "it is the check's");
    assert_eq!(
        resolved.params["optimizer"],
        json!({"name": "sgd", "momentum": 0.5})
    );
    assert_eq!(resolved.document["dataset"]["rows"], json!(20));
    assert_eq!(
        resolved.origins["params.epochs"],
        Origin::Smoke {
            adapter: "sklearn".to_owned()
        }
    );
    assert_eq!(
        resolved.origins["dataset.rows"],
        Origin::Smoke {
            adapter: "sklearn".to_owned()
        }
    );
    assert_eq!(
        resolved.origins["params.lr"],
        Origin::Override {
            text: "params.lr=0.02".to_owned()
        }
    );
}

#[test]
fn seed_and_seeds_replace_each_other_in_overrides() {
    let resolved = run(YAML, Syntax::Yaml, &["seed=9"], None);
    assert_eq!(resolved.experiment.seeds, [9]);
    assert_eq!(
        resolved.origins["seeds"],
        Origin::Override {
            text: "seed=9".to_owned()
        }
    );
    assert_eq!(
        run("project: p\nadapter: sklearn\n", Syntax::Yaml, &[], None)
            .experiment
            .seeds,
        [0]
    );
}

#[test]
fn secrets_reach_the_launcher_and_nothing_else() {
    let secret = "environment.variables.HF_TOKEN=hunter3";
    let resolved = run(YAML, Syntax::Yaml, &[secret], None);
    assert_eq!(resolved.environment_plain.plain()["API_TOKEN"], "hunter2");
    assert_eq!(resolved.environment_plain.plain()["HF_TOKEN"], "hunter3");
    assert_eq!(
        resolved.document["environment"]["variables"]["API_TOKEN"],
        json!(REDACTED)
    );
    let stored = serde_json::to_string(&resolved).expect("serialises");
    let shown = format!("{resolved:?}");
    assert!(
        !stored.contains("hunter") && !shown.contains("hunter"),
        "{shown}"
    );
    let mut document = json!({"environment": {"variables": {"API_TOKEN": "hunter2"}}});
    redact(&mut document);
    assert!(!document.to_string().contains("hunter"));
}

#[test]
fn the_adapter_is_known_before_the_rest_is_right() {
    let document =
        parse("adapter: sklearn@1\nnonsense: 1\n", "x.yaml", Syntax::Yaml).expect("parses");
    assert_eq!(document.adapter(&[]).expect("named").name, "sklearn");
    let over = [Override::parse("adapter=native").expect("an override")];
    assert_eq!(document.adapter(&over).expect("named").name, "native");
    let empty = parse("", "x.yaml", Syntax::Yaml).expect("parses");
    assert!(empty.adapter(&[]).is_err());
}

#[test]
fn an_adapter_may_leave_its_parameters_open() {
    let open = AdapterDefaults {
        name: "script".to_owned(),
        version: "1".to_owned(),
        schema: json!({"type": "object", "additionalProperties": true, "properties": {
            "command": {"type": "array", "items": {"type": "string"}, "minItems": 1}}, "required": ["command"]}),
    };
    let text = "project: p\nadapter: script\nparams: {command: [python, train.py], \"a.b\": {c: 1}, a: {b: {}}}\n";
    let document = parse(text, "x.yaml", Syntax::Yaml).expect("parses");
    let resolved = resolve(&document, &open, &[], None).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(
        resolved.origins.contains_key("params.\"a.b\".c")
            && resolved.origins.contains_key("params.a.b")
    );
    let none = parse("project: p\nadapter: script\n", "x.yaml", Syntax::Yaml).expect("parses");
    let errors = resolve(&none, &open, &[], None).expect_err("command is required");
    assert_eq!(errors.errors()[0].kind(), ErrorKind::MissingKey);
    assert_eq!(errors.errors()[0].path(), "params.command");
}

#[test]
fn a_broken_adapter_is_named_not_the_file() {
    for schema in [
        json!(true),
        json!({"$ref": "http://example.com/x"}),
        json!({"type": 5}),
        json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
    ] {
        let broken = AdapterDefaults {
            schema,
            ..adapter()
        };
        let document = parse(YAML, "x.yaml", Syntax::Yaml).expect("parses");
        let errors = resolve(&document, &broken, &[], None).expect_err("broken");
        assert_eq!(errors.errors()[0].kind(), ErrorKind::Adapter, "{errors}");
    }
    let document = parse(YAML, "x.yaml", Syntax::Yaml).expect("parses");
    for smoke in [
        json!(1),
        json!({"rows": 0}),
        json!({"params": 1}),
        json!({"check_params": 1}),
        json!({"other": 1}),
    ] {
        let errors = resolve(&document, &adapter(), &[], Some(&smoke)).expect_err("broken");
        assert_eq!(errors.errors()[0].kind(), ErrorKind::Adapter);
    }
}

#[test]
fn every_mistake_is_collected_up_to_a_bound() {
    let mut text = "adapter: 1\nseeds: []\ndataset: {}\n".to_owned();
    for index in 0..100 {
        text.push_str(&format!("unknown{index}: 1\n"));
    }
    let document = parse(&text, "x.yaml", Syntax::Yaml).expect("parses");
    let errors = Experiment::from_document(&document).expect_err("wrong");
    assert_eq!(errors.errors().len(), 50);
    assert!(errors.more() >= 50);
    assert!(errors.to_string().ends_with("more; fix these first"));
}

#[test]
fn changed_adapter_defaults_are_told() {
    let mut newer = adapter().schema;
    newer["properties"]["optimizer"]["properties"]["name"]["default"] = json!("sgd");
    let rows = defaults_diff(&adapter().schema, &newer);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].path, "params.optimizer.name");
    assert_eq!(
        (rows[0].old.clone(), rows[0].new.clone()),
        (Some(json!("adam")), Some(json!("sgd")))
    );
}

#[test]
fn an_ordered_split_is_read_and_written_as_it_is() {
    let text = "project: p\nadapter: sklearn\ndataset: {path: a.csv, split: {fractions: {train: 0.8, test: 0.2}, order: [train, test], seed: null}}\n";
    let experiment = run(text, Syntax::Yaml, &[], None).experiment;
    let split = experiment.dataset.clone().and_then(|dataset| dataset.split);
    assert!(
        matches!(&split, Some(spec @ SplitSpec::Ordered { order, .. }) if order == &["train", "test"] && !spec.is_shuffled())
    );
    assert_eq!(
        experiment.to_value()["dataset"]["split"],
        json!({"fractions": {"train": 0.8, "test": 0.2}, "order": ["train", "test"]})
    );
    assert_eq!(experiment.evaluation.splits, ["test"]);
}

#[test]
fn output_is_scanned_unless_the_file_says_otherwise() {
    let scan = |logs: &str| {
        let text = format!("{YAML}{logs}");
        let resolved = run(&text, Syntax::Yaml, &[], None);
        let kept = resolved.document.get("logs").cloned();
        (resolved.experiment.logs.scan, kept)
    };
    let off = Some(json!({"scan": "off"}));
    assert_eq!(scan(""), (true, None));
    assert_eq!(scan("logs: {}\n"), (true, None));
    assert_eq!(scan("logs: {scan: on}\n"), (true, None));
    assert_eq!(scan("logs: {scan: off}\n"), (false, off.clone()));
    assert_eq!(scan("logs: {scan: false}\n"), (false, off));
}

#[test]
fn evaluation_defaults_follow_the_split() {
    let text =
        "project: p\nadapter: sklearn\ndataset: {split: {files: {train: a.csv, valid: b.csv}}}\n";
    assert_eq!(
        run(text, Syntax::Yaml, &[], None)
            .experiment
            .evaluation
            .splits,
        ["valid"]
    );
}

#[test]
fn bounds_have_names_and_hold() {
    let kind = |text: &str, syntax| parse(text, "x", syntax).expect_err("past a bound").kind();
    assert_eq!(
        kind(&" ".repeat(1024 * 1024 + 1), Syntax::Yaml),
        ErrorKind::Limit
    );
    assert_eq!(kind(&"- ".repeat(100), Syntax::Yaml), ErrorKind::Limit);
    assert_eq!(kind(&"[".repeat(65), Syntax::Json), ErrorKind::Limit);
    assert_eq!(
        kind(&format!("[{}1]", "1,".repeat(100_001)), Syntax::Json),
        ErrorKind::Limit
    );
    assert_eq!(
        kind(&format!("a: [{}1]", "1,".repeat(100_001)), Syntax::Yaml),
        ErrorKind::Limit
    );
    assert_eq!(
        kind(&format!("a = [{}1]", "1,".repeat(100_001)), Syntax::Toml),
        ErrorKind::Limit
    );
    assert_eq!(
        kind(&format!("{}: 1", "k".repeat(300)), Syntax::Yaml),
        ErrorKind::Limit
    );
    let many = vec![Override::parse("lr=1").expect("an override"); 257];
    let document = parse(YAML, "x.yaml", Syntax::Yaml).expect("parses");
    let errors = resolve(&document, &adapter(), &many, None).expect_err("past a bound");
    assert_eq!(errors.errors()[0].kind(), ErrorKind::Limit);
}

#[test]
fn a_file_of_nothing_but_mistakes_is_cheap() {
    let mut text = "project: p\nadapter: sklearn\nparams:\n".to_owned();
    for index in 0..20_000 {
        text.push_str(&format!("  zz{index}: 1\n"));
    }
    for index in 0..20_000 {
        text.push_str(&format!("qq{index}: 1\n"));
    }
    let document = parse(&text, "x.yaml", Syntax::Yaml).expect("parses");
    let errors = resolve(&document, &adapter(), &[], None).expect_err("wrong");
    assert_eq!(errors.errors().len(), 50);
    assert!(errors.more() >= 19_950, "{}", errors.more());
}
