//! The hub itself: liveness, identity, projects, experiments, its own description.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlhub_core::{Caller, Name};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::view;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Whether the hub answers and its store does.
#[utoipa::path(get, path = "/health", tag = "hub", responses((status = 200, description = "Alive"), (status = 503, description = "The store does not answer", body = rest::Problem)))]
pub(crate) async fn health(State(state): State<ApiState>) -> ApiResult<Json<serde_json::Value>> {
    state.hub.ready().await?;
    Ok(Json(
        serde_json::json!({"status": "ok", "version": state.identity.version}),
    ))
}

/// The API's own description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "hub", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi() -> Response {
    (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        crate::openapi::document(),
    )
        .into_response()
}

/// What hub this is and who you are.
#[utoipa::path(get, path = "/api/v1/info", tag = "hub", responses((status = 200, body = rest::Info)))]
pub(crate) async fn info(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Json<rest::Info> {
    Json(rest::Info {
        name: "mlhub".to_owned(),
        version: state.identity.version.clone(),
        store: state.identity.store.clone(),
        host: state.identity.host.clone(),
        role: format!("{:?}", caller.role).to_lowercase(),
        user: caller.user.0,
        event_formats: ["application/json", mlhub_protocol::batch::CONTENT_TYPE]
            .map(str::to_owned)
            .to_vec(),
    })
}

/// All projects, last active first.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", responses((status = 200, body = rest::ProjectList)))]
pub(crate) async fn projects(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::ProjectList>> {
    let projects = state.hub.project_list(&caller).await?;
    Ok(Json(rest::ProjectList {
        projects: projects.into_iter().map(view::project).collect(),
    }))
}

/// Changes what a project is described as.
#[utoipa::path(patch, path = "/api/v1/projects/{name}", tag = "projects", params(("name" = String, Path, description = "The project's name")), request_body = rest::ProjectPatch, responses((status = 200, body = rest::ProjectView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn project_patch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<String>,
    ApiJson(body): ApiJson<rest::ProjectPatch>,
) -> ApiResult<Json<rest::ProjectView>> {
    let name = Name::try_from(name)?;
    let project = state
        .hub
        .project_describe(&caller, &name, &body.description)
        .await?;
    Ok(Json(view::project(project)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentFilter {
    /// Only this project.
    project: Option<Name>,
}

/// Experiments, newest first.
#[utoipa::path(get, path = "/api/v1/experiments", tag = "projects", params(("project" = Option<String>, Query, description = "Only this project")), responses((status = 200, body = rest::ExperimentList)))]
pub(crate) async fn experiments(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(filter): ApiQuery<ExperimentFilter>,
) -> ApiResult<Json<rest::ExperimentList>> {
    let experiments = state
        .hub
        .experiment_list(&caller, filter.project.as_ref())
        .await?;
    Ok(Json(rest::ExperimentList {
        experiments: experiments.into_iter().map(view::experiment).collect(),
    }))
}
