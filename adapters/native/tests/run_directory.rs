//! The adapter as a process on run directories made by hand: what it writes,
//! that it repeats itself, survives kills, refuses bad input and keeps quiet.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

const SMOKE: &str = include_str!("../smoke.csv");
/// A cell that must turn up nowhere but in prediction files.
const CANARY: &str = "7777.125";

struct Run {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    file: Value,
}

impl Run {
    /// A run on iris: every fifth row is the test split.
    fn new(params: Value) -> Self {
        Self::on(SMOKE, "species", Some("multiclass"), params)
    }

    fn on(csv: &str, target: &str, task: Option<&str>, params: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        fs::create_dir(&dir).unwrap();
        let mut lines = csv.lines();
        let header = lines.next().unwrap();
        let (mut train, mut test) = (vec![header], vec![header]);
        for (row, line) in lines.enumerate() {
            if row % 5 == 0 { &mut test } else { &mut train }.push(line);
        }
        let mut splits = serde_json::Map::new();
        for (name, lines) in [("train", train), ("test", test)] {
            let path = folder.path().join(format!("{name}.csv"));
            fs::write(&path, lines.join("\n") + "\n").unwrap();
            let input = json!({
                "path": path, "rows": lines.len() - 1, "fingerprint": format!("{name}-1"),
            });
            splits.insert(name.to_owned(), input);
        }
        let file = json!({
            "version": 1,
            "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
            "attempt": 1, "seed": 3, "task": task, "params": params,
            "dataset": {
                "name": "iris", "version": 1, "fingerprint": "f", "format": "csv",
                "target": target, "splits": splits,
            },
            "predict_splits": ["test"],
            "config": {},
        });
        Self {
            _folder: folder,
            dir,
            file,
        }
    }

    fn spawn(&self) -> Child {
        fs::write(self.dir.join("run.json"), self.file.to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_mlhub-native-adapter"))
            .arg("train")
            .arg(&self.dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn output(&self) -> Output {
        self.spawn().wait_with_output().unwrap()
    }

    fn succeed(&self) {
        let output = self.output();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
    }

    fn predictions(&self) -> String {
        fs::read_to_string(self.dir.join("predictions/test.csv")).unwrap()
    }

    fn events(&self) -> Vec<Value> {
        fs::read_to_string(self.dir.join("events/main.jsonl"))
            .unwrap_or_default()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Metric events by step, without the time.
    fn metrics(&self) -> Vec<(i64, Value)> {
        let metric = |event: &Value| Some((event["step"].as_i64()?, event["metrics"].clone()));
        self.events().iter().filter_map(metric).collect()
    }

    fn checkpoints(&self) -> Vec<i64> {
        let step = |event: &Value| event["checkpoint"]["step"].as_i64();
        self.events().iter().filter_map(step).collect()
    }

    /// Waits until the running program has told of a checkpoint at `step` or later.
    fn wait_for_checkpoint(&self, child: &mut Child, step: i64) {
        let path = self.dir.join("events/main.jsonl");
        loop {
            // Only whole lines: the last may be half written while we read.
            let text = fs::read_to_string(&path).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let told = whole
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .any(|event| event["checkpoint"]["step"].as_i64() >= Some(step));
            if told {
                return;
            }
            assert!(
                child.try_wait().unwrap().is_none(),
                "it ended before step {step}"
            );
            std::thread::yield_now();
        }
    }

    fn resume_from_last(&mut self) -> i64 {
        let step = *self.checkpoints().iter().max().unwrap();
        let checkpoint = self.dir.join(format!("checkpoints/step-{step}.json"));
        self.file["resume"] = json!({"step": step, "checkpoint": checkpoint});
        self.file["attempt"] = json!(2);
        step
    }

    /// Exit code and the `error` event of a run that must be refused.
    fn refused(&self) -> (i32, Value, Output) {
        let output = self.output();
        let events = self.events();
        let error = events.iter().find(|event| event.get("error").is_some());
        let error = error.expect("an error event")["error"].clone();
        (output.status.code().unwrap(), error, output)
    }
}

fn accuracy(predictions: &str) -> f64 {
    let rows: Vec<Vec<&str>> = predictions
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count();
    right as f64 / rows.len() as f64
}

fn every_file(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            every_file(&path, out)
        } else {
            out.push(path)
        }
    }
}

#[test]
fn boosting_learns_iris_and_writes_what_the_protocol_wants() {
    let run = Run::new(json!({"rounds": 20, "validation_fraction": 0.2}));
    run.succeed();
    let predictions = run.predictions();
    let header = predictions.lines().next().unwrap();
    assert_eq!(
        header,
        "id,y_true,y_pred,y_score_setosa,y_score_versicolor,y_score_virginica"
    );
    assert_eq!(predictions.lines().count(), 31);
    for (row, line) in predictions.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], row.to_string());
        let sum: f64 = cells[3..]
            .iter()
            .map(|cell| cell.parse::<f64>().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
    assert!(accuracy(&predictions) >= 0.9);

    let metrics = run.metrics();
    assert_eq!(metrics.len(), 20);
    let loss = |index: usize| metrics[index].1["train/loss"].as_f64().unwrap();
    assert!(loss(19) < loss(0) / 2.0);
    assert!(metrics[0].1["validation/accuracy"].is_number());
    let events = run.events();
    let entry = &events[0]["entry"];
    assert_eq!(entry["splits"]["train"]["shape"], json!([96, 4]));
    assert_eq!(entry["splits"]["test"]["shape"], json!([30, 4]));
    assert_eq!(
        (entry["n_classes"].clone(), entry["device"].clone()),
        (json!(3), json!("cpu"))
    );
    assert!(events.iter().any(|e| e["predictions"]
        == json!({
        "split": "test", "path": "predictions/test.csv", "task": "multiclass"})));
    assert_eq!(
        events.last().unwrap()["artifact"]["path"],
        "artifacts/model.json"
    );
    assert!(run.dir.join("artifacts/model.json").is_file());
}

#[test]
fn every_model_learns_its_task() {
    let logistic = Run::new(json!({"model": "logistic", "batch_size": 16, "step_size": 0.05}));
    logistic.succeed();
    assert!(accuracy(&logistic.predictions()) >= 0.9);

    let binary: String = SMOKE
        .lines()
        .filter(|line| !line.ends_with("setosa"))
        .fold(String::new(), |text, line| text + line + "\n");
    for model in ["gradient_boosting", "logistic"] {
        let run = Run::on(&binary, "species", Some("binary"), json!({"model": model}));
        run.succeed();
        assert!(accuracy(&run.predictions()) >= 0.8, "{model}");
        let header = run.predictions().lines().next().unwrap().to_owned();
        assert_eq!(
            header,
            "id,y_true,y_pred,y_score_versicolor,y_score_virginica"
        );
    }
    for model in ["gradient_boosting", "linear"] {
        let params = json!({"model": model, "exclude": ["species"]});
        let run = Run::on(SMOKE, "petal_width_cm", Some("regression"), params);
        run.succeed();
        assert_eq!(
            run.predictions().lines().next().unwrap(),
            "id,y_true,y_pred"
        );
        let metrics = run.metrics();
        let rmse = metrics.last().unwrap().1["train/rmse"].as_f64().unwrap();
        assert!(rmse < 0.25, "{model}: {rmse}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_does_not() {
    for params in [
        json!({"rounds": 8, "subsample": 0.7, "column_subsample": 0.5, "validation_fraction": 0.2}),
        json!({"model": "logistic", "epochs": 8, "batch_size": 16}),
    ] {
        let (one, two, mut other) = (
            Run::new(params.clone()),
            Run::new(params.clone()),
            Run::new(params),
        );
        other.file["seed"] = json!(4);
        for run in [&one, &two, &other] {
            run.succeed();
        }
        assert_eq!(one.metrics(), two.metrics());
        assert_eq!(one.predictions(), two.predictions());
        assert_ne!(one.predictions(), other.predictions());
    }
}

#[test]
fn killed_and_resumed_equals_uninterrupted() {
    for params in [
        json!({"rounds": 60, "subsample": 0.7, "checkpoint_every": 1, "validation_fraction": 0.2,
               "early_stopping_rounds": 59}),
        json!({"model": "logistic", "epochs": 400, "checkpoint_every": 1, "batch_size": 8}),
    ] {
        let whole = Run::new(params.clone());
        whole.succeed();
        let mut killed = Run::new(params);
        let mut child = killed.spawn();
        killed.wait_for_checkpoint(&mut child, 3);
        child.kill().unwrap();
        child.wait().unwrap();
        let step = killed.resume_from_last();
        // The killed process may have left half a line; the reader drops it.
        let events = killed.dir.join("events/main.jsonl");
        fs::remove_file(events).unwrap();
        killed.succeed();
        assert_eq!(killed.predictions(), whole.predictions());
        let after: Vec<_> = whole
            .metrics()
            .into_iter()
            .filter(|(at, _)| *at > step)
            .collect();
        assert_eq!(killed.metrics(), after);
    }
}

#[test]
fn sigterm_writes_a_checkpoint_and_resuming_completes() {
    let params = json!({"rounds": 100_000, "checkpoint_every": 1, "max_depth": 1});
    let mut run = Run::new(params);
    let mut child = run.spawn();
    run.wait_for_checkpoint(&mut child, 1);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let last_step = run.metrics().last().unwrap().0;
    assert_eq!(run.checkpoints().last(), Some(&last_step));
    assert!(!run.dir.join("predictions").exists());

    let step = run.resume_from_last();
    run.file["params"]["rounds"] = json!(step + 2);
    run.succeed();
    assert_eq!(run.metrics().last().unwrap().0, step + 2);
}

#[test]
fn resuming_with_something_else_is_refused() {
    let mut run = Run::new(json!({"rounds": 4, "checkpoint_every": 2}));
    run.succeed();
    run.resume_from_last();
    run.file["params"]["learning_rate"] = json!(0.2);
    let (code, error, _) = run.refused();
    assert_eq!((code, error["field"].as_str()), (64, Some("resume")));
    fs::write(run.dir.join("checkpoints/step-4.json"), "{\"version\":").unwrap();
    fs::remove_file(run.dir.join("events/main.jsonl")).unwrap();
    let (code, error, _) = run.refused();
    assert_eq!(
        (code, error["field"].as_str()),
        (64, Some("resume.checkpoint"))
    );
}

#[test]
fn bad_input_is_refused_with_its_field() {
    let cases = [
        (
            Run::new(json!({"learning_rate": -1})),
            64,
            "params.learning_rate",
        ),
        (Run::new(json!({"roundz": 5})), 64, "params.roundz"),
        (
            Run::new(json!({"early_stopping_rounds": 5})),
            64,
            "params.early_stopping_rounds",
        ),
        (Run::new(json!({"model": "linear"})), 64, "params.model"),
        (
            Run::new(json!({"exclude": ["colour"]})),
            64,
            "params.exclude",
        ),
        (
            Run::on(SMOKE, "colour", None, json!({})),
            65,
            "dataset.splits.train",
        ),
        (
            Run::on(SMOKE, "species", Some("binary"), json!({})),
            65,
            "dataset.target",
        ),
        (
            Run::on(SMOKE, "petal_width_cm", Some("regression"), json!({})),
            65,
            "dataset.splits.train",
        ),
    ];
    for (run, code, field) in cases {
        let (exit, error, output) = run.refused();
        assert_eq!((exit, error["field"].as_str()), (code, Some(field)));
        assert!(!output.stderr.is_empty());
    }
    let mut run = Run::new(json!({}));
    run.file["predict_splits"] = json!(["holdout"]);
    let (exit, error, _) = run.refused();
    assert_eq!(
        (exit, error["field"].as_str()),
        (65, Some("dataset.splits.holdout"))
    );
}

#[test]
fn no_cell_of_the_dataset_leaves_but_in_predictions() {
    // A canary among the features, in the id column and as a label.
    let csv: String = SMOKE
        .lines()
        .enumerate()
        .fold(String::new(), |text, (row, line)| {
            let id = if row == 0 {
                "id".to_owned()
            } else {
                format!("canary-id-{row}")
            };
            let line = line
                .replace("4.9,", &format!("{CANARY},"))
                .replace("setosa", "canary-label");
            text + &id + "," + &line + "\n"
        });
    let mut run = Run::on(&csv, "species", Some("multiclass"), json!({"rounds": 4}));
    run.file["dataset"]["id"] = json!("id");
    let output = run.output();
    assert_eq!(output.status.code(), Some(0));
    assert!(run.predictions().contains("canary-id-1,canary-label,"));
    let events = fs::read_to_string(run.dir.join("events/main.jsonl")).unwrap();
    let said = [&output.stdout[..], &output.stderr[..], events.as_bytes()].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains("canary"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    let broken = csv.replace(CANARY, "canary-cell");
    let mut run = Run::on(&broken, "species", None, json!({}));
    run.file["dataset"]["id"] = json!("id");
    let (code, _, output) = run.refused();
    assert_eq!(code, 65);
    let mut files = Vec::new();
    every_file(&run.dir, &mut files);
    let mut said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for file in files {
        said += &fs::read_to_string(file).unwrap();
    }
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn missing_values_are_for_trees_only() {
    let holes = SMOKE.replace("4.9,", ",");
    let trees = Run::on(&holes, "species", Some("multiclass"), json!({"rounds": 20}));
    trees.succeed();
    assert!(accuracy(&trees.predictions()) >= 0.9);
    let logistic = Run::on(&holes, "species", None, json!({"model": "logistic"}));
    let (code, error, _) = logistic.refused();
    assert_eq!(code, 65);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("missing value in column")
    );
}

#[test]
fn a_wrong_command_line_is_refused() {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mlhub-native-adapter"));
        command.args(args).output().unwrap().status.code()
    };
    assert_eq!(run(&[]), Some(64));
    assert_eq!(run(&["predict", "x"]), Some(69));
    assert_eq!(run(&["train", "/nonexistent"]), Some(1));
}
