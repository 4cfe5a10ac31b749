//! `mlhub runs delete|restore|purge|drop-artifacts|drop-logs|ledger`.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use mlhub_client::Client;
use mlhub_protocol::rest::{DeletionReport, DeletionRequest, DeletionSize};

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{OK, REFUSED, USAGE, fail};
use crate::output;

/// Runs of a report that a table shows.
const SHOWN_MAX: usize = 20;
/// Lines of the ledger fetched at once.
const PAGE_LINES: usize = 1000;

/// What `runs` does besides listing.
#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    /// Hide ended runs until they are restored or purged
    Delete(Selection),
    /// Show deleted runs again
    Restore(Selection),
    /// Remove ended runs for good: records, metrics, logs, artifacts, run directories
    Purge(Selection),
    /// Remove the artifacts of ended runs for good
    DropArtifacts(Selection),
    /// Remove the captured output of ended runs for good
    DropLogs(Selection),
    /// List what was deleted: when, who, what, and what it freed
    Ledger {
        /// Lines at most
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: usize,
    },
}

/// Which runs.
#[derive(Args)]
pub(crate) struct Selection {
    /// Run ids or unique prefixes
    pub(crate) runs: Vec<String>,
    /// All runs of this project; a purge without --query takes the project too
    #[arg(long, conflicts_with = "runs")]
    pub(crate) project: Option<String>,
    /// All runs that match, in the query language
    #[arg(long, conflicts_with = "runs")]
    pub(crate) query: Option<String>,
    /// All deleted runs (purge and restore)
    #[arg(long, conflicts_with_all = ["runs", "query"])]
    pub(crate) all_deleted: bool,
    /// Only print what would happen and what it would free
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Runs the command.
pub(crate) fn deletions(global: &Global, command: &RunsCommand) -> anyhow::Result<u8> {
    let (action, selection) = match command {
        RunsCommand::Delete(selection) => ("delete", selection),
        RunsCommand::Restore(selection) => ("restore", selection),
        RunsCommand::Purge(selection) => ("purge", selection),
        RunsCommand::DropArtifacts(selection) => ("drop_artifacts", selection),
        RunsCommand::DropLogs(selection) => ("drop_logs", selection),
        RunsCommand::Ledger { limit } => return ledger(global, *limit),
    };
    if selection.runs.is_empty()
        && selection.project.is_none()
        && selection.query.is_none()
        && !selection.all_deleted
    {
        return Err(fail(
            USAGE,
            "name runs, or give --project, --query or --all-deleted",
        ));
    }
    let connection = connect(global)?;
    let mut request = DeletionRequest {
        action: action.to_owned(),
        runs: selection.runs.clone(),
        project: selection.project.clone(),
        query: selection.query.clone(),
        all_deleted: selection.all_deleted,
        dry_run: true,
    };
    let is_final = !matches!(action, "delete" | "restore");
    let asks = !selection.dry_run && is_final && !selection.yes;
    if asks && !confirmed(&connection.client, &request)? {
        output::line("nothing was removed")?;
        return Ok(OK);
    }
    request.dry_run = selection.dry_run;
    let report = connection.client.deletion_run(&request)?;
    if global.json {
        output::json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if report.refused > 0 { REFUSED } else { OK })
}

/// Shows what would go and asks.
fn confirmed(client: &Client, request: &DeletionRequest) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(fail(
            USAGE,
            "what is removed for good does not come back; add --yes to go on without being asked, or --dry-run to see what would go",
        ));
    }
    let report = client.deletion_run(request)?;
    print_report(&report)?;
    if report.done == 0 {
        return Ok(false);
    }
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "This cannot be undone. Go on? [y/N] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prints what a deletion did, or would do.
pub(crate) fn print_report(report: &DeletionReport) -> anyhow::Result<()> {
    if !report.runs.is_empty() {
        let reasons = report.runs.iter().any(|item| item.reason.is_some());
        let mut heads = vec!["RUN", "NAME", "PROJECT", "FREES", "REFUSED"];
        heads.extend(reasons.then_some("WHY"));
        let mut table = output::table(&heads);
        for item in report.runs.iter().take(SHOWN_MAX) {
            let mut row = vec![
                item.run.clone(),
                item.name.clone(),
                item.project.clone(),
                output::size(item.size.bytes()),
                item.refused.clone().unwrap_or_default(),
            ];
            row.extend(reasons.then(|| item.reason.clone().unwrap_or_default()));
            table.add_row(row);
        }
        output::print(&table)?;
    }
    if report.runs.len() > SHOWN_MAX {
        let more = report.done + report.refused - SHOWN_MAX as u64;
        output::line(format_args!("... and {more} more"))?;
    }
    let runs = match report.done {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    let what = match (report.action.as_str(), report.dry_run) {
        ("delete", false) => format!("deleted {runs}; `mlhub runs restore` brings them back"),
        ("delete", true) => format!("would delete {runs}"),
        ("restore", false) => format!("restored {runs}"),
        ("restore", true) => format!("would restore {runs}"),
        (action, dry_run) => {
            let verb = match (action, dry_run) {
                ("purge", false) => "purged",
                ("purge", true) => "would purge",
                (_, false) => "emptied",
                (_, true) => "would empty",
            };
            format!("{verb} {runs}: {}", freed(&report.total))
        }
    };
    output::line(what)
}

fn freed(size: &DeletionSize) -> String {
    format!(
        "{} in all ({} in {} rows, {} in {} blobs, {} in {} files)",
        output::size(size.bytes()),
        output::size(size.row_bytes),
        size.row_count,
        output::size(size.blob_bytes),
        size.blob_count,
        output::size(size.file_bytes),
        size.file_count,
    )
}

fn ledger(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let mut lines = Vec::new();
    let mut before = None;
    while lines.len() < limit {
        let page_limit = (limit - lines.len()).min(PAGE_LINES);
        let page = connection.client.deletion_list(before, page_limit)?;
        lines.extend(page.deletions);
        before = page.next_before;
        if before.is_none() {
            break;
        }
    }
    if global.json {
        output::json(&lines)?;
        return Ok(OK);
    }
    if lines.is_empty() {
        output::line("nothing was deleted yet")?;
        return Ok(OK);
    }
    let mut table = output::table(&[
        "WHEN", "WHO", "WHY", "WHAT", "RUN", "NAME", "ROWS", "BLOBS", "FILES",
    ]);
    for line in &lines {
        let under_way = line.ended_at.is_none();
        table.add_row([
            output::moment(line.started_at),
            line.actor.clone(),
            line.cause.clone(),
            match under_way {
                true => format!("{} (under way)", line.action),
                false => line.action.clone(),
            },
            line.run.clone(),
            line.name.clone(),
            output::size(line.size.row_bytes),
            output::size(line.size.blob_bytes),
            output::size(line.size.file_bytes),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}
