//! Prints what is not as it was, and the verdict.

use mlhub_protocol::Number;
use mlhub_protocol::rest::{ReproducedMetricView, ReproductionView, RunDetail};
use serde_json::json;

use super::checks::Finding;
use crate::cli::Global;
use crate::output;

/// Says what is not as it was; with `--json`, that is all of the answer.
pub(super) fn findings(
    global: &Global,
    original: &RunDetail,
    findings: &[Finding],
) -> anyhow::Result<()> {
    if global.json {
        let list: Vec<_> = findings
            .iter()
            .map(|one| json!({"part": one.part, "message": one.message, "refused": one.refused}))
            .collect();
        return output::json(&json!({"run": original.summary.id, "findings": list}));
    }
    let seed = original.summary.seed.unwrap_or_default();
    output::line(format_args!(
        "{} {} of {}/{}, seed {seed}",
        original.summary.name,
        original.summary.id,
        original.summary.project,
        original.summary.experiment
    ))?;
    for part in [
        "code",
        "adapter",
        "config",
        "environment",
        "dataset",
        "machine",
    ] {
        let of: Vec<&Finding> = findings.iter().filter(|one| one.part == part).collect();
        if of.is_empty() {
            output::line(format_args!("  {part:<12} as it was"))?;
        }
        for one in of {
            let sign = if one.refused { "DIFFERS  " } else { "" };
            output::line(format_args!("  {part:<12} {sign}{}", one.message))?;
        }
    }
    Ok(())
}

/// Prints the verdict, metric by metric.
pub(super) fn verdict(found: &ReproductionView, base_url: &str) -> anyhow::Result<()> {
    output::line("")?;
    let mut table = output::table(&["METRIC", "RESULT", "FROM STEP", "WAS", "IS"]);
    for metric in &found.metrics {
        table.add_row([
            metric.name.clone(),
            result(metric),
            metric.step.map(|step| step.to_string()).unwrap_or_default(),
            value(metric, metric.original),
            value(metric, metric.reproduced),
        ]);
    }
    output::print(&table)?;
    if let Some(same) = found.same_predictions {
        output::line(match same {
            true => "The predictions are the same, byte for byte.",
            false => "The predictions differ.",
        })?;
    }
    if !found.left_out.is_empty() {
        output::line(format_args!(
            "Not compared, because they measure the machine: {}",
            found.left_out.join(", ")
        ))?;
    }
    let told = match found.verdict.as_str() {
        "identical" => "REPRODUCED: every metric is identical, bit for bit".to_owned(),
        "within_tolerance" => format!(
            "REPRODUCED within tolerance: no metric differs by more than {} of its value",
            output::number(found.tolerance)
        ),
        "diverged" => "NOT REPRODUCED: metrics diverged".to_owned(),
        "nothing_to_compare" => "nothing to compare: neither run has a metric".to_owned(),
        other => format!("NOT REPRODUCED: the run is {other}"),
    };
    let cause = match found.attribution.message.as_str() {
        "" => String::new(),
        message => format!("\n{message}"),
    };
    output::line(format_args!(
        "{told}{cause}\n{} {} reproduces {} {}: {base_url}/compare?runs={},{}",
        found.run.name,
        found.run.id,
        found.original.name,
        found.original.id,
        found.original.id,
        found.run.id
    ))
}

fn result(metric: &ReproducedMetricView) -> String {
    if let Some(message) = &metric.message {
        return message.clone();
    }
    match (metric.agreement.as_str(), metric.largest_difference) {
        ("within_tolerance", Some(largest)) => {
            format!("within tolerance ({} relative)", output::number(largest))
        }
        (other, _) => other.to_owned(),
    }
}

/// A value where both diverged; a step that is missing is said.
fn value(metric: &ReproducedMetricView, value: Option<Number>) -> String {
    match value {
        Some(value) => output::number(value),
        None if metric.agreement == "diverged" => "missing".to_owned(),
        None => String::new(),
    }
}
