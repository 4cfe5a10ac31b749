//! The conformance kit: new adapters pass, and each broken promise is caught by
//! its own step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mlhub_agent::adapter::{
    Adapter, CheckOptions, CheckReport, Language, StepStatus, check, new_skeleton,
    prepare_environment,
};

fn run(dir: &Path, work: &Path, run_limit: Duration) -> CheckReport {
    let options = CheckOptions {
        work_dir: work.join("work"),
        envs_dir: work.join("envs"),
        mlhub_binary: PathBuf::from("/nonexistent/mlhub"),
        run_limit,
    };
    check(dir, &options, &mut |_| ())
}

/// The adapter written when protocol 1 was the newest, without the author's kit.
fn version_1(root: &Path) -> PathBuf {
    let dir = root.join("version-1");
    fs::create_dir(&dir).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adapter_version_1");
    for file in fs::read_dir(source).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.join(file.file_name())).unwrap();
    }
    dir
}

/// That adapter with `from` in its program replaced by `to`, checked.
fn check_changed(from: &str, to: &str) -> CheckReport {
    let root = tempfile::tempdir().unwrap();
    let dir = version_1(root.path());
    let program = dir.join("train.py");
    let text = fs::read_to_string(&program).unwrap();
    assert!(text.contains(from), "nothing is changed");
    fs::write(&program, text.replace(from, to)).unwrap();
    run(&dir, root.path(), Duration::from_secs(20))
}

fn failed(report: &CheckReport) -> Vec<&str> {
    report
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Failed)
        .map(|step| step.name.as_str())
        .collect()
}

#[test]
fn new_python_adapters_keep_every_promise() {
    let root = tempfile::tempdir().unwrap();
    let dir = new_skeleton("mine", Language::Python, root.path()).unwrap();
    let report = run(&dir, root.path(), Duration::from_secs(60));
    assert!(report.passed, "{report:#?}");
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.status == StepStatus::Passed),
        "{report:#?}"
    );
    assert!(
        report
            .steps
            .iter()
            .any(|step| step.detail.contains("8 values planted")),
        "{report:#?}"
    );
    assert_eq!(
        serde_json::from_value::<CheckReport>(serde_json::to_value(&report).unwrap()).unwrap(),
        report
    );
}

#[test]
fn an_adapter_written_against_version_1_goes_on_working() {
    let root = tempfile::tempdir().unwrap();
    let report = run(
        &version_1(root.path()),
        root.path(),
        Duration::from_secs(60),
    );
    assert!(report.passed, "{report:#?}");
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.status == StepStatus::Passed),
        "{report:#?}"
    );
}

/// The tests that come with a new adapter pass, with the kit that its programs get.
#[test]
fn the_tests_of_a_new_python_adapter_pass() {
    let root = tempfile::tempdir().unwrap();
    let dir = new_skeleton("mine", Language::Python, root.path()).unwrap();
    let adapter = Adapter::load(&dir).unwrap();
    let environment =
        prepare_environment(&adapter, &root.path().join("envs"), &mut |_| ()).unwrap();
    let output = Command::new(environment.python.unwrap())
        .args(["-m", "unittest", "-v"])
        .envs(environment.env)
        .current_dir(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Ran 3 tests"), "{said}");
    assert!(!dir.join("__pycache__").exists(), "the folder is only read");
}

#[test]
fn new_shell_adapters_keep_every_promise() {
    keeps_every_promise(Language::Shell);
}

#[test]
fn new_rust_adapters_keep_every_promise() {
    keeps_every_promise(Language::Rust);
}

#[test]
fn new_node_adapters_keep_every_promise() {
    keeps_every_promise(Language::Node);
}

/// A new adapter passes; only what needs a moment in the middle of so short a run
/// may be passed over.
fn keeps_every_promise(language: Language) {
    let root = tempfile::tempdir().unwrap();
    let dir = new_skeleton("mine", language, root.path()).unwrap();
    let report = run(&dir, root.path(), Duration::from_secs(60));
    assert!(report.passed, "{report:#?}");
    let skipped: Vec<&str> = report
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::NotApplicable)
        .map(|step| step.name.as_str())
        .collect();
    assert!(
        skipped
            .iter()
            .all(|name| ["kill and resume", "ends on SIGTERM"].contains(name)),
        "{report:#?}"
    );
}

#[test]
fn unseeded_training_is_caught() {
    let report = check_changed("random.Random(seed)", "random.Random()");
    assert!(
        failed(&report).contains(&"same seed, same result"),
        "{report:#?}"
    );
}

#[test]
fn a_sample_in_a_log_is_caught() {
    let report = check_changed(
        "    classes = sorted(set(targets))",
        "    classes = sorted(set(targets))\n    print(rows)",
    );
    assert_eq!(
        failed(&report),
        ["no samples or secrets in logs"],
        "{report:#?}"
    );
    assert!(
        report
            .steps
            .last()
            .unwrap()
            .detail
            .contains("training data"),
        "{report:#?}"
    );
}

#[test]
fn a_secret_in_a_log_is_caught() {
    let report = check_changed(
        "    events = Events(run_dir)",
        "    events = Events(run_dir)\n    print(dict(os.environ), file=sys.stderr)",
    );
    assert_eq!(
        failed(&report),
        ["no samples or secrets in logs"],
        "{report:#?}"
    );
    assert!(
        report
            .steps
            .last()
            .unwrap()
            .detail
            .contains("environment variable"),
        "{report:#?}"
    );
}

#[test]
fn a_checkpoint_that_is_not_restored_is_caught() {
    let report = check_changed("weights = json.load(file)[\"weights\"]", "json.load(file)");
    assert_eq!(failed(&report), ["kill and resume"], "{report:#?}");
}

#[test]
fn a_program_deaf_to_sigterm_is_caught() {
    let deaf = "    import signal, time\n    signal.signal(signal.SIGTERM, lambda *_: time.sleep(600))\n    events = Events(run_dir)";
    let report = check_changed("    events = Events(run_dir)", deaf);
    let term = report
        .steps
        .iter()
        .find(|step| step.name == "ends on SIGTERM")
        .unwrap();
    assert_eq!(term.status, StepStatus::Failed, "{report:#?}");
}

#[test]
fn a_wrong_exit_code_for_a_bad_param_is_caught() {
    let report = check_changed("EXIT_CONFIG = 64", "EXIT_CONFIG = 1");
    assert_eq!(
        failed(&report),
        ["bad config refused by program"],
        "{report:#?}"
    );
}

#[test]
fn missing_entry_and_bad_predictions_are_caught() {
    let report = check_changed("events.write(entry=", "dict(entry=");
    assert_eq!(failed(&report), ["entry event"], "{report:#?}");
    let report = check_changed(
        "ids = list(range(len(rows)))",
        "ids = list(range(1, 1 + len(rows)))",
    );
    assert_eq!(failed(&report), ["smoke run"], "{report:#?}");
}

#[test]
fn a_program_that_fails_or_is_missing_is_told_with_its_words() {
    let report = check_changed(
        "def main():",
        "def main():\n    raise SystemExit('no luck today')",
    );
    let smoke = report.steps.last().unwrap();
    assert!(
        smoke.detail.contains("exit code 1") && smoke.detail.contains("no luck today"),
        "{report:#?}"
    );
    let root = tempfile::tempdir().unwrap();
    let empty = run(root.path(), root.path(), Duration::from_secs(5));
    assert_eq!(failed(&empty), ["manifest"]);
}

/// A program that serves what the adapter of version 1 could: it answers by class.
const SERVE: &str = r#"
import json, sys
from pathlib import Path
run = json.loads((Path(sys.argv[1]) / "run.json").read_text())
model = json.loads((Path(run["model"]["path"]) / "model.json").read_text())
names = [column["name"] for column in model["input"]["columns"]]
labels = model["output"]["labels"]
def say(message):
    print(json.dumps(message), flush=True)
say({"ready": {"protocol": 1, "capabilities": ["predict"]}})
for line in sys.stdin:
    request = json.loads(line)
    inputs = request["predict"]["inputs"]
    bad = [(i, n) for i, row in enumerate(inputs) for n in names if not isinstance(row[n], float)]
    if bad:
        field = "inputs.{}.{}".format(*bad[0])
        say({"id": request["id"], "error": {"code": "invalid", "field": field, "message": "must be a number"}})
        continue
    scores = {label: 1.0 / len(labels) for label in labels}
    say({"id": request["id"], "outputs": [{"label": labels[0], "scores": scores} for _ in inputs]})
"#;

/// The serving step's verdict on the adapter of version 1 with the program `serve`.
fn serving(serve: &str) -> (StepStatus, String) {
    let root = tempfile::tempdir().unwrap();
    let dir = version_1(root.path());
    let change = |name: &str, from: &str, to: &str| {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "nothing is changed");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    change("adapter.toml", "\"resume\"]", "\"resume\", \"predict\"]");
    change(
        "adapter.toml",
        "[commands]",
        "[commands]\npredict = [\"{python}\", \"{adapter}/serve.py\", \"{run}\"]",
    );
    let split = "    for split in run.get(\"predict_splits\", []):";
    let model = "    columns = [{\"name\": name, \"type\": \"number\"} for name in names]\n    write_whole(run_dir / \"artifacts/model.json\", json.dumps({\"version\": 1, \"input\": {\"kind\": \"table\", \"columns\": columns}, \"output\": {\"kind\": \"classes\", \"labels\": classes}}))\n";
    change("train.py", split, &format!("{model}{split}"));
    fs::write(dir.join("serve.py"), serve).unwrap();
    let report = run(&dir, root.path(), Duration::from_secs(20));
    let step = report
        .steps
        .iter()
        .find(|step| step.name == "serves single inputs")
        .unwrap_or_else(|| panic!("{report:#?}"));
    (step.status, step.detail.clone())
}

#[test]
fn a_model_that_serves_single_inputs_passes_and_one_that_does_not_is_caught() {
    let (status, detail) = serving(SERVE);
    assert_eq!(status, StepStatus::Passed, "{detail}");
    let (status, detail) = serving(&SERVE.replace("\"label\": labels[0]", "\"label\": \"x\""));
    assert_eq!(status, StepStatus::Failed, "{detail}");
    assert!(detail.contains("`classes`"), "{detail}");
    let (status, detail) = serving(&SERVE.replace("if bad:", "if False:"));
    assert_eq!(status, StepStatus::Failed, "{detail}");
    assert!(detail.contains("refused"), "{detail}");
    let (status, detail) = serving(&format!("{SERVE}sys.exit(3)\n"));
    assert_eq!(status, StepStatus::Failed, "{detail}");
    assert!(detail.contains("end of its input"), "{detail}");
}

/// A program that exports the model of the adapter of version 1.
const EXPORT: &str = r#"
import json, os, sys
from pathlib import Path
folder = Path(sys.argv[1])
run = json.loads((folder / "run.json").read_text())
assert run["dataset"] is None and run["predict_splits"] == []
(folder / "artifacts").mkdir(exist_ok=True)
def event(**fields):
    with open(folder / "events/0.jsonl", "a") as file:
        file.write(json.dumps(fields) + "\n")
def leave(name, text):
    (folder / "artifacts" / name).write_text(text)
    event(artifact={"path": "artifacts/" + name, "kind": "export"})
if run["export"]["format"] not in ("plain", "other"):
    event(error={"field": "export.format", "message": "plain is known"})
    sys.exit(69)
leave("model.txt", (Path(run["model"]["path"]) / "model.json").read_text())
report = {"version": 1, "format": run["export"]["format"], "compared_rows": 4, "max_abs_difference": 0.0, "tolerance": 0.001}
leave("export.json", json.dumps(report))
"#;

/// The exporting step's verdict on the adapter of version 1 with the program `export`,
/// and which steps failed.
fn exporting(export: &str) -> (StepStatus, String, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    let dir = version_1(root.path());
    let change = |name: &str, from: &str, to: &str| {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "nothing is changed");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    change("adapter.toml", "\"resume\"]", "\"resume\", \"export\"]");
    change(
        "adapter.toml",
        "[commands]",
        "[export]\nformats = [\"plain\", \"other\"]\n\n[commands]\nexport = [\"{python}\", \"{adapter}/export.py\", \"{run}\"]",
    );
    let split = "    for split in run.get(\"predict_splits\", []):";
    let model =
        "    write_whole(run_dir / \"artifacts/model.json\", json.dumps({\"version\": 1}))\n";
    change("train.py", split, &format!("{model}{split}"));
    fs::write(dir.join("export.py"), export).unwrap();
    let report = run(&dir, root.path(), Duration::from_secs(20));
    let step = report
        .steps
        .iter()
        .find(|step| step.name == "exports")
        .unwrap_or_else(|| panic!("{report:#?}"));
    let failed = failed(&report).into_iter().map(str::to_owned).collect();
    (step.status, step.detail.clone(), failed)
}

#[test]
fn an_export_that_keeps_its_word_passes_and_one_that_does_not_is_caught() {
    let (status, detail, failed) = exporting(EXPORT);
    assert_eq!(status, StepStatus::Passed, "{detail}");
    assert_eq!(failed, Vec::<String>::new(), "{detail}");
    for part in ["plain: 2 files, 4 rows compared", "other: 2 files"] {
        assert!(detail.contains(part), "{detail}");
    }
    for (from, to, reason) in [
        ("0.0, \"tol", "0.5, \"tol", "beyond the tolerance"),
        (
            "    (folder / \"artifacts\" / name).write_text(text)",
            "    pass",
            "there is no file",
        ),
        (
            "(\"plain\", \"other\")",
            "(\"plain\",)",
            "exporting to other",
        ),
        ("sys.exit(69)", "sys.exit(1)", "exit code 69"),
    ] {
        assert!(EXPORT.contains(from), "{from}: nothing is changed");
        let (status, detail, _) = exporting(&EXPORT.replace(from, to));
        assert_eq!(status, StepStatus::Failed, "{to}: {detail}");
        assert!(detail.contains(reason), "{to}: {detail}");
    }
    let leak = "    event(error={\"field\": \"export.format\"";
    let environment = format!("    print(dict(os.environ), file=sys.stderr)\n{leak}");
    let (status, detail, failed) = exporting(&EXPORT.replace(leak, &environment));
    assert_eq!(status, StepStatus::Passed, "{detail}");
    assert_eq!(failed, ["no samples or secrets in logs"]);
}
