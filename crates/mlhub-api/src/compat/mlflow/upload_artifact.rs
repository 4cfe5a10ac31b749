//! `upload-artifact`: a small file of a run, as pages of a browser send it.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use mlhub_core::Caller;
use serde_json::Value;

use super::artifacts::{KIND, file_path};
use super::error::{Answer, Refusal};
use super::fields::{Body, Fields};
use super::nothing;
use super::runs::{by_run_id, refuse_deleted};
use crate::ApiState;

/// Bytes of such a file, as MLflow takes them.
pub(super) const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

pub(super) async fn upload(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Body(body): Body,
) -> Answer<Json<Value>> {
    let fields = Fields::of_uri(&uri)?;
    let given = |name: &str| -> Answer<&str> {
        let text = fields.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::invalid(format!("Request must specify {name}.")))
    };
    let (run, path) = (given("run_uuid")?, file_path(given("path")?)?);
    if body.is_empty() {
        return Err(Refusal::invalid("Request must specify data."));
    }
    let run = by_run_id(&state, &caller, run).await?;
    refuse_deleted(&run)?;
    let mut upload = state
        .hub
        .artifact_upload(&caller, &run.id, run.attempt, path, KIND, None)
        .await?;
    upload.write(body).await?;
    upload.finish().await?;
    nothing()
}
