//! The command line itself: help, codes, JSON, prefixes, closed pipes.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Served, World};

const COMMANDS: [&str; 40] = [
    "",
    "serve",
    "run",
    "init",
    "runs",
    "show",
    "logs",
    "history",
    "stop",
    "compare",
    "sync",
    "artifacts",
    "artifacts list",
    "artifacts get",
    "artifacts put",
    "artifacts inputs",
    "dataset",
    "dataset add",
    "dataset list",
    "dataset show",
    "dataset verify",
    "adapter",
    "adapter list",
    "adapter show",
    "adapter add",
    "adapter new",
    "adapter check",
    "adapter exec",
    "metrics",
    "metrics show",
    "backup",
    "backup verify",
    "restore",
    "export",
    "export mlflow",
    "import",
    "import mlflow",
    "project hash",
    "demo",
    "completions",
];

/// Runs made through the API alone: no program belongs to them.
fn make_runs(hub: &Served, ids: &[String]) {
    let runs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let request = json!({
        "project": "p", "experiment": "e", "snapshot": {"version": 1}, "runs": runs,
    });
    let request = serde_json::from_value(request).expect("a request");
    hub.client.runs_create(&request).expect("made");
}

#[test]
fn help_of_every_command() {
    let world = World::new();
    let mut text = String::new();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let said = world.ok(&arguments);
        text.push_str(&format!(
            "$ mlhub {}\n{}\n",
            arguments.join(" "),
            said.stdout
        ));
    }
    assert!(!world.data().exists(), "help makes nothing");
    insta::assert_snapshot!(text);
}

#[test]
fn every_class_of_failure_has_its_code() {
    let world = World::new();
    let table: [(&[&str], i32); 12] = [
        (&["--version"], 0),
        (&[], 2),
        (&["bogus"], 2),
        (&["run"], 2),
        (&["runs", "--limit", "many"], 2),
        (&["run", "absent.yaml"], 3),
        (&["dataset", "add", "absent.csv"], 4),
        (&["adapter", "show", "absent"], 5),
        (&["--server", "http://127.0.0.1:1", "runs"], 6),
        (&["show", "absent"], 8),
        (&["dataset", "show", "absent"], 8),
        (&["metrics", "show", "absent"], 8),
    ];
    for (arguments, code) in table {
        let said = world.mlhub(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.stderr);
        if code != 0 {
            assert_ne!(said.stderr, "", "{arguments:?} says why");
        }
    }
}

#[test]
fn completions_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.ok(&["completions", shell]).stdout;
        for word in ["mlhub", "compare", "dataset"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert!(!script.contains("panicked"));
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let world = World::new();
    let hub = world.serve(&[]);
    let ids: Vec<String> = (0..300)
        .map(|number| format!("abcdefgh{number:04}"))
        .collect();
    make_runs(&hub, &ids);
    for arguments in [
        "runs -n 300",
        "runs -n 300 --json",
        "history abcdefgh0000",
        "completions bash",
        "--help",
    ] {
        let script = format!("{{ \"$0\" {arguments}; echo $? >code; }} | head -n 1");
        let mut command = world.clean(Command::new("sh"));
        command.args(["-c", &script, env!("CARGO_BIN_EXE_mlhub")]);
        let output = command.output().expect("sh");
        assert!(!output.stdout.is_empty(), "{arguments}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
        let code = std::fs::read_to_string(world.project().join("code")).expect("a code");
        assert_eq!(code.trim(), "0", "{arguments}");
    }
}

#[test]
fn runs_are_named_by_unique_prefixes() {
    let world = World::new();
    let hub = world.serve(&[]);
    let ids = ["abcdefgh0001", "abcdefgh0002", "zbcdefgh0003"].map(str::to_owned);
    make_runs(&hub, &ids);
    assert_eq!(world.json(&["show", "z"])["id"], ids[2]);
    assert_eq!(world.json(&["show", &ids[0]])["id"], ids[0]);
    let mut text = String::new();
    for prefix in ["abc", "y"] {
        let said = world.mlhub(&["show", prefix]);
        assert_eq!(said.code, Some(8));
        text.push_str(&said.stderr);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn history_is_printed_and_exported() {
    let world = World::new();
    let hub = world.serve(&[]);
    make_runs(&hub, &["history-0001".to_owned()]);
    let points: Vec<Value> = [(0, json!(0.5)), (1, json!("NaN")), (2, json!(0.1))]
        .into_iter()
        .flat_map(|(step, value)| {
            ["loss", "val/loss"].map(
                |name| json!({"name": name, "step": step, "time_ms": 1000 + step, "value": value}),
            )
        })
        .collect();
    let batch = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    let batch = serde_json::from_value(batch).expect("a batch");
    hub.client
        .attempt_events("history-0001", 1, &batch)
        .expect("stored");
    let csv = world.ok(&["history", "history", "--from", "1"]).stdout;
    assert_eq!(
        csv.lines().collect::<Vec<_>>(),
        [
            "run,metric,attempt,step,time_ms,value",
            "history-0001,loss,1,1,1001,NaN",
            "history-0001,loss,1,2,1002,0.1",
            "history-0001,val/loss,1,1,1001,NaN",
            "history-0001,val/loss,1,2,1002,0.1",
        ]
    );
    let lines = world
        .ok(&["history", "history-0001", "-m", "v*", "--json"])
        .stdout;
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.starts_with(r#"{"run":"history-0001","metric":"val/loss","attempt":1,"step":0,"time_ms":1000,"value":0.5}"#));
    for (name, magic) in [
        ("h.parquet", "PAR1"),
        ("h.arrow", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ("h.csv", "run,"),
    ] {
        world.ok(&["history", "history-0001", "--out", name]);
        let bytes = std::fs::read(world.project().join(name)).expect("a file");
        assert!(String::from_utf8_lossy(&bytes).starts_with(magic), "{name}");
    }
    let refused = world.mlhub(&["history", "absent", "--out", "none.csv"]);
    assert_eq!(refused.code, Some(8), "{}", refused.stderr);
    let left = std::fs::read_dir(world.project())
        .expect("a folder")
        .flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().starts_with("none")),
        "{left:?}"
    );
}

#[test]
fn rows_of_a_dataset_are_shown_only_when_asked_for() {
    let world = World::with_iris();
    world.ok(&["dataset", "add", "iris.csv"]);
    let none = world.mlhub(&["dataset", "preview", "iris@1"]);
    assert_eq!(none.code, Some(8), "{}", none.stderr);
    assert!(none.stderr.contains("--preview"), "{}", none.stderr);
    let added = world.ok(&["dataset", "add", "iris.csv", "--preview", "2"]);
    assert!(added.stdout.contains("2 rows"), "{}", added.stdout);
    let shown = world.json(&["dataset", "preview", "iris@1"]);
    assert_eq!(shown["rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown["total_rows"], 150);
    let table = world.ok(&["dataset", "preview", "iris@1"]).stdout;
    assert!(table.contains("sepal_length_cm"), "{table}");
    world.ok(&["dataset", "preview", "iris@1", "--remove"]);
    let gone = world.mlhub(&["dataset", "preview", "iris@1", "--remove"]);
    assert_eq!(gone.code, Some(8), "{}", gone.stderr);
    let many = world.mlhub(&["dataset", "add", "iris.csv", "--preview", "101"]);
    assert_eq!(many.code, Some(2), "{}", many.stderr);
}

#[test]
fn every_listing_prints_json() {
    let world = World::with_iris();
    assert_eq!(world.json(&["runs"]), json!([]));
    assert_eq!(world.json(&["dataset", "list"]), json!([]));
    let added = world.json(&[
        "dataset",
        "add",
        "iris.csv",
        "--description",
        "Iris, CC BY 4.0",
    ]);
    assert_eq!(
        (&added["name"], &added["version"]),
        (&json!("iris"), &json!(1))
    );
    let list = world.json(&["dataset", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let shown = world.json(&["dataset", "show", "iris", "--version", "1"]);
    assert_eq!(shown["current"]["rows"], 150);
    assert_eq!(shown["description"], "Iris, CC BY 4.0");
    assert_eq!(
        world.json(&["dataset", "verify", "iris"])["unchanged"],
        true
    );
    let text = world.ok(&["dataset", "show", "iris"]).stdout;
    assert!(text.contains("sepal_length_cm"), "{text}");
    assert!(world.ok(&["dataset", "list"]).stdout.contains("iris"));

    let adapters = world.json(&["adapter", "list"]);
    let names: Vec<&str> = adapters
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|adapter| adapter["name"].as_str())
        .collect();
    for name in ["native", "script", "sklearn", "xgboost"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let native = world.json(&["adapter", "show", "native"]);
    assert_eq!(native["manifest"]["name"], "native");
    assert!(native["schema"]["properties"]["rounds"].is_object());
    assert!(
        world
            .ok(&["adapter", "show", "native"])
            .stdout
            .contains("boosting rounds")
    );

    let metrics = world.json(&["metrics", "list"]);
    assert!(metrics.as_array().map(Vec::len) > Some(20));
    let accuracy = world.json(&["metrics", "show", "accuracy"]);
    assert_eq!(accuracy, world.json(&["metrics", "show", "accuracy@1"]));
    assert!(
        world
            .ok(&["metrics", "show", "accuracy"])
            .stdout
            .contains("accuracy@1")
    );
}

#[test]
fn a_new_adapter_passes_its_check_and_trains() {
    let world = World::with_iris();
    for language in ["python", "shell"] {
        let dir = format!("adapters/{language}-mine");
        let name = format!("{language}-mine");
        world.ok(&[
            "adapter",
            "new",
            &name,
            "--language",
            language,
            "--dir",
            "adapters",
        ]);
        let reports = ["--junit", "report.xml", "--badge", "badge.svg"];
        let said = world.mlhub(&[&["adapter", "check", dir.as_str()], reports.as_slice()].concat());
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        let junit = std::fs::read_to_string(world.project().join("report.xml")).expect("written");
        assert!(
            junit.contains("<testsuite") && junit.contains(&name),
            "{junit}"
        );
        let badge = std::fs::read_to_string(world.project().join("badge.svg")).expect("written");
        assert!(
            badge.contains("<svg") && badge.contains("passed"),
            "{badge}"
        );
        assert!(said.stdout.contains("passed"), "{}", said.stdout);
        let list = world.ok(&["adapter", "list"]).stdout;
        assert!(list.contains(&name), "{list}");
        let said = world.mlhub(&["adapter", "new", &name, "--dir", "adapters"]);
        assert_eq!(said.code, Some(5), "it does not write over what is there");
    }
    world.write(
        "mine.yaml",
        "project: p\nname: mine\nadapter: python-mine\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\n",
    );
    world.ok(&["run", "mine.yaml", "--smoke"]);
    assert!(world.runs()[0]["metrics"]["test/accuracy"].is_number());
    world.write("adapters/python-mine/schema.json", "{");
    let said = world.mlhub(&["adapter", "check", "adapters/python-mine"]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
}

#[test]
fn a_smoke_run_of_a_script_runs_that_script() {
    let world = World::with_iris();
    world.script("own", "log(1, loss=0.5)\npredict()", crate::support::IRIS);
    world.ok(&["run", "own.yaml", "--smoke"]);
    let run = world.runs().remove(0);
    assert_eq!(run["metrics"]["loss"], 0.5, "{run}");
    assert_eq!(run["tags"]["smoke"], "true", "{run}");
}
