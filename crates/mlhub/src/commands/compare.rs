//! `mlhub compare`.

use mlhub_client::Client;
use mlhub_protocol::rest::{CompareRequest, Comparison, SeedStatistics};

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::OK;
use crate::output;

/// Runs shown as columns; more are summarised by group.
const COLUMNS_MAX: usize = 6;

/// Compares runs.
pub(crate) fn compare(global: &Global, runs: Vec<String>) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let comparison = connection.client.compare(&CompareRequest { runs })?;
    if global.json {
        output::json(&comparison)?;
    } else {
        print_comparison(&comparison)?;
    }
    Ok(OK)
}

/// Fetches and prints a comparison.
pub(crate) fn print(client: &Client, ids: &[String]) -> anyhow::Result<()> {
    print_comparison(&client.compare(&CompareRequest { runs: ids.to_vec() })?)
}

fn print_comparison(comparison: &Comparison) -> anyhow::Result<()> {
    for warning in &comparison.warnings {
        eprintln!("warning: {warning}");
    }
    if comparison.runs.len() <= COLUMNS_MAX {
        by_run(comparison)?;
    }
    by_group(comparison)?;
    if comparison.runs.len() <= COLUMNS_MAX && !comparison.config.is_empty() {
        output::line("\nConfig that differs")?;
        let mut header = vec!["KEY".to_owned()];
        header.extend(comparison.runs.iter().map(|run| run.name.clone()));
        let mut table = output::table(&[]);
        table.set_header(header);
        for row in &comparison.config {
            let mut cells = vec![row.path.clone()];
            cells.extend(row.values.iter().map(|value| {
                if value.is_null() {
                    String::new()
                } else {
                    value.to_string()
                }
            }));
            table.add_row(cells);
        }
        output::print(&table)?;
    }
    Ok(())
}

fn by_run(comparison: &Comparison) -> anyhow::Result<()> {
    output::line("")?;
    let mut header = vec!["METRIC".to_owned()];
    header.extend(
        comparison
            .runs
            .iter()
            .map(|run| format!("{} {}", run.name, run.id)),
    );
    let mut table = output::table(&[]);
    table.set_header(header);
    for row in comparison
        .metrics
        .iter()
        .filter(|row| row.definition.is_some())
    {
        let mut cells = vec![row.name.clone()];
        for (column, (value, interval)) in row.values.iter().zip(&row.intervals).enumerate() {
            let best = if row.best == u32::try_from(column).ok() {
                " *"
            } else {
                ""
            };
            cells.push(match (value, interval) {
                (Some(value), Some(interval)) => format!(
                    "{} [{}, {}]{best}",
                    output::number(*value),
                    output::number(interval.low),
                    output::number(interval.high)
                ),
                (Some(value), None) => format!("{}{best}", output::number(*value)),
                (None, _) => String::new(),
            });
        }
        table.add_row(cells);
    }
    if table.row_count() == 0 {
        return Ok(());
    }
    output::print(&table)
}

/// Prints mean and interval over the seeds of each group.
fn by_group(comparison: &Comparison) -> anyhow::Result<()> {
    if comparison.groups.iter().all(|group| group.runs.len() < 2) {
        return Ok(());
    }
    output::line("\nOver seeds: mean [95 % interval of the mean]")?;
    let mut header = vec!["METRIC".to_owned()];
    header.extend(
        comparison
            .groups
            .iter()
            .map(|group| format!("{} ({} seeds)", group.experiment, group.runs.len())),
    );
    let mut table = output::table(&[]);
    table.set_header(header);
    for row in comparison
        .metrics
        .iter()
        .filter(|row| row.definition.is_some())
    {
        let mut cells = vec![row.name.clone()];
        cells.extend(
            comparison
                .groups
                .iter()
                .map(|group| group.metrics.get(&row.name).map(seeds).unwrap_or_default()),
        );
        table.add_row(cells);
    }
    output::print(&table)
}

fn seeds(statistics: &SeedStatistics) -> String {
    match &statistics.interval {
        Some(interval) => format!(
            "{} [{}, {}]",
            output::number(statistics.mean),
            output::number(interval.low),
            output::number(interval.high)
        ),
        None => output::number(statistics.mean),
    }
}
