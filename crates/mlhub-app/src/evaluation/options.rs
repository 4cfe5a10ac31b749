//! From the plan of a run to the options of the evaluator.

use mlhub_core::{Error, Result};
use mlhub_eval::{Bootstrap, EvaluateOptions, Predictions, Resampling, Task};
use mlhub_protocol::rest::EvaluationPlan;

use super::THREADS;
use crate::custom_metrics::is_custom;

/// How predictions are judged, as their plan says and as they need it.
pub(super) fn of(
    plan: &EvaluationPlan,
    predictions: &Predictions,
    threshold: Option<f64>,
) -> Result<EvaluateOptions> {
    let mut resampling = named("bootstrap_resampling", plan.bootstrap_resampling.as_deref())?;
    // Points of one series are not independent.
    let in_series = predictions.task() == Task::Forecasting && predictions.group().is_some();
    if in_series && plan.bootstrap_resampling.is_none() {
        resampling = Resampling::Grouped;
    }
    Ok(EvaluateOptions {
        definitions: (!plan.metrics.is_empty()).then(|| distinct_ids(&plan.metrics)),
        bootstrap: match plan.bootstrap_samples {
            0 => None,
            samples => Some(Bootstrap {
                samples,
                seed: plan.bootstrap_seed,
                method: named("bootstrap_method", plan.bootstrap_method.as_deref())?,
                resampling,
                ..Bootstrap::default()
            }),
        },
        threads: THREADS,
        curves: true,
        threshold,
    })
}

/// An option of the evaluator by its name; its default when it has none.
fn named<T: serde::de::DeserializeOwned + Default>(field: &str, name: Option<&str>) -> Result<T> {
    let Some(name) = name else {
        return Ok(T::default());
    };
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|_| {
        Error::invalid(format!(
            "`{field}` of the evaluation is `{name}`, which is no option of it"
        ))
    })
}

/// The definitions of the hub that names mean, each once: two names may mean one.
fn distinct_ids(names: &[String]) -> Vec<String> {
    let mut ids = Vec::with_capacity(names.len());
    let own = names.iter().filter(|name| !is_custom(name));
    for id in own.map(|name| definition_id(name)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// A metric named without a version means its newest version.
fn definition_id(name: &str) -> String {
    if name.contains('@') {
        return name.to_owned();
    }
    mlhub_eval::definitions()
        .iter()
        .filter(|definition| definition.name == name)
        .max_by_key(|definition| definition.version)
        .map_or_else(|| name.to_owned(), mlhub_eval::MetricDefinition::id)
}
