//! Estimates the mean of the target as an ML Experiment Hub adapter (protocol 1).
//!
//! Argument: the run directory. Reads run.json and CSV files without quotes; writes
//! event lines, checkpoints, and one prediction file per split asked for. Nothing of
//! the data is written anywhere else.

mod json;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::exit;

use json::{Json, quote};

const EXIT_FAILED: i32 = 1;
const EXIT_CONFIG: i32 = 64;
const EXIT_DATASET: i32 = 65;

/// Why the program ends early: its exit code, the field to blame, what is told.
struct Refused {
    code: i32,
    field: Option<&'static str>,
    message: String,
}

fn refused(code: i32, field: Option<&'static str>, message: impl Into<String>) -> Refused {
    Refused {
        code,
        field,
        message: message.into(),
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        refused(EXIT_FAILED, None, error.to_string())
    }
}

/// The run directory and what run.json asks for.
struct Run {
    dir: PathBuf,
    file: Json,
}

struct Params {
    epochs: u64,
    rate: f64,
    checkpoint_every: u64,
}

impl Run {
    /// Appends one event line, which is whole when this returns.
    fn emit(&self, event: &str) -> std::io::Result<()> {
        let mut events = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("events/main.jsonl"))?;
        events.write_all(format!("{event}\n").as_bytes())
    }

    /// Writes a file so that a reader sees all of it or nothing.
    fn write_whole(&self, name: &str, text: &str) -> std::io::Result<()> {
        let partial = self.dir.join(format!("{name}.partial"));
        fs::write(&partial, text)?;
        fs::rename(partial, self.dir.join(name))
    }

    /// run.json may not come from the hub, so params are checked again.
    fn params(&self) -> Result<Params, Refused> {
        let number = |name: &str| self.file.get("params")?.get(name)?.number();
        let whole = |name: &'static str| {
            number(name)
                .filter(|value| *value >= 1.0 && value.fract() == 0.0)
                .map(|value| value as u64)
                .ok_or_else(|| {
                    let message = format!("{name} must be a whole number of at least 1");
                    refused(EXIT_CONFIG, Some(name), message)
                })
        };
        let rate = number("rate").filter(|rate| *rate > 0.0 && *rate <= 1.0);
        Ok(Params {
            epochs: whole("epochs")?,
            rate: rate.ok_or_else(|| {
                let message = "rate must be a number above 0 and at most 1";
                refused(EXIT_CONFIG, Some("rate"), message)
            })?,
            checkpoint_every: whole("checkpoint_every")?,
        })
    }

    /// The targets of a split. A bad row is told by its number, never by its content.
    fn targets(&self, split: &str) -> Result<Vec<f64>, Refused> {
        let wrong = |message: String| refused(EXIT_DATASET, None, message);
        let dataset = self.file.get("dataset");
        let part =
            dataset.and_then(|dataset| dataset.get("splits")?.get(split)?.get("path")?.text());
        let target = dataset.and_then(|dataset| dataset.get("target")?.text());
        let (Some(path), Some(target)) = (part, target) else {
            return Err(wrong(format!(
                "run.json names no target or no split {split}"
            )));
        };
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines();
        let column = lines
            .next()
            .and_then(|header| header.split(',').position(|name| name == target))
            .ok_or_else(|| wrong(format!("the target is no column of split {split}")))?;
        lines
            .enumerate()
            .map(|(index, line)| {
                let cell = line.split(',').nth(column);
                cell.and_then(|cell| cell.parse().ok()).ok_or_else(|| {
                    let row = index + 1;
                    wrong(format!(
                        "row {row} of split {split} has a target that is no number"
                    ))
                })
            })
            .collect()
    }

    /// The step to go on after and the estimate then; 0 and 0 for a new run.
    fn start(&self) -> Result<(u64, f64), Refused> {
        let Some(resume) = self
            .file
            .get("resume")
            .filter(|resume| **resume != Json::Null)
        else {
            return Ok((0, 0.0));
        };
        let step = resume.get("step").and_then(Json::number);
        let path = resume.get("checkpoint").and_then(Json::text);
        let (Some(step), Some(path)) = (step, path) else {
            return Err(refused(
                EXIT_FAILED,
                None,
                "run.json names no checkpoint to go on from",
            ));
        };
        let estimate = fs::read_to_string(path)?.trim().parse().ok();
        match estimate {
            Some(estimate) => Ok((step as u64, estimate)),
            None => Err(refused(EXIT_FAILED, None, "the checkpoint cannot be read")),
        }
    }

    fn train(&self) -> Result<(), Refused> {
        let params = self.params()?;
        let targets = self.targets("train")?;
        let rows = targets.len();
        self.emit(&format!(
            r#"{{"entry": {{"train": {{"shape": [{rows}], "dtype": "float64", "device": "cpu"}}}}}}"#
        ))?;
        let count = rows as f64;
        let mean = targets.iter().sum::<f64>() / count;
        let (done, mut estimate) = self.start()?;
        for epoch in done + 1..=params.epochs {
            estimate += params.rate * (mean - estimate);
            let squares: f64 = targets.iter().map(|y| (y - estimate).powi(2)).sum();
            let rmse = (squares / count).sqrt();
            self.emit(&format!(
                r#"{{"step": {epoch}, "metrics": {{"train/rmse": {rmse}}}}}"#
            ))?;
            if epoch % params.checkpoint_every == 0 {
                let name = format!("checkpoints/epoch-{epoch}.txt");
                // The shortest text of a number that reads as the same number.
                self.write_whole(&name, &format!("{estimate:?}\n"))?;
                self.emit(&format!(
                    r#"{{"checkpoint": {{"step": {epoch}, "path": "{name}"}}}}"#
                ))?;
            }
        }
        let splits = self.file.get("predict_splits").map_or(&[][..], Json::list);
        for split in splits.iter().filter_map(Json::text) {
            self.predict(split, estimate)?;
        }
        Ok(())
    }

    fn predict(&self, split: &str, estimate: f64) -> Result<(), Refused> {
        let mut text = String::from("id,y_true,y_pred\n");
        for (row, truth) in self.targets(split)?.iter().enumerate() {
            text.push_str(&format!("{row},{truth},{estimate}\n"));
        }
        let name = format!("predictions/{split}.csv");
        self.write_whole(&name, &text)?;
        self.emit(&format!(
            r#"{{"predictions": {{"split": {}, "path": {}}}}}"#,
            quote(split),
            quote(&name)
        ))?;
        Ok(())
    }
}

fn open() -> Result<Run, Refused> {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(refused(EXIT_FAILED, None, "name the run directory"));
    };
    for folder in ["events", "checkpoints", "predictions"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let text = fs::read_to_string(dir.join("run.json"))?;
    match Json::parse(&text) {
        Some(file) => Ok(Run { dir, file }),
        None => Err(refused(EXIT_FAILED, None, "run.json is not JSON")),
    }
}

fn main() {
    let result = open().and_then(|run| {
        run.train().inspect_err(|refused| {
            let field = refused.field.map_or_else(|| "null".to_owned(), quote);
            let message = quote(&refused.message);
            let event = format!(r#"{{"error": {{"field": {field}, "message": {message}}}}}"#);
            // Standard error says it too.
            let _ = run.emit(&event);
        })
    });
    if let Err(refused) = result {
        eprintln!("{}", refused.message);
        exit(refused.code);
    }
}
