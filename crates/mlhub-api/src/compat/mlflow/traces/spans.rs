//! `POST /v1/traces`: spans as OpenTelemetry sends them, in protocol buffers.
//!
//! They are stored with the traces they are of, which are made where nobody told of them yet.
//! All spans of a request are stored or none.

use std::collections::BTreeMap;
use std::io::Read as _;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use mlhub_core::trace::ArrivedSpans;
use mlhub_core::{Caller, RunId, TraceId, limits};
use serde_json::Value;

use super::document::{attribute, dumped, plain};
use super::otlp::{self, Received, Unreadable};
use super::view;
use crate::ApiState;
use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::experiments::to_change;
use crate::compat::mlflow::fields::Body;

/// What a request may be once it is decompressed.
const INFLATED_MAX_BYTES: u64 = 4 * limits::EVENTS_BODY_MAX_BYTES as u64;
/// The header with the experiment that new traces are of.
const EXPERIMENT: &str = "x-mlflow-experiment-id";
/// The header with a run that the traces are linked to.
const RUN: &str = "x-mlflow-run-id";
/// What attributes of a root span begin with that are tags of its trace.
const TAG_PREFIX: &str = "mlflow.traceTag.";
/// Characters of a preview.
const PREVIEW_CHARS: usize = 1000;
/// Attributes that are metadata of a trace, by their names there.
const METADATA: [(&str, &str); 3] = [
    ("session.id", "mlflow.trace.session"),
    ("gen_ai.conversation.id", "mlflow.trace.session"),
    ("user.id", "mlflow.trace.user"),
];

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// The bytes of a request, decompressed.
fn inflated(headers: &HeaderMap, body: &[u8]) -> Answer<Vec<u8>> {
    let encoding = text_of(headers, "content-encoding").unwrap_or("identity");
    let mut bytes = Vec::new();
    match encoding.to_ascii_lowercase().as_str() {
        "identity" => return Ok(body.to_vec()),
        "gzip" => {
            let mut reader = flate2::read::GzDecoder::new(body).take(INFLATED_MAX_BYTES + 1);
            let read = reader.read_to_end(&mut bytes);
            read.map_err(|_| Refusal::invalid("the body cannot be decompressed"))?;
        }
        _ => {
            return Err(Refusal::invalid(
                "spans are taken plain or with the content encoding gzip",
            ));
        }
    }
    match bytes.len() as u64 > INFLATED_MAX_BYTES {
        true => Err(Refusal::invalid(format!(
            "the body is larger than {INFLATED_MAX_BYTES} bytes when it is decompressed"
        ))),
        false => Ok(bytes),
    }
}

fn refusal(why: Unreadable) -> Refusal {
    Refusal::invalid(match why {
        Unreadable::Malformed => "Invalid OpenTelemetry format",
        Unreadable::TooMuch => {
            "the request holds too many spans and values, or values too deep in each other; send \
             fewer spans at once"
        }
        Unreadable::Ids => {
            "Cannot convert OpenTelemetry span to MLflow span: a trace id has 16 bytes, a span id 8"
        }
    })
}

pub(in crate::compat::mlflow) async fn receive(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let kind = text_of(&headers, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind != "application/x-protobuf" {
        return Err(Refusal::invalid(format!(
            "Invalid Content-Type: {kind}. Expected: application/x-protobuf"
        )));
    }
    let experiment = text_of(&headers, EXPERIMENT)
        .ok_or_else(|| Refusal::invalid(format!("the header {EXPERIMENT} is missing")))?;
    let experiment = to_change(&state, &caller, experiment).await?;
    let bytes = inflated(&headers, &body.0)?;
    let request = otlp::read(&bytes).map_err(refusal)?;
    if request.resources.is_empty() {
        return Err(Refusal::invalid(
            "Invalid OpenTelemetry format - no spans found",
        ));
    }
    let arrived = arrived(request, experiment.number)?;
    state.hub.trace_spans_put(&caller, &arrived).await?;
    let run = text_of(&headers, RUN).and_then(|run| run.parse::<RunId>().ok());
    let ended = |one: &&ArrivedSpans| one.spans.iter().any(|span| span.parent.is_none());
    let ended: Vec<TraceId> = arrived
        .iter()
        .filter(ended)
        .map(|one| one.trace.clone())
        .collect();
    if let (Some(run), false) = (run, ended.is_empty()) {
        state.hub.trace_link(&caller, &run, &ended).await?;
    }
    Ok(([(header::CONTENT_TYPE, "application/x-protobuf")], "").into_response())
}

/// The spans of a request by their traces.
fn arrived(request: otlp::Request, experiment: i64) -> Answer<Vec<ArrivedSpans>> {
    let mut traces: BTreeMap<String, ArrivedSpans> = BTreeMap::new();
    for received in request.spans {
        let resource = &request.resources[received.resource];
        let trace = match traces.get_mut(&received.trace) {
            Some(trace) => trace,
            None => {
                let new = ArrivedSpans {
                    trace: format!("tr-{}", received.trace).parse()?,
                    experiment,
                    run: None,
                    spans: Vec::new(),
                    tags: resource_tags(resource),
                    metadata: BTreeMap::new(),
                    request_preview: None,
                    response_preview: None,
                };
                traces.entry(received.trace.clone()).or_insert(new)
            }
        };
        tell(trace, &received);
        trace.spans.push(received.span);
    }
    Ok(traces.into_values().collect())
}

/// What sent the spans, as tags.
fn resource_tags(resource: &[(String, Value)]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for (name, value) in resource {
        let own = name.starts_with("telemetry.sdk.") || name.starts_with("mlflow.");
        put_tag(&mut tags, name, value, own);
    }
    tags.insert(view::SPANS.to_owned(), view::SPANS_HERE.to_owned());
    tags
}

/// Adds a tag, unless it is one that no trace can have.
fn put_tag(tags: &mut BTreeMap<String, String>, name: &str, value: &Value, unwanted: bool) {
    let value = view::storable(&plain(value));
    let fits = mlhub_core::trace::check_label("tag", name, &value).is_ok();
    if fits && !unwanted && tags.len() < limits::TRACE_LABELS_MAX / 2 {
        tags.insert(name.to_owned(), value);
    }
}

/// What a span tells of its trace.
fn tell(trace: &mut ArrivedSpans, received: &Received) {
    let document = &received.document;
    for (from, to) in METADATA {
        if let Some(value) = attribute(document, from)
            && !trace.metadata.contains_key(to)
        {
            put_tag(&mut trace.metadata, to, value, false);
        }
    }
    if received.span.parent.is_some() {
        return;
    }
    let preview = |name: &str| attribute(document, name).map(preview);
    trace.request_preview = preview("mlflow.spanInputs");
    trace.response_preview = preview("mlflow.spanOutputs");
    let all = document["attributes"].as_array().map(Vec::as_slice);
    for pair in all.unwrap_or_default() {
        let name = pair["key"].as_str().unwrap_or_default();
        if let Some(tag) = name.strip_prefix(TAG_PREFIX) {
            let fixed = super::FIXED_TAGS.contains(&tag);
            put_tag(&mut trace.tags, tag, &pair["value"], fixed);
        }
    }
}

/// The beginning of a value.
fn preview(value: &Value) -> String {
    let text = view::storable(&dumped(value));
    match text.char_indices().nth(PREVIEW_CHARS) {
        None => text,
        Some(_) => {
            let mut cut: String = text.chars().take(PREVIEW_CHARS - 3).collect();
            cut.push_str("...");
            cut
        }
    }
}
