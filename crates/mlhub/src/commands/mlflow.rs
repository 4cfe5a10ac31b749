//! `mlhub import mlflow` and `mlhub export mlflow`.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use mlhub_client::ClientOptions;
use serde_json::json;

use crate::cli::{Global, MlflowExportArgs, MlflowImportArgs};
use crate::connect::connect_patient;
use crate::exit::{OK, RUN_FAILED};
use crate::mlflow::{Counts, ExportOptions, ImportOptions, ImportSource, Report};
use crate::output;

/// How long a hub may think.
const PATIENCE: Duration = Duration::from_secs(600);
/// Problems that are printed; `--json` has all of them.
const SHOWN_MAX: usize = 40;
/// Time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// What was read so far, for people; nothing for programs.
fn progress(global: &Global, what: &'static str) -> impl Fn(&Counts) + use<> {
    let shown = std::io::stderr().is_terminal() && !global.json;
    let last = Cell::new(None::<Instant>);
    move |counts: &Counts| {
        if !shown
            || last
                .get()
                .is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL)
        {
            return;
        }
        last.set(Some(Instant::now()));
        // Progress that cannot be shown is not worth a word.
        drop(write!(
            std::io::stderr(),
            "\r{what}: {} runs, {} points, {} files ({})\u{1b}[K",
            counts.runs,
            counts.points,
            counts.files,
            output::size(counts.bytes)
        ));
    }
}

fn progress_ended(global: &Global) {
    if std::io::stderr().is_terminal() && !global.json {
        drop(write!(std::io::stderr(), "\r\u{1b}[K"));
    }
}

/// Imports from MLflow.
pub(super) fn import(global: &Global, arguments: &MlflowImportArgs) -> anyhow::Result<u8> {
    let from = ImportSource {
        place: &arguments.source,
        artifact_roots: &arguments.artifacts_root,
    };
    let options = ImportOptions {
        project: arguments.project.clone(),
        experiments: arguments.experiment.clone(),
        artifacts: !arguments.no_artifacts,
    };
    let connection = match arguments.dry_run {
        true => None,
        false => Some(connect_patient(global, &patience())?),
    };
    let client = connection
        .as_ref()
        .map(|connection| connection.client.clone());
    let report = crate::mlflow::import(&from, client, &options, &progress(global, "importing"));
    progress_ended(global);
    show(global, &report?, arguments.dry_run, ["source", "hub"])
}

/// Exports for MLflow.
pub(super) fn export(global: &Global, arguments: &MlflowExportArgs) -> anyhow::Result<u8> {
    let options = ExportOptions {
        project: arguments.project.clone(),
        experiments: arguments.experiment.clone(),
        artifacts: !arguments.no_artifacts,
    };
    let connection = connect_patient(global, &patience())?;
    let progress = progress(global, "exporting");
    let report = crate::mlflow::export(&connection.client, &arguments.dest, &options, &progress);
    progress_ended(global);
    show(global, &report?, false, ["hub", "folder"])
}

fn patience() -> ClientOptions {
    ClientOptions {
        idle_timeout: PATIENCE,
        ..ClientOptions::default()
    }
}

fn show(global: &Global, report: &Report, dry_run: bool, sides: [&str; 2]) -> anyhow::Result<u8> {
    let whole = match dry_run {
        true => report.problems.is_empty(),
        false => report.is_whole(),
    };
    let code = if whole { OK } else { RUN_FAILED };
    if global.json {
        let mut told = json!(report);
        told["whole"] = whole.into();
        told["dry_run"] = dry_run.into();
        output::json(&told)?;
        return Ok(code);
    }
    let width = 12;
    match dry_run {
        true => output::line(format_args!("{:20}{:>width$}", "", sides[0]))?,
        false => output::line(format_args!(
            "{:20}{:>width$}{:>width$}",
            "", sides[0], sides[1]
        ))?,
    }
    for ((name, source), (_, there)) in report.source.rows().into_iter().zip(report.there.rows()) {
        match dry_run {
            true => output::line(format_args!("{name:20}{source:>width$}"))?,
            false => output::line(format_args!("{name:20}{source:>width$}{there:>width$}"))?,
        }
    }
    if report.runs_new + report.runs_changed + report.runs_unchanged > 0 {
        output::line(format_args!(
            "{} runs are new, {} were changed, {} were there already",
            report.runs_new, report.runs_changed, report.runs_unchanged
        ))?;
    }
    for problem in report.problems.iter().take(SHOWN_MAX) {
        output::line(format_args!("problem: {problem}"))?;
    }
    if report.problems.len() > SHOWN_MAX {
        let more = report.problems.len() - SHOWN_MAX;
        output::line(format_args!(
            "... and {more} more problems; --json lists them"
        ))?;
    }
    output::line(match (whole, dry_run) {
        (true, true) => "nothing was written (--dry-run)".to_owned(),
        (true, false) => format!(
            "everything of the {} is in the {}, and equal",
            sides[0], sides[1]
        ),
        (false, _) => format!(
            "NOT everything: {} problems; what could be read is there",
            report.problems.len()
        ),
    })?;
    Ok(code)
}
