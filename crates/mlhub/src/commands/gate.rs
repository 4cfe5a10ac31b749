//! `mlhub gate`: rules of a file, held against runs; for people and for CI systems.
//!
//! The hub judges everything but latency, which is measured here: with how the model is asked
//! for predictions, from where the command runs.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use mlhub_agent::adapter::{CheckReport, Step, StepStatus};
use mlhub_client::Client;
use mlhub_protocol::rest::{
    Gate, GateCheck, GateOutcome, GateReport, GateRequest, PredictRequest, RunReference,
};
use serde::Deserialize;

use super::models::{inputs, patience};
use crate::cli::Global;
use crate::connect::connect_patient;
use crate::exit::{CONFIG, OK, RUN_FAILED, fail};
use crate::output;

/// Requests measured unless the gate says otherwise.
const REQUESTS: u32 = 50;
/// Requests measured at most.
const REQUESTS_MAX: u32 = 10_000;
/// Requests before the first that counts.
const WARM_UP: u32 = 3;

/// Options of `gate`.
#[derive(Args)]
pub(crate) struct GateArgs {
    /// The rules, a TOML file (see docs/gates.md)
    pub(crate) gate: PathBuf,
    /// Run id or unique prefix; several, if they differ only in their seed
    #[arg(long, required = true, value_name = "RUN")]
    pub(crate) run: Vec<String>,
    /// What it must not fall behind; may come several times
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Vec<String>,
    /// Write the checks as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// The file of a gate.
#[derive(Deserialize, Default)]
struct GateFile {
    #[serde(default)]
    latency: Option<Latency>,
    #[serde(flatten)]
    rest: toml::Table,
}

/// Bounds of the time one prediction takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Latency {
    /// What to ask for, as `mlhub predict` takes it; relative to the gate's file.
    input: String,
    /// Requests, one after the other.
    requests: Option<u32>,
    /// Most milliseconds of half of them.
    p50_ms: Option<f64>,
    /// Most milliseconds of 95 in 100.
    p95_ms: Option<f64>,
}

/// Holds runs against a gate; exits with 1 when it does not pass.
pub(crate) fn gate(global: &Global, arguments: &GateArgs) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let (gate, latency) = read(&arguments.gate)?;
    let connection = connect_patient(global, &patience())?;
    let client = &connection.client;
    let request = GateRequest {
        gate,
        runs: arguments.run.clone(),
        baseline: arguments.baseline.clone(),
    };
    let only_latency = latency.is_some() && request.gate == Gate::default();
    let mut report = match only_latency {
        true => GateReport {
            passed: true,
            runs: references(client, &arguments.run)?,
            ..GateReport::default()
        },
        false => client.gate_check(&request)?,
    };
    if let Some(latency) = &latency {
        for run in &report.runs {
            let checks = match measure(client, run, latency, &arguments.gate) {
                Err(error) => vec![refused(run, error)?],
                Ok(checks) => checks,
            };
            report.passed &= checks.iter().all(|of| of.outcome != GateOutcome::Failed);
            report.checks.extend(checks);
        }
    }
    if let Some(path) = &arguments.junit {
        let xml = junit(&report, &arguments.gate, begun.elapsed().as_secs_f64());
        std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match global.json {
        true => output::json(&report)?,
        false => print(&report)?,
    }
    Ok(match report.passed {
        true => OK,
        false => RUN_FAILED,
    })
}

fn references(client: &Client, runs: &[String]) -> anyhow::Result<Vec<RunReference>> {
    let of = |run: &String| {
        let found = client.run_get(run)?.summary;
        Ok(RunReference {
            id: found.id,
            name: found.name,
        })
    };
    runs.iter().map(of).collect()
}

/// The rules of a file; `latency` apart.
pub(super) fn read(path: &Path) -> anyhow::Result<(Gate, Option<Latency>)> {
    let named =
        |error: &dyn std::fmt::Display| fail(CONFIG, format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let file: GateFile = toml::from_str(&text).map_err(|error| named(&error))?;
    // Read again without the one table that the hub does not know, so that mistakes are
    // shown where they are.
    let gate = match file.latency {
        None => toml::from_str(&text).map_err(|error| named(&error))?,
        Some(_) => file.rest.try_into().map_err(|error| named(&error))?,
    };
    if let Some(latency) = &file.latency {
        check(latency).map_err(|error| named(&error))?;
    }
    Ok((gate, file.latency))
}

fn check(latency: &Latency) -> Result<(), String> {
    let bounds: Vec<f64> = latency.p50_ms.into_iter().chain(latency.p95_ms).collect();
    if bounds.is_empty() || bounds.iter().any(|of| !(of.is_finite() && *of > 0.0)) {
        return Err("`latency` needs `p50_ms` or `p95_ms`, a number above 0".to_owned());
    }
    match latency.requests {
        Some(requests) if !(1..=REQUESTS_MAX).contains(&requests) => Err(format!(
            "`latency.requests` is {requests}; it must be 1 to {REQUESTS_MAX}"
        )),
        _ => Ok(()),
    }
}

/// A model that the hub does not let be asked has no latency, so the check fails; any other
/// error is one.
fn refused(run: &RunReference, error: anyhow::Error) -> anyhow::Result<GateCheck> {
    match error.downcast_ref::<mlhub_client::ClientError>() {
        Some(answer) if answer.status.is_some() => Ok(GateCheck {
            rule: "latency".to_owned(),
            subject: format!("`{}`", run.name),
            outcome: GateOutcome::Failed,
            message: format!("it cannot be measured: {answer}"),
        }),
        _ => Err(error),
    }
}

/// Asks a run's model again and again, one input at a time.
fn measure(
    client: &Client,
    run: &RunReference,
    latency: &Latency,
    gate: &Path,
) -> anyhow::Result<Vec<GateCheck>> {
    let described = client.model_get(&run.id)?.description;
    let beside = gate.parent().unwrap_or(Path::new("")).join(&latency.input);
    let argument = match beside.is_file() {
        true => beside.to_string_lossy().into_owned(),
        false => latency.input.clone(),
    };
    let inputs = inputs::read(&argument, &described["input"])?;
    if inputs.is_empty() {
        return Err(fail(
            CONFIG,
            format!("`latency.input` `{argument}` holds nothing to ask for"),
        ));
    }
    let mut times_ms = Vec::new();
    let requests = latency.requests.unwrap_or(REQUESTS);
    let bar = indicatif::ProgressBar::new(u64::from(requests + WARM_UP)).with_message("asking");
    for (at, input) in (0..requests + WARM_UP).zip(inputs.iter().cycle()) {
        let request = PredictRequest {
            inputs: vec![input.clone()],
            options: serde_json::Map::new(),
        };
        let begun = Instant::now();
        client.model_predict(&run.id, &request)?;
        if at >= WARM_UP {
            times_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    times_ms.sort_by(f64::total_cmp);
    let of = |share: f64, name: &str, bound: Option<f64>| {
        let bound = bound?;
        let at = ((times_ms.len() as f64 * share).ceil() as usize).saturating_sub(1);
        let found = times_ms.get(at).copied().unwrap_or(f64::NAN);
        Some(GateCheck {
            rule: "latency".to_owned(),
            subject: format!("{name} of `{}`", run.name),
            outcome: match found <= bound {
                true => GateOutcome::Passed,
                false => GateOutcome::Failed,
            },
            message: format!(
                "{found:.2} ms over {requests} requests of one input each, with at most {bound} ms asked for"
            ),
        })
    };
    let checks = [
        of(0.5, "p50", latency.p50_ms),
        of(0.95, "p95", latency.p95_ms),
    ];
    Ok(checks.into_iter().flatten().collect())
}

/// Prints every check, and how many there are of each outcome.
pub(super) fn print(report: &GateReport) -> anyhow::Result<()> {
    let mut table = output::table(&["RULE", "OF", "RESULT", "EVIDENCE"]);
    for check in &report.checks {
        table.add_row([
            check.rule.clone(),
            check.subject.clone(),
            told(check.outcome).to_owned(),
            check.message.clone(),
        ]);
    }
    output::print(&table)?;
    let count = |outcome| {
        report
            .checks
            .iter()
            .filter(|of| of.outcome == outcome)
            .count()
    };
    output::line(format_args!(
        "{}: {} passed, {} failed, {} without a verdict",
        if report.passed {
            "passed"
        } else {
            "did not pass"
        },
        count(GateOutcome::Passed),
        count(GateOutcome::Failed),
        count(GateOutcome::Warning)
    ))
}

fn told(outcome: GateOutcome) -> &'static str {
    match outcome {
        GateOutcome::Passed => "passed",
        GateOutcome::Failed => "FAILED",
        GateOutcome::Warning => "no verdict",
    }
}

fn junit(report: &GateReport, gate: &Path, seconds: f64) -> String {
    let name = gate.file_name().unwrap_or_default().to_string_lossy();
    let share = seconds / report.checks.len().max(1) as f64;
    let step = |check: &GateCheck| Step {
        name: format!("{} {}", check.rule, check.subject),
        status: match check.outcome {
            GateOutcome::Passed => StepStatus::Passed,
            GateOutcome::Failed => StepStatus::Failed,
            GateOutcome::Warning => StepStatus::NotApplicable,
        },
        detail: check.message.clone(),
        seconds: share,
    };
    let report = CheckReport {
        dir: gate.to_owned(),
        adapter: Some(name.into_owned()),
        digest: None,
        steps: report.checks.iter().map(step).collect(),
        passed: report.passed,
    };
    report.junit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Classify as _;

    fn of(text: &str) -> anyhow::Result<(Gate, Option<Latency>)> {
        let folder = tempfile::tempdir().or_fail(CONFIG)?;
        let path = folder.path().join("gate.toml");
        std::fs::write(&path, text).or_fail(CONFIG)?;
        read(&path)
    }

    #[test]
    fn a_gate_is_read_with_and_without_latency() {
        let rules = "[[threshold]]\nmetric = \"test/accuracy\"\nmin = 0.9\n";
        let (gate, latency) = of(rules).expect("rules");
        assert_eq!(gate.threshold[0].min, Some(0.9));
        assert!(latency.is_none());
        let text = format!("{rules}[latency]\ninput = \"rows.jsonl\"\np95_ms = 20.0\n");
        let (again, latency) = of(&text).expect("rules");
        assert_eq!(again, gate);
        assert_eq!(latency.expect("measured").p95_ms, Some(20.0));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("[[treshold]]\nmetric = \"a\"\n", "treshold"),
            ("[[threshold]]\nmetrc = \"a\"\n", "metrc"),
            ("[latency]\ninput = \"x\"\n", "p50_ms"),
            (
                "[latency]\ninput = \"x\"\np50_ms = 1\nrequests = 0\n",
                "requests",
            ),
            ("[[threshold]", "gate.toml"),
        ] {
            let error = of(text).err().expect(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
