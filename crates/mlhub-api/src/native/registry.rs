//! Registered models: versions, aliases, promotion past gates, and their trail.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_app::{ModelDraft, ModelVersionDraft, Promotion};
use mlhub_core::registry::{
    ModelChoice, ModelEvent, ModelName, ModelQuery, ModelVersion, ModelVersionQuery,
    PromotionTarget, RegisteredModel,
};
use mlhub_core::{Caller, Error, RunId, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{to_the_end, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    prefix: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Registered models by name.
#[utoipa::path(get, path = "/api/v1/registry/models", tag = "registry", params(("prefix" = Option<String>, Query, description = "Only names that begin so"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when absent"), ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page")), responses((status = 200, body = rest::RegisteredModelList), (status = 400, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<ListParams>,
) -> ApiResult<Json<rest::RegisteredModelList>> {
    let limit = params.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
    let query = ModelQuery {
        prefix: params.prefix,
        after: params.cursor.map(ModelName::try_from).transpose()?,
        limit,
        ..ModelQuery::default()
    };
    let models = state.hub.registered_model_list(&caller, &query).await?;
    let last = models.last().filter(|_| models.len() == limit);
    let next_cursor = last.map(|last| last.name.to_string());
    Ok(Json(rest::RegisteredModelList {
        models: models.into_iter().map(model_view).collect(),
        next_cursor,
    }))
}

/// Registers a model without versions.
#[utoipa::path(post, path = "/api/v1/registry/models", tag = "registry", request_body = rest::RegisteredModelCreate, responses((status = 201, body = rest::RegisteredModelView), (status = 400, body = rest::Problem), (status = 409, body = rest::Problem, description = "The name is taken"), (status = 413, body = rest::Problem)))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::RegisteredModelCreate>,
) -> ApiResult<(StatusCode, Json<rest::RegisteredModelView>)> {
    let draft = ModelDraft {
        name: body.name.parse()?,
        description: body.description,
        tags: body.tags,
    };
    let made = state.hub.registered_model_create(&caller, draft).await?;
    Ok((StatusCode::CREATED, Json(model_view(made))))
}

/// One registered model.
#[utoipa::path(get, path = "/api/v1/registry/models/{model}", tag = "registry", params(("model" = String, Path, description = "The model's name")), responses((status = 200, body = rest::RegisteredModelView), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<ModelName>,
) -> ApiResult<Json<rest::RegisteredModelView>> {
    let found = state.hub.registered_model_get(&caller, &model).await?;
    Ok(Json(model_view(found)))
}

/// Changes description, tags and name of a registered model, in this order.
#[utoipa::path(patch, path = "/api/v1/registry/models/{model}", tag = "registry", params(("model" = String, Path, description = "The model's name")), request_body = rest::RegisteredModelPatch, responses((status = 200, body = rest::RegisteredModelView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "The name is taken")))]
pub(crate) async fn patch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<ModelName>,
    ApiJson(body): ApiJson<rest::RegisteredModelPatch>,
) -> ApiResult<Json<rest::RegisteredModelView>> {
    let name: Option<ModelName> = body.name.map(ModelName::try_from).transpose()?;
    let hub = &state.hub;
    if let Some(text) = body.description {
        hub.registry_describe(&caller, &model, None, text).await?;
    }
    if !body.tags.is_empty() {
        hub.registry_tag(&caller, &model, None, body.tags).await?;
    }
    let found = match name {
        Some(name) => hub.registered_model_rename(&caller, &model, name).await?,
        None => hub.registered_model_get(&caller, &model).await?,
    };
    Ok(Json(model_view(found)))
}

/// Removes a registered model with its versions and aliases; its trail stays. One with something
/// protected is removed by administrators alone.
#[utoipa::path(delete, path = "/api/v1/registry/models/{model}", tag = "registry", params(("model" = String, Path, description = "The model's name")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<ModelName>,
) -> ApiResult<StatusCode> {
    state.hub.registered_model_delete(&caller, &model).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionListParams {
    model: Option<ModelName>,
    run: Option<RunId>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Versions of registered models, by name, newest first.
#[utoipa::path(get, path = "/api/v1/registry/versions", tag = "registry", params(("model" = Option<String>, Query, description = "Only of this model"), ("run" = Option<String>, Query, description = "Only from this run, or with files of it"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when absent"), ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page")), responses((status = 200, body = rest::ModelVersionList), (status = 400, body = rest::Problem)))]
pub(crate) async fn version_list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<VersionListParams>,
) -> ApiResult<Json<rest::ModelVersionList>> {
    let limit = params.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
    let query = ModelVersionQuery {
        model: params.model,
        run: params.run,
        after: params.cursor.as_deref().map(version_cursor).transpose()?,
        limit,
        ..ModelVersionQuery::default()
    };
    let versions = state.hub.model_version_list(&caller, &query).await?;
    let last = versions.last().filter(|_| versions.len() == limit);
    let next_cursor = last.map(|last| format!("{}:{}", last.version, last.model));
    Ok(Json(rest::ModelVersionList {
        versions: versions.into_iter().map(version_view).collect(),
        next_cursor,
    }))
}

fn version_cursor(text: &str) -> Result<(ModelName, u32), Error> {
    let parts = text.split_once(':');
    let read = parts.and_then(|(number, name)| Some((name.parse().ok()?, number.parse().ok()?)));
    read.ok_or_else(foreign_cursor)
}

fn foreign_cursor() -> Error {
    Error::invalid("the cursor is not one of this list; start again without `cursor`")
}

/// Registers a version of a model; it gets the next number.
#[utoipa::path(post, path = "/api/v1/registry/models/{model}/versions", tag = "registry", params(("model" = String, Path, description = "The model's name")), request_body = rest::ModelVersionCreate, responses((status = 201, body = rest::ModelVersionView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem, description = "There is no such model, run or artifact"), (status = 409, body = rest::Problem, description = "The run is deleted"), (status = 413, body = rest::Problem)))]
pub(crate) async fn version_create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<ModelName>,
    ApiJson(body): ApiJson<rest::ModelVersionCreate>,
) -> ApiResult<(StatusCode, Json<rest::ModelVersionView>)> {
    let draft = ModelVersionDraft {
        run: body.run,
        path: body.path.map(|path| path.parse()).transpose()?,
        source: body.source,
        logged_model: body.logged_model,
        description: body.description,
        tags: body.tags,
        ..ModelVersionDraft::default()
    };
    let made = state.hub.model_version_add(&caller, &model, draft).await?;
    Ok((StatusCode::CREATED, Json(version_view(made))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineageParams {
    metric: Option<String>,
}

/// A version with what it stands on: its run, the run's evaluations, and where it is ranked.
#[utoipa::path(get, path = "/api/v1/registry/models/{model}/versions/{version}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("version" = String, Path, description = "A number, `latest`, or an alias, which may stand behind `@`"), ("metric" = Option<String>, Query, description = "`split/name`: also tell where the run stands on the boards of its project")), responses((status = 200, body = rest::ModelVersionDetail), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn version_get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, version)): ApiPath<(ModelName, String)>,
    ApiQuery(params): ApiQuery<LineageParams>,
) -> ApiResult<Json<rest::ModelVersionDetail>> {
    let choice: ModelChoice = version.parse()?;
    let hub = state.hub.clone();
    let lineage = to_the_end(async move {
        let metric = params.metric.as_deref();
        hub.model_lineage(&caller, &model, &choice, metric).await
    })
    .await?;
    let evaluations = lineage.evaluations.into_iter();
    Ok(Json(rest::ModelVersionDetail {
        version: version_view(lineage.version),
        run: lineage.run.map(view::run),
        evaluations: evaluations
            .map(|(record, receipt)| view::evaluation(record, receipt))
            .collect::<Result<_, _>>()?,
        standings: lineage
            .standings
            .into_iter()
            .map(|of| rest::ModelStandingView {
                metric: of.metric,
                dataset: of.dataset,
                rank: of.rank,
                total: of.total,
            })
            .collect(),
    }))
}

/// Changes description, tags and status of a version.
#[utoipa::path(patch, path = "/api/v1/registry/models/{model}/versions/{version}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("version" = u32, Path, description = "The version's number")), request_body = rest::ModelVersionPatch, responses((status = 200, body = rest::ModelVersionView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn version_patch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, number)): ApiPath<(ModelName, u32)>,
    ApiJson(body): ApiJson<rest::ModelVersionPatch>,
) -> ApiResult<Json<rest::ModelVersionView>> {
    let status = body.status.as_deref().map(str::parse).transpose()?;
    if status.is_none() && body.status_message.is_some() {
        return Err(
            Error::invalid("`status_message` tells of a `status`, and there is none").into(),
        );
    }
    let (hub, of) = (&state.hub, Some(number));
    if let Some(text) = body.description {
        hub.registry_describe(&caller, &model, of, text).await?;
    }
    if !body.tags.is_empty() {
        hub.registry_tag(&caller, &model, of, body.tags).await?;
    }
    if let Some(status) = status {
        let message = body.status_message;
        hub.model_version_status(&caller, &model, number, status, message)
            .await?;
    }
    let choice = ModelChoice::Number(number);
    let found = hub.model_version_get(&caller, &model, &choice).await?;
    Ok(Json(version_view(found)))
}

/// Removes a version with its aliases; its number stays taken.
#[utoipa::path(delete, path = "/api/v1/registry/models/{model}/versions/{version}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("version" = u32, Path, description = "The version's number")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn version_remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, number)): ApiPath<(ModelName, u32)>,
) -> ApiResult<StatusCode> {
    let hub = &state.hub;
    hub.model_version_delete(&caller, &model, number).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a version an alias, or brings it to a stage, past the gates that there are.
#[utoipa::path(post, path = "/api/v1/registry/models/{model}/promotions", tag = "registry", params(("model" = String, Path, description = "The model's name")), request_body = rest::ModelPromotion, responses((status = 200, body = rest::ModelPromoted), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "A gate does not pass; `details.gate` is its report")))]
pub(crate) async fn promote(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<ModelName>,
    ApiJson(body): ApiJson<rest::ModelPromotion>,
) -> ApiResult<Json<rest::ModelPromoted>> {
    let choice: ModelChoice = body.version.parse()?;
    let target: PromotionTarget = body.target.parse()?;
    let promotion = Promotion {
        gate: body.gate,
        baseline: body.baseline,
        archive_others: body.archive_others,
    };
    let hub = state.hub.clone();
    let (version, gate) = to_the_end(async move {
        let found = hub.model_version_get(&caller, &model, &choice).await?;
        hub.model_promote(&caller, &model, found.version, &target, &promotion)
            .await
    })
    .await?;
    Ok(Json(rest::ModelPromoted {
        version: version_view(version),
        gate,
    }))
}

/// Takes an alias away from the version that has it.
#[utoipa::path(delete, path = "/api/v1/registry/models/{model}/aliases/{alias}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("alias" = String, Path, description = "The alias")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn alias_remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, alias)): ApiPath<(ModelName, String)>,
) -> ApiResult<StatusCode> {
    let alias = alias.parse()?;
    state.hub.model_alias_remove(&caller, &model, alias).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an alias or a stage need a passed gate; who has it keeps it.
#[utoipa::path(put, path = "/api/v1/registry/models/{model}/protections/{target}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("target" = String, Path, description = "An alias, or `stage:NAME`")), request_body = rest::ModelProtection, responses((status = 200, body = rest::RegisteredModelView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn protect(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, target)): ApiPath<(ModelName, String)>,
    ApiJson(body): ApiJson<rest::ModelProtection>,
) -> ApiResult<Json<rest::RegisteredModelView>> {
    let target = target.parse()?;
    let hub = &state.hub;
    let found = hub
        .model_protect(&caller, &model, target, &body.gate)
        .await?;
    Ok(Json(model_view(found)))
}

/// Lets an alias or a stage be given without a gate again.
#[utoipa::path(delete, path = "/api/v1/registry/models/{model}/protections/{target}", tag = "registry", params(("model" = String, Path, description = "The model's name"), ("target" = String, Path, description = "An alias, or `stage:NAME`")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn unprotect(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((model, target)): ApiPath<(ModelName, String)>,
) -> ApiResult<StatusCode> {
    let target = target.parse()?;
    state.hub.model_unprotect(&caller, &model, target).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventParams {
    model: Option<ModelName>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The trail: what was done to registered models, newest first. It outlives them.
#[utoipa::path(get, path = "/api/v1/registry/events", tag = "registry", params(("model" = Option<String>, Query, description = "Only of the models that have or had this name"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when absent"), ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page")), responses((status = 200, body = rest::ModelEventList), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem, description = "No model ever had the name")))]
pub(crate) async fn events(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<EventParams>,
) -> ApiResult<Json<rest::ModelEventList>> {
    let limit = params.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
    let before = params.cursor.map(|cursor| cursor.parse::<i64>());
    let before = before.transpose().map_err(|_| foreign_cursor())?;
    let model = params.model.as_ref();
    let found = state.hub.model_events(&caller, model, before, limit);
    let found = found.await?;
    let last = found.last().filter(|_| found.len() == limit);
    let next_cursor = last.map(|last| last.seq.to_string());
    Ok(Json(rest::ModelEventList {
        events: found.into_iter().map(event_view).collect(),
        next_cursor,
    }))
}

fn model_view(model: RegisteredModel) -> rest::RegisteredModelView {
    let aliases = model.aliases.into_iter();
    let protections = model.protections.into_iter();
    rest::RegisteredModelView {
        id: model.id.into(),
        name: model.name.into(),
        description: model.description,
        tags: model.tags,
        aliases: aliases.map(|(alias, of)| (alias.into(), of)).collect(),
        protections: protections.map(|(of, gate)| (of.into(), gate)).collect(),
        versions: model.versions,
        latest: model.latest,
        created_at: model.created_at.0,
        updated_at: model.updated_at.0,
    }
}

fn version_view(version: ModelVersion) -> rest::ModelVersionView {
    let (artifacts_run, artifacts_path) = match version.place {
        Some(place) => (Some(place.run.into()), place.path.map(Into::into)),
        None => (None, None),
    };
    rest::ModelVersionView {
        model: version.model.into(),
        version: version.version,
        run: version.run.map(Into::into),
        source: version.source,
        artifacts_run,
        artifacts_path,
        logged_model: version.logged_model,
        description: version.description,
        tags: version.tags,
        aliases: version.aliases.into_iter().map(Into::into).collect(),
        stage: version.stage.as_str().to_owned(),
        status: version.status.as_str().to_owned(),
        status_message: version.status_message,
        created_by: version.created_by.0,
        created_at: version.created_at.0,
        updated_at: version.updated_at.0,
    }
}

fn event_view(event: ModelEvent) -> rest::ModelEventView {
    rest::ModelEventView {
        model: event.model.into(),
        number: event.number,
        name: event.name.into(),
        version: event.version,
        action: event.action,
        detail: event.detail,
        actor: event.actor.0,
        at: event.at.0,
    }
}
