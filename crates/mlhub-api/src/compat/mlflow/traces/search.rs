//! Searches for traces: filter, order, pages.
//!
//! The newest come first where nothing else is asked for, and are read as far as a page needs.
//! For another order all that meet the filter are looked at, and only their keys are kept.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::trace::{AssessmentKind, SpanState, Trace, TraceQuery, TraceSpan};
use mlhub_core::{Caller, Timestamp, TraceId, limits};
use serde_json::{Value, json};

use super::filter::{Entity, Test, run_asked, spans_asked, times_asked};
use super::view::{self, SOURCE_RUN};
use super::{Experiments, document};
use crate::ApiState;
use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::experiments::{page_limit, some};
use crate::compat::mlflow::fields::{Fields, missing};
use crate::compat::mlflow::filter;
use crate::compat::mlflow::filter::{How, Operand};

/// Traces of one page at most.
const PAGE_MAX: i64 = 500;
/// Traces of a page where nothing is said.
const PAGE_DEFAULT: i64 = 100;
/// Traces read at once where spans are read with them.
const PAGE_WITH_SPANS: usize = 20;
/// What the token of a page begins with; time and id of its last trace follow.
const AFTER: &str = "after:";

/// What traces are looked for, in either version of the API.
pub(super) struct Search {
    experiments: Vec<i64>,
    tests: Vec<Test>,
    order: Vec<Key>,
    limit: usize,
    after: Option<(Timestamp, TraceId)>,
}

/// A page of traces, and where the next one begins.
pub(super) struct Found {
    pub(super) traces: Vec<Trace>,
    pub(super) token: Option<String>,
}

/// What traces are ordered by.
struct Key {
    entity: Entity,
    key: String,
    descends: bool,
}

/// A value that traces are ordered by; what is absent comes last.
#[derive(Debug, Clone, PartialEq)]
enum Compared {
    Number(i64),
    Text(String),
    Absent,
}

pub(in crate::compat::mlflow) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let locations = fields.list("locations")?;
    if locations.is_empty() {
        return Err(missing("locations"));
    }
    let mut ids = Vec::new();
    for location in &locations {
        let experiment = location.get("mlflow_experiment").and_then(Value::as_object);
        let id = experiment.and_then(|of| of.get("experiment_id"));
        ids.extend(id.and_then(Value::as_str));
    }
    let search = Search::read(&state, &caller, &fields, &ids).await?;
    let found = search.run(&state, &caller).await?;
    let experiments = Experiments::of(&state, &caller, &found.traces).await?;
    let mut infos = Vec::with_capacity(found.traces.len());
    for trace in &found.traces {
        infos.push(view::info(trace, experiments.get(trace)?));
    }
    let mut answer = json!({});
    if !infos.is_empty() {
        answer["traces"] = infos.into();
    }
    if let Some(token) = found.token {
        answer["next_page_token"] = token.into();
    }
    Ok(Json(answer))
}

impl Search {
    /// Reads what a request asks for.
    pub(super) async fn read(
        state: &ApiState,
        caller: &Caller,
        fields: &Fields,
        experiments: &[&str],
    ) -> Answer<Self> {
        let limit = page_limit(fields.int("max_results")?, PAGE_DEFAULT, PAGE_MAX)?;
        let clauses = filter::parse(fields.text("filter")?.unwrap_or_default())?;
        let tests = clauses.into_iter().map(Test::of).collect::<Answer<_>>()?;
        let token = fields.text("page_token")?.filter(|token| !token.is_empty());
        let order = fields.texts("order_by")?;
        let order = order
            .into_iter()
            .map(Key::of)
            .collect::<Answer<Vec<Key>>>()?;
        for (index, key) in order.iter().enumerate() {
            if order[..index].iter().any(|one| one.same(key)) {
                return Err(Refusal::invalid("`order_by` contains duplicate fields"));
            }
        }
        let found = some(state, caller, experiments).await?;
        Ok(Self {
            experiments: found.iter().map(|one| one.number).collect(),
            tests,
            order,
            limit,
            after: token.map(place_of).transpose()?,
        })
    }

    /// Whether the order is the one that traces are read in.
    fn newest_first(&self) -> bool {
        match &self.order[..] {
            [] => true,
            [key] => key.descends && key.entity == Entity::Attribute && key.key == "timestamp_ms",
            _ => false,
        }
    }

    pub(super) async fn run(&self, state: &ApiState, caller: &Caller) -> Answer<Found> {
        match self.newest_first() {
            true => self.in_time(state, caller).await,
            false => self.ordered(state, caller).await,
        }
    }

    fn query(&self) -> TraceQuery {
        let (from, until) = times_asked(&self.tests);
        let with_spans = spans_asked(&self.tests);
        TraceQuery {
            experiments: Some(self.experiments.clone()),
            run: run_asked(&self.tests),
            from,
            until,
            after: None,
            limit: match with_spans {
                true => PAGE_WITH_SPANS,
                false => limits::PAGE_MAX_ROWS,
            },
        }
    }

    /// Those of some traces that meet the filter.
    async fn meeting(
        &self,
        state: &ApiState,
        caller: &Caller,
        traces: Vec<Trace>,
    ) -> Answer<Vec<Trace>> {
        let mut spans = BTreeMap::new();
        if spans_asked(&self.tests) {
            for trace in &traces {
                // One by one: those of many might be more than is answered at once.
                let ids = std::slice::from_ref(&trace.id);
                let of = state.hub.trace_spans(caller, ids).await?;
                let of: Vec<TraceSpan> = of.into_values().flatten().collect();
                spans.insert(trace.id.clone(), self.spans_meet(&of));
            }
        }
        let meets = |trace: &Trace| {
            self.tests
                .iter()
                .all(|test| test.of_spans() || test.meets(trace))
                && spans.get(&trace.id).copied().unwrap_or(true)
        };
        Ok(traces.into_iter().filter(meets).collect())
    }

    /// Whether one span meets all that is asked of spans, and any one what is asked of texts.
    fn spans_meet(&self, spans: &[TraceSpan]) -> bool {
        let asked: Vec<&Test> = self.tests.iter().filter(|test| test.of_spans()).collect();
        spans.iter().any(|span| {
            let document = match asked.iter().any(|test| test.needs_document()) {
                true => serde_json::from_str(&span.content).unwrap_or_default(),
                false => Value::Null,
            };
            asked.iter().all(|test| span_meets(test, span, &document))
        })
    }

    async fn in_time(&self, state: &ApiState, caller: &Caller) -> Answer<Found> {
        let mut query = self.query();
        query.after.clone_from(&self.after);
        let mut found: Vec<Trace> = Vec::new();
        loop {
            let page = state.hub.trace_list(caller, &query).await?;
            let read = page.len();
            query.after = page.last().map(|last| (last.requested_at, last.id.clone()));
            found.extend(self.meeting(state, caller, page).await?);
            if found.len() > self.limit || read < query.limit {
                break;
            }
        }
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let token = found.last().filter(|_| more).map(token_of);
        Ok(Found {
            traces: found,
            token,
        })
    }

    async fn ordered(&self, state: &ApiState, caller: &Caller) -> Answer<Found> {
        let mut query = self.query();
        let mut all: Vec<(Vec<Compared>, Timestamp, TraceId)> = Vec::new();
        loop {
            let page = state.hub.trace_list(caller, &query).await?;
            let read = page.len();
            query.after = page.last().map(|last| (last.requested_at, last.id.clone()));
            for trace in self.meeting(state, caller, page).await? {
                all.push(self.keys(&trace));
            }
            if all.len() > limits::TRACES_ORDERED_MAX {
                return Err(Refusal::invalid(format!(
                    "more than {} traces meet the filter, which are too many for this order; \
                     narrow the filter, or order by timestamp_ms DESC",
                    limits::TRACES_ORDERED_MAX
                )));
            }
            if read < query.limit {
                break;
            }
        }
        all.sort_by(|a, b| self.compare(a, b));
        let start = match &self.after {
            None => 0,
            Some((_, id)) => {
                let last = state.hub.trace_get(caller, id).await;
                let last = last.map_err(|_| bad_token())?;
                let last = self.keys(&last);
                all.partition_point(|one| self.compare(one, &last).is_le())
            }
        };
        let more = all.len() > start + self.limit;
        let page = all.into_iter().skip(start).take(self.limit);
        let ids: Vec<TraceId> = page.map(|(_, _, id)| id).collect();
        let traces = state.hub.traces_get(caller, &ids).await?;
        let token = traces.last().filter(|_| more).map(token_of);
        Ok(Found { traces, token })
    }

    fn keys(&self, trace: &Trace) -> (Vec<Compared>, Timestamp, TraceId) {
        let keys = self.order.iter().map(|key| key.value(trace)).collect();
        (keys, trace.requested_at, trace.id.clone())
    }

    fn compare(
        &self,
        a: &(Vec<Compared>, Timestamp, TraceId),
        b: &(Vec<Compared>, Timestamp, TraceId),
    ) -> Ordering {
        for (key, (left, right)) in self.order.iter().zip(a.0.iter().zip(&b.0)) {
            let compared = match (left, right) {
                (Compared::Absent, Compared::Absent) => Ordering::Equal,
                (Compared::Absent, _) => return Ordering::Greater,
                (_, Compared::Absent) => return Ordering::Less,
                (Compared::Number(left), Compared::Number(right)) => left.cmp(right),
                (Compared::Text(left), Compared::Text(right)) => left.cmp(right),
                (Compared::Number(_), Compared::Text(_)) => Ordering::Less,
                (Compared::Text(_), Compared::Number(_)) => Ordering::Greater,
            };
            let compared = match key.descends {
                true => compared.reverse(),
                false => compared,
            };
            if compared.is_ne() {
                return compared;
            }
        }
        b.1.cmp(&a.1).then_with(|| a.2.cmp(&b.2))
    }
}

fn bad_token() -> Refusal {
    Refusal::invalid("Invalid page token")
}

fn token_of(last: &Trace) -> String {
    format!("{AFTER}{}:{}", last.requested_at.0, last.id)
}

fn place_of(token: &str) -> Answer<(Timestamp, TraceId)> {
    let place = token
        .strip_prefix(AFTER)
        .and_then(|rest| rest.split_once(':'));
    let place = place.and_then(|(time, id)| {
        let time = time.parse().ok()?;
        Some((Timestamp(time), id.parse().ok()?))
    });
    place.ok_or_else(bad_token)
}

impl Key {
    fn of(item: &str) -> Answer<Self> {
        let (entity, key, descends) = filter::order(item)?;
        let (entity, key) = Entity::of(entity.as_deref(), key)?;
        let fine = match entity {
            Entity::Attribute => matches!(
                key.as_str(),
                "timestamp_ms"
                    | "execution_time_ms"
                    | "end_time_ms"
                    | "status"
                    | "request_id"
                    | "client_request_id"
            ),
            Entity::Tag | Entity::Metadata => true,
            _ => false,
        };
        match fine {
            true => Ok(Self {
                entity,
                key,
                descends,
            }),
            false => Err(Refusal::invalid(format!(
                "Invalid order_by clause '{item}': traces are ordered by timestamp_ms, \
                 execution_time_ms, end_time_ms, status, request_id, name, run_id, tags and metadata"
            ))),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.entity == other.entity && self.key == other.key
    }

    fn value(&self, trace: &Trace) -> Compared {
        let number = |number: Option<i64>| number.map_or(Compared::Absent, Compared::Number);
        let text = |text: Option<&str>| {
            text.map_or(Compared::Absent, |text| Compared::Text(text.to_owned()))
        };
        match (self.entity, self.key.as_str()) {
            (Entity::Tag, key) => text(trace.tags.get(key).map(String::as_str)),
            (Entity::Metadata, key) => text(trace.metadata.get(key).map(String::as_str)),
            (_, "timestamp_ms") => Compared::Number(trace.requested_at.0),
            (_, "execution_time_ms") => number(trace.duration_ms),
            (_, "end_time_ms") => Compared::Number(end_of(trace)),
            (_, "status") => text(Some(view::status_name(trace.state))),
            (_, "client_request_id") => text(trace.client_request.as_deref()),
            _ => text(Some(trace.id.as_str())),
        }
    }
}

/// When a trace ended, as far as that is known.
pub(super) fn end_of(trace: &Trace) -> i64 {
    let duration = trace.duration_ms.unwrap_or_default();
    trace.requested_at.0.saturating_add(duration)
}

impl Test {
    /// Whether a trace meets it, spans left out.
    fn meets(&self, trace: &Trace) -> bool {
        let text = |value: Option<&str>| match self.how {
            How::IsNull => value.is_none(),
            How::IsNotNull => value.is_some(),
            how => value.is_some_and(|value| how.texts(value, &self.value)),
        };
        let number = |value: Option<i64>| match self.value {
            Operand::Number(wanted) => {
                value.is_some_and(|value| self.how.numbers(value as f64, wanted))
            }
            _ => false,
        };
        let label =
            |labels: &BTreeMap<String, String>| text(labels.get(&self.key).map(String::as_str));
        match self.entity {
            Entity::Tag => label(&trace.tags),
            // Those that are linked to a run are found with its own, by the store.
            Entity::Metadata if self.key == SOURCE_RUN && self.how == How::Equal => true,
            Entity::Metadata => label(&trace.metadata),
            Entity::Feedback => self.assessed(trace, AssessmentKind::Feedback),
            Entity::Expectation => self.assessed(trace, AssessmentKind::Expectation),
            Entity::Issue => {
                let mut all = trace.assessments.iter();
                all.any(|one| one.kind == AssessmentKind::Issue && text(Some(&one.name)))
            }
            Entity::Attribute => match self.key.as_str() {
                "timestamp_ms" => number(Some(trace.requested_at.0)),
                "execution_time_ms" => number(trace.duration_ms),
                "end_time_ms" => number(Some(end_of(trace))),
                "status" => text(Some(view::status_name(trace.state))),
                "client_request_id" => text(trace.client_request.as_deref()),
                _ => text(Some(trace.id.as_str())),
            },
            Entity::Span => true,
        }
    }

    fn assessed(&self, trace: &Trace, kind: AssessmentKind) -> bool {
        let all = trace.assessments.iter();
        let mut all = all.filter(|one| one.kind == kind && one.name == self.key);
        match self.how {
            How::IsNull => all.next().is_none(),
            How::IsNotNull => all.next().is_some(),
            how => all.any(|one| {
                let value = match one.value.get("serialized_value") {
                    Some(of) => of.get("value").and_then(Value::as_str).map(str::to_owned),
                    None => one.value.get("value").map(Value::to_string),
                };
                let value = value.unwrap_or_else(|| "null".to_owned());
                // A text is compared with and without its quotes.
                let bare = serde_json::from_str::<String>(&value).ok();
                match (&self.value, how) {
                    (Operand::Number(wanted), how) => value
                        .parse::<f64>()
                        .is_ok_and(|found| how.numbers(found, *wanted)),
                    (wanted, How::NotEqual) => {
                        how.texts(&value, wanted)
                            && bare.is_none_or(|bare| how.texts(&bare, wanted))
                    }
                    (wanted, how) => {
                        how.texts(&value, wanted)
                            || bare.is_some_and(|bare| how.texts(&bare, wanted))
                    }
                }
            }),
        }
    }
}

/// Whether a span meets what is asked of spans.
fn span_meets(test: &Test, span: &TraceSpan, document: &Value) -> bool {
    let text = |value: &str| test.how.texts(value, &test.value);
    match test.key.as_str() {
        "name" => text(&span.name),
        "type" => text(&span.kind),
        "status" => text(match span.state {
            SpanState::Unset => "UNSET",
            SpanState::Ok => "OK",
            SpanState::Error => "ERROR",
        }),
        "content" => text(&document::of_file(document).to_string()),
        key => {
            let name = key.strip_prefix("attributes.").unwrap_or(key);
            let found = document::attribute(document, name.trim_matches('`'));
            found.map(document::plain).is_some_and(|value| text(&value))
        }
    }
}
