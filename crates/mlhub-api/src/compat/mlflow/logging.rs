//! What a run logs: metrics, params, tags, datasets; and the histories of metrics.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::ClientLog;
use mlhub_core::logged_model::LoggedModelRole;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::RunRecord;
use mlhub_core::{Caller, ErrorKind, RunId, Timestamp, limits};
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::fields::{Fields, float, integer, missing, number, shown, wrong_type};
use super::run_query::NAME_TAG;
use super::runs::{INPUTS_MAX, NOTE_TAG, by_run_id, refuse_deleted, rename};
use super::{logged_models, nothing, view};
use crate::ApiState;

/// Characters in the name of a metric, param or tag.
const KEY_MAX_CHARS: usize = 250;
/// Characters of the value of a param; the rest is cut off.
const PARAM_MAX_CHARS: usize = 6000;
/// Characters of the value of a tag; the rest is cut off.
const TAG_MAX_CHARS: usize = 8000;
/// Metrics in one batch.
const METRICS_MAX: usize = 1000;
/// Params, and tags, in one batch.
const LABELS_MAX: usize = 100;
/// All of them in one batch.
const BATCH_MAX: usize = 1000;
/// Bytes of the schema and of the profile of a dataset that are kept together.
const DESCRIPTION_MAX_BYTES: usize = limits::RECORD_MAX_BYTES - 8 * 1024;

/// Refuses a name that MLflow refuses.
fn check_key(path: &str, key: &str) -> Answer<()> {
    let allowed = |c: char| c.is_alphanumeric() || "/_.- :".contains(c);
    let refuse = |why: &str| {
        let key = shown(&Value::from(key));
        Err(Refusal::invalid(format!(
            "Invalid value {key} for parameter '{path}' supplied: {why}"
        )))
    };
    if !key.chars().all(allowed) {
        return refuse(
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), \
             spaces ( ), colon(:) and slashes (/).",
        );
    }
    let odd = |part: &str| matches!(part, "" | "." | "..");
    if key.split('/').any(odd) {
        return refuse(
            "Names may be treated as files in certain cases, and must not resolve to other names \
             when treated as such.",
        );
    }
    if key.chars().count() > KEY_MAX_CHARS {
        return Err(Refusal::invalid(format!(
            "'{path}' exceeds the maximum length of {KEY_MAX_CHARS} characters"
        )));
    }
    Ok(())
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Stores what a client logs to a run.
pub(super) async fn log(state: &ApiState, caller: &Caller, id: &str, log: ClientLog) -> Answer<()> {
    let run = by_run_id(state, caller, id).await?;
    refuse_deleted(&run)?;
    let tags: BTreeMap<String, String> = log.tags.iter().cloned().collect();
    match state.hub.client_log(caller, &run.id, log).await {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Conflict => {
            return Err(Refusal::invalid(format!(
                "Changing param values is not allowed: {}",
                error.public_message()
            )));
        }
        Err(error) => return Err(error.into()),
    }
    // The name and what a person wrote are more than tags here.
    if let Some(title) = tags.get(NAME_TAG).filter(|title| !title.is_empty()) {
        rename(state, caller, &run, title).await?;
    }
    if let Some(note) = tags.get(NOTE_TAG) {
        let (id, note) = (run.id.as_str(), Some(note.clone()));
        let patched = state.hub.run_patch(caller, id, None, note, BTreeMap::new());
        patched.await?;
    }
    Ok(())
}

pub(super) fn point(path: &str, metric: &Map<String, Value>) -> Answer<(String, Point)> {
    let at = |part: &str| match path {
        "" => part.to_owned(),
        path => format!("{path}.{part}"),
    };
    let get = |part: &str| metric.get(part).filter(|value| !value.is_null());
    let key = match get("key") {
        Some(Value::String(key)) if !key.is_empty() => key,
        None | Some(Value::String(_)) => return Err(missing(&at("key"))),
        Some(other) => return Err(wrong_type(&at("key"), other)),
    };
    check_key(&at("name"), key)?;
    let value = get("value").ok_or_else(|| missing(&at("value")))?;
    let value = float(value).ok_or_else(|| wrong_type(&at("value"), value))?;
    let time = get("timestamp").ok_or_else(|| missing(&at("timestamp")))?;
    let time = integer(time)
        .filter(|time| *time >= 0)
        .ok_or_else(|| wrong_type(&at("timestamp"), time))?;
    let step = match get("step") {
        None => 0,
        Some(step) => integer(step).ok_or_else(|| wrong_type(&at("step"), step))?,
    };
    let time = Timestamp(time);
    Ok((key.clone(), Point { step, time, value }))
}

pub(super) async fn metric(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let (name, point) = point("", &fields.0)?;
    let id = fields.run_id()?;
    logged_models::metrics(&state, &caller, id, &[&fields.0]).await?;
    let points = vec![point];
    let entry = ClientLog {
        series: vec![SeriesPoints { name, points }],
        ..ClientLog::default()
    };
    log(&state, &caller, fields.run_id()?, entry).await?;
    nothing()
}

pub(super) async fn param(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let key = fields.required("key")?;
    check_key("key", key)?;
    let value = cut(fields.text("value")?.unwrap_or_default(), PARAM_MAX_CHARS);
    let entry = ClientLog {
        params: vec![(key.to_owned(), value)],
        ..ClientLog::default()
    };
    log(&state, &caller, fields.run_id()?, entry).await?;
    nothing()
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let key = fields.required("key")?;
    check_key("key", key)?;
    let value = cut(fields.text("value")?.unwrap_or_default(), TAG_MAX_CHARS);
    let entry = ClientLog {
        tags: vec![(key.to_owned(), value)],
        ..ClientLog::default()
    };
    log(&state, &caller, fields.run_id()?, entry).await?;
    nothing()
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    refuse_deleted(&run)?;
    let key = fields.required("key")?;
    let row = state.hub.run_row(&caller, &run.id).await?;
    if !row.tags.contains_key(key) {
        return Err(Refusal::missing(format!(
            "No tag with name: {key} in run with id {}",
            run.id
        )));
    }
    let tags = [(key.to_owned(), None)].into();
    let patched = state
        .hub
        .run_patch(&caller, run.id.as_str(), None, None, tags);
    patched.await?;
    nothing()
}

fn check_count(what: &str, max: usize, found: usize) -> Answer<()> {
    if found <= max {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "A batch logging request can contain at most {max} {what}. Got {found} {what}. Please \
         split up {what} across multiple requests and try again."
    )))
}

pub(super) async fn batch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.run_id()?;
    let metrics = fields.list("metrics")?;
    let mut params = fields.pairs("params")?;
    let mut tags = fields.pairs("tags")?;
    check_count("metrics", METRICS_MAX, metrics.len())?;
    check_count("params", LABELS_MAX, params.len())?;
    check_count("tags", LABELS_MAX, tags.len())?;
    let all = metrics.len() + params.len() + tags.len();
    check_count("metrics, params, and tags", BATCH_MAX, all)?;
    let mut points = Vec::with_capacity(metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        points.push(point(&format!("metrics[{index}]"), metric)?);
    }
    let mut seen = BTreeMap::new();
    for (index, (key, value)) in params.iter_mut().enumerate() {
        check_key(&format!("params[{index}].key"), key)?;
        *value = cut(value, PARAM_MAX_CHARS);
        if seen
            .insert(&*key, &*value)
            .is_some_and(|before| before != value)
        {
            return Err(Refusal::invalid(format!(
                "Duplicate parameter keys have been submitted: ['{key}']. Please ensure the \
                 request contains only one param value per param key."
            )));
        }
    }
    for (index, (key, value)) in tags.iter_mut().enumerate() {
        check_key(&format!("tags[{index}].key"), key)?;
        *value = cut(value, TAG_MAX_CHARS);
    }
    logged_models::metrics(&state, &caller, id, &metrics).await?;
    // Of a tag that comes twice, the last value stays.
    let tags: BTreeMap<String, String> = tags.into_iter().collect();
    let entry = ClientLog {
        series: SeriesPoints::group(points),
        params,
        tags: tags.into_iter().collect(),
        records: Vec::new(),
    };
    log(&state, &caller, id, entry).await?;
    nothing()
}

/// A dataset that a run read, as it is kept.
fn input(index: usize, message: &Map<String, Value>) -> Answer<Value> {
    let path = format!("datasets[{index}].dataset");
    let dataset = message.get("dataset").filter(|value| !value.is_null());
    let dataset = dataset.ok_or_else(|| missing(&path))?;
    let fields = dataset.as_object();
    let fields = Fields(fields.ok_or_else(|| wrong_type(&path, dataset))?.clone());
    let mut kept = Map::new();
    for (name, max) in [
        ("name", 500),
        ("digest", 36),
        ("source_type", 36),
        ("source", 65_535),
        ("schema", 1_048_575),
        ("profile", 16_777_215),
    ] {
        let value = match name {
            "name" | "digest" => Some(fields.required(name)?),
            _ => fields.text(name)?,
        };
        let Some(value) = value else { continue };
        if value.len() > max {
            return Err(Refusal::invalid(format!(
                "{path}.{name} exceeds the maximum length of {max} characters"
            )));
        }
        kept.insert(name.to_owned(), value.into());
    }
    // What describes the data at length goes first where there is too much of it.
    for name in ["profile", "schema", "source"] {
        if Value::from(kept.clone()).to_string().len() > DESCRIPTION_MAX_BYTES {
            kept.remove(name);
        }
    }
    let tags = Fields(message.clone()).pairs("tags")?;
    let mut view = json!({"dataset": kept});
    if !tags.is_empty() {
        let pair = |(key, value)| json!({"key": key, "value": value});
        view["tags"] = tags.into_iter().map(pair).collect();
    }
    Ok(view)
}

pub(super) async fn inputs(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.run_id()?;
    let run = by_run_id(&state, &caller, id).await?;
    let there = state
        .hub
        .run_records(&caller, &run.id, view::INPUT_KIND, INPUTS_MAX)
        .await?;
    let identity = |body: &Value| {
        let of = |name: &str| {
            body["dataset"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (of("name"), of("digest"))
    };
    let mut known: BTreeSet<_> = there.iter().map(|record| identity(&record.body)).collect();
    let mut records = Vec::new();
    for (index, message) in fields.list("datasets")?.into_iter().enumerate() {
        let body = input(index, message)?;
        if known.insert(identity(&body)) {
            records.push(RunRecord {
                kind: view::INPUT_KIND.to_owned(),
                time: state.hub.now(),
                body,
            });
        }
    }
    check_count("datasets", INPUTS_MAX, known.len())?;
    let entry = ClientLog {
        records,
        ..ClientLog::default()
    };
    log(&state, &caller, id, entry).await?;
    logged_models::note(&state, &caller, &run, LoggedModelRole::Input, &fields).await?;
    nothing()
}

/// Where a page of a history goes on.
fn place(token: &str) -> Answer<u64> {
    let place = token.strip_prefix("at:").and_then(|at| at.parse().ok());
    place.ok_or_else(|| Refusal::invalid("Invalid page token"))
}

pub(super) async fn history(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    let key = fields.required("metric_key")?;
    let limit = match fields.int("max_results")? {
        None => None,
        Some(limit) if limit > 0 => Some(limit as u64),
        Some(limit) => {
            return Err(Refusal::invalid(format!(
                "Invalid value {limit} for parameter 'max_results' supplied. It must be a \
                 positive integer."
            )));
        }
    };
    let token = fields.text("page_token")?.filter(|token| !token.is_empty());
    let mut at = token.map_or(Ok(0), place)?;
    let end = limit.map_or(u64::MAX, |limit| at.saturating_add(limit));
    let mut metrics = Vec::new();
    loop {
        let (points, total) = run_points(&state, &caller, &run.id, key, at, end).await?;
        at += points.len() as u64;
        let view = |point: Point| {
            json!({
                "key": key,
                "value": number(point.value),
                "timestamp": point.time.0,
                "step": point.step,
            })
        };
        let none = points.is_empty();
        metrics.extend(points.into_iter().map(view));
        if none || at >= end || at >= total {
            let mut answer = json!({"metrics": metrics});
            if at < total {
                answer["next_page_token"] = format!("at:{at}").into();
            }
            return Ok(Json(answer));
        }
    }
}

async fn run_points(
    state: &ApiState,
    caller: &Caller,
    run: &RunId,
    key: &str,
    from: u64,
    to: u64,
) -> Answer<(Vec<Point>, u64)> {
    let limit = usize::try_from(to - from).unwrap_or(usize::MAX);
    let limit = limit.min(limits::SERIES_POINTS_MAX);
    Ok(state.hub.run_points(caller, run, key, from, limit).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_as_mlflow_refuses_them() {
        for key in ["a", "a/b c.d-e:f", "é_1"] {
            check_key("key", key).expect(key);
        }
        for key in [
            "a\"b", "a\\b", "a\nb", "../a", "a/../b", "a//b", "/a", "./a", ".",
        ] {
            assert!(check_key("key", key).is_err(), "{key}");
        }
        assert!(check_key("key", &"x".repeat(251)).is_err());
    }

    #[test]
    fn long_descriptions_of_data_go_and_its_identity_stays() {
        let long = "x".repeat(60_000);
        let message =
            json!({"dataset": {"name": "n", "digest": "d", "schema": long, "profile": long}});
        let kept = input(0, message.as_object().expect("an object")).expect("kept");
        assert_eq!(kept["dataset"]["name"], "n");
        assert_eq!(kept["dataset"]["profile"], Value::Null);
        assert!(kept.to_string().len() <= limits::RECORD_MAX_BYTES);
        let nameless = json!({"dataset": {"digest": "d"}});
        assert!(input(0, nameless.as_object().expect("an object")).is_err());
    }
}
