//! What MLflow's API says, as records. What a field does not say is empty: whether that is
//! enough is decided where it is used.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::mlflow::records::{
    Experiment, Labels, Model, ModelMetric, Point, Run, Version, float, model_status,
};

pub(super) fn list<'v>(view: &'v Value, field: &str) -> &'v [Value] {
    view[field].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_default().to_owned()
}

pub(super) fn filled(view: &Value, field: &str) -> Option<String> {
    Some(text(view, field)).filter(|text| !text.is_empty())
}

/// A whole number, which may be written as a text.
pub(super) fn number(view: &Value, field: &str) -> Option<i64> {
    let value = &view[field];
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub(super) fn labels(view: &Value, field: &str) -> Labels {
    let pair = |one: &Value| (text(one, "key"), text(one, "value"));
    list(view, field).iter().map(pair).collect()
}

/// A number, which JSON has as a text where it is none of its own.
pub(super) fn value(view: &Value) -> Option<f64> {
    match &view["value"] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => float(text),
        _ => None,
    }
}

pub(super) fn point(view: &Value) -> Option<Point> {
    Some(Point {
        step: number(view, "step").unwrap_or(0),
        time: number(view, "timestamp")?,
        value: value(view)?,
    })
}

pub(super) fn experiment(view: &Value) -> Experiment {
    Experiment {
        id: text(view, "experiment_id"),
        name: text(view, "name"),
        tags: labels(view, "tags"),
        deleted: view["lifecycle_stage"] == "deleted",
        created: number(view, "creation_time"),
    }
}

pub(super) fn run(view: &Value) -> Run {
    let (info, data) = (&view["info"], &view["data"]);
    let tags = labels(data, "tags");
    let name = filled(info, "run_name").or_else(|| tags.get("mlflow.runName").cloned());
    let metrics: BTreeSet<String> = list(data, "metrics")
        .iter()
        .map(|one| text(one, "key"))
        .collect();
    let ids = |part: &Value, field| -> Vec<(String, i64)> {
        let of = |one: &Value| (text(one, "model_id"), number(one, "step").unwrap_or(0));
        list(part, field).iter().map(of).collect()
    };
    let read = ids(&view["inputs"], "model_inputs").into_iter();
    Run {
        id: text(info, "run_id"),
        experiment: text(info, "experiment_id"),
        name,
        user: filled(info, "user_id"),
        status: text(info, "status"),
        started: number(info, "start_time"),
        ended: number(info, "end_time").filter(|at| *at > 0),
        deleted: info["lifecycle_stage"] == "deleted",
        artifact_uri: text(info, "artifact_uri"),
        metrics: metrics.into_iter().collect(),
        params: labels(data, "params"),
        tags,
        inputs: list(&view["inputs"], "dataset_inputs").to_vec(),
        models_read: read.map(|(id, _)| id).collect(),
        models_made: ids(&view["outputs"], "model_outputs").into_iter().collect(),
    }
}

pub(super) fn model(view: &Value) -> Model {
    let (info, data) = (&view["info"], &view["data"]);
    let status = text(info, "status");
    let metric = |one: &Value| {
        Some(ModelMetric {
            name: text(one, "key"),
            run: text(one, "run_id"),
            step: number(one, "step").unwrap_or(0),
            time: number(one, "timestamp")?,
            value: value(one)?,
            dataset_name: filled(one, "dataset_name"),
            dataset_digest: filled(one, "dataset_digest"),
        })
    };
    Model {
        id: text(info, "model_id"),
        experiment: text(info, "experiment_id"),
        name: text(info, "name"),
        run: filled(info, "source_run_id"),
        kind: filled(info, "model_type"),
        status: model_status(&status)
            .unwrap_or("LOGGED_MODEL_READY")
            .to_owned(),
        created: number(info, "creation_timestamp_ms").unwrap_or(0),
        deleted: false,
        artifact_uri: text(info, "artifact_uri"),
        params: labels(data, "params"),
        tags: labels(info, "tags"),
        metrics: list(data, "metrics").iter().filter_map(metric).collect(),
    }
}

pub(super) fn version(view: &Value) -> Version {
    let source = text(view, "source");
    let from_source = source
        .strip_prefix("models:/")
        .filter(|rest| !rest.contains(['/', '@']))
        .map(str::to_owned);
    Version {
        number: text(view, "version").parse().unwrap_or(0),
        storage: None,
        run: filled(view, "run_id"),
        model: filled(view, "model_id").or(from_source),
        stage: filled(view, "current_stage").unwrap_or_else(|| "None".to_owned()),
        description: text(view, "description"),
        tags: labels(view, "tags"),
        created: number(view, "creation_timestamp").unwrap_or(0),
        source,
    }
}
