//! `log-batch`: many metrics, params and tags in one call.
//!
//! The usual batch is read straight into columns of points, with no tree of JSON values and
//! no copies of names. What is not quite like that, and whatever is to be refused, is read
//! again the general way, which knows every field by its place and what to say of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::ClientLog;
use mlhub_core::metric::{Grouping, Point, SeriesPoints};
use mlhub_core::{Caller, Timestamp};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::Value;

use super::error::{Answer, Refusal};
use super::fields::{Body, Fields, float_of_text, whole};
use super::logged_models::AboutModels;
use super::logging::{PARAM_MAX_CHARS, TAG_MAX_CHARS, check_key, cut, log, point};
use super::nothing;
use crate::ApiState;

/// Metrics in one batch.
const METRICS_MAX: usize = 1000;
/// Params, and tags, in one batch.
const LABELS_MAX: usize = 100;
/// All of them in one batch.
const BATCH_MAX: usize = 1000;
/// Bytes of a batch.
const BODY_MAX_BYTES: usize = 1_000_000;

pub(super) fn check_count(what: &str, max: usize, found: usize) -> Answer<()> {
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
    Body(body): Body,
) -> Answer<Json<Value>> {
    if body.len() > BODY_MAX_BYTES {
        return Err(Refusal::invalid(format!(
            "Batched logging API requests must be at most {BODY_MAX_BYTES} bytes in size. Got a \
             request of size {}",
            body.len()
        )));
    }
    let (id, entry, about) = match usual(&body) {
        Some((id, entry)) => (id, entry, None),
        None => {
            let fields = Fields::of_body(&body)?;
            let (id, entry) = (fields.run_id()?.to_owned(), any(&fields)?);
            let metrics = fields.list("metrics")?;
            let about = AboutModels::of(&state, &caller, &id, &metrics).await?;
            (id, entry, Some(about))
        }
    };
    log(&state, &caller, &id, entry).await?;
    if let Some(about) = about {
        about.store(&state, &caller).await?;
    }
    nothing()
}

/// A batch as clients send it.
#[derive(serde::Deserialize)]
struct Usual<'b> {
    run_id: String,
    #[serde(borrow, default)]
    metrics: Vec<UsualMetric<'b>>,
    #[serde(default)]
    params: Vec<UsualPair>,
    #[serde(default)]
    tags: Vec<UsualPair>,
}

#[derive(serde::Deserialize)]
struct UsualMetric<'b> {
    #[serde(borrow)]
    key: Cow<'b, str>,
    value: Float,
    timestamp: Whole,
    step: Option<Whole>,
    #[serde(default)]
    model_id: Option<serde::de::IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct UsualPair {
    key: String,
    value: String,
}

/// A number, or the text of one.
struct Float(f64);

/// A whole number, or the text of one.
struct Whole(i64);

struct FloatVisitor;
struct WholeVisitor;

impl Visitor<'_> for FloatVisitor {
    type Value = Float;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Float, E> {
        Ok(Float(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Float, E> {
        Ok(Float(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Float, E> {
        Ok(Float(number as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Float, E> {
        let read = float_of_text(text).map(Float);
        read.ok_or_else(|| E::custom("no number"))
    }
}

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
        whole(number)
            .map(Whole)
            .ok_or_else(|| E::custom("not whole"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
        let read = i64::try_from(number).ok().or_else(|| whole(number as f64));
        read.map(Whole).ok_or_else(|| E::custom("too large"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
        text.parse().map(Whole).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FloatVisitor)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WholeVisitor)
    }
}

/// Reads a batch of which there is nothing to refuse, with the run it is for.
fn usual(body: &[u8]) -> Option<(String, ClientLog)> {
    let read: Usual<'_> = serde_json::from_slice(body).ok()?;
    let all = read.metrics.len() + read.params.len() + read.tags.len();
    let few = read.metrics.len() <= METRICS_MAX
        && read.params.len() <= LABELS_MAX
        && read.tags.len() <= LABELS_MAX
        && all <= BATCH_MAX;
    if !few || read.run_id.is_empty() {
        return None;
    }
    let mut grouping = Grouping::default();
    for metric in &read.metrics {
        if metric.timestamp.0 < 0 || metric.model_id.is_some() {
            return None;
        }
        let point = Point {
            step: metric.step.as_ref().map_or(0, |step| step.0),
            time: Timestamp(metric.timestamp.0),
            value: metric.value.0,
        };
        grouping.push(&metric.key, point);
    }
    let series = grouping.finish();
    let mut params = BTreeMap::new();
    for pair in read.params {
        let value = cut(&pair.value, PARAM_MAX_CHARS);
        if params.insert(pair.key, value).is_some() {
            return None;
        }
    }
    let tags = read.tags.into_iter();
    let tags: BTreeMap<String, String> = tags
        .map(|pair| (pair.key, cut(&pair.value, TAG_MAX_CHARS)))
        .collect();
    let names = series.iter().map(|one| &one.name);
    let mut names = names.chain(params.keys()).chain(tags.keys());
    if names.any(|name| check_key("", name).is_err()) {
        return None;
    }
    let entry = ClientLog {
        series,
        params: params.into_iter().collect(),
        tags: tags.into_iter().collect(),
        records: Vec::new(),
    };
    Some((read.run_id, entry))
}

/// Reads any batch, or says what is wrong with it.
fn any(fields: &Fields) -> Answer<ClientLog> {
    let metrics = fields.list("metrics")?;
    let mut params = fields.pairs("params")?;
    let mut tags = fields.pairs("tags")?;
    check_count("metrics", METRICS_MAX, metrics.len())?;
    check_count("params", LABELS_MAX, params.len())?;
    check_count("tags", LABELS_MAX, tags.len())?;
    let all = metrics.len() + params.len() + tags.len();
    check_count("metrics, params, and tags", BATCH_MAX, all)?;
    let mut points = Vec::with_capacity(metrics.len());
    for (index, metric) in metrics.into_iter().enumerate() {
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
    // Of a tag that comes twice, the last value stays.
    let tags: BTreeMap<String, String> = tags.into_iter().collect();
    Ok(ClientLog {
        series: SeriesPoints::group(points),
        params,
        tags: tags.into_iter().collect(),
        records: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn generally(body: &[u8]) -> Option<(String, ClientLog)> {
        let fields = Fields::of_body(body).ok()?;
        Some((fields.run_id().ok()?.to_owned(), any(&fields).ok()?))
    }

    /// What was read, with NaN equal to itself and labels in one order.
    fn shown(read: Option<(String, ClientLog)>) -> String {
        let read = read.map(|(id, mut log)| {
            log.params.sort();
            (id, log)
        });
        format!("{read:?}")
    }

    #[test]
    fn the_usual_batch_is_read_as_any_is() {
        let metric = |key: &str, value: Value, step: Value| json!({"key": key, "value": value, "timestamp": 5, "step": step});
        for body in [
            json!({"run_id": "r", "run_uuid": "r", "other": [1, {"a": null}], "metrics": [
                metric("a", json!(0.1), json!(1)), metric("b/\u{e9} c", json!(1), json!("2")),
                metric("a", json!("NaN"), json!(1.0)), metric("a", json!("-Infinity"), json!(null)),
                metric("a", json!(u64::MAX), json!(-3)), metric("b", json!("1e5"), json!(i64::MIN)),
            ]}),
            json!({"run_id": "r", "metrics": [{"key": "m", "value": 1.0, "timestamp": "7", "model_id": null}]}),
            json!({"run_id": "r", "params": [{"key": "b", "value": "x".repeat(7000)}, {"key": "a", "value": ""}],
                "tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]}),
            json!({"run_id": "r"}),
        ] {
            let body = body.to_string();
            let read = usual(body.as_bytes());
            assert!(read.is_some(), "{body}");
            assert_eq!(shown(read), shown(generally(body.as_bytes())), "{body}");
        }
    }

    #[test]
    fn what_is_not_usual_is_left_to_be_read_generally() {
        let metric = json!({"key": "m", "value": 1.0, "timestamp": 1});
        for (body, fine) in [
            (json!({"run_uuid": "r", "metrics": [metric]}), true),
            (json!({"run_id": "r", "metrics": null}), true),
            (
                json!({"run_id": "r", "metrics": [{"key": "m", "value": 1.0, "timestamp": 7, "model_id": "m-1"}]}),
                true,
            ),
            (
                json!({"run_id": "r", "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]}),
                true,
            ),
            (json!({"run_id": "r", "params": [{"key": "a"}]}), true),
            (
                json!({"run_id": "r", "metrics": [{"key": "m", "value": 1.0, "timestamp": -1}]}),
                false,
            ),
            (
                json!({"run_id": "r", "metrics": [{"key": "m", "value": "x", "timestamp": 1}]}),
                false,
            ),
            (
                json!({"run_id": "r", "metrics": [{"key": "m", "value": 1, "timestamp": 1.5}]}),
                false,
            ),
            (
                json!({"run_id": "r", "metrics": [{"key": "../m", "value": 1, "timestamp": 1}]}),
                false,
            ),
            (
                json!({"run_id": "r", "metrics": vec![metric.clone(); 1001]}),
                false,
            ),
            (json!({"metrics": [metric]}), false),
        ] {
            let body = body.to_string();
            assert!(usual(body.as_bytes()).is_none(), "{body}");
            assert_eq!(generally(body.as_bytes()).is_some(), fine, "{body}");
        }
        // A whole number beyond all steps is as one of its size that is written as a float.
        let far = br#"{"run_id": "r", "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 9223372036854775808}]}"#;
        assert_eq!(usual(far).is_some(), generally(far).is_some());
    }
}
