//! `mlhub init`: proposes an experiment file for an existing repository and
//! tries it.
//!
//! What is found and proposed is `mlhub_agent::onboard`'s work; here it is
//! shown, written and run.

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use mlhub_agent::onboard::{self, Findings, Proposal, Repository};
use mlhub_protocol::rest::RunDetail;
use serde_json::json;

use super::run;
use crate::cli::Global;
use crate::exit::{CONFIG, Classify, OK, REFUSED, RUN_FAILED, USAGE, fail};
use crate::output;

/// Options of `init`.
#[derive(Args)]
pub(crate) struct InitArgs {
    /// Folder or git URL of the repository; a URL is cloned into the current folder
    #[arg(default_value = ".")]
    source: String,
    /// The training script, from the repository's folder [default: found out]
    #[arg(long, value_name = "FILE")]
    script: Option<String>,
    /// Name of the experiment file in the repository's folder
    #[arg(long, value_name = "NAME", default_value = "mlhub.yaml")]
    out: String,
    /// Only propose and write, run nothing
    #[arg(long)]
    no_run: bool,
    /// Replace an experiment file that is there
    #[arg(long)]
    yes: bool,
}

/// Looks, proposes, writes and runs.
pub(crate) fn init(global: &Global, arguments: &InitArgs) -> anyhow::Result<u8> {
    check_name(&arguments.out)?;
    let root = onboard::fetch(&arguments.source, &std::env::current_dir()?).or_fail(REFUSED)?;
    let file = root.join(&arguments.out);
    // Told before the work, and made sure of when it is written.
    if !arguments.yes && file.symlink_metadata().is_ok() {
        return Err(exists(&file));
    }
    let repository = Repository::look(&root);
    let proposal = repository
        .propose(arguments.script.as_deref(), &arguments.out)
        .or_fail(REFUSED)?;
    write(&file, &proposal.text, arguments.yes)?;
    if !global.json {
        show(&repository.findings, &proposal, &file)?;
    }
    let runs = if arguments.no_run || !proposal.missing.is_empty() {
        Vec::new()
    } else {
        run::small(global, &file, &proposal.smoke)?
    };
    conclude(global, &repository.findings, &proposal, &file, &runs)?;
    if !arguments.no_run && !proposal.missing.is_empty() {
        return Err(fail(
            CONFIG,
            format!(
                "{} was written but not run: give {} a value in it, then `{}`",
                file.display(),
                proposal.missing.join(", "),
                proposal.smoke_command
            ),
        ));
    }
    Ok(if runs.iter().all(run::went_well) {
        OK
    } else {
        RUN_FAILED
    })
}

/// The `script` adapter starts programs in the folder of the experiment file,
/// so that file stays in the repository's folder.
fn check_name(name: &str) -> anyhow::Result<()> {
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    if plain && (name.ends_with(".yaml") || name.ends_with(".yml")) && !name.starts_with('-') {
        return Ok(());
    }
    Err(fail(
        USAGE,
        format!(
            "`{}` cannot be the experiment file: give a name that ends in .yaml, without a folder; it is written into the repository's folder, where its program is started",
            name.escape_debug()
        ),
    ))
}

fn exists(file: &Path) -> anyhow::Error {
    fail(
        REFUSED,
        format!(
            "`{}` is there already; name another one with --out, or replace it with --yes",
            file.display()
        ),
    )
}

fn write(file: &Path, text: &str, replace: bool) -> anyhow::Result<()> {
    let failed = |error: std::io::Error| {
        fail(
            REFUSED,
            format!("`{}` cannot be written: {error}", file.display()),
        )
    };
    if replace && file.symlink_metadata().is_ok() {
        // Removed first, so that a link is replaced and not what it leads to.
        std::fs::remove_file(file).map_err(failed)?;
    }
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    match made {
        Ok(mut made) => made.write_all(text.as_bytes()).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(file)),
        Err(error) => Err(failed(error)),
    }
}

/// Shows what was found and where.
fn show(findings: &Findings, proposal: &Proposal, file: &Path) -> anyhow::Result<()> {
    let mut table = output::table(&["FOUND", "WHAT", "WHERE"]);
    for framework in &findings.frameworks {
        table.add_row([
            "framework".to_owned(),
            framework.what.clone(),
            format!("{}:{}", framework.file, framework.line),
        ]);
    }
    for script in &findings.scripts {
        let chosen = script.path == proposal.script;
        for (index, reason) in script.reasons.iter().enumerate() {
            let name = match (index, chosen) {
                (0, true) => "training script",
                (0, false) => "other script",
                _ => "",
            };
            table.add_row([
                name.to_owned(),
                reason.what.clone(),
                format!("{}:{}", reason.file, reason.line),
            ]);
        }
    }
    for part in &proposal.evidence {
        table.add_row([
            "proposed".to_owned(),
            part.what.clone(),
            format!("{}:{}", part.file, part.line),
        ]);
    }
    for list in &findings.requirements {
        table.add_row(["packages".to_owned(), String::new(), list.clone()]);
    }
    output::print(&table)?;
    datasets(findings)?;
    for note in proposal.notes.iter().chain(&findings.limits) {
        output::line(format_args!("note: {note}"))?;
    }
    output::line(format_args!(
        "wrote {} for {}",
        file.display(),
        proposal.script
    ))
}

fn datasets(findings: &Findings) -> anyhow::Result<()> {
    if findings.datasets.is_empty() {
        return Ok(());
    }
    let mut table = output::table(&["DATASET", "FORMAT", "SIZE", "TO REGISTER IT"]);
    for dataset in &findings.datasets {
        table.add_row([
            dataset.path.clone(),
            dataset.format.clone(),
            output::size(dataset.bytes),
            dataset.register.clone(),
        ]);
    }
    output::line("")?;
    output::print(&table)
}

/// Tells how the small run went and how to go on.
fn conclude(
    global: &Global,
    findings: &Findings,
    proposal: &Proposal,
    file: &Path,
    runs: &[RunDetail],
) -> anyhow::Result<()> {
    if global.json {
        return output::json(&json!({
            "findings": findings, "proposal": proposal, "file": file.display().to_string(), "runs": runs,
        }));
    }
    run::report(runs)?;
    for run in runs {
        output::line(format_args!(
            "small run {} {}",
            run.summary.id, run.summary.state
        ))?;
        let mut table = output::table(&["METRIC", "LAST"]);
        for (name, value) in &run.summary.metrics {
            table.add_row([name.clone(), output::number(*value)]);
        }
        if run.summary.metrics.is_empty() {
            output::line("no metric was read from its output: see `metrics` in the file")?;
        } else {
            output::print(&table)?;
        }
    }
    if !proposal.missing.is_empty() {
        return Ok(());
    }
    output::line(format_args!(
        "next: `mlhub run {}`; once more in small, in its folder: `{}`",
        file.display(),
        proposal.smoke_command
    ))
}
