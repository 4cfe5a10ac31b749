//! `mlhub reproduce`: a run again, from nothing but its record.
//!
//! First everything is restored and compared with the record; what cannot be is refused by
//! name, before anything runs. Then it runs, and the hub says per metric whether it came out
//! the same. `code` restores the sources, into a `place`, `checks` the rest, `report` prints.

mod checks;
mod code;
mod on;
mod place;
mod report;

use clap::Args;
use mlhub_core::RunId;
use mlhub_protocol::rest::{Reproduces, RunDetail, RunPatch};
use serde_json::json;

use self::checks::{Part, Prepared};
use self::on::Where;
use self::place::Place;
use crate::cli::Global;
use crate::commands::run;
use crate::connect::{Connection, connect, require_local};
use crate::exit::{OK, REPRODUCTION, RUN_FAILED, fail};
use crate::launch::follow;
use crate::output;
use crate::ports::SystemEntropy;

/// The tag of a run that was reproduced: the verdict of the newest try.
const REPRODUCED_TAG: &str = "reproduced";

/// Options of `reproduce`.
#[derive(Args)]
pub(crate) struct ReproduceArgs {
    /// Run id or unique prefix
    pub(crate) run: String,
    /// Where the code's git repository is [default: where it was]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) repository: Option<String>,
    /// Where the dataset is [default: where it was]
    #[arg(long, value_name = "PATH")]
    pub(crate) dataset: Option<std::path::PathBuf>,
    /// Give a value that the record does not hold, such as a secret (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Run although this is not as it was (may be repeated)
    #[arg(long, value_name = "PART", value_enum)]
    pub(crate) accept: Vec<Part>,
    /// Where: `recorded`, or in another environment, to learn whether that is the cause: `python:PATH`,
    /// `lock:FILE`
    #[arg(long, value_name = "WHERE", value_parser = Where::parse, default_value = "recorded")]
    pub(crate) on: Where,
    /// The largest relative difference that counts as the same result
    #[arg(long, value_name = "NUMBER", default_value_t = mlhub_app::TOLERANCE_DEFAULT)]
    pub(crate) tolerance: f64,
    /// Restore and compare everything, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep the restored code
    #[arg(long)]
    pub(crate) keep: bool,
    /// Runs at once on this machine
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: usize,
}

/// Reproduces a run.
pub(crate) fn reproduce(global: &Global, arguments: &ReproduceArgs) -> anyhow::Result<u8> {
    let mut connection = connect(global)?;
    require_local(&connection, "`mlhub reproduce`")?;
    // Refuses a tolerance that means nothing before anything is done.
    connection
        .client
        .reproductions(&arguments.run, Some(arguments.tolerance))?;
    let original = connection.client.run_get(&arguments.run)?;
    let parent = crate::paths::reproductions(&connection.data_dir);
    place::sweep(&parent, &connection.client);
    let name = RunId::generate(&SystemEntropy).to_string();
    let mut place = Place::take(&parent, &name, arguments.keep)?;
    let ended = run_again(global, arguments, &original, &mut place, &mut connection);
    place.leave(&connection.client);
    ended
}

/// Restores into a place, compares, runs and judges.
fn run_again(
    global: &Global,
    arguments: &ReproduceArgs,
    original: &RunDetail,
    place: &mut Place,
    connection: &mut Connection,
) -> anyhow::Result<u8> {
    let Prepared {
        mut experiment,
        environment,
        findings,
    } = checks::prepare(arguments, original, place.folder(), connection)?;
    if !global.json || arguments.dry_run {
        report::findings(global, original, &findings)?;
    }
    refuse(original, &findings)?;
    if arguments.dry_run {
        return Ok(OK);
    }
    experiment.reproduces = Some(Reproduces {
        run: original.summary.id.clone(),
        differences: findings.iter().map(checks::Finding::difference).collect(),
    });
    let ids = run::new_ids(&experiment);
    place.used_by(&ids)?;
    let slots = arguments.slots;
    let ids = run::launch_as(global, &experiment, &environment, connection, slots, &ids)?;
    follow::leave_on_interrupt(&ids)?;
    let details = follow::follow(connection, &ids)?;
    judge(global, arguments, original, &details, connection)
}

/// Says what is not as it was and was not accepted, and how to run it all the same.
fn refuse(original: &RunDetail, findings: &[checks::Finding]) -> anyhow::Result<()> {
    let refused: Vec<_> = findings.iter().filter(|one| one.refused).collect();
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let parts: std::collections::BTreeSet<&str> =
        refused.iter().map(|one| one.part.as_str()).collect();
    let accepts: Vec<String> = parts
        .iter()
        .map(|part| format!("--accept {part}"))
        .collect();
    Err(fail(
        REPRODUCTION,
        format!(
            "{} cannot be reproduced as it was: {}{}. Nothing was run. Put it back, or run it all the same with {}",
            original.summary.name,
            first.message,
            match refused.len() {
                1 => String::new(),
                count => format!(" (and {} more, above)", count - 1),
            },
            accepts.join(" ")
        ),
    ))
}

/// Asks the hub for the verdict, tags the original with it and prints it.
fn judge(
    global: &Global,
    arguments: &ReproduceArgs,
    original: &RunDetail,
    details: &[RunDetail],
    connection: &Connection,
) -> anyhow::Result<u8> {
    let id = details.first().map(|detail| detail.summary.id.clone());
    let id = id.unwrap_or_default();
    let found = connection
        .client
        .reproductions(&id, Some(arguments.tolerance))?;
    let Some(found) = found.reproduces else {
        return Err(fail(
            REPRODUCTION,
            format!("{} was purged meanwhile", original.summary.name),
        ));
    };
    connection.client.run_patch(
        &original.summary.id,
        &RunPatch {
            tags: [(REPRODUCED_TAG.to_owned(), Some(found.verdict.clone()))].into(),
            ..RunPatch::default()
        },
    )?;
    if global.json {
        output::json(&json!({"run": id, "reproduction": found}))?;
    } else {
        run::report(details)?;
        report::verdict(&found, connection.client.base_url())?;
    }
    Ok(match found.verdict.as_str() {
        "identical" | "within_tolerance" => OK,
        _ => RUN_FAILED,
    })
}
