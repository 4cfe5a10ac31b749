//! Trained models that answer: their description, predictions, searches, exports.

use std::time::Instant;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{ModelAnswer, ServedModel};
use mlhub_core::{Caller, Error, ErrorKind};
use mlhub_protocol::rest;

use super::view;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath};
use crate::problem::ApiResult;

/// A trained model: what it takes, what it gives, what can be done with it.
#[utoipa::path(get, path = "/api/v1/models/{model}", tag = "models", params(("model" = String, Path, description = "Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model, percent-encoded")), responses((status = 200, body = rest::ModelDescription), (status = 404, body = rest::Problem, description = "No such run or version, or the run left no model"), (status = 409, body = rest::Problem, description = "The version is no file of a model its run has now"), (status = 413, body = rest::Problem), (status = 501, body = rest::Problem, description = "Its description cannot be used")))]
pub(crate) async fn describe(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<String>,
) -> ApiResult<Json<rest::ModelDescription>> {
    let found = state.hub.model_describe(&caller, &model).await?;
    Ok(Json(rest::ModelDescription {
        model: reference(&found),
        size_bytes: found.size_bytes(),
        capabilities: found.capabilities,
        description: found.description,
        files: found
            .files
            .into_iter()
            .map(|file| view::artifact(file.artifact))
            .collect(),
    }))
}

/// Predictions of a model, one for each input. Starts a program on the hub's machine.
#[utoipa::path(post, path = "/api/v1/models/{model}/predict", tag = "models", params(("model" = String, Path, description = "Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model, percent-encoded")), request_body = rest::PredictRequest, responses((status = 200, body = rest::PredictResponse), (status = 400, body = rest::Problem, description = "The details' `field` names the part to blame"), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "The version is no file of a model its run has now"), (status = 413, body = rest::Problem), (status = 501, body = rest::Problem, description = "The model or its adapter cannot do it"), (status = 502, body = rest::Problem, description = "The model's program failed"), (status = 503, body = rest::Problem, description = "Too many requests or models at once"), (status = 504, body = rest::Problem, description = "The model's program did not answer in time")))]
pub(crate) async fn predict(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<String>,
    ApiJson(body): ApiJson<rest::PredictRequest>,
) -> ApiResult<Json<rest::PredictResponse>> {
    let started = Instant::now();
    let asking = state
        .hub
        .model_predict(&caller, &model, body.inputs, body.options);
    let (model, answered) = asking.await?;
    let ModelAnswer::Outputs(outputs) = answered.answer else {
        return Err(other_kind().into());
    };
    Ok(Json(rest::PredictResponse {
        outputs,
        model: reference(&model),
        took_ms: millis(started),
        cold_start: answered.cold_start,
    }))
}

/// What a model finds for each query. Starts a program on the hub's machine.
#[utoipa::path(post, path = "/api/v1/models/{model}/search", tag = "models", params(("model" = String, Path, description = "Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model, percent-encoded")), request_body = rest::SearchRequest, responses((status = 200, body = rest::SearchResponse), (status = 400, body = rest::Problem, description = "The details' `field` names the part to blame"), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "The version is no file of a model its run has now"), (status = 413, body = rest::Problem), (status = 501, body = rest::Problem, description = "The model or its adapter cannot do it"), (status = 502, body = rest::Problem, description = "The model's program failed"), (status = 503, body = rest::Problem, description = "Too many requests or models at once"), (status = 504, body = rest::Problem, description = "The model's program did not answer in time")))]
pub(crate) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<String>,
    ApiJson(body): ApiJson<rest::SearchRequest>,
) -> ApiResult<Json<rest::SearchResponse>> {
    let started = Instant::now();
    let asking = state
        .hub
        .model_search(&caller, &model, body.queries, body.k, body.options);
    let (model, answered) = asking.await?;
    let ModelAnswer::Hits(hits) = answered.answer else {
        return Err(other_kind().into());
    };
    Ok(Json(rest::SearchResponse {
        hits,
        model: reference(&model),
        took_ms: millis(started),
        cold_start: answered.cold_start,
    }))
}

/// A model in another format, stored as artifacts of its run. Starts a program on the hub's machine.
#[utoipa::path(post, path = "/api/v1/models/{model}/export", tag = "models", params(("model" = String, Path, description = "Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model, percent-encoded")), request_body = rest::ExportRequest, responses((status = 200, body = rest::ExportResponse), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "The model is being exported already, a file of another kind is in the way, or the version is no file of a model its run has now"), (status = 413, body = rest::Problem), (status = 501, body = rest::Problem, description = "The adapter does not export, or not to this format"), (status = 502, body = rest::Problem, description = "The export's program failed, or the exported model answers otherwise than the original"), (status = 503, body = rest::Problem, description = "Too many exports at once"), (status = 504, body = rest::Problem, description = "The export took too long")))]
pub(crate) async fn export(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(model): ApiPath<String>,
    ApiJson(body): ApiJson<rest::ExportRequest>,
) -> ApiResult<Json<rest::ExportResponse>> {
    let started = Instant::now();
    let exporting = state.hub.model_export(&caller, &model, &body.format);
    let exported = exporting.await?;
    Ok(Json(rest::ExportResponse {
        model: reference(&exported.model),
        format: exported.report.format,
        compared_rows: exported.report.compared_rows,
        max_abs_difference: exported.report.max_abs_difference,
        tolerance: exported.report.tolerance,
        files: exported.files.into_iter().map(view::artifact).collect(),
        folder: exported.folder,
        took_ms: millis(started),
    }))
}

fn reference(model: &ServedModel) -> rest::ModelReference {
    rest::ModelReference {
        run: model.run.id.to_string(),
        project: model.run.project.to_string(),
        name: model.run.name.to_string(),
        adapter: match &model.adapter_version {
            Some(version) => format!("{}@{version}", model.adapter),
            None => model.adapter.clone(),
        },
        hash: model.hash.clone(),
    }
}

fn other_kind() -> Error {
    Error::new(
        ErrorKind::ProgramFailed,
        "the model's program answered another question than was asked",
    )
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
