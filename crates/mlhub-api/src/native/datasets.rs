//! Datasets, versions and splits.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_core::dataset::{DatasetPreview, DatasetSplit, DatasetVersion};
use mlhub_core::{Caller, Name, Timestamp};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::view;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// All datasets.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets", responses((status = 200, body = rest::DatasetList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::DatasetList>> {
    let datasets = state.hub.dataset_list(&caller).await?;
    Ok(Json(rest::DatasetList {
        datasets: datasets.into_iter().map(view::dataset).collect(),
    }))
}

/// Registers a content of a dataset; the same fingerprint is the same version.
#[utoipa::path(post, path = "/api/v1/datasets", tag = "datasets", request_body = rest::DatasetRegister, responses((status = 200, body = rest::DatasetVersionView), (status = 400, body = rest::Problem)))]
pub(crate) async fn register(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::DatasetRegister>,
) -> ApiResult<Json<rest::DatasetVersionView>> {
    let version = DatasetVersion {
        dataset: body.name.try_into()?,
        version: 0,
        fingerprint: body.fingerprint,
        format: body.format,
        source: body.source,
        rows: body.rows,
        size_bytes: body.size_bytes,
        inspection: body.inspection,
        owner: caller.user.clone(),
        created_at: Timestamp(0),
    };
    let version = state
        .hub
        .dataset_register(&caller, version, &body.description)
        .await?;
    Ok(Json(view::dataset_version(version)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionParam {
    version: Option<u32>,
}

/// A dataset with its versions and splits.
#[utoipa::path(get, path = "/api/v1/datasets/{name}", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = Option<u32>, Query, description = "The newest when absent")), responses((status = 200, body = rest::DatasetDetail), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(param): ApiQuery<VersionParam>,
) -> ApiResult<Json<rest::DatasetDetail>> {
    let overview = state
        .hub
        .dataset_overview(&caller, &Name::try_from(name)?, param.version)
        .await?;
    Ok(Json(rest::DatasetDetail {
        description: overview.description,
        current: view::dataset_version(overview.current),
        versions: overview
            .versions
            .into_iter()
            .map(view::dataset_version)
            .collect(),
        splits: overview.splits.into_iter().map(view::split).collect(),
    }))
}

/// Stores a split of a version.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/versions/{version}/splits", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number")), request_body = rest::SplitRegister, responses((status = 200, body = rest::SplitView), (status = 404, body = rest::Problem)))]
pub(crate) async fn split(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version)): ApiPath<(String, u32)>,
    ApiJson(body): ApiJson<rest::SplitRegister>,
) -> ApiResult<Json<rest::SplitView>> {
    let split = DatasetSplit {
        dataset: name.try_into()?,
        version,
        hash: body.hash,
        spec: body.spec,
        parts: body.parts,
        created_at: Timestamp(0),
    };
    Ok(Json(view::split(
        state.hub.split_register(&caller, split).await?,
    )))
}

/// Removes a version that no run refers to, for good. The data itself stays.
#[utoipa::path(delete, path = "/api/v1/datasets/{name}/versions/{version}", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "Runs refer to it")))]
pub(crate) async fn purge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version)): ApiPath<(String, u32)>,
) -> ApiResult<StatusCode> {
    let name = name.try_into()?;
    state
        .hub
        .dataset_version_purge(&caller, &name, version)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rows of a version that somebody chose to show. None is shown unless whoever
/// registers the data asks for it.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/versions/{version}/preview", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number")), responses((status = 200, body = rest::DatasetPreviewView), (status = 404, body = rest::Problem, description = "There is no such version, or it has no preview")))]
pub(crate) async fn preview(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version)): ApiPath<(String, u32)>,
) -> ApiResult<Json<rest::DatasetPreviewView>> {
    let name = name.try_into()?;
    let (preview, total_rows) = state.hub.dataset_preview(&caller, &name, version).await?;
    Ok(Json(preview_view(preview, total_rows)))
}

/// Stores a few rows of a version to be shown, in place of those it has.
#[utoipa::path(put, path = "/api/v1/datasets/{name}/versions/{version}/preview", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number")), request_body = rest::DatasetPreviewSet, responses((status = 200, body = rest::DatasetPreviewView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn preview_set(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version)): ApiPath<(String, u32)>,
    ApiJson(body): ApiJson<rest::DatasetPreviewSet>,
) -> ApiResult<Json<rest::DatasetPreviewView>> {
    let name = name.try_into()?;
    state
        .hub
        .dataset_preview_set(&caller, &name, version, body.columns, body.rows)
        .await?;
    let (preview, total_rows) = state.hub.dataset_preview(&caller, &name, version).await?;
    Ok(Json(preview_view(preview, total_rows)))
}

/// Removes the preview of a version.
#[utoipa::path(delete, path = "/api/v1/datasets/{name}/versions/{version}/preview", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn preview_remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version)): ApiPath<(String, u32)>,
) -> ApiResult<StatusCode> {
    let name = name.try_into()?;
    state
        .hub
        .dataset_preview_remove(&caller, &name, version)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn preview_view(preview: DatasetPreview, total_rows: Option<u64>) -> rest::DatasetPreviewView {
    rest::DatasetPreviewView {
        columns: preview.columns,
        rows: preview.rows,
        total_rows,
        actor: preview.actor.0,
        created_at: preview.created_at.0,
    }
}
