//! What a run logs by single calls: a metric, a param, a tag.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::ClientLog;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, ErrorKind, RunId, Timestamp};
use serde_json::{Map, Value};

use super::error::{Answer, Refusal};
use super::fields::{Fields, float, integer, missing, shown, wrong_type};
use super::logged_models::AboutModels;
use super::nothing;
use super::run_query::NAME_TAG;
use super::runs::{NOTE_TAG, by_run_id, no_run, refuse_deleted, rename};
use crate::ApiState;

/// Characters in the name of a metric, param or tag.
const KEY_MAX_CHARS: usize = 250;
/// Characters of the value of a param; the rest is cut off.
pub(super) const PARAM_MAX_CHARS: usize = 6000;
/// Characters of the value of a tag; the rest is cut off.
pub(super) const TAG_MAX_CHARS: usize = 8000;
/// Refuses a name that MLflow refuses.
pub(super) fn check_key(path: &str, key: &str) -> Answer<()> {
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

pub(super) fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Stores what a client logs to a run.
pub(super) async fn log(state: &ApiState, caller: &Caller, id: &str, log: ClientLog) -> Answer<()> {
    let run: RunId = id.parse().map_err(|_| no_run(id))?;
    let last = |name: &str| {
        let mut tags = log.tags.iter().rev();
        tags.find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let title = last(NAME_TAG).filter(|title| !title.is_empty());
    let note = last(NOTE_TAG);
    let params = log.params.clone();
    let run = match state.hub.client_log(caller, &run, log).await {
        Ok(run) => run,
        Err(error) => return Err(not_logged(state, caller, id, &params, error).await),
    };
    // The name and what a person wrote are more than tags here.
    if let Some(title) = title {
        rename(state, caller, &run, &title).await?;
    }
    if let Some(note) = note {
        let id = run.id.as_str();
        let patched = state
            .hub
            .run_patch(caller, id, None, Some(note), BTreeMap::new());
        patched.await?;
    }
    Ok(())
}

/// Why nothing was stored, in the words of MLflow.
async fn not_logged(
    state: &ApiState,
    caller: &Caller,
    id: &str,
    params: &[(String, String)],
    error: Error,
) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound => no_run(id),
        ErrorKind::Conflict => {
            let run = by_run_id(state, caller, id).await;
            let run = run.and_then(|run| refuse_deleted(&run).map(|()| run));
            match run {
                Err(refusal) => refusal,
                Ok(run) => changed_param(state, caller, &run, params)
                    .await
                    .unwrap_or_else(|| error.into()),
            }
        }
        _ => error.into(),
    }
}

/// That a param has another value already.
async fn changed_param(
    state: &ApiState,
    caller: &Caller,
    run: &Run,
    params: &[(String, String)],
) -> Option<Refusal> {
    let row = state.hub.run_row(caller, &run.id).await.ok()?;
    params.iter().find_map(|(key, value)| {
        let before = row.params.get(key).filter(|before| *before != value)?;
        Some(Refusal::invalid(format!(
            "Changing param values is not allowed. Param with key='{key}' was already logged with \
             value='{before}' for run ID='{}'. Attempted logging new value '{value}'.",
            run.id
        )))
    })
}

/// A point of a metric, and its name.
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
    let id = fields.run_id()?;
    let (name, point) = point("", &fields.0)?;
    let about = AboutModels::of(&state, &caller, id, &[&fields.0]).await?;
    let points = vec![point];
    let entry = ClientLog {
        series: vec![SeriesPoints { name, points }],
        ..ClientLog::default()
    };
    log(&state, &caller, id, entry).await?;
    about.store(&state, &caller).await?;
    nothing()
}

/// A run, and the param or tag that it is to have.
fn label(fields: &Fields, value_max_chars: usize) -> Answer<(&str, (String, String))> {
    let id = fields.run_id()?;
    let (key, value) = fields.pair()?;
    check_key("key", key)?;
    Ok((id, (key.to_owned(), cut(value, value_max_chars))))
}

pub(super) async fn param(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let (id, label) = label(&fields, PARAM_MAX_CHARS)?;
    let entry = ClientLog {
        params: vec![label],
        ..ClientLog::default()
    };
    log(&state, &caller, id, entry).await?;
    nothing()
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let (id, label) = label(&fields, TAG_MAX_CHARS)?;
    let entry = ClientLog {
        tags: vec![label],
        ..ClientLog::default()
    };
    log(&state, &caller, id, entry).await?;
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
}
