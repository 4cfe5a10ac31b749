//! The promise of adapters that define metrics: each is computed over the predictions of the
//! smoke run as the hub computes it, twice and to the same bit, and an unknown one is refused.
//!
//! That a value is what its formula says is the adapter's promise alone.

use std::collections::BTreeMap;
use std::time::Duration;

use mlhub_core::limits;
use mlhub_data::{PredictionTable, Values};
use mlhub_protocol::adapter::{RangeSection, exit_code};
use mlhub_protocol::custom_metric::{
    CUSTOM_METRIC_VERSION, METRIC_NAME_FIELD, MetricAsked, MetricColumn, MetricPredictions,
};

use super::output;
use super::program::{Bench, Outcome};
use super::{Verdict, not_applicable, passed};
use crate::custom_metric::{CustomMetricError, MetricInput, Programs, compute, place};

/// A metric that nobody defines.
const UNKNOWN: &str = "mlhub_check_unknown";
/// Tasks whose prediction files need a reading that only the hub has.
const NOT_READ_HERE: &[&str] = &["multilabel"];

/// Computes every metric of the smoke task, then asks for one that is not there.
pub(super) fn metrics(bench: &mut Bench<'_>, first: &Outcome) -> Verdict {
    let manifest = &bench.adapter.manifest;
    let Some(task) = manifest.smoke.task.clone() else {
        return not_applicable("`smoke.task` is not named, so there are no predictions to judge");
    };
    let of_task = |section: &&mlhub_protocol::adapter::DefinitionSection| {
        section.tasks.contains(&task) && !NOT_READ_HERE.contains(&task.as_str())
    };
    if !manifest
        .definitions
        .values()
        .any(|section| of_task(&section))
    {
        return not_applicable(format!(
            "no definition can be judged on the smoke task `{task}`"
        ));
    }
    let found = output::predictions(first)?;
    let Some((path, _)) = found.values().next() else {
        return Err("the smoke run left no predictions to compute metrics over".to_owned());
    };
    let table = output::read_predictions(first, path, &task)?;
    let folder = bench.folder("metrics")?;
    let input =
        MetricInput::write(&folder, &handed(table, &task)).map_err(|error| error.to_string())?;
    let launch = |dir: &std::path::Path, run: &mlhub_protocol::run_dir::RunFile| {
        bench.metric_launch(dir, run)
    };
    let programs = Programs {
        launch: &launch,
        exe: bench.mlhub_binary(),
        time: bench
            .run_limit()
            .min(Duration::from_secs(limits::CUSTOM_METRIC_SECONDS_MAX)),
        stopped: &|| false,
    };
    let mut told = Vec::new();
    let judged = manifest
        .definitions
        .iter()
        .filter(|(_, section)| of_task(section));
    for (at, (name, section)) in judged.enumerate() {
        let asked = MetricAsked {
            name: name.clone(),
            version: section.version,
            params: section.params.clone(),
        };
        let computed = compute(
            &input,
            &asked,
            section.range,
            &place(&folder, at),
            &programs,
        )
        .map_err(|error| failed(&bench.adapter.definition_name(name), &error))?;
        told.push(format!(
            "{name} = {:?}, {}",
            computed.value,
            computed.enforced.told()
        ));
    }
    let unknown = MetricAsked {
        name: UNKNOWN.to_owned(),
        version: 1,
        params: BTreeMap::new(),
    };
    let dir = folder.join("unknown");
    match compute(&input, &unknown, RangeSection::default(), &dir, &programs) {
        Err(CustomMetricError::Unknown(_)) => {}
        other => {
            let how = other.map_or_else(
                |error| error.to_string(),
                |computed| format!("it has the value {:?}", computed.value),
            );
            return Err(format!(
                "a metric that is not known must end with exit code {} and an error event with the field `{METRIC_NAME_FIELD}`: {how}",
                exit_code::UNSUPPORTED
            ));
        }
    }
    told.push("an unknown metric refused".to_owned());
    passed(told.join("; "))
}

fn failed(name: &str, error: &CustomMetricError) -> String {
    match error.last_lines() {
        [] => format!("{name}: {error}"),
        lines => format!("{name}: {error}; last on stderr: {}", lines.join(" | ")),
    }
}

/// Predictions as the hub hands them over.
fn handed(table: PredictionTable, task: &str) -> MetricPredictions {
    let numbers = matches!(task, "regression" | "ranking");
    let column = |values: &Values| match values {
        Values::Number(values) if numbers => MetricColumn::Numbers(values.clone()),
        other => MetricColumn::Texts(other.to_labels()),
    };
    let y_true = column(&table.y_true);
    let y_pred = table.y_pred.as_ref().map(column);
    let labels = match (&y_true, task) {
        _ if !table.score_labels.is_empty() => table.score_labels.clone(),
        (MetricColumn::Texts(of_true), "binary" | "multiclass" | "clustering" | "anomaly") => {
            let of_pred = match &y_pred {
                Some(MetricColumn::Texts(texts)) => texts.as_slice(),
                _ => &[],
            };
            sorted(of_true.iter().chain(of_pred))
        }
        _ => Vec::new(),
    };
    let width = table.score_columns().max(1);
    let scores = table.y_score.as_ref();
    MetricPredictions {
        version: CUSTOM_METRIC_VERSION,
        task: task.to_owned(),
        labels,
        y_score: scores.map(|scores| scores.chunks(width).map(<[f64]>::to_vec).collect()),
        id: table.ids,
        y_true,
        y_pred,
        weight: table.weight,
        group: table.group,
    }
}

/// Classes in order: numbers by value, else by text.
fn sorted<'a>(labels: impl Iterator<Item = &'a String>) -> Vec<String> {
    let distinct: std::collections::BTreeSet<&String> = labels.collect();
    let mut labels: Vec<String> = distinct.into_iter().cloned().collect();
    let number = |label: &String| label.parse::<f64>().ok();
    if labels.iter().all(|label| number(label).is_some()) {
        labels.sort_by(|a, b| {
            let (a, b) = (number(a).unwrap_or(0.0), number(b).unwrap_or(0.0));
            a.total_cmp(&b)
        });
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_sorted_as_the_hub_sorts_them() {
        let labels = ["10", "9", "9"].map(str::to_owned);
        assert_eq!(sorted(labels.iter()), ["9", "10"]);
        let labels = ["b", "10", "a"].map(str::to_owned);
        assert_eq!(sorted(labels.iter()), ["10", "a", "b"]);
    }
}
