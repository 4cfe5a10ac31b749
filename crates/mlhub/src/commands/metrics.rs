//! `mlhub metrics`.

use std::time::{Duration, Instant};

use mlhub_eval::MetricDefinition;
use mlhub_protocol::rest::OutdatedRequest;

use crate::cli::{Global, MetricsCommand};
use crate::connect::connect;
use crate::exit::{OK, REFUSED, fail};
use crate::launch::adapter::catalog;
use crate::{custom_metrics, output, paths};

/// Pause between two looks at an evaluation.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long one evaluation is waited for.
const EVALUATION_TIME_MAX: Duration = Duration::from_secs(30 * 60);

/// Lists and shows metric definitions.
pub(crate) fn metrics(global: &Global, command: MetricsCommand) -> anyhow::Result<u8> {
    match command {
        MetricsCommand::List => list(global)?,
        MetricsCommand::Show { definition } => show(global, &definition)?,
        MetricsCommand::Diff { a, b } => diff(global, &a, &b)?,
        MetricsCommand::Migrate { dry_run } => migrate(global, dry_run)?,
    }
    Ok(OK)
}

fn list(global: &Global) -> anyhow::Result<()> {
    let definitions = all(global)?;
    if global.json {
        return output::json(&definitions);
    }
    let mut table = output::table(&["DEFINITION", "TASKS", "BETTER", "HASH", "ADAPTER"]);
    for definition in &definitions {
        let tasks: Vec<&str> = definition.tasks.iter().map(|task| task.as_str()).collect();
        table.add_row([
            definition.id(),
            tasks.join(", "),
            output::serde_name(&definition.direction),
            definition.hash()[..12].to_owned(),
            adapter_of(definition).unwrap_or_default().to_owned(),
        ]);
    }
    output::print(&table)
}

/// Prints the fields that differ.
fn diff(global: &Global, a: &str, b: &str) -> anyhow::Result<()> {
    let definitions = all(global)?;
    let (a, b) = (known(&definitions, a)?, known(&definitions, b)?);
    let of = |definition: &MetricDefinition| {
        let value = serde_json::to_value(definition)?;
        anyhow::Ok(value.as_object().cloned().unwrap_or_default())
    };
    let (of_a, of_b) = (of(a)?, of(b)?);
    let differing = of_a
        .iter()
        .filter(|(field, value)| of_b.get(*field) != Some(value));
    let rows: Vec<(&str, [String; 2])> = differing
        .map(|(field, value)| {
            let text = |value: Option<&serde_json::Value>| match value {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            (field.as_str(), [text(Some(value)), text(of_b.get(field))])
        })
        .collect();
    if global.json {
        let fields: serde_json::Map<String, serde_json::Value> = rows
            .into_iter()
            .map(|(field, values)| (field.to_owned(), serde_json::json!(values)))
            .collect();
        return output::json(&serde_json::json!({
            "a": {"id": a.id(), "hash": a.hash()},
            "b": {"id": b.id(), "hash": b.hash()},
            "differs": fields,
        }));
    }
    if rows.is_empty() {
        return output::line("the same definition");
    }
    let mut table = output::table(&[]);
    table.set_header(["FIELD".to_owned(), a.id(), b.id()]);
    for (field, [first, second]) in rows {
        table.add_row([field.to_owned(), first, second]);
    }
    output::print(&table)
}

/// Has replaced numbers computed again, and waits until they are.
fn migrate(global: &Global, dry_run: bool) -> anyhow::Result<()> {
    let connection = connect(global)?;
    let client = &connection.client;
    let report = client.outdated_metrics(&OutdatedRequest { dry_run })?;
    let bar = indicatif::ProgressBar::new(report.queued.len() as u64).with_message("evaluating");
    for run in &report.queued {
        // A hub that ends with this command must stay until it is done; one whose disk is
        // full is not waited for, and goes on by itself when there is room.
        let begun = Instant::now();
        while client
            .evaluation_list(run)?
            .evaluations
            .iter()
            .any(|of| of.state == "pending")
        {
            if begun.elapsed() > EVALUATION_TIME_MAX {
                return Err(fail(
                    REFUSED,
                    format!(
                        "run {run} is still being evaluated after {} minutes; it stays queued, and the hub goes on with it while it serves",
                        EVALUATION_TIME_MAX.as_secs() / 60
                    ),
                ));
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if global.json {
        return output::json(&report);
    }
    if report.metrics.is_empty() {
        return output::line("every number is of the newest version of its metric");
    }
    let mut table = output::table(&["DEFINITION", "NEWEST", "RUNS", "PINNED BY THEIR EXPERIMENT"]);
    for of in &report.metrics {
        table.add_row([
            of.definition.clone(),
            of.newest.clone(),
            of.runs.len().to_string(),
            of.pinned.len().to_string(),
        ]);
    }
    output::print(&table)?;
    for of in &report.refused {
        output::line(format_args!("{} keeps its numbers: {}", of.run, of.reason))?;
    }
    if report.more {
        output::line("there may be more; run the command again")?;
    }
    output::line(match dry_run {
        true => "nothing was evaluated (--dry-run)".to_owned(),
        false => format!("{} runs evaluated again", report.queued.len()),
    })
}

/// The hub's own definitions, then those of this machine's and this project's adapters.
fn all(global: &Global) -> anyhow::Result<Vec<MetricDefinition>> {
    let data_dir = paths::data_dir(global)?;
    let catalog = catalog(&data_dir, Some(&std::env::current_dir()?))?;
    let own = mlhub_eval::definitions().iter().cloned();
    Ok(own.chain(custom_metrics::definitions(&catalog)).collect())
}

fn adapter_of(definition: &MetricDefinition) -> Option<&str> {
    let of = definition.implementation.as_ref()?;
    Some(&of.adapter)
}

fn known<'a>(
    definitions: &'a [MetricDefinition],
    reference: &str,
) -> anyhow::Result<&'a MetricDefinition> {
    find(definitions, reference).ok_or_else(|| {
        fail(
            REFUSED,
            format!("there is no metric definition `{reference}`; `mlhub metrics list` names all"),
        )
    })
}

fn show(global: &Global, reference: &str) -> anyhow::Result<()> {
    let definitions = all(global)?;
    let definition = known(&definitions, reference)?;
    if global.json {
        return output::json(definition);
    }
    output::line(format_args!("{}  {}", definition.id(), definition.hash()))?;
    output::line(&definition.formula)?;
    output::line(format_args!("source: {}", definition.source))?;
    if let Some(of) = &definition.implementation {
        output::line(format_args!(
            "computed by the adapter {}, code {}",
            of.adapter, of.digest
        ))?;
    }
    Ok(())
}

fn find<'a>(definitions: &'a [MetricDefinition], reference: &str) -> Option<&'a MetricDefinition> {
    if reference.contains('@') {
        return definitions.iter().find(|of| of.id() == reference);
    }
    definitions
        .iter()
        .filter(|definition| definition.name == reference)
        .max_by_key(|definition| definition.version)
}
