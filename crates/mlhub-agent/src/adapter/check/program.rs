//! Starts the adapter's program for one step of a check and gathers what it did.
//!
//! Run directories and processes are the supervisor's; this file only fills
//! them in.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mlhub_protocol::adapter::Capability;
use mlhub_protocol::event::EventLine;
use mlhub_protocol::run_dir::{
    ExitFile, ExportInput, HubAddress, LaunchFile, Limits, LogMetric, ModelInput, RUN_DIR_VERSION,
    Resources, ResumePoint, RunFile, RunIdentity, names,
};
use serde_json::{Map, Value, json};

use super::CheckOptions;
use super::data::{CheckData, TEST};
use crate::adapter::environment::PreparedEnvironment;
use crate::adapter::launch::{LaunchContext, LaunchPlan, launch_command};
use crate::adapter::manifest::Adapter;
use crate::supervisor::{OfflineControl, RunDir, Signal, run_offline};

/// Seed of every run of a check.
const SEED: i64 = 20_240_229;
/// Seconds a program has between SIGTERM and SIGKILL.
pub(super) const GRACE_SECONDS: u32 = 10;
/// The variable that carries the planted secret.
const SECRET_VARIABLE: &str = "CHECK_ACCESS_TOKEN";
/// Characters of a log line shown in a failure.
const SHOWN_CHARS: usize = 300;
/// Lines of a log shown in a failure.
const SHOWN_LINES: usize = 3;

/// The adapter under check with all that its runs share.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) adapter: &'a Adapter,
    environment: PreparedEnvironment,
    options: &'a CheckOptions,
    pub(super) data: Option<CheckData>,
    /// A text that only the planted variable holds.
    pub(super) secret: String,
    /// Directories of the runs so far.
    pub(super) run_dirs: Vec<PathBuf>,
}

/// What one run is to do.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) capability: Capability,
    pub(super) params: Map<String, Value>,
    pub(super) resume: Option<ResumePoint>,
    /// The trained model to work with instead of the data, and what to export it to.
    pub(super) export: Option<(PathBuf, String)>,
}

impl Job {
    fn reads_data(&self) -> bool {
        self.export.is_none() && self.capability != Capability::Defaults
    }
}

/// When to send a signal: a look at each event.
pub(super) type SignalWhen = fn(&EventLine) -> Option<Signal>;

/// How one run went.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) dir: PathBuf,
    pub(super) exit: ExitFile,
    /// In order of their files, each file in its own order, then those read from log lines.
    pub(super) events: Vec<EventLine>,
    /// Whether it was killed because its time was up.
    timed_out: bool,
    /// From the first signal sent to the end; none when none was sent.
    pub(super) signalled: Option<Duration>,
}

impl Outcome {
    pub(super) fn finished(&self) -> bool {
        self.exit.code == Some(0)
    }

    /// How it ended, in words, with the lines a developer needs first.
    pub(super) fn end(&self) -> String {
        let how = match (&self.exit.spawn_error, self.exit.code, self.exit.signal) {
            (Some(error), _, _) => return format!("the program could not be started: {error}"),
            (None, _, Some(_)) if self.timed_out => {
                "stopped because its time was up; a smoke run ends in seconds".to_owned()
            }
            (None, Some(code), _) => format!("exit code {code}"),
            (None, None, Some(signal)) => format!("ended by signal {signal}"),
            (None, None, None) => "ended in an unknown way".to_owned(),
        };
        let refused = self.events.iter().find_map(|event| event.error.as_ref());
        let said = match refused {
            Some(error) => format!("; it said: {}", error.message),
            None => self.last_lines(),
        };
        format!("{how}{said} (see {})", self.dir.display())
    }

    fn last_lines(&self) -> String {
        let text = fs::read(self.dir.join("stderr.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<String> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(SHOWN_LINES)
            .map(|line| line.chars().take(SHOWN_CHARS).collect())
            .collect();
        lines.reverse();
        if lines.is_empty() {
            String::new()
        } else {
            format!("; last on stderr: {}", lines.join(" | "))
        }
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        adapter: &'a Adapter,
        environment: PreparedEnvironment,
        options: &'a CheckOptions,
        data: Option<CheckData>,
    ) -> Result<Self, String> {
        fs::create_dir_all(&options.work_dir)
            .map_err(|error| format!("{}: {error}", options.work_dir.display()))?;
        let secret = format!("check-secret-{}", &adapter.digest[..16]);
        Ok(Self {
            adapter,
            environment,
            options,
            data,
            secret,
            run_dirs: Vec::new(),
        })
    }

    /// The smoke run's work.
    pub(super) fn smoke_job(&self) -> Job {
        Job {
            capability: Capability::Train,
            params: self.adapter.smoke_params(),
            resume: None,
            export: None,
        }
    }

    /// Whether predictions are asked of its runs.
    pub(super) fn predicts(&self) -> bool {
        self.adapter.manifest.smoke.task.is_some() && self.data.is_some()
    }

    /// Runs one job in a fresh run directory, named after `label`.
    pub(super) fn run(
        &mut self,
        label: &str,
        job: &Job,
        signal_when: Option<SignalWhen>,
    ) -> Result<Outcome, String> {
        let root = fs::canonicalize(&self.options.work_dir)
            .map_err(|error| format!("{}: {error}", self.options.work_dir.display()))?;
        let dir = root.join(format!("{:02}-{label}", self.run_dirs.len() + 1));
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        let run = self.run_file(label, job);
        let launch = self.launch_file(&dir, &root, &run, job)?;
        let (launch, config_file) = launch;
        let run_dir = RunDir::create(&dir, &run, &launch).map_err(|error| error.to_string())?;
        self.run_dirs.push(dir.clone());
        if let Some((path, content)) = config_file {
            fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let signalled = Rc::new(Cell::new(None));
        let mut control = OfflineControl::new(self.options.run_limit);
        if let Some(signal_when) = signal_when {
            let first = Rc::clone(&signalled);
            control.signal_when = Box::new(move |event| {
                let signal = signal_when(event).filter(|_| first.get().is_none())?;
                first.set(Some(Instant::now()));
                Some(signal)
            });
        }
        let offline = run_offline(&run_dir, &mut control).map_err(|error| error.to_string())?;
        let signalled = signalled.get().map(|at| at.elapsed());
        let mut named = offline.events;
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut events: Vec<EventLine> = named.into_iter().map(|(_, event)| event).collect();
        for (stream, bytes) in [("stdout", &offline.stdout), ("stderr", &offline.stderr)] {
            events.extend(log_events(&launch.log_metrics, stream, bytes)?);
        }
        Ok(Outcome {
            dir,
            exit: offline.exit,
            events,
            timed_out: offline.timed_out,
            signalled,
        })
    }

    /// Time one run, or one answer, may take.
    pub(super) fn run_limit(&self) -> Duration {
        self.options.run_limit
    }

    /// A directory for a program that works with the model whose files are in `model`,
    /// and how to start it.
    pub(super) fn worker(
        &mut self,
        label: &str,
        capability: Capability,
        model: &Path,
    ) -> Result<(PathBuf, LaunchPlan), String> {
        let root = fs::canonicalize(&self.options.work_dir)
            .map_err(|error| format!("{}: {error}", self.options.work_dir.display()))?;
        let dir = root.join(format!("{:02}-{label}", self.run_dirs.len() + 1));
        let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(failed)?;
        }
        fs::create_dir_all(dir.join(names::EVENTS)).map_err(failed)?;
        let job = Job {
            capability,
            ..self.smoke_job()
        };
        let mut run = self.run_file(label, &job);
        run.dataset = None;
        run.predict_splits.clear();
        let mut file = serde_json::to_value(&run).map_err(|error| error.to_string())?;
        file["model"] = json!({"path": model.to_string_lossy()});
        fs::write(dir.join(names::RUN), file.to_string()).map_err(failed)?;
        let plan = launch_command(
            self.adapter,
            &self.environment,
            capability,
            &self.context(&dir, &root, &run),
        )
        .map_err(|error| error.to_string())?;
        if let Some((path, content)) = &plan.config_file {
            fs::write(path, content).map_err(failed)?;
        }
        self.run_dirs.push(dir.clone());
        Ok((dir, plan))
    }

    /// A new folder for what is no run, named after `label`.
    pub(super) fn folder(&mut self, label: &str) -> Result<PathBuf, String> {
        let failed = |error: std::io::Error| format!("{label}: {error}");
        let root = fs::canonicalize(&self.options.work_dir).map_err(failed)?;
        let dir = root.join(format!("{:02}-{label}", self.run_dirs.len() + 1));
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(failed)?;
        }
        fs::create_dir_all(&dir).map_err(failed)?;
        Ok(dir)
    }

    /// How the adapter's program of metrics is started.
    pub(super) fn metric_launch(&self, dir: &Path, run: &RunFile) -> Result<LaunchPlan, String> {
        let context = LaunchContext {
            extra_env: std::collections::BTreeMap::new(),
            ..self.context(dir, dir, run)
        };
        launch_command(
            self.adapter,
            &self.environment,
            Capability::Metrics,
            &context,
        )
        .map_err(|error| error.to_string())
    }

    /// The hub's binary.
    pub(super) fn mlhub_binary(&self) -> &Path {
        &self.options.mlhub_binary
    }

    fn context<'c>(&'c self, dir: &'c Path, root: &'c Path, run: &'c RunFile) -> LaunchContext<'c> {
        LaunchContext {
            run_dir: dir,
            run,
            project_dir: root,
            mlhub_binary: &self.options.mlhub_binary,
            extra_env: [(SECRET_VARIABLE.to_owned(), self.secret.clone())].into(),
            passthrough_names: &[],
        }
    }

    fn run_file(&self, label: &str, job: &Job) -> RunFile {
        let task = self.adapter.manifest.smoke.task.clone();
        RunFile {
            version: RUN_DIR_VERSION,
            run: RunIdentity {
                id: format!("check-{label}"),
                project: "check".to_owned(),
                experiment: "check".to_owned(),
                name: label.to_owned(),
                group: None,
            },
            attempt: if job.resume.is_some() { 2 } else { 1 },
            seed: SEED,
            smoke: true,
            params: job.params.clone(),
            task,
            dataset: match job.reads_data() {
                true => self.data.as_ref().map(|data| data.input.clone()),
                false => None,
            },
            predict_splits: if self.predicts() && job.reads_data() {
                vec![TEST.to_owned()]
            } else {
                Vec::new()
            },
            resume: job.resume.clone(),
            model: job.export.as_ref().map(|(model, _)| ModelInput {
                path: model.to_string_lossy().into_owned(),
            }),
            export: job.export.as_ref().map(|(_, format)| ExportInput {
                format: format.clone(),
            }),
            resources: Resources {
                cpus: Some(1),
                ..Resources::default()
            },
            config: json!({"adapter": self.adapter.reference(), "params": job.params}),
        }
    }

    #[expect(
        clippy::type_complexity,
        reason = "a launch file and the file to write beside it, used once"
    )]
    fn launch_file(
        &self,
        dir: &Path,
        root: &Path,
        run: &RunFile,
        job: &Job,
    ) -> Result<(LaunchFile, Option<(PathBuf, Vec<u8>)>), String> {
        let context = self.context(dir, root, run);
        let plan = launch_command(self.adapter, &self.environment, job.capability, &context)
            .map_err(|error| error.to_string())?;
        let launch = LaunchFile {
            version: RUN_DIR_VERSION,
            argv: plan.argv,
            cwd: plan.cwd.to_string_lossy().into_owned(),
            env: plan.env,
            hub: HubAddress::DataDir(root.to_string_lossy().into_owned()),
            host: "check".to_owned(),
            grace_seconds: GRACE_SECONDS,
            timeout_seconds: Some(self.options.run_limit.as_secs().max(1)),
            limits: Limits::default(),
            stdout_events: plan.stdout_events,
            log_metrics: plan.log_metrics,
            log_scan: false,
            system_interval_seconds: 1,
            queue_position: 0,
        };
        Ok((launch, plan.config_file))
    }
}

/// The metrics that regular expressions read from a stream.
fn log_events(
    expressions: &[LogMetric],
    stream: &str,
    bytes: &[u8],
) -> Result<Vec<EventLine>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut events = Vec::new();
    for expression in expressions
        .iter()
        .filter(|expression| expression.stream == stream)
    {
        let regex = regex::Regex::new(&expression.pattern).map_err(|error| error.to_string())?;
        for (count, found) in text
            .lines()
            .filter_map(|line| regex.captures(line))
            .enumerate()
        {
            let named = |name: &str| found.name(name).map(|group| group.as_str());
            let mut event = EventLine {
                step: named("step")
                    .map_or_else(|| i64::try_from(count).ok(), |step| step.parse().ok()),
                ..EventLine::default()
            };
            for name in regex
                .capture_names()
                .flatten()
                .filter(|&name| name != "step")
            {
                if let Some(value) = named(name).and_then(|value| value.parse::<f64>().ok()) {
                    event.metrics.insert(name.to_owned(), value.into());
                }
            }
            events.push(event);
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_from_log_lines() {
        let expression = LogMetric {
            stream: "stdout".to_owned(),
            pattern: r"epoch (?P<step>\d+) loss=(?P<loss>\S+)".to_owned(),
        };
        let events = log_events(
            &[expression],
            "stdout",
            b"start\nepoch 3 loss=0.5\nepoch 4 loss=nan\nepoch 5 loss=x\n",
        )
        .unwrap();
        assert_eq!(
            events
                .iter()
                .map(|event| (event.step, event.metrics.len()))
                .collect::<Vec<_>>(),
            [(Some(3), 1), (Some(4), 1), (Some(5), 0)]
        );
    }
}
