//! Traces and assessments as MLflow words them, in both directions.

use std::collections::BTreeMap;

use mlhub_core::run::Experiment;
use mlhub_core::trace::{Assessment, AssessmentChange, AssessmentKind, Trace, TraceState};
use mlhub_core::{AssessmentId, ErrorKind, Timestamp, TraceId};
use serde_json::{Map, Value, json};

use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::fields::{Fields, missing, shown, wrong_type};
use crate::compat::mlflow::view;

/// The tag with a trace's name.
pub(super) const NAME: &str = "mlflow.traceName";
/// The metadata with the run a trace was made in.
pub(super) const SOURCE_RUN: &str = "mlflow.sourceRun";
/// The tag that says where clients find the files of a trace.
pub(super) const LOCATION: &str = "mlflow.artifactLocation";
/// The tag that says where clients find the spans of a trace.
pub(super) const SPANS: &str = "mlflow.trace.spansLocation";
/// Its value for spans that this server answers with.
pub(super) const SPANS_HERE: &str = "TRACKING_STORE";
/// The metadata that says that the head of a trace came.
const HEADED: &str = "mlflow.trace.infoFinalized";

pub(super) fn no_trace(id: &str) -> Refusal {
    let id: String = id.chars().take(200).collect();
    Refusal::missing(format!("Trace with ID '{id}' not found."))
}

pub(super) fn trace_id(id: &str) -> Answer<TraceId> {
    id.parse().map_err(|_| no_trace(id))
}

/// What is missing is told in MLflow's words.
pub(super) fn not_found(id: &TraceId) -> impl FnOnce(mlhub_core::Error) -> Refusal + '_ {
    move |error| match error.kind() {
        ErrorKind::NotFound => no_trace(id.as_str()),
        _ => error.into(),
    }
}

fn state_name(state: TraceState) -> &'static str {
    match state {
        TraceState::Unspecified => "STATE_UNSPECIFIED",
        TraceState::InProgress => "IN_PROGRESS",
        TraceState::Ok => "OK",
        TraceState::Error => "ERROR",
    }
}

/// A state as filters and version 2 name it.
pub(super) fn status_name(state: TraceState) -> &'static str {
    match state {
        TraceState::Unspecified => "TRACE_STATUS_UNSPECIFIED",
        state => state_name(state),
    }
}

/// The state of a name, as either version has it.
pub(super) fn state(field: &str, value: Option<&Value>) -> Answer<TraceState> {
    let unknown = |value: &Value| {
        Refusal::invalid(format!(
            "Invalid value {} for parameter '{field}' supplied: it is no state of a trace",
            shown(value)
        ))
    };
    match value {
        None | Some(Value::Null) => Ok(TraceState::Unspecified),
        Some(value) => match value.as_str() {
            Some("STATE_UNSPECIFIED" | "TRACE_STATUS_UNSPECIFIED") => Ok(TraceState::Unspecified),
            Some("OK") => Ok(TraceState::Ok),
            Some("ERROR") => Ok(TraceState::Error),
            Some("IN_PROGRESS") => Ok(TraceState::InProgress),
            _ => match value.as_i64() {
                Some(0) => Ok(TraceState::Unspecified),
                Some(1) => Ok(TraceState::Ok),
                Some(2) => Ok(TraceState::Error),
                Some(3) => Ok(TraceState::InProgress),
                _ => Err(unknown(value)),
            },
        },
    }
}

/// A time as protocol buffers write it.
fn time_text(time: Timestamp) -> String {
    let bounded = time.0.clamp(TIME_MIN_MS, TIME_MAX_MS);
    match jiff::Timestamp::from_millisecond(bounded) {
        Ok(time) if bounded % 1000 == 0 => format!("{time:.0}"),
        Ok(time) => format!("{time:.3}"),
        Err(_) => String::new(),
    }
}

/// The years 1 to 9999, which is what protocol buffers know.
const TIME_MIN_MS: i64 = -62_135_596_800_000;
/// See [`TIME_MIN_MS`].
const TIME_MAX_MS: i64 = 253_402_214_400_000;

fn time(field: &str, value: Option<&Value>) -> Answer<Option<Timestamp>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let parsed = value
                .as_str()
                .and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let parsed = parsed.ok_or_else(|| wrong_type(field, value))?;
            Ok(Some(Timestamp(parsed.as_millisecond())))
        }
    }
}

/// A duration as protocol buffers write it.
fn duration_text(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    match (ms / 1000, ms % 1000) {
        (seconds, 0) => format!("{sign}{seconds}s"),
        (seconds, rest) => format!("{sign}{seconds}.{rest:03}s"),
    }
}

fn duration(field: &str, value: Option<&Value>) -> Answer<Option<i64>> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let seconds = value.as_str().and_then(|text| text.strip_suffix('s'));
    let seconds = seconds.and_then(|text| text.parse::<f64>().ok());
    let seconds = seconds.filter(|seconds| seconds.abs() <= DURATION_MAX_SECONDS);
    let seconds = seconds.ok_or_else(|| wrong_type(field, value))?;
    Ok(Some((seconds * 1000.0).round() as i64))
}

/// Ten thousand years, which is what protocol buffers know.
const DURATION_MAX_SECONDS: f64 = 315_576_000_000.0;

/// Texts by name, as a message has them. What no text of ours may hold is replaced.
pub(super) fn texts(field: &str, value: Option<&Value>) -> Answer<BTreeMap<String, String>> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), storable(text))),
                other => Err(wrong_type(&format!("{field}.{name}"), other)),
            })
            .collect(),
        Some(other) => Err(wrong_type(field, other)),
    }
}

/// A text without NUL, which is not stored.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn message<'m>(
    fields: &'m Map<String, Value>,
    name: &str,
) -> Answer<Option<&'m Map<String, Value>>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(of)) => Ok(Some(of)),
        Some(other) => Err(wrong_type(name, other)),
    }
}

fn filled(fields: &Fields, name: &str) -> Answer<Option<String>> {
    let text = fields.text(name)?.filter(|text| !text.is_empty());
    Ok(text.map(storable))
}

/// The head of a trace out of the message `trace_info`; the number of its experiment as a text
/// beside it. Assessments without an id get one from `fresh`.
pub(super) fn read(
    info: &Map<String, Value>,
    now: Timestamp,
    fresh: &dyn Fn() -> mlhub_core::Result<AssessmentId>,
) -> Answer<(Trace, String)> {
    let fields = Fields(info.clone());
    let id = fields.required("trace_id")?;
    let parsed = id.parse().map_err(|error: mlhub_core::Error| {
        Refusal::invalid(format!("Invalid trace ID: {}", error.public_message()))
    })?;
    let location = message(info, "trace_location")?;
    let experiment = match location
        .map(|of| message(of, "mlflow_experiment"))
        .transpose()?
    {
        Some(Some(of)) => Fields(of.clone()).required("experiment_id")?.to_owned(),
        _ => return Err(missing("trace_info.trace_location.mlflow_experiment")),
    };
    let mut metadata = texts("trace_metadata", info.get("trace_metadata"))?;
    metadata.insert(HEADED.to_owned(), "true".to_owned());
    let mut tags = texts("tags", info.get("tags"))?;
    // Told anew whenever somebody asks.
    tags.remove(LOCATION);
    tags.remove(SPANS);
    let mut assessments = Vec::new();
    for one in fields.list("assessments")? {
        assessments.push(assessment(one, now, fresh)?);
    }
    let trace = Trace {
        id: parsed,
        experiment: 0,
        run: metadata.get(SOURCE_RUN).cloned(),
        client_request: filled(&fields, "client_request_id")?,
        requested_at: time("request_time", info.get("request_time"))?.unwrap_or(now),
        duration_ms: duration("execution_duration", info.get("execution_duration"))?,
        state: state("state", info.get("state"))?,
        request_preview: filled(&fields, "request_preview")?,
        response_preview: filled(&fields, "response_preview")?,
        tags,
        metadata,
        assessments,
        headed: true,
    };
    Ok((trace, experiment))
}

/// The tags of a trace with those that are told and not stored.
pub(super) fn tags(trace: &Trace, experiment: &Experiment) -> BTreeMap<String, String> {
    let mut tags = trace.tags.clone();
    let location = view::location(experiment);
    let location = location.trim_end_matches('/');
    let location = format!("{location}/traces/{}/artifacts", trace.id);
    tags.insert(LOCATION.to_owned(), location);
    tags
}

/// A trace without its spans.
pub(super) fn info(trace: &Trace, experiment: &Experiment) -> Value {
    let mut info = json!({
        "trace_id": trace.id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": view::experiment_id(experiment)},
        },
        "request_time": time_text(trace.requested_at),
        "state": state_name(trace.state),
        "trace_metadata": trace.metadata,
        "tags": tags(trace, experiment),
    });
    let texts = [
        ("client_request_id", &trace.client_request),
        ("request_preview", &trace.request_preview),
        ("response_preview", &trace.response_preview),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            info[name] = text.as_str().into();
        }
    }
    if let Some(ms) = trace.duration_ms {
        info["execution_duration"] = duration_text(ms).into();
    }
    if !trace.assessments.is_empty() {
        let assessments = trace.assessments.iter();
        let assessments = assessments.map(|one| assessment_view(&trace.id, one));
        info["assessments"] = assessments.collect();
    }
    info
}

/// Kinds of assessments by the names of their values.
const VALUES: [(&str, AssessmentKind); 3] = [
    ("feedback", AssessmentKind::Feedback),
    ("expectation", AssessmentKind::Expectation),
    ("issue", AssessmentKind::Issue),
];

fn value_of(fields: &Map<String, Value>) -> Answer<Option<(AssessmentKind, Value)>> {
    let mut found = None;
    for (name, kind) in VALUES {
        if let Some(of) = message(fields, name)? {
            if found.is_some() {
                return Err(one_value());
            }
            found = Some((kind, Value::Object(of.clone())));
        }
    }
    Ok(found)
}

fn one_value() -> Refusal {
    Refusal::invalid("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")
}

fn assessment_id(id: &str) -> Answer<AssessmentId> {
    id.parse().map_err(|error: mlhub_core::Error| {
        Refusal::invalid(format!("Invalid assessment ID: {}", error.public_message()))
    })
}

/// An assessment out of its message.
pub(super) fn assessment(
    message_of: &Map<String, Value>,
    now: Timestamp,
    fresh: &dyn Fn() -> mlhub_core::Result<AssessmentId>,
) -> Answer<Assessment> {
    let fields = Fields(message_of.clone());
    let (kind, value) = value_of(message_of)?.ok_or_else(one_value)?;
    let id = match filled(&fields, "assessment_id")? {
        Some(id) => assessment_id(&id)?,
        None => fresh()?,
    };
    let overrides = filled(&fields, "overrides")?;
    let created = time("create_time", message_of.get("create_time"))?.unwrap_or(now);
    let updated = time("last_update_time", message_of.get("last_update_time"))?;
    Ok(Assessment {
        id,
        name: fields.required("assessment_name")?.to_owned(),
        kind,
        value,
        source: Value::Object(message(message_of, "source")?.cloned().unwrap_or_default()),
        rationale: filled(&fields, "rationale")?,
        metadata: texts("metadata", message_of.get("metadata"))?,
        span: filled(&fields, "span_id")?,
        overrides: overrides.as_deref().map(assessment_id).transpose()?,
        valid: message_of
            .get("valid")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        created_at: created,
        updated_at: updated.unwrap_or(created),
    })
}

/// What changes of an assessment: the fields that the mask names.
pub(super) fn assessment_change(fields: &Fields) -> Answer<AssessmentChange> {
    let of = message(&fields.0, "assessment")?.ok_or_else(|| missing("assessment"))?;
    let mask = fields.required("update_mask")?;
    let inner = Fields(of.clone());
    let mut change = AssessmentChange::default();
    for path in mask.split(',').map(str::trim) {
        match path {
            "assessmentName" | "assessment_name" => {
                change.name = Some(inner.required("assessment_name")?.to_owned());
            }
            "rationale" => change.rationale = Some(storable(inner.text(path)?.unwrap_or_default())),
            "metadata" => change.metadata = texts(path, of.get(path))?,
            "feedback" | "expectation" => {
                let value = value_of(of)?.ok_or_else(one_value)?;
                if change.value.as_ref().is_some_and(|before| *before != value) {
                    return Err(Refusal::invalid(
                        "Cannot specify both `expectation` and `feedback` parameters.",
                    ));
                }
                change.value = Some(value);
            }
            // The other fields never change.
            _ => {}
        }
    }
    Ok(change)
}

/// What is expected, as clients read it: anything but a text, a number or a truth value as
/// JSON in a text.
fn told_value(kind: AssessmentKind, value: &Value) -> Value {
    match value.get("value") {
        Some(plain @ (Value::Null | Value::Array(_) | Value::Object(_)))
            if kind == AssessmentKind::Expectation =>
        {
            json!({"serialized_value": {
                "serialization_format": "JSON_FORMAT",
                "value": plain.to_string(),
            }})
        }
        _ => value.clone(),
    }
}

/// An assessment as MLflow words it.
pub(super) fn assessment_view(trace: &TraceId, assessment: &Assessment) -> Value {
    let mut view = json!({
        "assessment_id": assessment.id,
        "assessment_name": assessment.name,
        "trace_id": trace,
        "source": assessment.source,
        "create_time": time_text(assessment.created_at),
        "last_update_time": time_text(assessment.updated_at),
        "valid": assessment.valid,
    });
    for (name, kind) in VALUES {
        if kind == assessment.kind {
            view[name] = told_value(kind, &assessment.value);
        }
    }
    let overrides = assessment.overrides.as_ref().map(AssessmentId::as_str);
    let texts = [
        ("rationale", assessment.rationale.as_deref()),
        ("span_id", assessment.span.as_deref()),
        ("overrides", overrides),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            view[name] = text.into();
        }
    }
    if !assessment.metadata.is_empty() {
        view["metadata"] = json!(assessment.metadata);
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_those_of_protocol_buffers() {
        assert_eq!(time_text(Timestamp(1_500)), "1970-01-01T00:00:01.500Z");
        assert_eq!(time_text(Timestamp(2_000)), "1970-01-01T00:00:02Z");
        assert_eq!(
            time_text(Timestamp(i64::MAX)),
            time_text(Timestamp(TIME_MAX_MS))
        );
        let read = |text: &str| time("t", Some(&text.into())).expect("a time");
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(Timestamp(1_500)));
        assert!(time("t", Some(&"now".into())).is_err());
        for (ms, text) in [
            (460, "0.460s"),
            (-1, "-0.001s"),
            (2_000, "2s"),
            (61_001, "61.001s"),
        ] {
            assert_eq!(duration_text(ms), text);
            let read = duration("d", Some(&text.into())).expect("a duration");
            assert_eq!(read, Some(ms));
        }
        for bad in ["1", "NaNs", "infs", "1e300s", "s"] {
            assert!(duration("d", Some(&bad.into())).is_err(), "{bad}");
        }
    }

    #[test]
    fn states_have_names_and_numbers() {
        for (value, expected) in [
            (json!("OK"), TraceState::Ok),
            (json!(3), TraceState::InProgress),
            (Value::Null, TraceState::Unspecified),
        ] {
            assert_eq!(state("state", Some(&value)).expect("a state"), expected);
        }
        assert!(state("state", Some(&json!("GOOD"))).is_err());
        assert!(state("state", Some(&json!(7))).is_err());
    }
}
