//! Searches for registered models and versions: filter, order, pages.
//!
//! A tag that is compared has to be there, but for the one that makes a model a prompt: models
//! without it are none, and prompts are found only by asking for them.
//!
//! The store orders and reads on behind the page before, and leaves out what it can tell; the
//! filter is held against what it finds, until the page is full.

use std::collections::BTreeMap;

use mlhub_core::registry::{
    Direction, ModelName, ModelQuery, ModelVersion, ModelVersionQuery, RegisteredModel, TagWanted,
    VersionKey,
};
use mlhub_core::{Caller, RunId, Timestamp, limits};

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

/// Tags of a filter that the store is told.
const TAGS_TOLD_MAX: usize = 8;
/// Names of a filter that the store is told.
const NAMES_TOLD_MAX: usize = 500;
/// Rows that are read at least, since a filter may leave out many.
const ROWS_FIRST_MIN: usize = 100;

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

/// What a page is ordered by.
fn order<T: Filtered>(items: &[&str]) -> Answer<Vec<(String, Direction)>> {
    let mut keys: Vec<(String, Direction)> = Vec::new();
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
        let direction = match descends {
            true => Direction::Descending,
            false => Direction::Ascending,
        };
        keys.push((key, direction));
    }
    Ok(keys)
}

fn invalid_token() -> Refusal {
    Refusal::invalid("Invalid page token")
}

/// What of a filter the store can tell by itself: tags that have to be there.
fn tags_wanted(clauses: &[Clause], prompts: bool) -> Vec<TagWanted> {
    let tags = clauses.iter().filter(|clause| {
        is_tag(clause) && clause.is_plain() && (prompts || clause.key != PROMPT_TAG)
    });
    let wanted = tags.map(|clause| match (clause.how, &clause.value) {
        (How::Equal, Operand::Text(value)) => (clause.key.clone(), Some(value.clone())),
        _ => (clause.key.clone(), None),
    });
    wanted.take(TAGS_TOLD_MAX).collect()
}

/// What makes a model a prompt; where prompts are not asked for they are left out.
fn no_prompts(prompts: bool) -> Option<(String, String)> {
    (!prompts).then(|| (PROMPT_TAG.to_owned(), "true".to_owned()))
}

/// Rows read first for a page of `limit`: one more tells whether another page follows.
fn rows_first(limit: usize) -> usize {
    (limit + 1).clamp(ROWS_FIRST_MIN, limits::PAGE_MAX_ROWS)
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

/// Tells the store what a filter says of names.
fn tell_names(query: &mut ModelQuery, clauses: &[Clause]) {
    // What cannot be a name finds nothing.
    let name = |text: &String| text.parse::<ModelName>().ok();
    let attributes = clauses.iter().filter(|clause| !is_tag(clause));
    for clause in attributes.filter(|clause| clause.is_plain()) {
        match (clause.how, &clause.value) {
            (How::Equal, Operand::Text(text)) => {
                query.names = Some(name(text).into_iter().collect());
            }
            (How::In, Operand::Texts(texts)) if texts.len() <= NAMES_TOLD_MAX => {
                query.names = Some(texts.iter().filter_map(name).collect());
            }
            (How::Like, Operand::Text(pattern)) => {
                let end = pattern.find(['%', '_']).unwrap_or(pattern.len());
                query.prefix = Some(pattern[..end].to_owned()).filter(|text| !text.is_empty());
            }
            _ => {}
        }
    }
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
    let prompts = for_prompts(&clauses);
    let mut query = ModelQuery {
        tags: tags_wanted(&clauses, prompts),
        without: no_prompts(prompts),
        limit: rows_first(limit),
        ..ModelQuery::default()
    };
    tell_names(&mut query, &clauses);
    for (key, direction) in order::<RegisteredModel>(&fields.texts("order_by")?)? {
        match key.as_str() {
            // Names tell models apart: what comes behind them does not matter.
            "name" => {
                query.by_name = direction;
                break;
            }
            _ => query.by_time = query.by_time.or(Some(direction)),
        }
    }
    if let Some(token) = token(fields)? {
        let (at, name) = token_parts(token)?;
        query.after = Some(name.parse().map_err(|_| invalid_token())?);
        query.after_time = Timestamp(at);
    }
    let mut found = Vec::new();
    loop {
        let page = state.hub.registered_model_list(caller, &query).await?;
        let whole = page.len() < query.limit;
        if let Some(last) = page.last() {
            query.go_on(last);
        }
        found.extend(page.into_iter().filter(|one| meets(one, &clauses, prompts)));
        if whole || found.len() > limit {
            break;
        }
        query.limit = limits::PAGE_MAX_ROWS;
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| token_of(last.updated_at.0, last.name.as_str()));
    Ok((found, next))
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
    let prompts = for_prompts(&clauses);
    let key = |(key, direction): (String, Direction)| {
        let key = match key.as_str() {
            "name" => VersionKey::Model,
            "version_number" => VersionKey::Number,
            "creation_timestamp" => VersionKey::Created,
            _ => VersionKey::Updated,
        };
        (key, direction)
    };
    let order = order::<ModelVersion>(&items)?;
    let mut query = ModelVersionQuery {
        tags: tags_wanted(&clauses, prompts),
        without: no_prompts(prompts),
        order: order.into_iter().map(key).collect(),
        limit: rows_first(limit),
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
    if let Some(token) = token(fields)? {
        go_on(&mut query, token)?;
    }
    let mut found = Vec::new();
    loop {
        let page = state.hub.model_version_list(caller, &query).await?;
        let whole = page.len() < query.limit;
        if let Some(last) = page.last() {
            query.go_on(last);
        }
        found.extend(page.into_iter().filter(|one| meets(one, &clauses, prompts)));
        if whole || found.len() > limit {
            break;
        }
        query.limit = limits::PAGE_MAX_ROWS;
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| {
        let rest = format!("{}:{}:{}", last.created_at.0, last.version, last.model);
        token_of(last.updated_at.0, &rest)
    });
    Ok((found, next))
}

/// Goes on behind the last version of a page, as it was then.
fn go_on(query: &mut ModelVersionQuery, token: &str) -> Answer<()> {
    let (updated_at, rest) = token_parts(token)?;
    let mut parts = rest.splitn(3, ':');
    let mut next = || parts.next().ok_or_else(invalid_token);
    let created_at: i64 = next()?.parse().map_err(|_| invalid_token())?;
    let version: u32 = next()?.parse().map_err(|_| invalid_token())?;
    let model: ModelName = next()?.parse().map_err(|_| invalid_token())?;
    query.after = Some((model, version));
    query.after_times = (Timestamp(created_at), Timestamp(updated_at));
    Ok(())
}
