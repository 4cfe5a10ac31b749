//! Experiments.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::run::Experiment;
use mlhub_core::{Caller, ErrorKind, Timestamp};
use serde_json::{Value, json};

use super::error::{Answer, EXISTS, Refusal};
use super::fields::Fields;
use super::filter::{self, Clause, How, Operand};
use super::run_query::View;
use super::{names, nothing, view};
use crate::ApiState;

/// Experiments of one page at most.
const PAGE_MAX: i64 = 50_000;
/// Experiments of a page where nothing is said.
const PAGE_DEFAULT: i64 = 1000;

/// The experiment that is always there, while nobody has used it.
fn unused_default() -> Answer<Experiment> {
    let (project, name) = names::place(names::DEFAULT)?;
    Ok(Experiment {
        project,
        name,
        description: String::new(),
        created_at: Timestamp(0),
        run_count: 0,
        number: 0,
        tags: BTreeMap::new(),
        location: None,
        changed_at: Timestamp(0),
        deleted_at: None,
    })
}

fn no_experiment(id: &str) -> Refusal {
    Refusal::missing(format!("No Experiment with id={id} exists"))
}

/// The experiment of an id.
pub(super) async fn by_id(state: &ApiState, caller: &Caller, id: &str) -> Answer<Experiment> {
    let number: i64 = id.parse().map_err(|_| no_experiment(id))?;
    if number == 0 {
        let (project, name) = names::place(names::DEFAULT)?;
        let found = state.hub.experiment_named(caller, &project, &name).await?;
        return found.map_or_else(unused_default, Ok);
    }
    match state.hub.experiment_get(caller, number).await {
        Ok(experiment) => Ok(experiment),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_experiment(id)),
        Err(error) => Err(error.into()),
    }
}

/// All experiments, the default one among them.
pub(super) async fn all(state: &ApiState, caller: &Caller) -> Answer<Vec<Experiment>> {
    let mut all = state.hub.experiment_list_all(caller).await?;
    let default = unused_default()?;
    if view::find(&all, &default.project, &default.name).is_none() {
        all.push(default);
    }
    Ok(all)
}

/// Experiments that are asked for one by one; of more, all are read.
const SOME_MAX: usize = 20;

/// Those of some experiments that there are.
pub(super) async fn some(
    state: &ApiState,
    caller: &Caller,
    ids: &[&str],
) -> Answer<Vec<Experiment>> {
    let ids: BTreeSet<&str> = ids.iter().copied().collect();
    if ids.len() > SOME_MAX {
        let mut all = all(state, caller).await?;
        all.retain(|one| ids.contains(view::experiment_id(one).as_str()));
        return Ok(all);
    }
    let mut found: Vec<Experiment> = Vec::new();
    for id in ids {
        match by_id(state, caller, id).await {
            // The same number written otherwise is none.
            Ok(one) if view::experiment_id(&one) == id => found.push(one),
            Ok(_) => {}
            Err(refusal) if refusal.is_missing() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(found)
}

/// An experiment that can be changed: the default one is made where nobody has yet.
pub(super) async fn to_change(state: &ApiState, caller: &Caller, id: &str) -> Answer<Experiment> {
    let found = by_id(state, caller, id).await?;
    if found.number != 0 {
        return Ok(found);
    }
    let made = state
        .hub
        .experiment_create(caller, found.project, found.name, BTreeMap::new(), None)
        .await;
    match made {
        Ok(made) => Ok(made),
        // Somebody else just did.
        Err(error) if error.kind() == ErrorKind::Conflict => by_id(state, caller, id).await,
        Err(error) => Err(error.into()),
    }
}

fn answer(experiment: &Experiment) -> Answer<Json<Value>> {
    Ok(Json(json!({"experiment": view::experiment(experiment)})))
}

pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let title = fields.required("name")?;
    let (project, name) = names::place(title)?;
    let tags: BTreeMap<String, String> = fields.pairs("tags")?.into_iter().collect();
    let location = fields.text("artifact_location")?;
    let location = location.filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(location) = &location {
        check_location(location)?;
    }
    let exists = |deleted: bool| {
        let hint = match deleted {
            false => "",
            true => {
                " in deleted state. You can restore the experiment, or permanently delete it to \
                 create a new one"
            }
        };
        Refusal::new(
            EXISTS,
            format!("Experiment(name={title}) already exists{hint}."),
        )
    };
    if title == names::DEFAULT {
        return Err(exists(false));
    }
    let made = state
        .hub
        .experiment_create(&caller, project.clone(), name.clone(), tags, location)
        .await;
    match made {
        Ok(made) => Ok(Json(json!({"experiment_id": view::experiment_id(&made)}))),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let other = state.hub.experiment_named(&caller, &project, &name).await?;
            Err(exists(
                other.is_some_and(|other| other.deleted_at.is_some()),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// A place that only clients ever open. What would make one client write elsewhere than
/// another reads is refused all the same.
fn check_location(location: &str) -> Answer<()> {
    let plain = !location.chars().any(char::is_control) && !location.contains(['#', '?']);
    let climbs = location.split(['/', '\\']).any(|part| part == "..");
    match plain && !climbs {
        true => Ok(()),
        false => Err(Refusal::invalid(
            "Invalid value for parameter 'artifact_location' supplied: it must have no `..`, `#`, \
             `?` or control characters",
        )),
    }
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    answer(&by_id(&state, &caller, fields.required("experiment_id")?).await?)
}

pub(super) async fn get_by_name(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let title = fields.required("experiment_name")?;
    let (project, name) = names::place(title)?;
    let found = state.hub.experiment_named(&caller, &project, &name).await?;
    match found {
        Some(found) => answer(&found),
        None if title == names::DEFAULT => answer(&unused_default()?),
        None => Err(Refusal::missing(format!(
            "Could not find experiment with name '{title}'"
        ))),
    }
}

pub(super) async fn update(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.required("experiment_id")?;
    let Some(title) = fields.text("new_name")?.filter(|name| !name.is_empty()) else {
        return nothing();
    };
    let experiment = to_change(&state, &caller, id).await?;
    refuse_deleted(&experiment, id)?;
    let (project, name) = names::place(title)?;
    if project != experiment.project {
        return Err(Refusal::invalid(format!(
            "the experiment is in the project `{}`, and the name '{title}' would move it to \
             `{project}`; runs stay in their project",
            experiment.project
        )));
    }
    let renamed = state
        .hub
        .experiment_patch(&caller, experiment.number, Some(name), BTreeMap::new())
        .await;
    match renamed {
        Ok(_) => nothing(),
        Err(error) if error.kind() == ErrorKind::Conflict => Err(Refusal::new(
            EXISTS,
            format!("Experiment(name={title}) already exists."),
        )),
        Err(error) => Err(error.into()),
    }
}

fn refuse_deleted(experiment: &Experiment, id: &str) -> Answer<()> {
    match experiment.deleted_at {
        None => Ok(()),
        Some(_) => Err(Refusal::invalid(format!(
            "The experiment {id} must be in the 'active' state. Current state is deleted."
        ))),
    }
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.required("experiment_id")?;
    let experiment = to_change(&state, &caller, id).await?;
    refuse_deleted(&experiment, id)?;
    state
        .hub
        .experiment_delete(&caller, experiment.number, true)
        .await?;
    nothing()
}

pub(super) async fn restore(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.required("experiment_id")?;
    let experiment = by_id(&state, &caller, id).await?;
    if experiment.deleted_at.is_none() {
        return Err(Refusal::invalid(format!(
            "The experiment {id} must be in the 'deleted' state. Current state is active."
        )));
    }
    state
        .hub
        .experiment_delete(&caller, experiment.number, false)
        .await?;
    nothing()
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.required("experiment_id")?;
    let (key, value) = fields.pair()?;
    let experiment = to_change(&state, &caller, id).await?;
    refuse_deleted(&experiment, id)?;
    let tags = [(key.to_owned(), Some(value.to_owned()))].into();
    state
        .hub
        .experiment_patch(&caller, experiment.number, None, tags)
        .await?;
    nothing()
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.required("experiment_id")?;
    let key = fields.required("key")?.to_owned();
    let experiment = by_id(&state, &caller, id).await?;
    refuse_deleted(&experiment, id)?;
    if !experiment.tags.contains_key(&key) {
        return Err(Refusal::missing(format!(
            "No tag with name: {key} in experiment with id {id}"
        )));
    }
    let tags = [(key, None)].into();
    state
        .hub
        .experiment_patch(&caller, experiment.number, None, tags)
        .await?;
    nothing()
}

pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let limit = page_limit(fields.int("max_results")?, PAGE_DEFAULT, PAGE_MAX)?;
    let wanted = View::parse(fields.text("view_type")?)?;
    let clauses = filter::parse(fields.text("filter")?.unwrap_or_default())?;
    let after = fields.text("page_token")?.filter(|token| !token.is_empty());
    let mut found = all(&state, &caller).await?;
    let mut refused = None;
    found.retain(|experiment| {
        let deleted = experiment.deleted_at.is_some();
        let seen = match wanted {
            View::Active => !deleted,
            View::Deleted => deleted,
            View::All => true,
        };
        seen && clauses.iter().all(|clause| {
            meets(experiment, clause).unwrap_or_else(|refusal| {
                refused = Some(refusal);
                false
            })
        })
    });
    // An empty hub has to refuse a bad filter as well.
    let probe = unused_default()?;
    clauses
        .iter()
        .try_for_each(|clause| meets(&probe, clause).map(drop))?;
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    sort(&mut found, &fields.texts("order_by")?)?;
    // The page goes on behind an experiment, whatever came since.
    let start = match after {
        None => 0,
        Some(token) => {
            let id = token
                .strip_prefix("after:")
                .filter(|id| id.parse::<i64>().is_ok());
            let id = id.ok_or_else(|| Refusal::invalid("Invalid page token"))?;
            let place = found.iter().position(|one| view::experiment_id(one) == id);
            place.map_or(found.len(), |place| place + 1)
        }
    };
    let more = found.len() > start + limit;
    let page: Vec<&Experiment> = found.iter().skip(start).take(limit).collect();
    let mut answer =
        json!({"experiments": page.iter().map(|one| view::experiment(one)).collect::<Vec<_>>()});
    if let Some(last) = page.last().filter(|_| more) {
        answer["next_page_token"] = format!("after:{}", view::experiment_id(last)).into();
    }
    Ok(Json(answer))
}

/// How many a page may have.
pub(super) fn page_limit(asked: Option<i64>, default: i64, max: i64) -> Answer<usize> {
    let asked = asked.unwrap_or(default);
    if (1..=max).contains(&asked) {
        return Ok(asked as usize);
    }
    Err(Refusal::invalid(format!(
        "Invalid value {asked} for parameter 'max_results' supplied. It must be at least 1 and at \
         most {max}."
    )))
}

fn meets(experiment: &Experiment, clause: &Clause) -> Answer<bool> {
    match clause.entity.as_deref() {
        Some("tag" | "tags") => {
            let value = experiment.tags.get(&clause.key);
            Ok(match clause.how {
                How::IsNull => value.is_none(),
                How::IsNotNull => value.is_some(),
                how => value.is_some_and(|value| how.texts(value, &clause.value)),
            })
        }
        None | Some("attribute" | "attributes" | "attr") => attribute(experiment, clause),
        Some(other) => Err(Refusal::invalid(format!(
            "Invalid entity type '{other}'. Valid values are ['tag', 'attribute']"
        ))),
    }
}

fn attribute(experiment: &Experiment, clause: &Clause) -> Answer<bool> {
    let text = match clause.key.as_str() {
        "name" => names::title(&experiment.project, &experiment.name),
        "experiment_id" => view::experiment_id(experiment),
        "creation_time" | "last_update_time" => {
            let Operand::Number(wanted) = clause.value else {
                return Err(Refusal::invalid(format!(
                    "Expected numeric value type for numeric attribute: {}",
                    clause.key
                )));
            };
            let at = match clause.key.as_str() {
                "creation_time" => experiment.created_at,
                _ => experiment.changed_at,
            };
            return Ok(clause.how.numbers(at.0 as f64, wanted));
        }
        other => {
            return Err(Refusal::invalid(format!(
                "Invalid attribute key '{other}' specified. Valid keys are 'name', \
                 'experiment_id', 'creation_time', 'last_update_time'"
            )));
        }
    };
    match clause.value {
        Operand::Text(_) | Operand::Texts(_) => Ok(clause.how.texts(&text, &clause.value)),
        _ => Err(Refusal::invalid(format!(
            "Expected a quoted string value for attributes ('{}')",
            clause.key
        ))),
    }
}

fn sort(found: &mut [Experiment], order: &[&str]) -> Answer<()> {
    let mut keys = Vec::new();
    for item in order {
        let (_, key, descends) = filter::order(item)?;
        match key.as_str() {
            "name" | "experiment_id" | "creation_time" | "last_update_time" => {
                keys.push((key, descends));
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "Invalid order_by clause '{item}'"
                )));
            }
        }
    }
    let number = |one: &Experiment| one.number;
    found.sort_by(|a, b| {
        for (key, descends) in &keys {
            let order = match key.as_str() {
                "name" => {
                    let title = |one: &Experiment| names::title(&one.project, &one.name);
                    title(a).cmp(&title(b))
                }
                "creation_time" => a.created_at.cmp(&b.created_at),
                "last_update_time" => a.changed_at.cmp(&b.changed_at),
                _ => number(a).cmp(&number(b)),
            };
            let order = if *descends { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        // The newest first.
        b.created_at
            .cmp(&a.created_at)
            .then(number(b).cmp(&number(a)))
    });
    Ok(())
}
