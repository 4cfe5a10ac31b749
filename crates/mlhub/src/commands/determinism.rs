//! `mlhub doctor run.yaml`: runs the smoke path of an experiment twice, names the first step
//! and metric that differ, and looks for the cause.
//!
//! A cause is named as found only when its removal made two more runs agree; what merely
//! looks like one in the sources is told as a suspect.

use std::path::Path;

use mlhub_agent::adapter::PreparedEnvironment;
use mlhub_agent::onboard::{Evidence, chance_in};
use mlhub_protocol::rest::{ReproducedMetricView, Reproduces, ReproductionView};
use serde::Serialize;
use serde_json::Value;

use super::doctor::DoctorArgs;
use crate::cli::Global;
use crate::connect::{Connection, connect, require_local};
use crate::exit::{OK, RUN_FAILED, fail};
use crate::launch::experiment::{self, Experiment};
use crate::launch::{adapter, follow};
use crate::{output, paths};

/// What a cause is removed by.
struct Remedy {
    cause: &'static str,
    advice: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// Whether it is tried where no GPU is.
    without_gpu: bool,
}

/// In the order in which they are tried.
const REMEDIES: [Remedy; 2] = [
    Remedy {
        cause: "several threads add numbers in another order each time",
        advice: "set OMP_NUM_THREADS=1 and its like in `environment.variables`, or a library's own option for deterministic threads",
        variables: &[
            ("OMP_NUM_THREADS", "1"),
            ("MKL_NUM_THREADS", "1"),
            ("OPENBLAS_NUM_THREADS", "1"),
            ("NUMEXPR_NUM_THREADS", "1"),
            ("RAYON_NUM_THREADS", "1"),
        ],
        without_gpu: true,
    },
    Remedy {
        cause: "kernels of the GPU that are not deterministic",
        advice: "set CUBLAS_WORKSPACE_CONFIG=:4096:8 and TF_DETERMINISTIC_OPS=1 in `environment.variables`, and the framework's deterministic mode",
        variables: &[
            ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
            ("TF_DETERMINISTIC_OPS", "1"),
            ("TF_CUDNN_DETERMINISTIC", "1"),
        ],
        without_gpu: false,
    },
];

/// What was found.
#[derive(Serialize)]
struct Diagnosis {
    /// Whether both runs agree bit for bit.
    deterministic: bool,
    /// `identical`, `within_tolerance`, `diverged`, `failed` or `nothing_to_compare`.
    verdict: String,
    /// Both runs.
    runs: [String; 2],
    /// The metric that differs first.
    first: Option<FirstDifference>,
    /// All metrics that differ.
    differing: Vec<String>,
    /// Whether the predictions are the same, byte for byte.
    same_predictions: Option<bool>,
    /// Causes whose removal made two runs agree.
    causes: Vec<Cause>,
    /// Causes that were tried and are not it.
    ruled_out: Vec<String>,
    /// What looks like a cause in the sources.
    suspects: Vec<Evidence>,
}

#[derive(Serialize)]
struct FirstDifference {
    metric: String,
    /// Absent for evaluated metrics.
    step: Option<i64>,
    first: Option<mlhub_protocol::Number>,
    second: Option<mlhub_protocol::Number>,
}

#[derive(Serialize)]
struct Cause {
    cause: String,
    advice: String,
    runs: [String; 2],
}

/// Examines an experiment; exits with 1 when two runs differ.
pub(crate) fn determinism(
    global: &Global,
    path: &Path,
    arguments: &DoctorArgs,
) -> anyhow::Result<u8> {
    let data_dir = paths::data_dir(global)?;
    let smoke = !arguments.full;
    let load = |set: &[String]| experiment::load(path, None, set, smoke, &data_dir);
    let mut set = arguments.set.clone();
    let seeds = load(&set)?.resolved.experiment.seeds;
    if let [first, _, ..] = seeds.as_slice() {
        set.push(format!("seeds=[{first}]"));
    }
    let experiment = load(&set)?;
    let mut connection = connect(global)?;
    require_local(&connection, "`mlhub doctor` of an experiment")?;
    let environment = adapter::environment(&experiment.adapter, &data_dir)?;
    let mut lab = Lab {
        global,
        environment: &environment,
        connection: &mut connection,
    };
    lab.say("running the same twice");
    let (runs, found) = lab.twice(load(&set)?)?;
    let differing = differing(&found);
    let mut diagnosis = Diagnosis {
        deterministic: found.verdict == "identical",
        verdict: found.verdict.clone(),
        runs,
        first: first(&found),
        differing: differing.iter().map(|of| of.name.clone()).collect(),
        same_predictions: found.same_predictions,
        causes: Vec::new(),
        ruled_out: Vec::new(),
        suspects: Vec::new(),
    };
    if diagnosis.verdict == "failed" {
        return Err(fail(
            RUN_FAILED,
            format!(
                "the experiment does not finish, so nothing can be said; `mlhub logs {}` shows why",
                diagnosis.runs[1]
            ),
        ));
    }
    if !diagnosis.deterministic && diagnosis.verdict != "nothing_to_compare" {
        let has_gpu = crate::provenance::machine().get("gpus").is_some();
        for remedy in REMEDIES.iter().filter(|of| of.without_gpu || has_gpu) {
            lab.say(&format!("trying: {}", remedy.cause));
            let mut with = set.clone();
            let variable =
                |(name, value): &(&str, &str)| format!("environment.variables.{name}=\"{value}\"");
            with.extend(remedy.variables.iter().map(variable));
            let (runs, again) = lab.twice(load(&with)?)?;
            match again.verdict.as_str() {
                "identical" => diagnosis.causes.push(Cause {
                    cause: remedy.cause.to_owned(),
                    advice: remedy.advice.to_owned(),
                    runs,
                }),
                _ => diagnosis.ruled_out.push(remedy.cause.to_owned()),
            }
        }
        diagnosis.suspects = suspects(&experiment);
    }
    match global.json {
        true => output::json(&diagnosis)?,
        false => print(&diagnosis)?,
    }
    Ok(match diagnosis.deterministic {
        true => OK,
        false => RUN_FAILED,
    })
}

/// Where runs are made.
struct Lab<'a> {
    global: &'a Global,
    environment: &'a PreparedEnvironment,
    connection: &'a mut Connection,
}

impl Lab<'_> {
    fn say(&self, text: &str) {
        if !self.global.json {
            eprintln!("{text}");
        }
    }

    /// Runs an experiment twice and compares; the second run is a reproduction of the first.
    fn twice(
        &mut self,
        mut experiment: Experiment,
    ) -> anyhow::Result<([String; 2], ReproductionView)> {
        let first = self.once(&experiment)?;
        experiment.reproduces = Some(Reproduces {
            run: first.clone(),
            differences: Vec::new(),
        });
        let second = self.once(&experiment)?;
        let found = self.connection.client.reproductions(&second, Some(0.0))?;
        let found = found
            .reproduces
            .ok_or_else(|| fail(RUN_FAILED, format!("run {first} was purged meanwhile")))?;
        Ok(([first, second], found))
    }

    fn once(&mut self, experiment: &Experiment) -> anyhow::Result<String> {
        let ids = super::run::launch(
            self.global,
            experiment,
            self.environment,
            self.connection,
            1,
        )?;
        follow::follow(self.connection, &ids)?;
        let id = ids.into_iter().next();
        id.ok_or_else(|| fail(RUN_FAILED, "the experiment has no seed to run"))
    }
}

fn differing(found: &ReproductionView) -> Vec<&ReproducedMetricView> {
    let metrics = found.metrics.iter();
    metrics.filter(|of| of.agreement != "identical").collect()
}

/// The logged metric that differs at the least step, else the first evaluated one.
fn first(found: &ReproductionView) -> Option<FirstDifference> {
    let all = differing(found);
    let logged = all.iter().filter(|of| of.step.is_some());
    let first = logged.min_by_key(|of| of.step).or(all.first())?;
    Some(FirstDifference {
        metric: first.name.clone(),
        step: first.step,
        first: first.original,
        second: first.reproduced,
    })
}

/// What in sources and config may be the cause.
fn suspects(experiment: &Experiment) -> Vec<Evidence> {
    let mut found = Vec::new();
    for (name, value) in &experiment.resolved.params {
        let last = name.rsplit('.').next().unwrap_or(name);
        if matches!(last, "random_state" | "seed" | "random_seed") && *value == Value::Null {
            found.push(Evidence {
                file: "the experiment file".to_owned(),
                line: 0,
                what: format!("`params.{name}` is null: chosen anew each time"),
            });
        }
    }
    let variables = &experiment.resolved.document["environment"]["variables"];
    if variables.get("PYTHONHASHSEED").is_some() {
        found.push(Evidence {
            file: "the experiment file".to_owned(),
            line: 0,
            what: "`environment.variables.PYTHONHASHSEED` is set, where the hub would fix it by the seed".to_owned(),
        });
    }
    found.extend(chance_in(&experiment.project_dir));
    found
}

fn print(diagnosis: &Diagnosis) -> anyhow::Result<()> {
    let [first, second] = &diagnosis.runs;
    if diagnosis.deterministic {
        return output::line(format_args!(
            "deterministic: {first} and {second} agree in every metric, bit for bit"
        ));
    }
    if diagnosis.verdict == "nothing_to_compare" {
        return output::line(format_args!(
            "nothing can be said: {first} and {second} have no metric"
        ));
    }
    output::line(format_args!(
        "NOT DETERMINISTIC: {first} and {second} differ"
    ))?;
    if let Some(of) = &diagnosis.first {
        let value = |value: Option<mlhub_protocol::Number>| {
            value.map_or_else(|| "missing".to_owned(), output::number)
        };
        let step = of.step.map(|step| format!(" at step {step}"));
        output::line(format_args!(
            "first difference: `{}`{}: {} and {}",
            of.metric,
            step.unwrap_or_default(),
            value(of.first),
            value(of.second)
        ))?;
    }
    output::line(format_args!(
        "differing: {}",
        diagnosis.differing.join(", ")
    ))?;
    for cause in &diagnosis.causes {
        output::line(format_args!("CAUSE: {}. {}", cause.cause, cause.advice))?;
        let [first, second] = &cause.runs;
        output::line(format_args!(
            "  without it {first} and {second} agree bit for bit"
        ))?;
    }
    for cause in &diagnosis.ruled_out {
        output::line(format_args!("not (only): {cause}"))?;
    }
    output::line(
        "not: the hash seed of Python, which the hub fixes by the seed; nor the rows of the dataset, whose fingerprint is the same",
    )?;
    match diagnosis.suspects.is_empty() {
        true => output::line("no suspect in the sources"),
        false => {
            output::line("suspects in sources and config:")?;
            for of in &diagnosis.suspects {
                let place = match of.line {
                    0 => of.file.clone(),
                    line => format!("{}:{line}", of.file),
                };
                output::line(format_args!("  {place}: {}", of.what))?;
            }
            Ok(())
        }
    }
}
