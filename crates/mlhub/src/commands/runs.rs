//! `mlhub runs`.

use mlhub_client::RunListQuery;
use mlhub_protocol::rest::RunSummary;

use crate::cli::{Global, RunsArgs};
use crate::connect::connect;
use crate::exit::OK;
use crate::output;

/// Rows fetched at once.
const PAGE_ROWS: usize = 1000;
/// Rows of a table unless told otherwise.
const TABLE_ROWS: usize = 50;
/// Metrics shown in the table; `--json` has all.
const METRICS_SHOWN: usize = 3;

/// Lists runs.
pub(crate) fn runs(global: &Global, arguments: &RunsArgs) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let mut query = RunListQuery {
        project: arguments.project.clone(),
        experiment: arguments.experiment.clone(),
        state: (!arguments.state.is_empty()).then(|| arguments.state.join(",")),
        group: arguments.group.clone(),
        q: arguments.search.clone(),
        sort: Some(arguments.sort.clone()),
        order: Some(if arguments.ascending { "asc" } else { "desc" }.to_owned()),
        ..RunListQuery::default()
    };
    let limit = match arguments.limit {
        Some(limit) => limit,
        None if global.json => usize::MAX,
        None => TABLE_ROWS,
    };
    let mut rows = Vec::new();
    let mut total;
    loop {
        query.limit = Some((limit - rows.len().min(limit)).clamp(1, PAGE_ROWS));
        let page = connection.client.run_list(&query)?;
        total = page.total;
        rows.extend(page.runs);
        if rows.len() >= limit || page.next_cursor.is_none() {
            break;
        }
        query.cursor = page.next_cursor;
    }
    rows.truncate(limit);
    if global.json {
        output::json(&rows)?;
    } else if rows.is_empty() {
        output::line("no runs yet; try `mlhub demo`, or `mlhub run experiment.yaml`")?;
    } else {
        print(&rows)?;
        if total > rows.len() as u64 {
            output::line(format_args!(
                "{} of {total} runs; -n shows more",
                rows.len()
            ))?;
        }
    }
    Ok(OK)
}

fn print(rows: &[RunSummary]) -> anyhow::Result<()> {
    let mut table = output::table(&[
        "ID", "NAME", "PROJECT", "ADAPTER", "STATE", "SEED", "STARTED", "TIME", "METRICS",
    ]);
    for run in rows {
        table.add_row([
            run.id.clone(),
            run.name.clone(),
            run.project.clone(),
            run.adapter.clone().unwrap_or_default(),
            run.state.clone(),
            run.seed.map(|seed| seed.to_string()).unwrap_or_default(),
            run.started_at.map(output::moment).unwrap_or_default(),
            run_time(run),
            metrics(run),
        ]);
    }
    output::print(&table)
}

fn run_time(run: &RunSummary) -> String {
    match (run.started_at, run.ended_at) {
        (Some(start), Some(end)) => output::duration(end - start),
        (Some(start), None) => output::duration(jiff::Timestamp::now().as_millisecond() - start),
        _ => String::new(),
    }
}

/// The first metrics, evaluated ones (those with an interval) before others.
fn metrics(run: &RunSummary) -> String {
    let mut names: Vec<&String> = run.metrics.keys().collect();
    names.sort_by_key(|name| !run.intervals.contains_key(*name));
    names
        .into_iter()
        .take(METRICS_SHOWN)
        .map(|name| format!("{name}={}", output::number(run.metrics[name])))
        .collect::<Vec<_>>()
        .join(" ")
}
