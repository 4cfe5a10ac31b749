//! `mlhub runs`: runs or groups of runs, by the query language.

use std::collections::BTreeMap;

use mlhub_protocol::Number;
use mlhub_protocol::rest::{
    RunFound, RunGroup, RunSearch, RunSummary, Scalar, SearchHint, StatisticsView,
};

use crate::cli::{Global, RunsArgs};
use crate::connect::{Connection, connect};
use crate::exit::OK;
use crate::output;

/// Rows fetched at once.
const PAGE_ROWS: usize = 1000;
/// Rows of a table unless told otherwise.
const TABLE_ROWS: usize = 50;
/// Metrics shown in the table; `--json` has all.
const METRICS_SHOWN: usize = 3;
/// What the values of these columns are; the hub sends times as milliseconds.
const MOMENTS: [&str; 4] = ["created", "started", "ended", "deleted"];

/// Rows of all pages.
#[derive(Default)]
struct Found {
    runs: Vec<RunFound>,
    groups: Vec<RunGroup>,
    total: u64,
    hints: Vec<SearchHint>,
}

/// Lists runs, or groups of them.
pub(crate) fn runs(global: &Global, arguments: &RunsArgs) -> anyhow::Result<u8> {
    if let Some(command) = &arguments.command {
        return super::deletions::deletions(global, command);
    }
    let connection = connect(global)?;
    let limit = match arguments.limit {
        Some(limit) => limit,
        None if global.json => usize::MAX,
        None => TABLE_ROWS,
    };
    let mut found = fetch(&connection, search(arguments), limit)?;
    found.runs.truncate(limit);
    found.groups.truncate(limit);
    let grouped = !arguments.group_by.is_empty();
    let shown = found.runs.len() + found.groups.len();
    if global.json && grouped {
        output::json(&found.groups)?;
    } else if global.json && arguments.columns.is_empty() {
        let runs: Vec<&RunSummary> = found.runs.iter().map(|one| &one.run).collect();
        output::json(&runs)?;
    } else if global.json {
        output::json(&found.runs)?;
    } else if shown == 0 {
        nothing(arguments, &found.hints)?;
    } else {
        if grouped {
            print_groups(&found.groups, arguments)?;
        } else if arguments.columns.is_empty() {
            print(&found.runs)?;
        } else {
            print_columns(&found.runs, &arguments.columns)?;
        }
        if found.total > shown as u64 {
            let what = if grouped { "groups" } else { "runs" };
            output::line(format_args!(
                "{shown} of {} {what}; -n shows more",
                found.total
            ))?;
        }
    }
    Ok(OK)
}

fn search(arguments: &RunsArgs) -> RunSearch {
    let grouped = !arguments.group_by.is_empty();
    RunSearch {
        query: arguments.query.clone().unwrap_or_default(),
        project: arguments.project.clone(),
        experiment: arguments.experiment.clone(),
        states: arguments.state.clone(),
        group: arguments.group.clone(),
        text: arguments.search.clone(),
        order: order(arguments, grouped).into_iter().collect(),
        group_by: arguments.group_by.clone(),
        summarise: if grouped {
            arguments.columns.clone()
        } else {
            Vec::new()
        },
        columns: (!grouped && !arguments.columns.is_empty()).then(|| arguments.columns.clone()),
        ..RunSearch::default()
    }
}

/// The order in the query language, in which ascending is the default and here it is not.
fn order(arguments: &RunsArgs, grouped: bool) -> Option<String> {
    let direction = if arguments.ascending { "asc" } else { "desc" };
    let Some(sort) = arguments.sort.as_deref() else {
        return (!grouped).then(|| format!("created {direction}"));
    };
    let lower = sort.to_ascii_lowercase();
    let whole = lower.contains(',')
        || [" asc", " desc", ":asc", ":desc"]
            .iter()
            .any(|end| lower.ends_with(end));
    if whole {
        return Some(sort.to_owned());
    }
    // The forms of lists before there was a query language.
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let key = match sort.split_once(':') {
        Some(("metric", name)) => format!("metrics.{}", quoted(name)),
        Some(("param", name)) => format!("params.{}", quoted(name)),
        Some(("evaluated", name)) => match name.split_once('/') {
            Some((split, name)) => format!("eval.{}.{}", quoted(split), quoted(name)),
            None => sort.to_owned(),
        },
        _ => sort.to_owned(),
    };
    Some(format!("{key} {direction}"))
}

fn fetch(connection: &Connection, mut search: RunSearch, limit: usize) -> anyhow::Result<Found> {
    let mut found = Found::default();
    loop {
        let rows = found.runs.len() + found.groups.len();
        search.limit = Some((limit - rows.min(limit)).clamp(1, PAGE_ROWS));
        let page = connection.client.run_search(&search)?;
        found.total = page.total;
        found.hints = page.hints;
        found.runs.extend(page.runs);
        found.groups.extend(page.groups);
        let rows = found.runs.len() + found.groups.len();
        if rows >= limit || page.next_cursor.is_none() {
            return Ok(found);
        }
        search.cursor = page.next_cursor;
    }
}

fn nothing(arguments: &RunsArgs, hints: &[SearchHint]) -> anyhow::Result<()> {
    let narrowed = arguments.query.is_some()
        || arguments.project.is_some()
        || arguments.experiment.is_some()
        || arguments.group.is_some()
        || arguments.search.is_some()
        || !arguments.state.is_empty();
    if !narrowed {
        return output::line("no runs yet; try `mlhub demo`, or `mlhub run experiment.yaml`");
    }
    output::line("no run matches")?;
    for hint in hints {
        output::line(format_args!("hint: {}", hint.message))?;
    }
    Ok(())
}

fn print(rows: &[RunFound]) -> anyhow::Result<()> {
    let mut table = output::table(&[
        "ID", "NAME", "PROJECT", "ADAPTER", "STATE", "SEED", "STARTED", "TIME", "METRICS",
    ]);
    for run in rows.iter().map(|found| &found.run) {
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

fn print_columns(rows: &[RunFound], columns: &[String]) -> anyhow::Result<()> {
    let header: Vec<&str> = ["ID", "NAME", "STATE"]
        .into_iter()
        .chain(columns.iter().map(String::as_str))
        .collect();
    let mut table = output::table(&header);
    for found in rows {
        let fixed = [
            found.run.id.clone(),
            found.run.name.clone(),
            found.run.state.clone(),
        ];
        let values = columns.iter().map(|column| cell(&found.values, column));
        table.add_row(fixed.into_iter().chain(values));
    }
    output::print(&table)
}

fn print_groups(groups: &[RunGroup], arguments: &RunsArgs) -> anyhow::Result<()> {
    let header: Vec<&str> = arguments
        .group_by
        .iter()
        .map(String::as_str)
        .chain(["RUNS"])
        .chain(arguments.columns.iter().map(String::as_str))
        .collect();
    let mut table = output::table(&header);
    for group in groups {
        let keys = arguments.group_by.iter().map(|key| cell(&group.keys, key));
        let statistics = arguments
            .columns
            .iter()
            .map(|column| group.statistics.get(column).map(spread).unwrap_or_default());
        table.add_row(keys.chain([group.runs.to_string()]).chain(statistics));
    }
    output::print(&table)
}

fn cell(values: &BTreeMap<String, Scalar>, column: &str) -> String {
    match values.get(column) {
        None | Some(Scalar::Missing) => String::new(),
        Some(Scalar::Text(text)) => text.clone(),
        Some(Scalar::Number(Number(ms))) if MOMENTS.contains(&column) => output::moment(*ms as i64),
        Some(Scalar::Number(Number(ms))) if column == "duration" => output::duration(*ms as i64),
        Some(Scalar::Number(number)) => output::number(*number),
    }
}

/// Mean and standard deviation, with how many values they are of.
fn spread(statistics: &StatisticsView) -> String {
    match (statistics.mean, statistics.std) {
        (Some(mean), Some(std)) => format!(
            "{} ± {} (n={})",
            output::number(mean),
            output::number(std),
            statistics.count
        ),
        (Some(mean), None) => format!("{} (n=1)", output::number(mean)),
        (None, _) => String::new(),
    }
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
