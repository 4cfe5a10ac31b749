//! `mlhub compare`.

use clap::Args;
use mlhub_client::Client;
use mlhub_protocol::rest::{
    CompareRequest, Comparison, PairRequest, PairedTestView, SeedStatistics,
};

use super::models::patience;
use crate::cli::Global;
use crate::connect::{connect, connect_patient};
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// Options of `compare`.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// Run ids or unique prefixes
    #[arg(required = true)]
    pub(crate) runs: Vec<String>,
    /// Test two runs row by row, over the predictions both stored for the same split
    #[arg(long)]
    pub(crate) paired: bool,
    /// Only this split
    #[arg(long, requires = "paired")]
    pub(crate) split: Option<String>,
    /// Only these metrics, such as accuracy or test/accuracy
    #[arg(long, requires = "paired", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// mcnemar, delong, permutation, wilcoxon or bootstrap [default: chosen by metric]
    #[arg(long, requires = "paired")]
    pub(crate) method: Option<String>,
    /// Resamples and permutations [default: 9999, fewer when there is much to do]
    #[arg(long, requires = "paired")]
    pub(crate) samples: Option<u32>,
    /// Seed of all of them
    #[arg(long, requires = "paired", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Runs shown as columns; more are summarised by group.
const COLUMNS_MAX: usize = 6;

/// Compares runs.
pub(crate) fn compare(global: &Global, arguments: CompareArgs) -> anyhow::Result<u8> {
    if arguments.paired {
        return paired(global, arguments);
    }
    let runs = arguments.runs;
    let connection = connect(global)?;
    let comparison = connection.client.compare(&CompareRequest { runs })?;
    if global.json {
        output::json(&comparison)?;
    } else {
        print_comparison(&comparison)?;
    }
    Ok(OK)
}

/// Tests two runs row by row.
fn paired(global: &Global, arguments: CompareArgs) -> anyhow::Result<u8> {
    let [a, b] = <[String; 2]>::try_from(arguments.runs)
        .map_err(|_| fail(USAGE, "--paired tests two runs; name two"))?;
    let pair = connect_patient(global, &patience())?
        .client
        .pair_test(&PairRequest {
            a,
            b,
            split: arguments.split,
            metrics: arguments.metric,
            method: arguments.method,
            samples: arguments.samples,
            seed: arguments.seed,
        })?;
    if global.json {
        output::json(&pair)?;
        return Ok(OK);
    }
    for warning in &pair.warnings {
        eprintln!("warning: {warning}");
    }
    output::line(format_args!(
        "A is {} ({}), B is {} ({})",
        pair.a.name, pair.a.id, pair.b.name, pair.b.id
    ))?;
    let mut table = output::table(&[
        "METRIC",
        "A",
        "B",
        "A - B",
        "95 % INTERVAL",
        "P",
        "ADJUSTED",
        "TEST",
        "VERDICT",
    ]);
    for test in &pair.tests {
        table.add_row(paired_row(test));
    }
    output::print(&table)?;
    output::line(
        "These two trained models on other rows of the same kind; of other seeds it says nothing.",
    )?;
    Ok(OK)
}

fn paired_row(test: &PairedTestView) -> [String; 9] {
    let number =
        |value: Option<mlhub_protocol::Number>| value.map(output::number).unwrap_or_default();
    let interval = test
        .interval
        .as_ref()
        .map(|of| format!("{} to {}", output::number(of.low), output::number(of.high)));
    let verdict = match test.verdict.as_str() {
        "a_better" => "A is better".to_owned(),
        "b_better" => "B is better".to_owned(),
        "no_difference" => "no difference shown".to_owned(),
        _ => "no verdict".to_owned(),
    };
    let reason = test.reason.as_ref().map(|why| format!(": {why}"));
    [
        format!("{}/{}", test.split, test.metric),
        number(test.value_a),
        number(test.value_b),
        number(test.difference),
        interval.unwrap_or_default(),
        number(test.p_value),
        number(test.p_adjusted),
        test.method.clone().unwrap_or_default(),
        format!("{verdict}{}", reason.unwrap_or_default()),
    ]
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
