//! The file store read from folders made by hand, hostile ones among them.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::mlflow::records::Trouble;

const RUN: &str = "0123456789abcdef0123456789abcdef";

/// A store with one experiment and one run.
struct Store(tempfile::TempDir);

impl Store {
    fn new() -> Self {
        let store = Self(tempfile::tempdir().expect("a folder"));
        store.write(
            "7/meta.yaml",
            "experiment_id: '7'\nname: \"caf\\u00e9 🙂\"\nlifecycle_stage: active\n",
        );
        store.write("7/tags/team", "ü");
        store.write(&format!("7/{RUN}/meta.yaml"), &Self::meta("status: 3\n"));
        store
    }

    fn meta(more: &str) -> String {
        format!(
            "run_id: {RUN}\nrun_uuid: {RUN}\nexperiment_id: '7'\nstart_time: 5\nend_time: 9\n\
             artifact_uri: file:///elsewhere/7/{RUN}/artifacts\nlifecycle_stage: active\n{more}"
        )
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn in_run(&self, path: &str, text: &str) {
        self.write(&format!("7/{RUN}/{path}"), text);
    }

    fn open(&self) -> Files {
        Files::open(self.0.path(), &[]).expect("a store")
    }
}

fn run_of(files: &Files) -> Read<Run> {
    let experiments = files.experiments().expect("read");
    files.run(&experiments[0], RUN)
}

fn why<T: std::fmt::Debug>(read: Read<T>) -> String {
    match read {
        Err(Trouble::Damaged(why)) => why,
        other => panic!("{other:?} and not damage"),
    }
}

#[test]
fn a_store_is_read_whole() {
    let store = Store::new();
    store.in_run("params/a b", "two\nlines");
    store.in_run("tags/mlflow.runName", "näme");
    store.in_run(
        "metrics/val/loss",
        "10 0.5 0\n11 nan 1\n12 -inf 2\n13 1e400 3\n14 0.25\n15 0.5 4 data d1\n10 0.5 0\n",
    );
    store.in_run("artifacts/m/ü.bin", "123");
    store.in_run(
        "inputs/i/meta.yaml",
        "source_type: DATASET\nsource_id: d\ntags: {mlflow.data.context: train}\n",
    );
    store.write(
        "7/datasets/d/meta.yaml",
        "name: iris\ndigest: 1234e567\nsource_type: code\nsource: '{}'\nprofile: null\n",
    );
    store.in_run("outputs/m-1/meta.yaml", "source_id: m-1\nstep: 3\n");
    let files = store.open();
    let experiments = files.experiments().expect("read");
    assert_eq!(experiments[0].name, "café 🙂");
    assert_eq!(experiments[0].tags["team"], "ü");
    assert_eq!(files.runs(&experiments[0]).expect("read"), [RUN]);
    let run = run_of(&files).expect("read");
    assert_eq!(
        (run.status.as_str(), run.started, run.ended),
        ("FINISHED", Some(5), Some(9))
    );
    assert_eq!(run.name.as_deref(), Some("näme"));
    assert_eq!(run.params["a b"], "two\nlines");
    assert_eq!(run.inputs[0]["dataset"]["digest"], "1234e567");
    assert_eq!(run.inputs[0]["tags"][0]["value"], "train");
    assert_eq!(run.models_made["m-1"], 3);
    let points = files.history(&run, "val/loss").expect("read");
    let told: Vec<String> = points
        .iter()
        .map(|p| format!("{} {} {}", p.step, p.time, p.value))
        .collect();
    assert_eq!(
        told,
        [
            "0 10 0.5",
            "0 14 0.25",
            "1 11 NaN",
            "2 12 -inf",
            "3 13 inf",
            "4 15 0.5"
        ]
    );
    let owner = Owner::Run(&run);
    let found = files.files(owner).expect("read");
    assert_eq!((found[0].path.as_str(), found[0].size), ("m/ü.bin", 3));
    assert!(files.open(owner, "m/ü.bin").is_ok());
    assert_eq!(files.problems().count(), 0);
}

#[test]
fn damaged_lines_are_told_by_file_and_line_and_the_rest_is_read() {
    let store = Store::new();
    store.in_run(
        "metrics/loss",
        "10 0.5 0\ngarbage\n11 0.4 x\n-3 0.1 1\n12 0.3 1\n13 0.2",
    );
    let files = store.open();
    let run = run_of(&files).expect("read");
    let points = files.history(&run, "loss").expect("read");
    assert_eq!(points.len(), 3);
    let problems = files.problems().all();
    assert_eq!(problems.len(), 3);
    for line in ["loss` line 2: ", "loss` line 3: ", "loss` line 4: "] {
        assert!(
            problems.iter().any(|told| told.contains(line)),
            "{problems:?}"
        );
    }
}

#[test]
fn damaged_runs_are_told_with_their_field() {
    for (meta, told) in [
        ("".to_owned(), "meta.yaml`: no keys"),
        ("run_id: 'cut o".to_owned(), "meta.yaml`: line "),
        ("run_id: other\n".to_owned(), "`run_id`"),
        (Store::meta("status: 77\n"), "`status`"),
        (Store::meta("status: 3\nstart_time: soon\n"), "`start_time`"),
        ("a: &a [x]\nb: [*a, *a]\n".to_owned(), "aliases"),
    ] {
        let store = Store::new();
        store.in_run("meta.yaml", &meta);
        let said = why(run_of(&store.open()));
        assert!(said.contains(told) && said.contains(RUN), "{said}");
    }
}

#[test]
fn nothing_outside_of_the_store_is_read() {
    let secret = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(secret.path().join("artifacts")).expect("made");
    fs::write(secret.path().join("artifacts/key"), "secret").expect("written");
    fs::write(secret.path().join("meta.yaml"), Store::meta("")).expect("written");
    let store = Store::new();
    let run = store.0.path().join("7").join(RUN);
    symlink(secret.path(), run.join("params")).expect("linked");
    symlink(secret.path().join("artifacts"), run.join("artifacts")).expect("linked");
    symlink(secret.path(), store.0.path().join("7/other")).expect("linked");
    store.in_run("tags/plain", "x");
    symlink(secret.path().join("artifacts/key"), run.join("tags/key")).expect("linked");
    store.in_run(
        "inputs/i/meta.yaml",
        "source_type: DATASET\nsource_id: ../../x\n",
    );
    let files = store.open();
    let experiments = files.experiments().expect("read");
    assert_eq!(files.runs(&experiments[0]).expect("read"), [RUN]);
    assert!(why(run_of(&files)).contains("`source_id`"));
    fs::remove_dir_all(run.join("inputs")).expect("removed");
    let read = run_of(&files).expect("read");
    assert!(read.params.is_empty());
    assert_eq!(read.tags.keys().collect::<Vec<_>>(), ["plain"]);
    assert!(why(files.files(Owner::Run(&read))).contains("--artifacts-root"));
    let told = files.problems().all().join("\n");
    assert!(
        told.contains("tags/key`: a link") && !told.contains("secret"),
        "{told}"
    );
}

#[test]
fn the_registry_is_read_with_its_versions() {
    let store = Store::new();
    store.write(
        "models/iris/meta.yaml",
        "name: iris\ndescription: flowers\n",
    );
    store.write("models/iris/tags/task", "classes");
    store.write("models/iris/aliases/champion", "3");
    store.write("models/iris/aliases/broken", "x");
    for (number, stage) in [(1, "Archived"), (2, "Deleted_Internal"), (3, "None")] {
        let meta = format!(
            "name: iris\nversion: {number}\nsource: models:/m-1\nmodel_id: m-1\ncurrent_stage: {stage}\n"
        );
        store.write(&format!("models/iris/version-{number}/meta.yaml"), &meta);
    }
    store.write("models/iris/version-4/meta.yaml", "name: iris\n");
    let files = store.open();
    let all = files.registered().expect("read");
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].description.as_str(), all[0].aliases["champion"]),
        ("flowers", 3)
    );
    let numbers: Vec<u32> = all[0]
        .versions
        .iter()
        .map(|version| version.number)
        .collect();
    assert_eq!(numbers, [1, 3]);
    let problems = files.problems().all();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems
            .iter()
            .any(|told| told.contains("version-4") && told.contains("`source`"))
    );
}

#[test]
fn a_folder_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("x")).expect("made");
    let refused = Files::open(folder.path(), &[]).err().expect("refused");
    assert!(refused.to_string().contains("no file store"), "{refused}");
}
