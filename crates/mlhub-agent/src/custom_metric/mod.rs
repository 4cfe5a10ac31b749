//! Metrics that adapters define: the program of one metric, run twice in a sandbox, and
//! believed only if both runs answer the same bits.
//!
//! Which metrics are computed, and what is stored, is not decided here. The folder is the
//! caller's, and so is removing it.

mod input;
mod sandbox;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlhub_core::limits;
use mlhub_protocol::adapter::{RangeSection, exit_code};
use mlhub_protocol::custom_metric::{
    CUSTOM_METRIC_VERSION, METRIC_NAME_FIELD, METRIC_REQUEST_FILE, METRIC_VALUE_FILE, MetricAnswer,
    MetricAsked, MetricRequest, PredictionsPlace,
};
use mlhub_protocol::run_dir::{RUN_DIR_VERSION, Resources, RunFile, RunIdentity};
use serde_json::json;

use crate::adapter::LaunchPlan;
use crate::export::program::{self, Confinement};
use crate::export::{ExportError, ExportLimits, how};
use crate::serving::WorkerPlan;
use crate::serving::worker::events;

pub use input::MetricInput;
pub use sandbox::{Enforced, sandboxed_main};

/// The two runs: names of their folders and their hash seeds. Different, so that what
/// depends on either shows.
const RUNS: [(&str, &str); 2] = [("first", "0"), ("second-run", "4242")];
/// The empty folder that a program works in, below its run directory.
const WORK: &str = "work";
/// What the sandbox tells, in the run directory.
const REPORT: &str = "sandbox.json";
/// Variables a program gets of those it would get for training; a `*` stands for any ending.
const KEPT_VARIABLES: &[&str] = &[
    "PATH",
    "LANG",
    "LC_*",
    "TZ",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "VIRTUAL_ENV",
    "MLHUB_RUN_DIR",
];
/// Numerical libraries give equal bits with one thread.
const ONE_THREAD: [&str; 3] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"];

/// Why a metric has no value.
#[derive(Debug, thiserror::Error)]
pub enum CustomMetricError {
    /// The predictions or the request cannot be handed over.
    #[error("{0}")]
    Input(String),
    /// The program does not know the metric.
    #[error("its program does not know the metric: {0}")]
    Unknown(String),
    /// The program failed.
    #[error("its program failed: {}", message.as_ref().map_or_else(|| how.clone(), |message| format!("{message} ({how})")))]
    Failed {
        /// Exit code or signal.
        how: String,
        /// What it told as its error.
        message: Option<String>,
        /// The last lines of its standard error, for the hub's log.
        last_lines: Vec<String>,
    },
    /// The program took too long.
    #[error("its program took longer than {} s and was stopped", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The program took too much.
    #[error("its program took {used} {what}, more than {limit}, and was stopped")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much it had.
        used: u64,
        /// How much it may have.
        limit: u64,
    },
    /// The program ended well without an answer as it should be.
    #[error("its program's answer `{METRIC_VALUE_FILE}` {0}")]
    Answer(String),
    /// The predictions were changed.
    #[error("its program changed the predictions that it was given to read")]
    ChangedInput,
    /// Two runs gave different bits.
    #[error(
        "it is not deterministic: two runs over the same predictions gave {first:?} and {second:?}"
    )]
    NotDeterministic {
        /// The first value.
        first: f64,
        /// The second.
        second: f64,
    },
    /// The value is outside of the declared range.
    #[error("its value {value:?} is outside of the range of its definition, {low} to {high}", low = end(range.low), high = end(range.high))]
    OutOfRange {
        /// The value.
        value: f64,
        /// The range.
        range: RangeSection,
    },
    /// Nobody wants it any more.
    #[error("it was given up")]
    Stopped,
}

impl CustomMetricError {
    /// What the program said last on standard error; for the hub's log.
    #[must_use]
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Failed { last_lines, .. } => last_lines,
            _ => &[],
        }
    }
}

fn end(of: Option<f64>) -> String {
    of.map_or_else(|| "unbounded".to_owned(), |end| format!("{end:?}"))
}

/// A value both runs gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// The value.
    pub value: f64,
    /// What was enforced on the programs.
    pub enforced: Enforced,
}

/// How the programs of one metric are started and bounded.
pub struct Programs<'a> {
    /// How the adapter's command starts in a run directory.
    pub launch: &'a dyn Fn(&Path, &RunFile) -> Result<LaunchPlan, String>,
    /// A program with the subcommand `sandboxed`, which is [`sandboxed_main`].
    pub exe: &'a Path,
    /// Time of one program.
    pub time: Duration,
    /// Asked again and again whether to give up.
    pub stopped: &'a dyn Fn() -> bool,
}

/// Computes `metric` over `input`, twice, in new folders below `folder`. Blocks.
///
/// # Errors
/// [`CustomMetricError`]; nothing of the programs is left running.
pub fn compute(
    input: &MetricInput,
    metric: &MetricAsked,
    range: RangeSection,
    folder: &Path,
    programs: &Programs<'_>,
) -> Result<Computed, CustomMetricError> {
    let mut values = [0.0; RUNS.len()];
    let mut enforced = Enforced::default();
    for (value, (name, hash_seed)) in values.iter_mut().zip(RUNS) {
        let dir = folder.join(name);
        (*value, enforced) = run(input, metric, (&dir, hash_seed), programs)?;
    }
    let [first, second] = values;
    if first.to_bits() != second.to_bits() {
        return Err(CustomMetricError::NotDeterministic { first, second });
    }
    let below = range.low.is_some_and(|low| first < low);
    let above = range.high.is_some_and(|high| first > high);
    if below || above {
        return Err(CustomMetricError::OutOfRange {
            value: first,
            range,
        });
    }
    Ok(Computed {
        value: first,
        enforced,
    })
}

/// One program, from its folder to its answer.
fn run(
    input: &MetricInput,
    metric: &MetricAsked,
    (dir, hash_seed): (&Path, &str),
    programs: &Programs<'_>,
) -> Result<(f64, Enforced), CustomMetricError> {
    let unwritable = |error: std::io::Error| {
        CustomMetricError::Input(format!("the request cannot be written: {error}"))
    };
    let run = run_file(input);
    let launch = (programs.launch)(dir, &run).map_err(CustomMetricError::Input)?;
    let work = dir.join(WORK);
    fs::create_dir_all(&work).map_err(unwritable)?;
    let request = MetricRequest {
        version: CUSTOM_METRIC_VERSION,
        metric: metric.clone(),
        predictions: PredictionsPlace {
            path: input.path().to_string_lossy().into_owned(),
            rows: input.rows(),
        },
    };
    let text = serde_json::to_vec(&request).map_err(|error| unwritable(error.into()))?;
    fs::write(dir.join(METRIC_REQUEST_FILE), text).map_err(unwritable)?;
    let plan = WorkerPlan {
        launch: LaunchPlan {
            env: variables(&launch.env, &work, hash_seed),
            cwd: work,
            ..launch
        },
        dir: dir.to_owned(),
        run,
    };
    let report = dir.join(REPORT);
    let confinement = Confinement {
        subcommand: &["sandboxed".as_ref(), report.as_os_str()],
        written: dir,
    };
    let limits = ExportLimits {
        time: programs.time,
        memory_bytes: limits::CUSTOM_METRIC_MEMORY_MAX_BYTES,
        output_bytes: limits::CUSTOM_METRIC_OUTPUT_MAX_BYTES,
        files_bytes: limits::CUSTOM_METRIC_FILES_MAX_BYTES,
        ..ExportLimits::default()
    };
    let status = program::run_confined(&plan, programs.exe, &confinement, limits, programs.stopped);
    let status = status.map_err(|error| bounded(error, dir))?;
    if !input.unchanged().map_err(unwritable)? {
        return Err(CustomMetricError::ChangedInput);
    }
    if !status.success() {
        return Err(failure(status, dir));
    }
    Ok((
        answer(&dir.join(METRIC_VALUE_FILE))?,
        sandbox::read(&report),
    ))
}

/// A metric knows its predictions and nothing of the run.
fn run_file(input: &MetricInput) -> RunFile {
    RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: "metric".to_owned(),
            project: "metric".to_owned(),
            experiment: "metric".to_owned(),
            name: "metric".to_owned(),
            group: None,
        },
        attempt: 1,
        seed: 0,
        smoke: false,
        params: serde_json::Map::new(),
        task: Some(input.task().to_owned()),
        dataset: None,
        predict_splits: Vec::new(),
        resume: None,
        model: None,
        export: None,
        resources: Resources {
            cpus: Some(1),
            ..Resources::default()
        },
        config: json!({}),
    }
}

fn variables(
    offered: &BTreeMap<String, String>,
    work: &Path,
    hash_seed: &str,
) -> BTreeMap<String, String> {
    let kept = |name: &str| {
        KEPT_VARIABLES
            .iter()
            .any(|kept| match kept.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *kept,
            })
    };
    let mut env: BTreeMap<String, String> = offered
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // Packages that people installed for themselves stay within reach.
    if let Some(home) = offered.get("HOME") {
        env.insert("PYTHONUSERBASE".to_owned(), format!("{home}/.local"));
    }
    let work = work.to_string_lossy().into_owned();
    env.insert("HOME".to_owned(), work.clone());
    env.insert("TMPDIR".to_owned(), work);
    env.insert("PYTHONHASHSEED".to_owned(), hash_seed.to_owned());
    env.extend(ONE_THREAD.map(|name| (name.to_owned(), "1".to_owned())));
    env
}

/// A bound that was passed, in the words of a metric.
fn bounded(error: ExportError, dir: &Path) -> CustomMetricError {
    match error {
        ExportError::TimedOut { limit, .. } => CustomMetricError::TimedOut(limit),
        ExportError::TooMuch { what, used, limit } => {
            CustomMetricError::TooMuch { what, used, limit }
        }
        ExportError::Stopped => CustomMetricError::Stopped,
        ExportError::Start(how) => CustomMetricError::Failed {
            how: format!("it cannot be started: {how}"),
            message: None,
            last_lines: program::last_lines(dir),
        },
        other => CustomMetricError::Failed {
            how: other.to_string(),
            message: None,
            last_lines: program::last_lines(dir),
        },
    }
}

/// Why a program that ended without success did.
fn failure(status: std::process::ExitStatus, dir: &Path) -> CustomMetricError {
    let error = events(dir).into_iter().find_map(|event| event.error);
    let unknown = status.code() == Some(exit_code::UNSUPPORTED);
    match error {
        Some(error) if unknown && error.field.as_deref() == Some(METRIC_NAME_FIELD) => {
            CustomMetricError::Unknown(error.message)
        }
        error => CustomMetricError::Failed {
            how: how(status),
            message: error.map(|error| error.message),
            last_lines: program::last_lines(dir),
        },
    }
}

fn answer(path: &Path) -> Result<f64, CustomMetricError> {
    let wrong = CustomMetricError::Answer;
    let data =
        fs::symlink_metadata(path).map_err(|error| wrong(format!("is not there: {error}")))?;
    let most = limits::CUSTOM_METRIC_ANSWER_MAX_BYTES;
    if !data.is_file() || data.len() > most {
        return Err(wrong(format!("is no file of at most {most} bytes")));
    }
    let text = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let answer: MetricAnswer = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("is not what it should be: {error}")))?;
    match answer.version {
        CUSTOM_METRIC_VERSION => Ok(answer.value.0),
        other => Err(wrong(format!(
            "has version {other}, not {CUSTOM_METRIC_VERSION}"
        ))),
    }
}

/// Where the programs of a metric work, below a folder of the caller's.
#[must_use]
pub fn place(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("metric-{number}"))
}
