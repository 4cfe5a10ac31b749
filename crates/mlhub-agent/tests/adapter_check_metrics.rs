//! The conformance kit on adapters that define metrics and tell defaults: what keeps its
//! promise passes, and each broken promise is caught by its own step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlhub_agent::adapter::{CheckOptions, Language, StepStatus, check, new_skeleton};

const METRICS: &str = r#"
import os
from mlhub_adapter.metrics import serve
def errors(y_true, y_pred):
    return sum(t != p for t, p in zip(y_true, y_pred)) / len(y_true)
serve(errors)
"#;

const DEFAULTS: &str = r#"
import json, os, sys
with open(os.path.join(sys.argv[1], "defaults.json"), "w") as file:
    json.dump({"subject": "Softmax", "libraries": {}, "values": {"bias": 0}}, file)
"#;

/// The verdicts on metrics and on defaults of a new adapter with these programs.
fn judged(metrics: &str, defaults: &str) -> [(StepStatus, String); 2] {
    let root = tempfile::tempdir().unwrap();
    let dir = new_skeleton("mine", Language::Python, root.path()).unwrap();
    let manifest = dir.join("adapter.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text
        .replace("\"resume\"]", "\"resume\", \"metrics\", \"defaults\"]")
        .replace(
            "[commands]",
            "[commands]\nmetrics = [\"{python}\", \"{adapter}/metrics.py\", \"{run}\"]\ndefaults = [\"{python}\", \"{adapter}/tell.py\", \"{run}\"]",
        );
    let section = "\n[definitions.errors]\nversion = 1\ntasks = [\"binary\"]\ndirection = \"minimize\"\nrange = { low = 0.0, high = 1.0 }\nformula = \"Share of wrong rows.\"\nsource = \"this test\"\n";
    fs::write(&manifest, text + section).unwrap();
    fs::write(dir.join("metrics.py"), metrics).unwrap();
    fs::write(dir.join("tell.py"), defaults).unwrap();
    let options = CheckOptions {
        work_dir: root.path().join("work"),
        envs_dir: root.path().join("envs"),
        mlhub_binary: PathBuf::from(Path::new(env!("CARGO_BIN_EXE_mlhub-supervise"))),
        run_limit: Duration::from_secs(60),
    };
    let report = check(&dir, &options, &mut |_| ());
    ["computes its metrics", "tells defaults"].map(|name| {
        let step = report.steps.iter().find(|step| step.name == name);
        let step = step.unwrap_or_else(|| panic!("{report:#?}"));
        (step.status, step.detail.clone())
    })
}

#[test]
fn metrics_and_defaults_that_keep_their_word_pass() {
    for (status, detail) in judged(METRICS, DEFAULTS) {
        assert_eq!(status, StepStatus::Passed, "{detail}");
    }
}

#[test]
fn metrics_and_defaults_that_do_not_are_caught() {
    let chance = METRICS.replace("/ len(y_true)", "/ len(os.getcwd())");
    let other = DEFAULTS.replace("\"bias\": 0", "\"bias\": os.getpid()");
    let [metrics, defaults] = judged(&chance.replace("t != p", "True"), &other);
    assert_eq!(metrics.0, StepStatus::Failed, "{}", metrics.1);
    assert!(metrics.1.contains("not deterministic"), "{}", metrics.1);
    assert_eq!(defaults.0, StepStatus::Failed, "{}", defaults.1);
    assert!(defaults.1.contains("differ in `bias`"), "{}", defaults.1);
    let large = METRICS.replace("/ len(y_true)", "+ 2.0");
    let unnamed = DEFAULTS.replace("Softmax", "");
    let [metrics, defaults] = judged(&large, &unnamed);
    assert!(metrics.1.contains("0.0 to 1.0"), "{}", metrics.1);
    assert!(defaults.1.contains("`subject` is empty"), "{}", defaults.1);
}
