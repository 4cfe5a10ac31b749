//! `mlhub doctor`.

use std::path::PathBuf;

use clap::Args;
use mlhub_protocol::rest::DoctorRequest;

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{OK, RUN_FAILED};
use crate::output;

/// Options of `doctor`.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Instead of the hub, examine whether this experiment file is deterministic: its smoke
    /// path runs twice, and what differs first is named
    #[arg(conflicts_with_all = ["repair", "deep"])]
    experiment: Option<PathBuf>,
    /// Override a value of the experiment: `--set params.lr=0.1` (may be repeated)
    #[arg(long, value_name = "KEY=VALUE", requires = "experiment")]
    pub(super) set: Vec<String>,
    /// Run the whole experiment instead of its smoke path
    #[arg(long, requires = "experiment")]
    pub(super) full: bool,
    /// Mend what can be mended without losing anything
    #[arg(long)]
    repair: bool,
    /// Also read every content and every point
    #[arg(long)]
    deep: bool,
}

/// Examines the hub; exits with 1 when something is wrong and not mended.
pub(crate) fn doctor(global: &Global, arguments: &DoctorArgs) -> anyhow::Result<u8> {
    if let Some(path) = &arguments.experiment {
        return super::determinism::determinism(global, path, arguments);
    }
    let request = DoctorRequest {
        repair: arguments.repair,
        deep: arguments.deep,
    };
    let report = connect(global)?.client.doctor(&request)?;
    if global.json {
        output::json(&report)?;
    } else {
        if !report.findings.is_empty() {
            let mut table = output::table(&["KIND", "WHERE", "WHAT", "MENDED"]);
            for finding in &report.findings {
                table.add_row([
                    finding.kind.as_str(),
                    finding.place.as_str(),
                    finding.message.as_str(),
                    if finding.repaired { "yes" } else { "" },
                ]);
            }
            output::print(&table)?;
        }
        output::line(format_args!(
            "{} artifacts, {} contents, {} series, {} run directories examined: {}",
            report.artifacts,
            report.blobs,
            report.series,
            report.directories,
            match (report.total, report.repaired) {
                (0, _) => "all is well".to_owned(),
                (total, repaired) => format!("{total} found, {repaired} mended"),
            }
        ))?;
    }
    Ok(match report.total == report.repaired {
        true => OK,
        false => RUN_FAILED,
    })
}
