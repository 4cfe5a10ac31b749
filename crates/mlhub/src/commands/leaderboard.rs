//! `mlhub leaderboard`.

use clap::Args;
use mlhub_protocol::rest::{Board, BoardEntry, Leaderboard};

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::OK;
use crate::output;

/// Options of `leaderboard`.
#[derive(Args)]
pub(crate) struct LeaderboardArgs {
    /// What to rank by, such as test/accuracy; a name alone is of the split `test`
    pub(crate) metric: String,
    /// Only runs that meet this condition (see docs/query.md)
    pub(crate) query: Option<String>,
    /// Only this project
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Entries per board at most
    #[arg(long, short = 'n', default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Ranks verified results.
pub(crate) fn leaderboard(global: &Global, arguments: &LeaderboardArgs) -> anyhow::Result<u8> {
    let found = connect(global)?.client.leaderboard(
        &arguments.metric,
        arguments.project.as_deref(),
        arguments.query.as_deref(),
        Some(arguments.limit),
    )?;
    if global.json {
        output::json(&found)?;
        return Ok(OK);
    }
    if found.boards.is_empty() {
        output::line(format_args!(
            "no verified result of {}/{}",
            found.split, found.metric
        ))?;
    }
    for board in &found.boards {
        print_board(&found, board)?;
    }
    if !found.left_out.is_empty() {
        output::line(format_args!("\nOn no board: {}", found.left_out_total))?;
        let mut table = output::table(&["RUN", "", "VALUE", "WHY"]);
        for run in &found.left_out {
            table.add_row([
                run.run.id.clone(),
                run.run.name.clone(),
                output::number(run.value),
                run.reason.clone(),
            ]);
        }
        output::print(&table)?;
    }
    Ok(OK)
}

fn print_board(found: &Leaderboard, board: &Board) -> anyhow::Result<()> {
    let better = match found.direction.as_str() {
        "minimize" => "smaller is better",
        _ => "greater is better",
    };
    output::line(format_args!(
        "\n{}/{} ({}, {better}) on {}",
        found.split,
        found.metric,
        found.definition.as_deref().unwrap_or_default(),
        board.dataset
    ))?;
    if let Some(accepted) = &board.accepted_leakage {
        output::line(format_args!(
            "rows of this split are in another one, too; {} accepted that: {}",
            accepted.user, accepted.reason
        ))?;
    }
    let mut table = output::table(&[
        "#",
        "EXPERIMENT",
        "ADAPTER",
        "SEEDS",
        "VALUE",
        "95 % INTERVAL",
        "AGAINST THE FIRST",
        "REPRODUCED",
        "RUNS",
    ]);
    for entry in &board.entries {
        table.add_row(row(entry));
    }
    output::print(&table)?;
    let more = board.total.saturating_sub(board.entries.len() as u64);
    if more > 0 {
        output::line(format_args!("and {more} more; --limit shows them"))?;
    }
    Ok(())
}

fn row(entry: &BoardEntry) -> [String; 9] {
    let statistics = &entry.statistics;
    let interval = match (&statistics.interval, &entry.run_interval) {
        (Some(of), _) => format!(
            "{} to {} (mean)",
            output::number(of.low),
            output::number(of.high)
        ),
        (None, Some(of)) => format!(
            "{} to {} (rows)",
            output::number(of.low),
            output::number(of.high)
        ),
        (None, None) => String::new(),
    };
    let p = entry
        .p_adjusted
        .map(|p| format!(" (p = {})", output::number(p)))
        .unwrap_or_default();
    let against = match entry.against_first.as_deref() {
        Some("behind") => format!("behind{p}"),
        Some("no_difference") => format!("no difference shown{p}"),
        Some(_) => "no verdict".to_owned(),
        None => String::new(),
    };
    let runs: Vec<&str> = entry.runs.iter().map(|run| run.id.as_str()).collect();
    [
        entry.rank.to_string(),
        entry.experiment.clone(),
        entry.adapter.clone().unwrap_or_default(),
        statistics.n.to_string(),
        output::number(statistics.mean),
        interval,
        against,
        entry.reproduced.clone().unwrap_or_default(),
        runs.join(" "),
    ]
}
