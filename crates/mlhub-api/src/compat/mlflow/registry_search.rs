//! Searches for registered models and versions: filter, order, pages.
//!
//! A tag that is compared has to be there, but for the one that makes a model a prompt: models
//! without it are none, and prompts are found only by asking for them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::registry::{
    ModelName, ModelQuery, ModelVersion, ModelVersionQuery, RegisteredModel,
};
use mlhub_core::{Caller, RunId, limits};

use super::error::{Answer, Refusal};
use super::experiments::page_limit;
use super::fields::Fields;
use super::filter::{self, Clause, How, Operand};
use super::registered_models::PROMPT_TAG;
use crate::ApiState;

/// Models of one page where nothing is said, and at most.
const MODELS_PAGE: (i64, i64) = (100, 1000);
/// Versions of one page where nothing is said, and at most.
const VERSIONS_PAGE: (i64, i64) = (10_000, 200_000);

/// A page, and the token of the next.
type Page<T> = (Vec<T>, Option<String>);

/// What a filter compares.
trait Filtered {
    /// Attributes that are texts; those of the second list may stand before IN.
    const TEXTS: (&'static [&'static str], &'static [&'static str]);
    /// Attributes that are numbers.
    const NUMBERS: &'static [&'static str];
    /// What a page can be ordered by.
    const ORDERS: &'static [&'static str];
    fn text(&self, name: &str) -> &str;
    fn number(&self, name: &str) -> i64;
    fn tags(&self) -> &BTreeMap<String, String>;
    /// Compares by one of `ORDERS`.
    fn compare(&self, other: &Self, by: &str) -> Ordering;
}

impl Filtered for RegisteredModel {
    const TEXTS: (&'static [&'static str], &'static [&'static str]) = (&["name"], &["name"]);
    const NUMBERS: &'static [&'static str] = &[];
    const ORDERS: &'static [&'static str] = &["name", "timestamp", "last_updated_timestamp"];

    fn text(&self, _name: &str) -> &str {
        self.name.as_str()
    }

    fn number(&self, _name: &str) -> i64 {
        0
    }

    fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    fn compare(&self, other: &Self, by: &str) -> Ordering {
        match by {
            "name" => self.name.cmp(&other.name),
            _ => self.updated_at.cmp(&other.updated_at),
        }
    }
}

impl Filtered for ModelVersion {
    const TEXTS: (&'static [&'static str], &'static [&'static str]) =
        (&["name", "run_id", "source_path"], &["name", "run_id"]);
    const NUMBERS: &'static [&'static str] = &["version_number"];
    const ORDERS: &'static [&'static str] = &[
        "name",
        "version_number",
        "creation_timestamp",
        "last_updated_timestamp",
    ];

    fn text(&self, name: &str) -> &str {
        match name {
            "run_id" => self.run.as_ref().map_or("", RunId::as_str),
            "source_path" => &self.source,
            _ => self.model.as_str(),
        }
    }

    fn number(&self, _name: &str) -> i64 {
        i64::from(self.version)
    }

    fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    fn compare(&self, other: &Self, by: &str) -> Ordering {
        match by {
            "name" => self.model.cmp(&other.model),
            "version_number" => self.version.cmp(&other.version),
            "creation_timestamp" => self.created_at.cmp(&other.created_at),
            _ => self.updated_at.cmp(&other.updated_at),
        }
    }
}

fn is_tag(clause: &Clause) -> bool {
    matches!(clause.entity.as_deref(), Some("tag" | "tags"))
}

/// Whether a filter asks for prompts.
fn for_prompts(clauses: &[Clause]) -> bool {
    clauses.iter().any(|clause| {
        let value = match &clause.value {
            Operand::Text(text) => text.to_lowercase(),
            _ => return false,
        };
        is_tag(clause)
            && clause.key == PROMPT_TAG
            && matches!(
                (clause.how, value.as_str()),
                (How::Equal, "true") | (How::NotEqual, "false")
            )
    })
}

/// Refuses a comparison that makes no sense.
fn check<T: Filtered>(clause: &Clause) -> Answer<()> {
    let key = clause.key.as_str();
    let ordinary = matches!(
        clause.how,
        How::Equal | How::NotEqual | How::Like | How::Ilike
    );
    let wrong = |of: &str| {
        Err(Refusal::invalid(format!(
            "Invalid comparator for {of}: {}",
            clause.how.symbol().to_uppercase()
        )))
    };
    if is_tag(clause) {
        return match (ordinary, &clause.value) {
            (true, Operand::Text(_)) => Ok(()),
            _ => wrong("tag"),
        };
    }
    if !matches!(
        clause.entity.as_deref(),
        None | Some("attribute" | "attributes" | "attr")
    ) {
        return Err(Refusal::invalid(format!(
            "Invalid entity type '{}'. Valid entity types are ['tag', 'attribute']",
            clause.entity.as_deref().unwrap_or_default()
        )));
    }
    if T::NUMBERS.contains(&key) {
        let whole = |value: f64| value.fract() == 0.0;
        return match clause.value {
            Operand::Number(value) if whole(value) => match clause.how {
                How::Like | How::Ilike => wrong(&format!("attribute {key}")),
                _ => Ok(()),
            },
            _ => Err(Refusal::invalid(format!(
                "Invalid value for numeric attribute '{key}': a whole number is expected"
            ))),
        };
    }
    let (texts, lists) = T::TEXTS;
    if !texts.contains(&key) {
        let valid: Vec<String> = texts
            .iter()
            .chain(T::NUMBERS)
            .map(|name| format!("'{name}'"))
            .collect();
        return Err(Refusal::invalid(format!(
            "Invalid attribute key '{key}' specified. Valid keys are {{{}}}",
            valid.join(", ")
        )));
    }
    match (&clause.value, clause.how) {
        (Operand::Text(_), _) if ordinary => Ok(()),
        (Operand::Texts(_), How::In | How::NotIn) if lists.contains(&key) => Ok(()),
        _ => wrong("attribute"),
    }
}

fn meets<T: Filtered>(one: &T, clauses: &[Clause], prompts: bool) -> bool {
    clauses.iter().all(|clause| {
        if is_tag(clause) {
            // Who is a prompt is decided apart.
            if clause.key == PROMPT_TAG && !prompts {
                return true;
            }
            let value = one.tags().get(&clause.key);
            return value.is_some_and(|value| clause.how.texts(value, &clause.value));
        }
        match clause.value {
            Operand::Number(wanted) => clause.how.numbers(one.number(&clause.key) as f64, wanted),
            _ => clause.how.texts(one.text(&clause.key), &clause.value),
        }
    })
}

/// What a page is ordered by: names, and whether they descend.
fn order<T: Filtered>(items: &[&str]) -> Answer<Vec<(String, bool)>> {
    let mut keys: Vec<(String, bool)> = Vec::new();
    for item in items {
        let (_, key, descends) = filter::order(item)?;
        if !T::ORDERS.contains(&key.as_str()) {
            let valid: Vec<String> = T::ORDERS.iter().map(|name| format!("'{name}'")).collect();
            return Err(Refusal::invalid(format!(
                "Invalid order by key '{key}' specified. Valid keys are {{{}}}",
                valid.join(", ")
            )));
        }
        if keys.iter().any(|(there, _)| *there == key) {
            return Err(Refusal::invalid(format!(
                "`order_by` contains duplicate fields: {items:?}"
            )));
        }
        keys.push((key, descends));
    }
    Ok(keys)
}

fn compare<T: Filtered>(a: &T, b: &T, keys: &[(String, bool)]) -> Ordering {
    let mut compared = keys.iter().map(|(key, descends)| {
        let order = a.compare(b, key);
        if *descends { order.reverse() } else { order }
    });
    compared
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn invalid_token() -> Refusal {
    Refusal::invalid("Invalid page token")
}

/// A page of what is found, behind the last of the page before, and whether more follows.
fn page<T: Filtered>(
    mut found: Vec<T>,
    keys: &[(String, bool)],
    after: Option<&T>,
    limit: usize,
) -> (Vec<T>, bool) {
    found.sort_by(|a, b| compare(a, b, keys));
    if let Some(after) = after {
        found.drain(..found.partition_point(|one| compare(one, after, keys).is_le()));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    (found, more)
}

fn token(fields: &Fields) -> Answer<Option<&str>> {
    Ok(fields.text("page_token")?.filter(|token| !token.is_empty()))
}

/// What comes behind a moment in the token of a page.
fn token_of(updated_at: i64, rest: &str) -> String {
    format!("after:{updated_at}:{rest}")
}

fn token_parts(token: &str) -> Answer<(i64, &str)> {
    let rest = token.strip_prefix("after:").ok_or_else(invalid_token)?;
    let (at, rest) = rest.split_once(':').ok_or_else(invalid_token)?;
    Ok((at.parse().map_err(|_| invalid_token())?, rest))
}

/// All models.
async fn all_models(state: &ApiState, caller: &Caller) -> Answer<Vec<RegisteredModel>> {
    let mut query = ModelQuery {
        limit: limits::PAGE_MAX_ROWS,
        ..ModelQuery::default()
    };
    let mut found = Vec::new();
    loop {
        let page = state.hub.registered_model_list(caller, &query).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        query.after = Some(last.name.clone());
        found.extend(page);
    }
}

fn is_prompt(tags: &BTreeMap<String, String>) -> bool {
    tags.get(PROMPT_TAG).is_some_and(|value| value == "true")
}

/// Registered models.
pub(super) async fn models(
    state: &ApiState,
    caller: &Caller,
    fields: &Fields,
) -> Answer<Page<RegisteredModel>> {
    let (default, max) = MODELS_PAGE;
    let limit = page_limit(fields.int("max_results")?, default, max)?;
    let clauses = filter::parse(fields.text("filter")?.unwrap_or_default())?;
    clauses.iter().try_for_each(check::<RegisteredModel>)?;
    let mut keys = order::<RegisteredModel>(&fields.texts("order_by")?)?;
    keys.push(("name".to_owned(), false));
    let prompts = for_prompts(&clauses);
    let mut found = all_models(state, caller).await?;
    let after = match token(fields)? {
        None => None,
        Some(token) => {
            let (at, name) = token_parts(token)?;
            let name: ModelName = name.parse().map_err(|_| invalid_token())?;
            let last = found.iter().find(|model| model.name == name).cloned();
            let mut last = last.ok_or_else(invalid_token)?;
            last.updated_at.0 = at;
            Some(last)
        }
    };
    found.retain(|model| meets(model, &clauses, prompts) && (prompts || !is_prompt(&model.tags)));
    let (page, more) = page(found, &keys, after.as_ref(), limit);
    let last = page.last().filter(|_| more);
    let next = last.map(|last| token_of(last.updated_at.0, last.name.as_str()));
    Ok((page, next))
}

/// Versions of registered models.
pub(super) async fn versions(
    state: &ApiState,
    caller: &Caller,
    fields: &Fields,
) -> Answer<Page<ModelVersion>> {
    let (default, max) = VERSIONS_PAGE;
    let limit = page_limit(fields.int("max_results")?, default, max)?;
    let clauses = filter::parse(fields.text("filter")?.unwrap_or_default())?;
    clauses.iter().try_for_each(check::<ModelVersion>)?;
    let mut items = fields.texts("order_by")?;
    if items.is_empty() {
        items = vec![
            "last_updated_timestamp DESC",
            "name ASC",
            "version_number DESC",
        ];
    }
    let mut keys = order::<ModelVersion>(&items)?;
    keys.extend([
        ("name".to_owned(), false),
        ("version_number".to_owned(), true),
    ]);
    let prompts = for_prompts(&clauses);
    let after = match token(fields)? {
        None => None,
        Some(token) => Some(version_of_token(state, caller, token).await?),
    };
    let mut found = candidates(state, caller, &clauses).await?;
    if !prompts {
        // A model is a prompt when one of its versions is.
        let of: BTreeSet<ModelName> = found
            .iter()
            .filter(|version| is_prompt(&version.tags))
            .map(|version| version.model.clone())
            .collect();
        found.retain(|version| !of.contains(&version.model));
    }
    found.retain(|version| meets(version, &clauses, prompts));
    let (page, more) = page(found, &keys, after.as_ref(), limit);
    let last = page.last().filter(|_| more);
    let next = last.map(|last| {
        let rest = format!("{}:{}:{}", last.created_at.0, last.version, last.model);
        token_of(last.updated_at.0, &rest)
    });
    Ok((page, next))
}

/// The last version of a page, as it was then.
async fn version_of_token(state: &ApiState, caller: &Caller, token: &str) -> Answer<ModelVersion> {
    let (updated_at, rest) = token_parts(token)?;
    let mut parts = rest.splitn(3, ':');
    let mut next = || parts.next().ok_or_else(invalid_token);
    let created_at: i64 = next()?.parse().map_err(|_| invalid_token())?;
    let version: u32 = next()?.parse().map_err(|_| invalid_token())?;
    let model: ModelName = next()?.parse().map_err(|_| invalid_token())?;
    // Whatever else it was does not matter for its place.
    let query = ModelVersionQuery {
        limit: 1,
        ..ModelVersionQuery::default()
    };
    let any = state.hub.model_version_list(caller, &query).await?;
    let mut last = any.into_iter().next().ok_or_else(invalid_token)?;
    last.model = model;
    last.version = version;
    last.created_at.0 = created_at;
    last.updated_at.0 = updated_at;
    Ok(last)
}

/// All versions, or those of the model or run that a filter asks for.
async fn candidates(
    state: &ApiState,
    caller: &Caller,
    clauses: &[Clause],
) -> Answer<Vec<ModelVersion>> {
    let mut query = ModelVersionQuery {
        limit: limits::PAGE_MAX_ROWS,
        ..ModelVersionQuery::default()
    };
    for clause in clauses.iter().filter(|clause| !is_tag(clause)) {
        if let (How::Equal, Operand::Text(text)) = (clause.how, &clause.value) {
            match clause.key.as_str() {
                // What cannot be a name finds nothing all the same.
                "name" => query.model = text.parse().ok(),
                "run_id" => query.run = text.parse().ok(),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    loop {
        let page = state.hub.model_version_list(caller, &query).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        query.after = Some((last.model.clone(), last.version));
        found.extend(page);
    }
}
