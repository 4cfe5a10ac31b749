//! Versions of registered models, over the hub's own registry. Where the files of a version
//! are is told in `version_sources`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{ModelVersionDraft, Promotion};
use mlhub_core::registry::{
    ModelChoice, ModelName, ModelStage, ModelStatus, ModelVersion, PromotionTarget,
};
use mlhub_core::{Caller, ErrorKind};
use serde_json::{Value, json};

use super::error::{Answer, Refusal};
use super::fields::{Fields, shown, wrong_type};
use super::registered_models::{by_name, model_name, stage};
use super::version_sources::{self, Asked};
use super::{logged_models, nothing, registry_search, view};
use crate::ApiState;

/// The tag that keeps the link to a run on another server.
const RUN_LINK_TAG: &str = "mlhub.run_link";

/// A stage as MLflow writes it.
pub(super) fn stage_name(stage: ModelStage) -> &'static str {
    match stage {
        ModelStage::None => "None",
        ModelStage::Staging => "Staging",
        ModelStage::Production => "Production",
        ModelStage::Archived => "Archived",
    }
}

fn status_name(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::Ready => "READY",
        ModelStatus::Pending => "PENDING_REGISTRATION",
        ModelStatus::Failed => "FAILED_REGISTRATION",
    }
}

/// A version as MLflow words it.
pub(super) fn version_view(version: &ModelVersion) -> Value {
    let mut tags = version.tags.clone();
    let run_link = tags.remove(RUN_LINK_TAG).unwrap_or_default();
    let mut view = json!({
        "name": version.model,
        "version": version.version.to_string(),
        "creation_timestamp": version.created_at.0,
        "last_updated_timestamp": version.updated_at.0,
        "current_stage": stage_name(version.stage),
        "description": version.description,
        "source": version.source,
        "run_id": version.run.as_ref().map_or("", |run| run.as_str()),
        "run_link": run_link,
        "status": status_name(version.status),
    });
    if let Some(message) = &version.status_message {
        view["status_message"] = message.as_str().into();
    }
    if !tags.is_empty() {
        view["tags"] = view::pairs(&tags).into();
    }
    if !version.aliases.is_empty() {
        view["aliases"] = json!(version.aliases);
    }
    view
}

fn answer(version: &ModelVersion) -> Json<Value> {
    Json(json!({"model_version": version_view(version)}))
}

/// The number of a version in a request, as it was written.
pub(super) fn number(fields: &Fields) -> Answer<&str> {
    let text = fields.required("version")?;
    match text.trim().parse::<i64>() {
        Ok(_) => Ok(text.trim()),
        Err(_) => Err(Refusal::invalid(format!(
            "Parameter 'version' must be an integer, got {}.",
            shown(&text.into()).replace('"', "'")
        ))),
    }
}

/// The version of a number.
pub(super) async fn by_number(
    state: &ApiState,
    caller: &Caller,
    name: &ModelName,
    number: &str,
) -> Answer<ModelVersion> {
    let missing = || {
        Refusal::missing(format!(
            "Model Version (name={name}, version={number}) not found"
        ))
    };
    let choice = ModelChoice::Number(number.parse().map_err(|_| missing())?);
    match state.hub.model_version_get(caller, name, &choice).await {
        Ok(version) => Ok(version),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// The version that a request means.
async fn meant(state: &ApiState, caller: &Caller, fields: &Fields) -> Answer<ModelVersion> {
    let name = model_name(fields, "name")?;
    by_number(state, caller, &name, number(fields)?).await
}

async fn again(state: &ApiState, caller: &Caller, version: &ModelVersion) -> Answer<Json<Value>> {
    let number = version.version.to_string();
    Ok(answer(
        &by_number(state, caller, &version.model, &number).await?,
    ))
}

pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let name = model_name(&fields, "name")?;
    let mut tags: BTreeMap<String, String> = fields.pairs("tags")?.into_iter().collect();
    let link = fields.text("run_link")?.filter(|link| !link.is_empty());
    if let Some(link) = link {
        tags.insert(RUN_LINK_TAG.to_owned(), link.to_owned());
    }
    let asked = Asked::read(&fields, &tags)?;
    by_name(&state, &caller, &name).await?;
    let found = version_sources::find(&state, &caller, asked).await?;
    let draft = ModelVersionDraft {
        run: found.run,
        path: None,
        source: Some(found.source),
        place: found.place,
        logged_model: found.model.as_ref().map(|model| model.id.to_string()),
        description: fields.text("description")?.unwrap_or_default().to_owned(),
        tags,
        status: ModelStatus::Ready,
        status_message: None,
    };
    let version = state.hub.model_version_add(&caller, &name, draft).await?;
    if let Some(model) = found.model.as_ref().filter(|_| found.named) {
        logged_models::registered(&state, &caller, model, name.as_str(), version.version).await?;
    }
    Ok(answer(&version))
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    Ok(answer(&meant(&state, &caller, &fields).await?))
}

pub(super) async fn update(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let version = meant(&state, &caller, &fields).await?;
    let text = fields.text("description")?.unwrap_or_default().to_owned();
    let number = Some(version.version);
    state
        .hub
        .registry_describe(&caller, &version.model, number, text)
        .await?;
    again(&state, &caller, &version).await
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let version = meant(&state, &caller, &fields).await?;
    state
        .hub
        .model_version_delete(&caller, &version.model, version.version)
        .await?;
    nothing()
}

pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let (page, next) = registry_search::versions(&state, &caller, &fields).await?;
    let mut answer = json!({});
    if !page.is_empty() {
        answer["model_versions"] = page.iter().map(version_view).collect();
    }
    if let Some(next) = next {
        answer["next_page_token"] = next.into();
    }
    Ok(Json(answer))
}

pub(super) async fn download_uri(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let version = meant(&state, &caller, &fields).await?;
    let uri = version_sources::download_uri(&state, &caller, &version).await?;
    Ok(Json(json!({"artifact_uri": uri})))
}

pub(super) async fn transition_stage(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let text = fields.required("stage")?;
    let stage = stage(text)?;
    let archive_others = match fields.0.get("archive_existing_versions") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(archive)) => *archive,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
        Some(other) => return Err(wrong_type("archive_existing_versions", other)),
    };
    if archive_others && !matches!(stage, ModelStage::Staging | ModelStage::Production) {
        return Err(Refusal::invalid(format!(
            "Model version transition cannot archive existing model versions because '{text}' is \
             not an Active stage. Valid stages are ['Staging', 'Production']"
        )));
    }
    let version = meant(&state, &caller, &fields).await?;
    let target = PromotionTarget::Stage(stage);
    let promotion = Promotion {
        archive_others,
        ..Promotion::default()
    };
    let (version, _) = state
        .hub
        .model_promote(
            &caller,
            &version.model,
            version.version,
            &target,
            &promotion,
        )
        .await?;
    Ok(answer(&version))
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let version = meant(&state, &caller, &fields).await?;
    let (key, value) = fields.pair()?;
    let tags = [(key.to_owned(), Some(value.to_owned()))].into();
    let number = Some(version.version);
    state
        .hub
        .registry_tag(&caller, &version.model, number, tags)
        .await?;
    nothing()
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let version = meant(&state, &caller, &fields).await?;
    let tags = [(fields.required("key")?.to_owned(), None)].into();
    let number = Some(version.version);
    state
        .hub
        .registry_tag(&caller, &version.model, number, tags)
        .await?;
    nothing()
}
