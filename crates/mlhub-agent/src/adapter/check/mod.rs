//! The conformance kit: runs an adapter on its own smoke data and holds it to
//! the protocol's promises.
//!
//! Every promise is a [`Step`] with its evidence. Nothing here knows any model;
//! programs are started and minded by [`crate::supervisor`] as in real runs,
//! only without a hub.

mod data;
mod defaults;
mod export;
mod metrics;
mod output;
mod plant;
mod program;
mod promises;
mod refusal;
mod report;
mod secrecy;
mod serve;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlhub_protocol::adapter::Capability;
use serde::{Deserialize, Serialize};

use super::environment::{EnvProgress, prepare_environment};
use super::manifest::Adapter;
use super::problem::Part;
use program::Bench;

pub use report::promise;

/// Time one smoke run may take: a smoke run ends in seconds.
pub const DEFAULT_RUN_LIMIT: Duration = Duration::from_secs(120);

/// How to check.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Folder for run directories and data; kept afterwards as evidence.
    pub work_dir: PathBuf,
    /// Folder of virtual environments.
    pub envs_dir: PathBuf,
    /// The hub's binary, for `{mlhub}`.
    pub mlhub_binary: PathBuf,
    /// Time one run may take.
    pub run_limit: Duration,
}

/// What happens during a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CheckProgress {
    /// A step begins.
    Started {
        /// Its name.
        name: String,
    },
    /// The environment is being made.
    Environment {
        /// How far it is.
        progress: EnvProgress,
    },
    /// A step is done.
    Finished {
        /// Its result.
        step: Step,
    },
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The adapter's folder.
    pub dir: PathBuf,
    /// `name@version`, when the manifest could be read.
    pub adapter: Option<String>,
    /// Digest of its files, when it could be loaded.
    pub digest: Option<String>,
    /// One per promise, in order.
    pub steps: Vec<Step>,
    /// Whether no step failed.
    pub passed: bool,
}

/// One promise and whether it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The promise's name.
    pub name: String,
    /// Whether it holds.
    pub status: StepStatus,
    /// The evidence, or what is wrong and what to do.
    pub detail: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Whether a promise holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It does not concern this adapter, or an earlier failure left nothing to judge.
    NotApplicable,
}

/// A step's status and evidence; an error is a failure's detail.
type Verdict = Result<(StepStatus, String), String>;

fn passed(detail: impl Into<String>) -> Verdict {
    Ok((StepStatus::Passed, detail.into()))
}

fn not_applicable(detail: impl Into<String>) -> Verdict {
    Ok((StepStatus::NotApplicable, detail.into()))
}

/// Collects steps and tells of them.
struct Recorder<'p> {
    steps: Vec<Step>,
    progress: &'p mut dyn FnMut(CheckProgress),
}

impl Recorder<'_> {
    /// Runs one step; returns whether it did not fail.
    fn step(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut dyn FnMut(CheckProgress)) -> Verdict,
    ) -> bool {
        (self.progress)(CheckProgress::Started {
            name: name.to_owned(),
        });
        let start = Instant::now();
        let (status, detail) =
            work(self.progress).unwrap_or_else(|detail| (StepStatus::Failed, detail));
        let step = Step {
            name: name.to_owned(),
            status,
            detail,
            seconds: start.elapsed().as_secs_f64(),
        };
        (self.progress)(CheckProgress::Finished { step: step.clone() });
        self.steps.push(step);
        status != StepStatus::Failed
    }
}

/// Holds the adapter in `dir` to the protocol.
///
/// Never fails as a whole: what goes wrong is the detail of a failed step.
pub fn check(
    dir: &Path,
    options: &CheckOptions,
    progress: &mut dyn FnMut(CheckProgress),
) -> CheckReport {
    let mut recorder = Recorder {
        steps: Vec::new(),
        progress,
    };
    let adapter = load(dir, &mut recorder);
    if let Some(adapter) = &adapter {
        run_steps(adapter, options, &mut recorder);
    }
    let passed = recorder
        .steps
        .iter()
        .all(|step| step.status != StepStatus::Failed);
    CheckReport {
        dir: dir.to_owned(),
        adapter: adapter.as_ref().map(Adapter::reference),
        digest: adapter.map(|adapter| adapter.digest),
        steps: recorder.steps,
        passed,
    }
}

fn load(dir: &Path, recorder: &mut Recorder<'_>) -> Option<Adapter> {
    let mut loaded = Some(Adapter::load(dir));
    let schema_problem = match &loaded {
        Some(Err(problem)) if problem.part == Part::Schema => Some(problem.to_string()),
        _ => None,
    };
    let mut adapter = None;
    recorder.step("manifest", |_| match loaded.take() {
        Some(Ok(found)) => {
            let detail = format!(
                "{}, {} files' digest {}",
                found.reference(),
                if found.is_declarative() {
                    "declarative,"
                } else {
                    "with code,"
                },
                &found.digest[..12]
            );
            adapter = Some(found);
            passed(detail)
        }
        Some(Err(problem)) if problem.part == Part::Manifest => Err(problem.to_string()),
        _ => passed("the manifest can be read"),
    });
    if let Some(problem) = schema_problem {
        recorder.step("schema", |_| Err(problem));
    }
    if let Some(adapter) = &adapter {
        recorder.step("schema", |_| {
            passed(format!(
                "{} params, each described, defaults allowed",
                super::schema::names(&adapter.schema).count()
            ))
        });
    }
    adapter
}

fn run_steps(adapter: &Adapter, options: &CheckOptions, recorder: &mut Recorder<'_>) {
    let mut environment = None;
    recorder.step("environment", |progress| {
        let prepared = prepare_environment(adapter, &options.envs_dir, &mut |step| {
            progress(CheckProgress::Environment { progress: step })
        });
        let prepared = prepared.map_err(|error| error.to_string())?;
        let detail = prepared.description.clone();
        environment = Some(prepared);
        passed(detail)
    });
    let Some(environment) = environment else {
        return;
    };
    let mut bench = None;
    let prepared = recorder.step("smoke data", |_| {
        let data = data::prepare(adapter, &options.work_dir)?;
        let detail = data.as_ref().map_or_else(
            || "the adapter takes no dataset".to_owned(),
            data::CheckData::describe,
        );
        bench = Some(Bench::new(adapter, environment, options, data)?);
        passed(detail)
    });
    let (true, Some(bench)) = (prepared, bench.as_mut()) else {
        return;
    };
    let mut first = None;
    recorder.step("smoke run", |_| {
        let (outcome, detail) = promises::smoke(bench)?;
        first = Some(outcome);
        passed(detail)
    });
    let Some(first) = first else { return };
    recorder.step("entry event", |_| promises::entry(bench, &first));
    recorder.step("same seed, same result", |_| {
        promises::determinism(bench, &first)
    });
    recorder.step("kill and resume", |_| promises::resume(bench, &first));
    recorder.step("ends on SIGTERM", |_| promises::terminate(bench));
    recorder.step("bad config refused by schema", |_| {
        refusal::by_schema(adapter)
    });
    recorder.step("bad config refused by program", |_| {
        refusal::by_program(bench)
    });
    if adapter.can(Capability::Predict) {
        recorder.step("serves single inputs", |_| serve::predict(bench, &first));
    }
    if adapter.can(Capability::Export) {
        recorder.step("exports", |_| export::export(bench, &first));
    }
    if adapter.can(Capability::Defaults) {
        recorder.step("tells defaults", |_| defaults::defaults(bench));
    }
    if adapter.can(Capability::Metrics) {
        recorder.step("computes its metrics", |_| metrics::metrics(bench, &first));
    }
    recorder.step("no samples or secrets in logs", |_| secrecy::search(bench));
}
