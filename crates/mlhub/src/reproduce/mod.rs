//! `mlhub reproduce`: a run again, from nothing but its record.
//!
//! First everything is restored and compared with the record; what cannot be is refused by
//! name, before anything runs. Then it runs, and the hub says per metric whether it came out
//! the same. `code` restores the sources, `checks` the rest, `report` prints.

mod checks;
mod code;
mod report;

use clap::Args;
use mlhub_core::RunId;
use mlhub_protocol::rest::{Reproduces, RunPatch};
use serde_json::json;

use self::checks::{Part, Prepared};
use crate::cli::Global;
use crate::commands::run;
use crate::connect::{connect, require_local};
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
    let name = RunId::generate(&SystemEntropy).to_string();
    let place = crate::paths::reproductions(&connection.data_dir).join(&name);
    let cleared = Cleared {
        place: (!arguments.keep).then(|| place.clone()),
    };
    let Prepared {
        mut experiment,
        environment,
        findings,
    } = checks::prepare(arguments, &original, &place, &connection)?;
    if !global.json || arguments.dry_run {
        report::findings(global, &original, &findings)?;
    }
    let refused: Vec<_> = findings.iter().filter(|one| one.refused).collect();
    if let Some(first) = refused.first() {
        let parts: std::collections::BTreeSet<&str> =
            refused.iter().map(|one| one.part.as_str()).collect();
        let accepts: Vec<String> = parts
            .iter()
            .map(|part| format!("--accept {part}"))
            .collect();
        return Err(fail(
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
        ));
    }
    if arguments.dry_run {
        return Ok(OK);
    }
    experiment.reproduces = Some(Reproduces {
        run: original.summary.id.clone(),
        differences: findings.iter().map(checks::Finding::difference).collect(),
    });
    let ids = run::launch(
        global,
        &experiment,
        &environment,
        &mut connection,
        arguments.slots,
    )?;
    let details = follow::follow(&mut connection, &ids)?;
    let id = ids.first().cloned().unwrap_or_default();
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
    drop(cleared);
    if global.json {
        output::json(&json!({"run": id, "reproduction": found}))?;
    } else {
        run::report(&details)?;
        report::verdict(&found, connection.client.base_url())?;
    }
    Ok(match found.verdict.as_str() {
        "identical" | "within_tolerance" => OK,
        _ => RUN_FAILED,
    })
}

/// Removes the restored code when the command ends, however it ends.
struct Cleared {
    place: Option<std::path::PathBuf>,
}

impl Drop for Cleared {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            // What is left is in the data directory and harms nothing.
            drop(std::fs::remove_dir_all(place));
        }
    }
}
