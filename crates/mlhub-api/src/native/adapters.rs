//! Adapters and metric definitions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_core::Caller;
use mlhub_protocol::rest;

use super::view;
use crate::ApiState;
use crate::extract::ApiJson;
use crate::problem::ApiResult;

/// Adapters the hub knows, the broken ones with their reason.
#[utoipa::path(get, path = "/api/v1/adapters", tag = "adapters", responses((status = 200, body = rest::AdapterList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::AdapterList>> {
    let adapters = state.hub.adapter_list(&caller).await?;
    Ok(Json(rest::AdapterList {
        adapters: adapters.into_iter().map(view::adapter).collect(),
    }))
}

/// Notes an adapter version a run uses.
#[utoipa::path(post, path = "/api/v1/adapters", tag = "adapters", request_body = rest::AdapterSeen, responses((status = 204, description = "Noted"), (status = 400, body = rest::Problem)))]
pub(crate) async fn seen(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::AdapterSeen>,
) -> ApiResult<StatusCode> {
    state
        .hub
        .adapter_seen(&caller, &body.name, &body.version, body.manifest)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Metric definitions.
#[utoipa::path(get, path = "/api/v1/metric-definitions", tag = "evaluations", responses((status = 200, body = rest::DefinitionList)))]
pub(crate) async fn definitions(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::DefinitionList>> {
    let definitions = state.hub.definition_list(&caller).await?;
    Ok(Json(rest::DefinitionList {
        definitions: definitions
            .into_iter()
            .map(|definition| rest::DefinitionView {
                id: definition.stored.id,
                hash: definition.stored.hash,
                definition: definition.stored.body,
                adapter: definition.adapter,
                problem: definition.problem,
            })
            .collect(),
    }))
}
