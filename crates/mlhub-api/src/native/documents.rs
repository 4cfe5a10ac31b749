//! Saved views and reports.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_app::DocumentDraft;
use mlhub_core::document::{Document, DocumentHead};
use mlhub_core::{Caller, Name};
use mlhub_protocol::rest;
use serde::Deserialize;

use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    kind: Option<String>,
    project: Option<String>,
}

/// Saved views and reports, the one stored last first, without their bodies.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents", params(("kind" = Option<String>, Query, description = "`view` or `report`; both when absent"), ("project" = Option<String>, Query, description = "Only those about this project; all when absent")), responses((status = 200, body = rest::DocumentList), (status = 400, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<ListParams>,
) -> ApiResult<Json<rest::DocumentList>> {
    let kind = params.kind.as_deref().map(str::parse).transpose()?;
    let project = params.project.map(Name::try_from).transpose()?;
    let found = state
        .hub
        .document_list(&caller, kind, project.as_ref())
        .await?;
    Ok(Json(rest::DocumentList {
        documents: found.into_iter().map(head).collect(),
    }))
}

/// Stores a new view or report.
#[utoipa::path(post, path = "/api/v1/documents", tag = "documents", request_body = rest::DocumentCreate, responses((status = 201, body = rest::DocumentView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem, description = "There is no such project"), (status = 413, body = rest::Problem)))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::DocumentCreate>,
) -> ApiResult<(StatusCode, Json<rest::DocumentView>)> {
    let draft = DocumentDraft {
        kind: body.kind.parse()?,
        project: body.project.map(Name::try_from).transpose()?,
        name: body.name,
        body: body.body,
    };
    let stored = state.hub.document_create(&caller, draft).await?;
    Ok((StatusCode::CREATED, Json(document(stored))))
}

/// One view or report.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = String, Path, description = "The document's id")), responses((status = 200, body = rest::DocumentView), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Json<rest::DocumentView>> {
    let found = state.hub.document_get(&caller, &id.try_into()?).await?;
    Ok(Json(document(found)))
}

/// Stores a new state of a view or report.
#[utoipa::path(put, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = String, Path, description = "The document's id")), request_body = rest::DocumentChange, responses((status = 200, body = rest::DocumentView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "Somebody stored another revision meanwhile; `details.stored` is its number"), (status = 413, body = rest::Problem)))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<rest::DocumentChange>,
) -> ApiResult<Json<rest::DocumentView>> {
    let stored = state
        .hub
        .document_change(
            &caller,
            &id.try_into()?,
            body.revision,
            body.name,
            body.body,
        )
        .await?;
    Ok(Json(document(stored)))
}

/// Removes a view or report.
#[utoipa::path(delete, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = String, Path, description = "The document's id")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<StatusCode> {
    state.hub.document_remove(&caller, &id.try_into()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn head(head: DocumentHead) -> rest::DocumentHead {
    rest::DocumentHead {
        id: head.id.into(),
        kind: head.kind.as_str().to_owned(),
        project: head.project.map(Into::into),
        name: head.name,
        owner: head.owner.0,
        revision: head.revision,
        created_at: head.created_at.0,
        updated_at: head.updated_at.0,
    }
}

fn document(document: Document) -> rest::DocumentView {
    rest::DocumentView {
        head: head(document.head),
        body: document.body,
    }
}
