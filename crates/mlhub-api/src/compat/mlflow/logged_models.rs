//! Logged models: made, finalised, labelled, deleted; what runs read and made of them, and
//! their metrics. Searches are in `logged_model_search`, files in `artifacts`.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use axum::{Extension, Json};
use mlhub_app::LoggedModelDraft;
use mlhub_core::logged_model::{
    LoggedModel, LoggedModelChange, LoggedModelMetric, LoggedModelRole, LoggedModelUse,
};
use mlhub_core::registry::ModelStatus;
use mlhub_core::run::{Experiment, Run};
use mlhub_core::{Caller, ErrorKind, LoggedModelId, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::experiments::by_id;
use super::fields::{Fields, Rest, integer, missing, number, shown};
use super::runs::{by_run_id, invented, refuse_deleted};
use super::{logging, nothing, view};
use crate::ApiState;

/// What a name of a logged model has nothing of.
const BAD_CHARS: [char; 6] = ['/', ':', '.', '%', '"', '\''];
/// The tag of a logged model that lists versions that were registered from it.
const VERSIONS_TAG: &str = "mlflow.modelVersions";
pub(super) fn no_model(id: &str) -> Refusal {
    let id: String = id.chars().take(200).collect();
    Refusal::missing(format!("Logged model with ID '{id}' not found."))
}

/// A logged model, deleted or not.
pub(super) async fn by_model_id(
    state: &ApiState,
    caller: &Caller,
    id: &str,
) -> Answer<LoggedModel> {
    let parsed: LoggedModelId = id.parse().map_err(|_| no_model(id))?;
    match state.hub.logged_model_get(caller, &parsed).await {
        Ok(model) => Ok(model),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_model(id)),
        Err(error) => Err(error.into()),
    }
}

/// Where clients find the files of a model.
pub(super) fn artifact_uri(experiment: &Experiment, model: &LoggedModel) -> String {
    let location = view::location(experiment);
    let location = location.trim_end_matches('/');
    format!("{location}/models/{}/artifacts", model.id)
}

fn status_name(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::Ready => "LOGGED_MODEL_READY",
        ModelStatus::Pending => "LOGGED_MODEL_PENDING",
        ModelStatus::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
    }
}

fn metric_view(model: &LoggedModel, metric: &LoggedModelMetric) -> Value {
    let mut view = json!({
        "key": metric.name,
        "value": number(metric.value),
        "timestamp": metric.time.0,
        "step": metric.step,
        "model_id": model.id,
        "run_id": metric.run,
    });
    let dataset = [
        ("dataset_name", &metric.dataset_name),
        ("dataset_digest", &metric.dataset_digest),
    ];
    for (name, value) in dataset {
        if let Some(value) = value {
            view[name] = value.as_str().into();
        }
    }
    view
}

/// A logged model as MLflow words it.
pub(super) fn model_view(model: &LoggedModel, experiment: &Experiment) -> Value {
    let mut info = json!({
        "model_id": model.id,
        "experiment_id": view::experiment_id(experiment),
        "name": model.name,
        "artifact_uri": artifact_uri(experiment, model),
        "creation_timestamp_ms": model.created_at.0,
        "last_updated_timestamp_ms": model.updated_at.0,
        "status": status_name(model.status),
    });
    if let Some(model_type) = &model.model_type {
        info["model_type"] = model_type.as_str().into();
    }
    if let Some(run) = &model.source_run {
        info["source_run_id"] = run.as_str().into();
    }
    if !model.tags.is_empty() {
        info["tags"] = view::pairs(&model.tags).into();
    }
    let mut data = Map::new();
    if !model.params.is_empty() {
        data.insert("params".to_owned(), view::pairs(&model.params).into());
    }
    if !model.metrics.is_empty() {
        let metrics = model
            .metrics
            .iter()
            .map(|metric| metric_view(model, metric));
        data.insert("metrics".to_owned(), metrics.collect());
    }
    json!({"info": info, "data": data})
}

pub(super) async fn experiment_of(
    state: &ApiState,
    caller: &Caller,
    model: &LoggedModel,
) -> Answer<Experiment> {
    let found = state
        .hub
        .experiment_named(caller, &model.project, &model.experiment)
        .await?;
    found.ok_or_else(|| no_model(model.id.as_str()))
}

async fn answer(state: &ApiState, caller: &Caller, model: &LoggedModel) -> Answer<Json<Value>> {
    let experiment = experiment_of(state, caller, model).await?;
    Ok(Json(json!({"model": model_view(model, &experiment)})))
}

fn check_name(name: &str) -> Answer<()> {
    if !name.contains(BAD_CHARS) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid model name ({}) provided. Model name must be a non-empty string and cannot \
         contain the following characters: ('/', ':', '.', '%', '\"', \"'\")",
        shown(&name.into())
    )))
}

pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let experiment_id = fields.required("experiment_id")?;
    let filled = |name: &str| -> Answer<Option<String>> {
        let text = fields.text(name)?.filter(|text| !text.is_empty());
        Ok(text.map(str::to_owned))
    };
    let name = match filled("name")? {
        Some(name) => name,
        None => invented(&state.hub.run_id_long()?),
    };
    check_name(&name)?;
    let experiment = by_id(&state, &caller, experiment_id).await?;
    if experiment.deleted_at.is_some() {
        return Err(Refusal::invalid(format!(
            "The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    let draft = LoggedModelDraft {
        // An import keeps what a model is called elsewhere; clients of MLflow say neither.
        id: filled("mlhub_model_id")?.map(|id| id.parse()).transpose()?,
        created_at: fields.int("mlhub_created_ms")?.map(Timestamp),
        project: experiment.project,
        experiment: experiment.name,
        source_run: filled("source_run_id")?,
        name,
        model_type: filled("model_type")?,
        params: fields.pairs("params")?.into_iter().collect(),
        tags: fields.pairs("tags")?.into_iter().collect(),
    };
    let model = state.hub.logged_model_create(&caller, draft).await?;
    answer(&state, &caller, &model).await
}

/// What a GET of a model may say.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    allow_deleted: Option<String>,
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Value>> {
    let model = by_model_id(&state, &caller, &id).await?;
    let deleted = wanted.allow_deleted.unwrap_or_default();
    if model.deleted_at.is_some() && !deleted.eq_ignore_ascii_case("true") {
        return Err(no_model(&id));
    }
    answer(&state, &caller, &model).await
}

/// A status by its name or number.
fn status(value: &Value) -> Option<ModelStatus> {
    let all = [
        (ModelStatus::Pending, 1),
        (ModelStatus::Ready, 2),
        (ModelStatus::Failed, 3),
    ];
    let is = |(status, number): &(ModelStatus, i64)| {
        value.as_str() == Some(status_name(*status)) || integer(value) == Some(*number)
    };
    all.into_iter().find(is).map(|(status, _)| status)
}

/// Changes a model that is meant by a path.
async fn change(
    state: &ApiState,
    caller: &Caller,
    id: &str,
    change: LoggedModelChange,
) -> Answer<LoggedModel> {
    let model = by_model_id(state, caller, id).await?;
    Ok(state
        .hub
        .logged_model_change(caller, &model.id, &change)
        .await?)
}

pub(super) async fn finalize(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let value = fields.0.get("status").filter(|value| !value.is_null());
    let value = value.ok_or_else(|| missing("status"))?;
    let status = status(value).ok_or_else(|| {
        Refusal::invalid(format!(
            "Invalid value {} for parameter 'status' supplied: it is LOGGED_MODEL_PENDING, \
             LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED",
            shown(value)
        ))
    })?;
    let to = LoggedModelChange {
        status: Some(status),
        ..LoggedModelChange::default()
    };
    let model = change(&state, &caller, &id, to).await?;
    answer(&state, &caller, &model).await
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
) -> Answer<Json<Value>> {
    let model = by_model_id(&state, &caller, &id).await?;
    state.hub.logged_model_delete(&caller, &model.id).await?;
    nothing()
}

pub(super) async fn set_tags(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let tags = fields.pairs("tags")?.into_iter();
    let to = LoggedModelChange {
        tags: tags.map(|(key, value)| (key, Some(value))).collect(),
        ..LoggedModelChange::default()
    };
    let model = change(&state, &caller, &id, to).await?;
    answer(&state, &caller, &model).await
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest((id, key)): Rest<(String, String)>,
) -> Answer<Json<Value>> {
    let model = by_model_id(&state, &caller, &id).await?;
    if !model.tags.contains_key(&key) {
        return Err(Refusal::missing(format!(
            "No tag with key {} found for model with ID '{id}'.",
            shown(&key.into())
        )));
    }
    let to = LoggedModelChange {
        tags: [(key, None)].into(),
        ..LoggedModelChange::default()
    };
    change(&state, &caller, &id, to).await?;
    nothing()
}

pub(super) async fn params(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let to = LoggedModelChange {
        params: fields.pairs("params")?.into_iter().collect(),
        ..LoggedModelChange::default()
    };
    change(&state, &caller, &id, to).await?;
    nothing()
}

/// Notes models that a run read or made.
pub(super) async fn note(
    state: &ApiState,
    caller: &Caller,
    run: &Run,
    role: LoggedModelRole,
    fields: &Fields,
) -> Answer<()> {
    let mut uses = Vec::new();
    for (index, message) in fields.list("models")?.into_iter().enumerate() {
        let path = format!("models[{index}].model_id");
        let message = Fields(message.clone());
        let model = message.text("model_id")?.filter(|id| !id.is_empty());
        let model = model.ok_or_else(|| missing(&path))?;
        uses.push(LoggedModelUse {
            role,
            model: model.parse().map_err(|_| no_model(model))?,
            step: message.int("step")?.unwrap_or(0),
        });
    }
    if uses.is_empty() {
        return Ok(());
    }
    refuse_deleted(run)?;
    state
        .hub
        .logged_model_use_add(caller, &run.id, &uses)
        .await?;
    Ok(())
}

pub(super) async fn outputs(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    refuse_deleted(&run)?;
    if fields.list("models")?.is_empty() {
        return Err(missing("models"));
    }
    note(&state, &caller, &run, LoggedModelRole::Output, &fields).await?;
    nothing()
}

/// Metrics that are about models, beside those of the run: read before anything is stored, so
/// that a call is refused whole, and stored after the run has them, so that what is refused
/// there is in no model.
pub(super) struct AboutModels(Vec<(LoggedModelId, LoggedModelMetric)>);

impl AboutModels {
    /// Those among the metrics of a call; refuses a model that is not there.
    pub(super) async fn of(
        state: &ApiState,
        caller: &Caller,
        run: &str,
        messages: &[&Map<String, Value>],
    ) -> Answer<Self> {
        let mut about = Vec::new();
        let mut known = BTreeSet::new();
        for (index, message) in messages.iter().enumerate() {
            let id = match message.get("model_id") {
                Some(Value::String(id)) if !id.is_empty() => id,
                _ => continue,
            };
            let path = match messages.len() {
                1 => String::new(),
                _ => format!("metrics[{index}]"),
            };
            let (name, point) = logging::point(&path, message)?;
            let dataset = |part: &str| {
                let value = message.get(part).and_then(Value::as_str);
                value.filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let metric = LoggedModelMetric {
                name,
                run: run.parse().map_err(|_| super::runs::no_run(run))?,
                dataset_name: dataset("dataset_name"),
                dataset_digest: dataset("dataset_digest"),
                step: point.step,
                time: point.time,
                value: point.value,
            };
            if known.insert(id) {
                by_model_id(state, caller, id).await?;
            }
            about.push((id.parse().map_err(|_| no_model(id))?, metric));
        }
        Ok(Self(about))
    }

    pub(super) async fn store(&self, state: &ApiState, caller: &Caller) -> Answer<()> {
        if !self.0.is_empty() {
            state.hub.logged_model_metrics(caller, &self.0).await?;
        }
        Ok(())
    }
}

/// Notes in the model that a version was registered from it.
pub(super) async fn registered(
    state: &ApiState,
    caller: &Caller,
    model: &LoggedModel,
    name: &str,
    version: u32,
) -> Answer<()> {
    let this = json!({"name": name, "version": version});
    let before = model.tags.get(VERSIONS_TAG);
    let before = before.and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    let mut versions = before.unwrap_or_default();
    if !versions.contains(&this) {
        versions.push(this);
    }
    let mut text = Vec::new();
    for one in &versions {
        // As clients of MLflow write it, for whoever compares texts.
        text.push(format!(
            "{{\"name\": {}, \"version\": {}}}",
            one["name"], one["version"]
        ));
    }
    let tags: BTreeMap<String, Option<String>> = [(
        VERSIONS_TAG.to_owned(),
        Some(format!("[{}]", text.join(", "))),
    )]
    .into();
    let change = LoggedModelChange {
        tags,
        ..LoggedModelChange::default()
    };
    state
        .hub
        .logged_model_change(caller, &model.id, &change)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names_and_numbers() {
        for value in [json!("LOGGED_MODEL_READY"), json!(2), json!("2")] {
            assert_eq!(status(&value), Some(ModelStatus::Ready), "{value}");
        }
        let failed = status(&json!("LOGGED_MODEL_UPLOAD_FAILED"));
        assert_eq!(failed, Some(ModelStatus::Failed));
        for value in [json!("READY"), json!(0), json!(4), json!(null)] {
            assert_eq!(status(&value), None, "{value}");
        }
    }
}
