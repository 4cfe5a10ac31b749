//! Evaluates columns of numbers in files and prints how long that took, for
//! `benches/eval/compare.py`:
//! `evaluate_columns FOLDER WHAT ROUNDS`, of which `WHAT` is one of `auroc`, `average_precision`,
//! `log_loss`, `f1`, `confusion`, `all`, `bootstrap` (AUROC with 1,000 resamples) and `detection`
//! (boxes of its own with 1,000 resamples). With `_batches` at its end, `log_loss`, `f1` and
//! `confusion` read the files in batches and hold none of the rows.
//!
//! `FOLDER` holds `truth.u8` and `predicted.u8` with a class per row and `score.f64` with the
//! probability of class 1, little-endian. Timed is [`evaluate`] alone, the path that evaluations
//! of the hub take; reading and checking the columns are told apart. Of batches all of this is timed
//! together.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Instant;

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Evaluation, EvaluationFold, ExpectedIds, IdCheck, ImageBox,
    Predictions, PredictionsInput, Targets, Task, evaluate,
};

/// As many images and categories as the validation part of COCO has, and about as many boxes: 7 of
/// an image in the mean.
const IMAGES: usize = 5_000;
const CATEGORIES: u32 = 80;
const MAX_BOXES: usize = 14;
/// Predictions of an image, of which every true box has one.
const PREDICTED: usize = 30;
const RESAMPLES: u32 = 1_000;

/// Rows of a batch, as the hub reads them.
const BATCH_ROWS: usize = 8_192;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, what, rounds] = arguments.as_slice() else {
        return Err("usage: evaluate_columns FOLDER WHAT ROUNDS".into());
    };
    if let Some(what) = what.strip_suffix("_batches") {
        return in_batches(Path::new(folder), what, rounds.parse()?);
    }
    let begun = Instant::now();
    let predictions = if what == "detection" {
        detections()?
    } else {
        columns(Path::new(folder), what)?
    };
    let prepared_s = begun.elapsed().as_secs_f64();
    let options = options(what);
    let mut seconds = Vec::new();
    let mut found = Vec::new();
    for _ in 0..rounds.parse::<u32>()? {
        let begun = Instant::now();
        let evaluation = evaluate(&predictions, &options)?;
        seconds.push(begun.elapsed().as_secs_f64());
        found = values(&evaluation);
    }
    report(&seconds, &found, prepared_s);
    Ok(())
}

fn report(seconds: &[f64], values: &[f64], prepared_s: f64) {
    let result = serde_json::json!({
        "seconds": seconds,
        "values": values,
        "prepared_s": prepared_s,
        "peak_mb": peak_mb(),
    });
    println!("RESULT {result}");
}

/// Reads, checks and evaluates a batch after the other.
fn in_batches(folder: &Path, what: &str, rounds: u32) -> Result<(), Failure> {
    let options = options(what);
    let rows = fs::metadata(folder.join("truth.u8"))?.len();
    let (mut seconds, mut found) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        let mut batches = Batches::open(folder, what)?;
        let mut ids = IdCheck::new(Some(ExpectedIds::RowCount(rows)));
        let mut fold: Option<EvaluationFold> = None;
        let mut row = 0_u64;
        while let Some(batch) = batches.next()? {
            for _ in 0..batch.rows() {
                ids.push(&row.to_string());
                row += 1;
            }
            if fold.is_none() {
                fold = EvaluationFold::new(&batch, &options)?;
            }
            fold.as_mut().ok_or("it needs all rows")?.push(&batch);
        }
        let mut fold = fold.ok_or("there are no rows")?;
        if fold.end_first() || !ids.finish() {
            return Err("one pass is not enough, or the ids are wrong".into());
        }
        let evaluation = fold.finish()?;
        seconds.push(begun.elapsed().as_secs_f64());
        found = values(&evaluation);
    }
    report(&seconds, &found, 0.0);
    Ok(())
}

/// The files of columns, some rows at a time.
struct Batches {
    truth: BufReader<File>,
    predicted: Option<BufReader<File>>,
    score: Option<BufReader<File>>,
}

impl Batches {
    fn open(folder: &Path, what: &str) -> Result<Self, Failure> {
        let open = |name: &str| File::open(folder.join(name)).map(BufReader::new);
        let has_scores = has_scores(what);
        Ok(Self {
            truth: open("truth.u8")?,
            predicted: (!has_scores).then(|| open("predicted.u8")).transpose()?,
            score: has_scores.then(|| open("score.f64")).transpose()?,
        })
    }

    fn next(&mut self) -> Result<Option<Predictions>, Failure> {
        let mut truth = Vec::with_capacity(BATCH_ROWS);
        let mut of_batch = self.truth.by_ref().take(BATCH_ROWS as u64);
        of_batch.read_to_end(&mut truth)?;
        if truth.is_empty() {
            return Ok(None);
        }
        let rows = truth.len();
        let bytes = |file: &mut BufReader<File>, size: usize| -> std::io::Result<Vec<u8>> {
            let mut bytes = vec![0; rows * size];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        let predicted = self.predicted.as_mut().map(|file| bytes(file, 1));
        let score = self.score.as_mut().map(|file| bytes(file, 8));
        let input = input(
            classes(truth),
            predicted.transpose()?.map(classes),
            score
                .transpose()?
                .map(|bytes| numbers(&bytes))
                .transpose()?,
        );
        Ok(Some(Predictions::part(input)?))
    }
}

fn has_scores(what: &str) -> bool {
    !matches!(what, "f1" | "confusion")
}

fn classes(bytes: Vec<u8>) -> Targets {
    Targets::Classes(bytes.into_iter().map(u32::from).collect())
}

fn numbers(bytes: &[u8]) -> Result<Vec<f64>, Failure> {
    let (numbers, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err("score.f64 does not hold whole numbers".into());
    }
    let numbers = numbers.iter();
    Ok(numbers.map(|number| f64::from_le_bytes(*number)).collect())
}

/// Columns without ids.
fn input(y_true: Targets, y_pred: Option<Targets>, y_score: Option<Vec<f64>>) -> PredictionsInput {
    PredictionsInput {
        ids: Vec::new(),
        task: Task::Binary,
        labels: vec!["0".to_owned(), "1".to_owned()],
        y_true,
        y_pred,
        y_score,
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn options(what: &str) -> EvaluateOptions {
    let definitions = match what {
        "bootstrap" => Some(vec!["auroc@1".to_owned()]),
        "detection" | "all" => None,
        "confusion" => Some(vec![]),
        one => Some(vec![format!("{one}@1")]),
    };
    EvaluateOptions {
        definitions,
        bootstrap: matches!(what, "bootstrap" | "detection").then(|| Bootstrap {
            samples: RESAMPLES,
            ..Bootstrap::default()
        }),
        curves: what == "confusion",
        ..EvaluateOptions::default()
    }
}

/// The value of each metric with the ends of its interval, or the cells of the confusion matrix.
fn values(evaluation: &Evaluation) -> Vec<f64> {
    if let Some(matrix) = &evaluation.curves.confusion {
        return matrix
            .counts
            .iter()
            .flatten()
            .map(|count| *count as f64)
            .collect();
    }
    let metrics = evaluation.metrics.iter().flat_map(|metric| {
        let ends = metric
            .interval
            .as_ref()
            .map(|interval| [interval.low, interval.high]);
        std::iter::once(metric.value).chain(ends.into_iter().flatten())
    });
    metrics.collect()
}

/// The columns that the metric looks at, as a reader of a file of predictions hands them on.
fn columns(folder: &Path, what: &str) -> Result<Predictions, Failure> {
    let read = |name: &str| fs::read(folder.join(name));
    let y_true = classes(read("truth.u8")?);
    let y_score = match has_scores(what) {
        true => Some(numbers(&read("score.f64")?)?),
        false => None,
    };
    let y_pred = match y_score.is_none() || what == "all" {
        true => Some(classes(read("predicted.u8")?)),
        false => None,
    };
    Ok(Predictions::new(PredictionsInput {
        ids: (0..y_true.len()).map(|row| row.to_string()).collect(),
        ..input(y_true, y_pred, y_score)
    })?)
}

/// Images with true boxes and predictions, of which some are near them.
fn detections() -> Result<Predictions, Failure> {
    let mut state = 1_u64;
    let mut number = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut y_true, mut y_pred) = (Vec::new(), Vec::new());
    for _ in 0..IMAGES {
        // Small boxes and low categories are more frequent, as they are in photographs.
        let mut any = || {
            let [width, height] = [number(), number()].map(|of| 8.0 + 300.0 * of * of * of);
            ImageBox {
                bbox: [340.0 * number(), 180.0 * number(), width, height],
                category: Some((f64::from(CATEGORIES) * number().powi(3)) as u32),
                is_crowd: false,
                area: width * height,
                score: None,
            }
        };
        let truths: Vec<ImageBox> = (0..MAX_BOXES).map(|_| any()).collect();
        let others: Vec<ImageBox> = (0..PREDICTED - truths.len()).map(|_| any()).collect();
        let kept = (truths.len() as f64 * number()).ceil() as usize;
        let near = truths[..kept].iter().map(|truth| {
            let mut found = truth.clone();
            found.bbox = found.bbox.map(|of| of * (0.9 + 0.2 * number()));
            found.score = Some(0.2 + 0.8 * number());
            found
        });
        let mut predicted: Vec<ImageBox> = near.collect();
        predicted.extend(others.into_iter().map(|mut other| {
            other.score = Some(0.9 * number());
            other
        }));
        y_true.push(truths[..kept].to_vec());
        y_pred.push(predicted);
    }
    Ok(Predictions::new(PredictionsInput {
        ids: (0..IMAGES).map(|row| row.to_string()).collect(),
        task: Task::Detection,
        labels: (0..CATEGORIES)
            .map(|category| category.to_string())
            .collect(),
        y_true: Targets::Boxes(y_true),
        y_pred: Some(Targets::Boxes(y_pred)),
        y_score: None,
        weight: None,
        group: None,
        numbers: Vec::new(),
    })?)
}

/// The most memory that this process held at once, where the system tells.
fn peak_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
