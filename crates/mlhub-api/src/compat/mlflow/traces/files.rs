//! Files of traces: under `mlflow-artifacts` a path `EXPERIMENT/traces/TRACE/artifacts/PATH`
//! is one of them, every other one is told to `artifacts`. `traces.json` is made of the spans
//! where no client stored it.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlhub_core::trace::Trace;
use mlhub_core::{ArtifactPath, Caller, Error, limits};
use serde_json::{Value, json};

use super::{by_trace_id, document, view};
use crate::ApiState;
use crate::compat::mlflow::artifacts;
use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::fields::{Fields, Rest};
use crate::compat::mlflow::nothing;
use crate::extract::AnyStream;

/// The file with a trace's spans.
const SPANS: &str = "traces.json";

/// The trace that a path is about, and what is below its files.
fn place(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.trim_matches('/').splitn(5, '/');
    match (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) {
        (Some(_experiment), Some("traces"), Some(trace), Some("artifacts"), below) => {
            Some((trace, below.unwrap_or_default()))
        }
        _ => None,
    }
}

fn file_path(path: &str) -> Answer<ArtifactPath> {
    path.parse()
        .map_err(|error: Error| Refusal::invalid(format!("Invalid path: {error}")))
}

fn file(path: &ArtifactPath, bytes: Vec<u8>) -> Response {
    // Other names could hold what no header holds.
    let disposition = if path.as_str() == SPANS {
        "attachment; filename=traces.json"
    } else {
        "attachment"
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes).into_response()
}

/// The spans of a trace as a file.
async fn spans(state: &ApiState, caller: &Caller, trace: &Trace) -> Answer<Option<Vec<u8>>> {
    let spans = state
        .hub
        .trace_spans(caller, std::slice::from_ref(&trace.id))
        .await?;
    let Some(spans) = spans.into_values().next() else {
        return Ok(None);
    };
    let mut text = "{\"spans\":[".to_owned();
    for (index, span) in spans.iter().enumerate() {
        let read = serde_json::from_str::<Value>(&span.content);
        let document = read.map_err(|error| Error::internal("read a span", error))?;
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(&document::of_file(&document).to_string());
    }
    text.push_str("]}");
    Ok(Some(text.into_bytes()))
}

async fn content(state: &ApiState, caller: &Caller, trace: &Trace, path: &str) -> Answer<Response> {
    let path = file_path(path)?;
    let mut found = state.hub.trace_file_get(caller, &trace.id, &path).await?;
    if found.is_none() && path.as_str() == SPANS {
        found = spans(state, caller, trace).await?;
    }
    found.map(|bytes| file(&path, bytes)).ok_or_else(|| {
        Refusal::missing(format!("No such artifact: '{path}' of trace {}", trace.id))
    })
}

pub(in crate::compat::mlflow) async fn download(
    state: State<ApiState>,
    caller: Extension<Caller>,
    path: Rest,
    asked: HeaderMap,
) -> Answer<Response> {
    let Some((trace, below)) = place(&path.0) else {
        return artifacts::download(state, caller, path, asked).await;
    };
    let trace = by_trace_id(&state, &caller, trace).await?;
    content(&state, &caller, &trace, below).await
}

pub(in crate::compat::mlflow) async fn upload(
    state: State<ApiState>,
    caller: Extension<Caller>,
    path: Rest,
    AnyStream(mut body): AnyStream,
) -> Answer<Json<Value>> {
    let Some((trace, below)) = place(&path.0) else {
        return artifacts::upload(state, caller, path, AnyStream(body)).await;
    };
    let trace = by_trace_id(&state, &caller, trace).await?;
    let below = file_path(below)?;
    let mut content = Vec::new();
    while let Some(bytes) = body.next().await? {
        content.extend_from_slice(&bytes);
        if content.len() > limits::TRACE_FILES_MAX_BYTES as usize {
            let max = limits::TRACE_FILES_MAX_BYTES;
            return Err(Refusal::invalid(format!(
                "the files of a trace have {max} bytes at most"
            )));
        }
    }
    let stored = state
        .hub
        .trace_file_put(&caller, &trace.id, &below, &content)
        .await;
    stored.map_err(view::not_found(&trace.id))?;
    nothing()
}

pub(in crate::compat::mlflow) async fn list(
    state: State<ApiState>,
    caller: Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let path = fields.text("path")?.unwrap_or_default();
    let Some((trace, below)) = place(path) else {
        return artifacts::list(state, caller, fields).await;
    };
    let trace = by_trace_id(&state, &caller, trace).await?;
    let folder = match below.trim_matches('/') {
        "" => String::new(),
        below => format!("{}/", file_path(below)?),
    };
    let mut found: Vec<Value> = Vec::new();
    for file in state.hub.trace_file_list(&caller, &trace.id).await? {
        let Some(rest) = file.path.as_str().strip_prefix(&folder) else {
            continue;
        };
        let view = match rest.split_once('/') {
            None => json!({"path": rest, "is_dir": false, "file_size": file.size_bytes}),
            Some((name, _)) => json!({"path": name, "is_dir": true}),
        };
        // Files come by their paths, so those of one folder follow each other.
        if found.last() != Some(&view) {
            found.push(view);
        }
    }
    Ok(Json(json!({"files": found})))
}

/// The spans of a trace, or an attachment of it, as a page asks for them.
pub(in crate::compat::mlflow) async fn of_trace(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Response> {
    let id = fields.text("request_id")?.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| {
        Refusal::new(
            "BAD_REQUEST",
            "Request must include the \"request_id\" query parameter.",
        )
    })?;
    let trace = by_trace_id(&state, &caller, id).await?;
    match fields.text("path")?.filter(|path| !path.is_empty()) {
        None => content(&state, &caller, &trace, SPANS).await,
        Some(path) => content(&state, &caller, &trace, &format!("attachments/{path}")).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_trace_and_what_is_below_it() {
        assert_eq!(
            place("1/traces/tr-1/artifacts/traces.json"),
            Some(("tr-1", "traces.json"))
        );
        assert_eq!(place("/1/traces/tr-1/artifacts/a/b"), Some(("tr-1", "a/b")));
        assert_eq!(place("1/traces/tr-1/artifacts"), Some(("tr-1", "")));
        for path in [
            "",
            "1/traces",
            "1/traces/tr-1",
            "1/traces/tr-1/other/x",
            "1/models/m/artifacts/x",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
        // A run that is called so is no trace.
        assert_eq!(place("1/traces/artifacts/x"), None);
    }
}
