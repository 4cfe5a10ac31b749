//! Single files as pages of a browser ask for them: by run, by version of a registered model,
//! by logged model. And what the hub does not do with files: nothing is signed or sent in parts.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mlhub_core::Caller;

use super::artifacts::{Owner, below, file_path, owner, send};
use super::error::{Answer, Refusal};
use super::fields::{Fields, Rest};
use super::logged_models::{by_model_id, no_model};
use super::model_versions::{by_number, number};
use super::registered_models::{by_name, model_name};
use super::runs::by_run_id;
use super::version_sources;
use crate::ApiState;

/// What clients look for, before they send a file whole.
const NO_MULTIPART: &str = "Multipart upload is not supported for the current artifact repository";
const NO_PRESIGNED: &str =
    "Multipart download is not supported for the current artifact repository";
const UNSUPPORTED: &str = "NOT_IMPLEMENTED";

pub(super) async fn of_run(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
    fields: Fields,
) -> Answer<Response> {
    let path = fields.required("path")?;
    file_path(path)?;
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    send(&state, &caller, &run, path, &asked).await
}

pub(super) async fn of_version(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
    fields: Fields,
) -> Answer<Response> {
    let path = fields.required("path")?;
    file_path(path)?;
    let name = model_name(&fields, "name")?;
    let number = number(&fields)?;
    by_name(&state, &caller, &name).await?;
    let version = by_number(&state, &caller, &name, number).await?;
    let found = version_sources::files(&state, &caller, &version).await?;
    let (run, folder) = found.ok_or_else(|| {
        Refusal::missing(format!(
            "the files of version {number} of '{name}' are not in this hub; its source is '{}'",
            version.source
        ))
    })?;
    send(&state, &caller, &run, &below(&folder, path), &asked).await
}

pub(super) async fn of_model(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    asked: HeaderMap,
    fields: Fields,
) -> Answer<Response> {
    let path = fields.required("artifact_file_path")?;
    file_path(path)?;
    let model = by_model_id(&state, &caller, &id).await?;
    if model.deleted_at.is_some() {
        return Err(no_model(&id));
    }
    let (run, folder) = owner(&state, &caller, &Owner::Model(&id)).await?;
    send(&state, &caller, &run, &below(&folder, path), &asked).await
}

/// Parts would go to addresses without the client's credentials, and a part that is cut fails
/// the whole; a file is sent whole and has no bound that matters.
pub(super) async fn no_multipart() -> Refusal {
    Refusal::new(UNSUPPORTED, NO_MULTIPART)
}

pub(super) async fn no_presigned() -> Refusal {
    Refusal::new(UNSUPPORTED, NO_PRESIGNED)
}
