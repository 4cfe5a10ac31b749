//! The promise of adapters that can `export`: the model of the smoke run is written
//! in every format of the manifest and compared with the original, and a format that
//! is none of them is refused by the name of the field.
//!
//! That the report tells the truth about the comparison is the adapter's promise
//! alone: the exported model is not run here.

use mlhub_protocol::adapter::{Capability, Environment, exit_code};
use mlhub_protocol::export::EXPORT_FORMAT_FIELD;
use mlhub_protocol::run_dir::names;

use super::program::{Bench, Job, Outcome};
use super::{Verdict, not_applicable, passed};
use crate::export::{ExportLimits, read_written};

/// A format that nobody has.
const UNKNOWN: &str = "mlhub-check-unknown";

/// Exports the model of `first`, then asks for an impossible format.
pub(super) fn export(bench: &mut Bench<'_>, first: &Outcome) -> Verdict {
    refused(bench, first)?;
    let manifest = &bench.adapter.manifest;
    // People's own Python may lack a converter; an environment of the adapter's own must not.
    let may_lack = matches!(manifest.environment, Environment::Python { .. });
    let mut found = Vec::new();
    let mut lacking = Vec::new();
    for format in &manifest.export.formats {
        let outcome = run(bench, first, format)?;
        if may_lack && let Some(message) = refusal(&outcome) {
            lacking.push(format!("{format} is not to be had here: {message}"));
            continue;
        }
        if !outcome.finished() {
            return Err(format!("exporting to {format}: {}", outcome.end()));
        }
        let exported = read_written(
            &outcome.dir,
            format,
            &outcome.events,
            ExportLimits::default(),
        )
        .map_err(|why| format!("exporting to {format}: {why}"))?;
        let report = exported.report;
        found.push(format!(
            "{format}: {} files, {} rows compared, {:.2e} at most, {:.2e} allowed",
            exported.files.len(),
            report.compared_rows,
            report.max_abs_difference,
            report.tolerance
        ));
    }
    if found.is_empty() {
        return not_applicable(lacking.join("; "));
    }
    found.append(&mut lacking);
    found.push("an unknown format refused".to_owned());
    passed(found.join("; "))
}

/// A format that the adapter does not know ends with the code and the field for it.
fn refused(bench: &mut Bench<'_>, first: &Outcome) -> Result<(), String> {
    let outcome = run(bench, first, UNKNOWN)?;
    if refusal(&outcome).is_some() {
        return Ok(());
    }
    Err(format!(
        "a format that is not known must end with exit code {} and an error event with the field `{EXPORT_FORMAT_FIELD}`: {}",
        exit_code::UNSUPPORTED,
        outcome.end()
    ))
}

/// What a program said that refuses a format as it should.
fn refusal(outcome: &Outcome) -> Option<String> {
    let told = outcome.events.iter().find_map(|event| event.error.as_ref());
    told.filter(|_| outcome.exit.code == Some(exit_code::UNSUPPORTED))
        .filter(|error| error.field.as_deref() == Some(EXPORT_FORMAT_FIELD))
        .map(|error| error.message.clone())
}

fn run(bench: &mut Bench<'_>, first: &Outcome, format: &str) -> Result<Outcome, String> {
    let job = Job {
        capability: Capability::Export,
        export: Some((first.dir.join(names::ARTIFACTS), format.to_owned())),
        ..bench.smoke_job()
    };
    bench.run(&format!("export-{format}"), &job, None)
}
