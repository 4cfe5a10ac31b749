//! `mlhub doctor`.

use clap::Args;
use mlhub_protocol::rest::DoctorRequest;

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{OK, RUN_FAILED};
use crate::output;

/// Options of `doctor`.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended without losing anything
    #[arg(long)]
    repair: bool,
    /// Also read every content and every point
    #[arg(long)]
    deep: bool,
}

/// Examines the hub; exits with 1 when something is wrong and not mended.
pub(crate) fn doctor(global: &Global, arguments: &DoctorArgs) -> anyhow::Result<u8> {
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
