//! `mlhub show`.

use mlhub_protocol::rest::{EvaluationView, RunDetail};
use serde_json::Value;

use super::config::{origin_text, value_at};
use crate::cli::Global;
use crate::connect::connect;
use crate::exit::OK;
use crate::output;

/// Facts of the program's entry shown.
const ENTRY_ROWS_MAX: usize = 40;

/// Shows everything about a run.
pub(crate) fn show(global: &Global, run: &str, snapshot: bool) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let detail = connection.client.run_get(run)?;
    if snapshot {
        output::json(&detail.snapshot)?;
        return Ok(OK);
    }
    if global.json {
        output::json(&with_config(&detail)?)?;
        return Ok(OK);
    }
    overview(&detail)?;
    config(&detail)?;
    metrics(&detail)?;
    entry(&connection.client, &detail.summary.id)?;
    for evaluation in &detail.evaluations {
        print_evaluation(evaluation)?;
        if evaluation.state == "done" && is_sliced(&detail, &evaluation.split) {
            let whole = connection.client.evaluation_get(&evaluation.id)?;
            slices(evaluation, &whole.curves.unwrap_or_default()["slices"])?;
        }
    }
    provenance(&detail)?;
    Ok(OK)
}

/// The answer of the API, with config and origins also at the top level.
fn with_config(detail: &RunDetail) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(detail)?;
    value["config"] = detail.snapshot.config.clone();
    value["origins"] = detail.snapshot.origins.clone();
    Ok(value)
}

fn overview(detail: &RunDetail) -> anyhow::Result<()> {
    let run = &detail.summary;
    output::line(format_args!("{} ({})", run.name, run.id))?;
    let mut table = output::table(&["", ""]);
    table.set_header(Vec::<String>::new());
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            table.add_row([format!("  {name}"), value]);
        }
    };
    row("state", run.state.clone());
    row("experiment", format!("{}/{}", run.project, run.experiment));
    row(
        "adapter",
        run.adapter
            .iter()
            .chain(&run.adapter_version)
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
    );
    row("dataset", run.dataset.clone().unwrap_or_default());
    row(
        "seed",
        run.seed.map(|seed| seed.to_string()).unwrap_or_default(),
    );
    row("group", run.group.clone().unwrap_or_default());
    row("owner", run.owner.clone());
    row(
        "started",
        run.started_at.map(output::moment).unwrap_or_default(),
    );
    row(
        "time",
        run.started_at
            .zip(run.ended_at)
            .map(|(start, end)| output::duration(end - start))
            .unwrap_or_default(),
    );
    row("attempts", run.attempt.to_string());
    if let Some(exit) = &run.exit {
        row(
            "exit",
            match (exit.code, exit.signal) {
                (Some(code), _) => format!("code {code}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => String::new(),
            },
        );
    }
    row(
        "tags",
        run.tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(" "),
    );
    output::print(&table)?;
    if let Some(failure) = &run.failure {
        output::line(format_args!(
            "\nfailed ({}): {}",
            failure.class, failure.message
        ))?;
        for line in &failure.evidence {
            output::line(format_args!("  | {line}"))?;
        }
        if let Some(advice) = &failure.advice {
            output::line(format_args!("  {advice}"))?;
        }
    }
    for warning in &detail.snapshot.warnings {
        output::line(format_args!("  warning: {warning}"))?;
    }
    Ok(())
}

fn config(detail: &RunDetail) -> anyhow::Result<()> {
    let Some(origins) = detail
        .snapshot
        .origins
        .as_object()
        .filter(|origins| !origins.is_empty())
    else {
        return Ok(());
    };
    output::line("\nConfig")?;
    let mut table = output::table(&["  KEY", "VALUE", "FROM"]);
    for (path, origin) in origins {
        let value = value_at(&detail.snapshot.config, path);
        table.add_row([format!("  {path}"), value, origin_text(origin)]);
    }
    output::print(&table)
}

fn metrics(detail: &RunDetail) -> anyhow::Result<()> {
    let logged: Vec<_> = detail
        .summary
        .metrics
        .iter()
        .filter(|(name, _)| !detail.summary.intervals.contains_key(*name))
        .filter(|(name, _)| {
            !detail.evaluations.iter().any(|evaluation| {
                name.strip_prefix(&format!("{}/", evaluation.split))
                    .is_some_and(|metric| {
                        evaluation.metrics.iter().any(|known| known.name == metric)
                    })
            })
        })
        .collect();
    if logged.is_empty() {
        return Ok(());
    }
    output::line("\nLogged metrics (last values)")?;
    let mut table = output::table(&["  METRIC", "VALUE"]);
    for (name, value) in logged {
        table.add_row([format!("  {name}"), output::number(*value)]);
    }
    output::print(&table)
}

/// Shapes, dtypes, devices and statistics the program logged at its entry.
fn entry(client: &mlhub_client::Client, id: &str) -> anyhow::Result<()> {
    let records = client.record_list(id, Some("entry"), Some(1))?.records;
    let Some(record) = records.last() else {
        return Ok(());
    };
    output::line("\nWhat the program read")?;
    let mut rows = Vec::new();
    flatten("", &record.body, &mut rows);
    for (name, value) in rows.iter().take(ENTRY_ROWS_MAX) {
        output::line(format_args!("  {name:<36} {value}"))?;
    }
    if rows.len() > ENTRY_ROWS_MAX {
        output::line(format_args!(
            "  and {} more, on the run's page",
            rows.len() - ENTRY_ROWS_MAX
        ))?;
    }
    Ok(())
}

fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&path, field, into);
            }
        }
        leaf => into.push((prefix.to_owned(), leaf.to_string())),
    }
}

fn print_evaluation(evaluation: &EvaluationView) -> anyhow::Result<()> {
    let receipt = if evaluation.receipt.verified {
        "verified".to_owned()
    } else {
        format!(
            "unverified: no {}",
            evaluation.receipt.missing.join(", no ")
        )
    };
    output::line(format_args!(
        "\nEvaluation on `{}`: {} ({receipt})",
        evaluation.split, evaluation.state
    ))?;
    if let Some(message) = &evaluation.message {
        return output::line(format_args!("  {message}"));
    }
    let mut table = output::table(&["  METRIC", "VALUE", "95 % INTERVAL", "DEFINITION", "N"]);
    for metric in &evaluation.metrics {
        table.add_row([
            format!("  {}", metric.name),
            output::number(metric.value),
            metric
                .interval
                .as_ref()
                .map(|interval| {
                    format!(
                        "{} to {}",
                        output::number(interval.low),
                        output::number(interval.high)
                    )
                })
                .unwrap_or_default(),
            metric.definition.clone(),
            metric.n.to_string(),
        ]);
    }
    output::print(&table)?;
    for skipped in &evaluation.skipped {
        output::line(format_args!(
            "  {} is not computed: {}",
            skipped.definition, skipped.reason
        ))?;
    }
    Ok(())
}

fn is_sliced(detail: &RunDetail, split: &str) -> bool {
    let plan = detail.snapshot.evaluation.as_ref();
    let expected = plan.and_then(|plan| plan.splits.get(split));
    expected.is_some_and(|expected| !expected.slices.is_empty())
}

/// The first metric that has a better direction, by slice, the worst first.
fn slices(evaluation: &EvaluationView, slices: &Value) -> anyhow::Result<()> {
    let mut metrics = evaluation.metrics.iter();
    let Some(metric) = metrics.find(|of| of.direction != "none") else {
        return Ok(());
    };
    let of = |slice: &Value| -> Option<(String, u64, f64)> {
        let metrics = slice["metrics"].as_array()?.iter();
        let mut named = metrics.filter(|of| of["name"] == metric.name.as_str());
        let text = |key: &str| slice[key].as_str();
        let name = format!("{} = {}", text("column")?, text("value")?);
        Some((name, slice["n"].as_u64()?, named.next()?["value"].as_f64()?))
    };
    let mut found: Vec<(String, u64, f64)> = slices
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(of)
        .collect();
    found.sort_by(|a, b| match metric.direction.as_str() {
        "minimize" => b.2.total_cmp(&a.2),
        _ => a.2.total_cmp(&b.2),
    });
    output::line(format_args!("  {} by slice, the worst first", metric.name))?;
    let mut table = output::table(&["  SLICE", "VALUE", "N"]);
    for (name, n, value) in found {
        table.add_row([
            format!("  {name}"),
            output::number(value.into()),
            n.to_string(),
        ]);
    }
    output::print(&table)
}

fn provenance(detail: &RunDetail) -> anyhow::Result<()> {
    let snapshot = &detail.snapshot;
    output::line("\nProvenance")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = [
        (
            "commit",
            text(&snapshot.code["commit"]).map(|commit| {
                if snapshot.code["dirty"] == true {
                    format!("{commit} with uncommitted changes")
                } else {
                    commit
                }
            }),
        ),
        ("environment", text(&snapshot.environment["description"])),
        (
            "machine",
            text(&snapshot.machine["host"]).map(|host| {
                format!(
                    "{host}, {} {}, {} cores",
                    snapshot.machine["os"].as_str().unwrap_or_default(),
                    snapshot.machine["architecture"]
                        .as_str()
                        .unwrap_or_default(),
                    snapshot.machine["cores"]
                )
            }),
        ),
        ("dataset", text(&snapshot.dataset["fingerprint"])),
        (
            "command",
            (!snapshot.command.is_empty()).then(|| snapshot.command.join(" ")),
        ),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            output::line(format_args!("  {name:<12} {value}"))?;
        }
    }
    Ok(())
}
