//! Searches for logged models: filter, datasets, order, pages.

use std::cmp::Ordering;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::logged_model::{LoggedModel, LoggedModelMetric, LoggedModelQuery};
use mlhub_core::run::Experiment;
use mlhub_core::{Caller, limits};
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::experiments::{all, page_limit};
use super::fields::{Fields, missing, wrong_type};
use super::filter::{self, Clause, How, Operand};
use super::logged_models::{artifact_uri, by_model_id, model_view};
use super::view;
use crate::ApiState;

/// Models of one page at most.
const PAGE_MAX: i64 = 50_000;
/// Models of a page where nothing is said.
const PAGE_DEFAULT: i64 = 100;
/// What the token of a page begins with; the id of its last model follows.
const AFTER: &str = "after:";

/// Params and tags of a filter that the store is told, each.
const LABELS_TOLD_MAX: usize = 8;
/// Rows that are read at least, since a filter may leave out many.
const ROWS_FIRST_MIN: usize = 100;

/// Metrics about this dataset.
struct Dataset {
    name: String,
    digest: Option<String>,
}

impl Dataset {
    fn holds(&self, metric: &LoggedModelMetric) -> bool {
        let digest = self.digest.as_ref();
        metric.dataset_name.as_ref() == Some(&self.name)
            && digest.is_none_or(|digest| metric.dataset_digest.as_ref() == Some(digest))
    }
}

/// What a model is ordered by.
struct Key {
    field: Field,
    ascending: bool,
}

enum Field {
    Attribute(String),
    Metric {
        name: String,
        dataset: Option<Dataset>,
    },
}

/// A value that models are compared by.
enum Compared {
    Number(f64),
    Text(String),
}

pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let limit = page_limit(
        fields.int("max_results")?.filter(|asked| *asked != 0),
        PAGE_DEFAULT,
        PAGE_MAX,
    )?;
    let ids = fields.texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(missing("experiment_ids"));
    }
    let clauses = filter::parse(fields.text("filter")?.unwrap_or_default())?;
    clauses.iter().try_for_each(check)?;
    let datasets = datasets(&fields)?;
    let order = order(&fields)?;
    let experiments: Vec<Experiment> = all(&state, &caller)
        .await?
        .into_iter()
        .filter(|one| ids.contains(&view::experiment_id(one).as_str()))
        .collect();
    let token = fields.text("page_token")?.filter(|token| !token.is_empty());
    let after = match token {
        None => None,
        Some(token) => Some(last_of(&state, &caller, &experiments, token).await?),
    };
    let mut query = query(&experiments, &clauses);
    let filter = (&clauses[..], &datasets[..]);
    let mut found = if newest_first(&order) {
        // As the store has them: read until the page is full.
        query.after = after.map(|(last, _)| (last.created_at, last.id));
        query.limit = (limit + 1).clamp(ROWS_FIRST_MIN, limits::PAGE_MAX_ROWS);
        read(&state, &caller, &experiments, query, filter, limit + 1).await?
    } else {
        let mut found = read(&state, &caller, &experiments, query, filter, usize::MAX).await?;
        found.sort_by(|a, b| compare(a, b, &order));
        if let Some(last) = &after {
            found.drain(..found.partition_point(|one| compare(one, last, &order).is_le()));
        }
        found
    };
    let more = found.len() > limit;
    found.truncate(limit);
    let page = found;
    let views: Vec<Value> = page
        .iter()
        .map(|(model, experiment)| model_view(model, experiment))
        .collect();
    let mut answer = json!({});
    if !views.is_empty() {
        answer["models"] = views.into();
    }
    if let Some((last, _)) = page.last().filter(|_| more) {
        answer["next_page_token"] = format!("{AFTER}{}", last.id).into();
    }
    Ok(Json(answer))
}

/// A model with its experiment.
type Found<'e> = (LoggedModel, &'e Experiment);

/// Models of these experiments that are not deleted; fewer where the store can tell which.
fn query(experiments: &[Experiment], clauses: &[Clause]) -> LoggedModelQuery {
    let of = |entity: &str| -> Vec<(String, Option<String>)> {
        let clauses = clauses
            .iter()
            .filter(|clause| clause.entity.as_deref() == Some(entity) && clause.is_plain());
        let wanted = clauses.map(|clause| match (clause.how, &clause.value) {
            (How::Equal, Operand::Text(value)) => (clause.key.clone(), Some(value.clone())),
            _ => (clause.key.clone(), None),
        });
        wanted.take(LABELS_TOLD_MAX).collect()
    };
    let places = experiments.iter();
    LoggedModelQuery {
        experiments: Some(
            places
                .map(|one| (one.project.clone(), one.name.clone()))
                .collect(),
        ),
        name: clauses.iter().find_map(|clause| match &clause.value {
            Operand::Text(name)
                if is_attribute(clause, "name")
                    && clause.how == How::Equal
                    && clause.is_plain() =>
            {
                Some(name.clone())
            }
            _ => None,
        }),
        params: of("params"),
        tags: of("tags"),
        limit: limits::PAGE_MAX_ROWS,
        ..LoggedModelQuery::default()
    }
}

/// Whether an order is that of the store.
fn newest_first(order: &[Key]) -> bool {
    match order.first() {
        None => true,
        Some(Key {
            field: Field::Attribute(name),
            ascending: false,
        }) => order.len() == 1 && name.starts_with("creation_time"),
        Some(_) => false,
    }
}

/// Reads models that meet a filter, in the order of the store, until there are enough.
async fn read<'e>(
    state: &ApiState,
    caller: &Caller,
    experiments: &'e [Experiment],
    mut query: LoggedModelQuery,
    (clauses, datasets): (&[Clause], &[Dataset]),
    enough: usize,
) -> Answer<Vec<Found<'e>>> {
    let mut found = Vec::new();
    loop {
        let page = state.hub.logged_model_list(caller, &query).await?;
        let whole = page.len() < query.limit;
        if let Some(last) = page.last() {
            query.after = Some((last.created_at, last.id.clone()));
        }
        let known = page.into_iter().filter_map(|model| {
            let experiment = view::find(experiments, &model.project, &model.experiment)?;
            meets(&model, experiment, clauses, datasets).then_some((model, experiment))
        });
        found.extend(known);
        if whole || found.len() >= enough {
            return Ok(found);
        }
        query.limit = limits::PAGE_MAX_ROWS;
    }
}

/// The model that a page begins behind, whatever came or went since.
async fn last_of<'e>(
    state: &ApiState,
    caller: &Caller,
    experiments: &'e [Experiment],
    token: &str,
) -> Answer<Found<'e>> {
    let invalid = || Refusal::invalid("Invalid page token");
    let id = token.strip_prefix(AFTER).ok_or_else(invalid)?;
    let last = by_model_id(state, caller, id)
        .await
        .map_err(|_| invalid())?;
    let experiment = view::find(experiments, &last.project, &last.experiment);
    Ok((last, experiment.ok_or_else(invalid)?))
}

fn datasets(fields: &Fields) -> Answer<Vec<Dataset>> {
    let mut datasets = Vec::new();
    for message in fields.list("datasets")? {
        let found = dataset(message)?.ok_or_else(|| {
            Refusal::invalid("`dataset_name` in the `datasets` clause must be specified.")
        })?;
        datasets.push(found);
    }
    Ok(datasets)
}

fn dataset(message: &Map<String, Value>) -> Answer<Option<Dataset>> {
    let message = Fields(message.clone());
    let filled = |name: &str| -> Answer<Option<String>> {
        let text = message.text(name)?.filter(|text| !text.is_empty());
        Ok(text.map(str::to_owned))
    };
    let digest = filled("dataset_digest")?;
    match (filled("dataset_name")?, digest) {
        (Some(name), digest) => Ok(Some(Dataset { name, digest })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Refusal::invalid(
            "`dataset_digest` can only be specified if `dataset_name` is also specified.",
        )),
    }
}

fn order(fields: &Fields) -> Answer<Vec<Key>> {
    let mut keys = Vec::new();
    for message in fields.list("order_by")? {
        let name = message.get("field_name").and_then(Value::as_str);
        let name = name.ok_or_else(|| {
            Refusal::invalid("`field_name` in the `order_by` clause must be specified.")
        })?;
        let ascending = match message.get("ascending") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(ascending)) => *ascending,
            Some(other) => return Err(wrong_type("ascending", other)),
        };
        let invalid =
            |why: &str| Refusal::invalid(format!("Invalid order by field name: {name}{why}"));
        let field = match name.split_once('.') {
            Some(("metrics", metric)) => Field::Metric {
                name: metric.trim_matches('`').to_owned(),
                dataset: dataset(message)?,
            },
            Some(_) => return Err(invalid(". Only metrics are supported.")),
            None if kind(name).is_some() => Field::Attribute(name.to_owned()),
            None => return Err(invalid("")),
        };
        keys.push(Key { field, ascending });
    }
    Ok(keys)
}

/// How an attribute compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
}

fn kind(name: &str) -> Option<Kind> {
    match name {
        "creation_time"
        | "creation_timestamp"
        | "creation_timestamp_ms"
        | "last_updated_timestamp"
        | "last_updated_timestamp_ms" => Some(Kind::Number),
        "model_id" | "experiment_id" | "name" | "artifact_location" | "status"
        | "lifecycle_stage" | "model_type" | "source_run_id" | "status_message" => Some(Kind::Text),
        _ => None,
    }
}

fn attribute(model: &LoggedModel, experiment: &Experiment, name: &str) -> Option<Compared> {
    let text = match name {
        "creation_time" | "creation_timestamp" | "creation_timestamp_ms" => {
            return Some(Compared::Number(model.created_at.0 as f64));
        }
        "last_updated_timestamp" | "last_updated_timestamp_ms" => {
            return Some(Compared::Number(model.updated_at.0 as f64));
        }
        "model_id" => model.id.to_string(),
        "experiment_id" => view::experiment_id(experiment),
        "name" => model.name.clone(),
        "artifact_location" => artifact_uri(experiment, model),
        "status" => model.status.as_str().to_uppercase(),
        "lifecycle_stage" => "active".to_owned(),
        "model_type" => model.model_type.clone()?,
        "source_run_id" => model.source_run.clone()?,
        _ => return None,
    };
    Some(Compared::Text(text))
}

fn is_attribute(clause: &Clause, name: &str) -> bool {
    matches!(clause.entity.as_deref(), None | Some("attributes")) && clause.key == name
}

/// Refuses a comparison that makes no sense.
fn check(clause: &Clause) -> Answer<()> {
    let kind = match clause.entity.as_deref() {
        None | Some("attributes") => kind(&clause.key).ok_or_else(|| {
            Refusal::invalid(format!("Invalid attribute key '{}' specified", clause.key))
        })?,
        Some("metrics") => Kind::Number,
        Some("params" | "tags") => Kind::Text,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "Invalid entity type: '{other}'. Expected one of ['attributes', 'metrics', \
                 'params', 'tags']."
            )));
        }
    };
    let (allowed, expected) = match kind {
        Kind::Number => (
            matches!(clause.value, Operand::Number(_)),
            "('<', '<=', '>', '>=', '=', '!=') and a number",
        ),
        Kind::Text => {
            let how = matches!(
                clause.how,
                How::Equal | How::NotEqual | How::Like | How::Ilike | How::In | How::NotIn
            );
            let value = matches!(clause.value, Operand::Text(_) | Operand::Texts(_));
            (
                how && value,
                "('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN') and a text",
            )
        }
    };
    let ordered = !matches!(clause.how, How::Like | How::Ilike);
    if allowed && (kind == Kind::Text || ordered) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid comparison operator for {}: '{}'. Expected one of {expected}.",
        clause.key,
        clause.how.symbol()
    )))
}

fn meets(
    model: &LoggedModel,
    experiment: &Experiment,
    clauses: &[Clause],
    datasets: &[Dataset],
) -> bool {
    let about = |metric: &LoggedModelMetric| {
        datasets.is_empty() || datasets.iter().any(|dataset| dataset.holds(metric))
    };
    let metrics = || model.metrics.iter().filter(|metric| about(metric));
    let with_metrics = clauses
        .iter()
        .any(|clause| clause.entity.as_deref() == Some("metrics"));
    if !datasets.is_empty() && !with_metrics && metrics().next().is_none() {
        return false;
    }
    let text = |value: Option<&String>, clause: &Clause| {
        value.is_some_and(|value| clause.how.texts(value, &clause.value))
    };
    let one = |clause: &Clause| match clause.entity.as_deref() {
        Some("metrics") => metrics()
            .filter(|metric| metric.name == clause.key)
            .any(|metric| number_meets(metric.value, clause)),
        Some("params") => text(model.params.get(&clause.key), clause),
        Some("tags") => text(model.tags.get(&clause.key), clause),
        _ => match attribute(model, experiment, &clause.key) {
            Some(Compared::Number(number)) => number_meets(number, clause),
            Some(Compared::Text(value)) => text(Some(&value), clause),
            None => false,
        },
    };
    clauses.iter().all(one)
}

fn number_meets(number: f64, clause: &Clause) -> bool {
    match clause.value {
        Operand::Number(wanted) => clause.how.numbers(number, wanted),
        _ => false,
    }
}

fn value(found: &Found<'_>, field: &Field) -> Option<Compared> {
    let (model, experiment) = found;
    match field {
        Field::Attribute(name) => attribute(model, experiment, name),
        Field::Metric { name, dataset } => {
            let about = |metric: &&LoggedModelMetric| {
                metric.name == *name && dataset.as_ref().is_none_or(|one| one.holds(metric))
            };
            let latest = model
                .metrics
                .iter()
                .filter(about)
                .max_by(|a, b| a.order().cmp(&b.order()).then_with(|| b.run.cmp(&a.run)));
            latest.map(|metric| Compared::Number(metric.value))
        }
    }
}

/// The order of a page: what is asked for, absent values last, then the newest first.
fn compare(a: &Found<'_>, b: &Found<'_>, order: &[Key]) -> Ordering {
    for key in order {
        let compared = match (value(a, &key.field), value(b, &key.field)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(Compared::Number(a)), Some(Compared::Number(b))) => a.total_cmp(&b),
            (Some(Compared::Text(a)), Some(Compared::Text(b))) => a.cmp(&b),
            (Some(Compared::Number(_)), Some(Compared::Text(_))) => Ordering::Less,
            (Some(Compared::Text(_)), Some(Compared::Number(_))) => Ordering::Greater,
        };
        let compared = match key.ascending {
            true => compared,
            false => compared.reverse(),
        };
        if compared.is_ne() {
            return compared;
        }
    }
    let ((a, _), (b, _)) = (a, b);
    b.created_at
        .cmp(&a.created_at)
        .then_with(|| a.id.cmp(&b.id))
}
