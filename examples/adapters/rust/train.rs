//! Ridge regression as an ML Experiment Hub adapter (protocol 1), on Rust's standard
//! library.
//!
//! Argument: the run directory. The penalty is chosen by cross-validation on the
//! training rows, a step of the run per penalty; a checkpoint holds the errors so far.
//! The mathematics is in `ridge.rs`, the data in `table.rs`.

mod json;
mod ridge;
mod table;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use json::{Json, quote};
use table::Table;

const RUN_VERSION: f64 = 1.0;
const CHECKPOINT_HEADER: &str = "ridge-rust checkpoint 1";
const EXIT_FAILED: u8 = 1;
const EXIT_PARAM: u8 = 64;
const EXIT_DATASET: u8 = 65;
const EXIT_UNSUPPORTED: u8 = 69;

/// Why the program ends early: its exit code, the field to blame, what is told.
struct Refused {
    code: u8,
    field: Option<&'static str>,
    message: String,
}

type Outcome<T> = Result<T, Refused>;

fn refused(code: u8, field: Option<&'static str>, message: impl Into<String>) -> Refused {
    let message = message.into();
    Refused {
        code,
        field,
        message,
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        refused(EXIT_FAILED, None, error.to_string())
    }
}

struct Params {
    penalties: usize,
    greatest: f64,
    least: f64,
    folds: usize,
    checkpoint_every: usize,
}

impl Params {
    /// run.json may not come from the hub, so params are checked again.
    fn read(file: &Json) -> Outcome<Self> {
        let whole = |name: &'static str, least: usize, most: usize| {
            let value = file.number::<usize>(&["params", name]);
            value
                .filter(|value| (least..=most).contains(value))
                .ok_or_else(|| {
                    let message = format!("{name} must be a whole number from {least} to {most}");
                    refused(EXIT_PARAM, Some(name), message)
                })
        };
        let positive = |name: &'static str| {
            let value = file.number::<f64>(&["params", name]);
            value
                .filter(|value| *value > 0.0 && value.is_finite())
                .ok_or_else(|| {
                    refused(
                        EXIT_PARAM,
                        Some(name),
                        format!("{name} must be a number above 0"),
                    )
                })
        };
        let params = Params {
            penalties: whole("penalties", 1, 10_000)?,
            greatest: positive("greatest_penalty")?,
            least: positive("least_penalty")?,
            folds: whole("folds", 2, 1000)?,
            checkpoint_every: whole("checkpoint_every", 1, usize::MAX)?,
        };
        if params.least > params.greatest {
            let message = "least_penalty must be at most greatest_penalty";
            return Err(refused(EXIT_PARAM, Some("least_penalty"), message));
        }
        Ok(params)
    }

    /// The penalty of a step, counted from 1.
    fn penalty(&self, step: usize) -> f64 {
        let share = (step - 1) as f64 / (self.penalties.max(2) - 1) as f64;
        self.greatest * (self.least / self.greatest).powf(share)
    }
}

/// The run directory and what run.json asks for.
struct Run {
    dir: PathBuf,
    file: Json,
}

impl Run {
    fn open(dir: PathBuf) -> Outcome<Self> {
        for folder in ["events", "checkpoints", "predictions", "artifacts"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let file = Json::parse(&fs::read_to_string(dir.join("run.json"))?);
        let file = file.ok_or_else(|| refused(EXIT_FAILED, None, "run.json is not JSON"))?;
        Ok(Run { dir, file })
    }

    /// Appends one event line, which is whole when this returns.
    fn emit(&self, event: &str) -> std::io::Result<()> {
        let path = self.dir.join("events/main.jsonl");
        let mut events = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        events.write_all(format!("{event}\n").as_bytes())
    }

    /// Writes a file so that a reader sees all of it or nothing.
    fn write_whole(&self, name: &str, text: &str) -> std::io::Result<()> {
        let partial = self.dir.join(format!("{name}.partial"));
        fs::write(&partial, text)?;
        fs::rename(partial, self.dir.join(name))
    }

    fn split(&self, split: &str, like: Option<&[String]>) -> Outcome<Table> {
        let path = self.file.text(&["dataset", "splits", split, "path"]);
        let target = self.file.text(&["dataset", "target"]);
        let (Some(path), Some(target)) = (path, target) else {
            let message = format!("name a dataset with a target and a split {split}");
            return Err(refused(EXIT_DATASET, None, message));
        };
        Table::read(path, target, self.file.text(&["dataset", "id"]), like)
            .map_err(|message| refused(EXIT_DATASET, None, format!("split {split}: {message}")))
    }

    /// Errors of the penalties that were tried before the checkpoint; none for a new run.
    fn restore(&self, penalties: usize) -> Outcome<Vec<f64>> {
        let Some(path) = self.file.text(&["resume", "checkpoint"]) else {
            return Ok(Vec::new());
        };
        let text = fs::read_to_string(path)?;
        let numbers = text
            .strip_prefix(CHECKPOINT_HEADER)
            .map(str::split_whitespace);
        let errors: Option<Vec<f64>> =
            numbers.and_then(|numbers| numbers.map(|number| number.parse().ok()).collect());
        let step = self.file.number::<usize>(&["resume", "step"]);
        errors
            .filter(|errors| Some(errors.len()) == step && errors.len() <= penalties)
            .ok_or_else(|| {
                refused(
                    EXIT_DATASET,
                    None,
                    "the checkpoint is damaged or of another run",
                )
            })
    }

    fn checkpoint(&self, errors: &[f64]) -> Outcome<()> {
        let step = errors.len();
        let name = format!("checkpoints/penalty-{step}.txt");
        // The shortest text of a number that reads as the same number.
        let lines: Vec<String> = errors.iter().map(|error| format!("{error:?}")).collect();
        self.write_whole(
            &name,
            &format!("{CHECKPOINT_HEADER}\n{}\n", lines.join("\n")),
        )?;
        Ok(self.emit(&format!(
            r#"{{"checkpoint": {{"step": {step}, "path": "{name}"}}}}"#
        ))?)
    }

    /// The cross-validated error of each penalty.
    fn search(&self, params: &Params, x: &[&[f64]], y: &[f64]) -> Outcome<Vec<f64>> {
        let seed = self.file.number::<i64>(&["seed"]);
        let seed = seed.ok_or_else(|| {
            refused(
                EXIT_PARAM,
                Some("seed"),
                "seed must be a whole number of 64 bits",
            )
        })?;
        if params.folds > y.len() {
            return Err(refused(
                EXIT_PARAM,
                Some("folds"),
                "folds must be at most the number of training rows",
            ));
        }
        let folds = ridge::folds(y.len(), params.folds, seed);
        let mut errors = self.restore(params.penalties)?;
        for step in errors.len() + 1..=params.penalties {
            let error = ridge::cross_validated(x, y, &folds, params.folds, params.penalty(step));
            let error = error
                .filter(|error| error.is_finite())
                .ok_or_else(singular)?;
            errors.push(error);
            let total = params.penalties;
            self.emit(&format!(
                r#"{{"step": {step}, "metrics": {{"train/cv_rmse": {error:?}}}, "progress": {{"done": {step}, "total": {total}}}}}"#
            ))?;
            if step % params.checkpoint_every == 0 {
                self.checkpoint(&errors)?;
            }
        }
        Ok(errors)
    }

    fn train(&self) -> Outcome<()> {
        if self.file.number::<f64>(&["version"]) != Some(RUN_VERSION) {
            return Err(refused(
                EXIT_UNSUPPORTED,
                Some("version"),
                "run.json must have version 1",
            ));
        }
        let params = Params::read(&self.file)?;
        if self
            .file
            .text(&["task"])
            .is_some_and(|task| task != "regression")
        {
            return Err(refused(
                EXIT_UNSUPPORTED,
                Some("task"),
                "the task must be regression",
            ));
        }
        let data = self.split("train", None)?;
        let (rows, columns) = (data.y.len(), data.columns.len());
        self.emit(&format!(
            r#"{{"entry": {{"train": {{"shape": [{rows}, {columns}], "dtype": "float64", "device": "cpu"}}}}}}"#
        ))?;
        let x: Vec<&[f64]> = data.x.iter().map(Vec::as_slice).collect();
        let errors = self.search(&params, &x, &data.y)?;
        let best = (0..errors.len())
            .min_by(|a, b| errors[*a].total_cmp(&errors[*b]))
            .unwrap_or(0);
        let penalty = params.penalty(best + 1);
        let model = ridge::fit(&x, &data.y, penalty).ok_or_else(singular)?;
        self.emit(&format!(r#"{{"tags": {{"penalty": "{penalty:e}"}}}}"#))?;
        if let Some(Json::List(splits)) = self.file.at(&["predict_splits"]) {
            for split in splits.iter().filter_map(|split| split.text(&[])) {
                self.predict(&model, split, &data.columns)?;
            }
        }
        let names: Vec<String> = data.columns.iter().map(|name| quote(name)).collect();
        let (names, weights, bias) = (names.join(", "), &model.weights, model.bias);
        let text = format!(r#"{{"columns": [{names}], "weights": {weights:?}, "bias": {bias:?}}}"#);
        self.write_whole("artifacts/ridge.json", &text)?;
        Ok(self.emit(r#"{"artifact": {"path": "artifacts/ridge.json", "kind": "model"}}"#)?)
    }

    fn predict(&self, model: &ridge::Model, split: &str, columns: &[String]) -> Outcome<()> {
        let table = self.split(split, Some(columns))?;
        let mut text = String::from("id,y_true,y_pred\n");
        for ((id, x), y) in table.ids.iter().zip(&table.x).zip(&table.y) {
            let predicted = model.predict(x);
            text.push_str(&format!("{},{y:?},{predicted:?}\n", table::csv_cell(id)));
        }
        let name = format!("predictions/{split}.csv");
        self.write_whole(&name, &text)?;
        let (split, name) = (quote(split), quote(&name));
        Ok(self.emit(&format!(
            r#"{{"predictions": {{"split": {split}, "path": {name}}}}}"#
        ))?)
    }
}

fn singular() -> Refused {
    let message = "columns depend on each other too closely for this penalty; raise least_penalty";
    refused(EXIT_PARAM, Some("least_penalty"), message)
}

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("name the run directory");
        return ExitCode::from(EXIT_FAILED);
    };
    let result = Run::open(PathBuf::from(dir)).and_then(|run| {
        run.train().inspect_err(|refused| {
            let field = refused.field.map_or_else(|| "null".to_owned(), quote);
            let message = quote(&refused.message);
            // Standard error says it too.
            let _ = run.emit(&format!(
                r#"{{"error": {{"field": {field}, "message": {message}}}}}"#
            ));
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("{}", refused.message);
            ExitCode::from(refused.code)
        }
    }
}
