//! Models, versions and the trail as they are; tags and aliases come in one
//! query per page each.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::registry::{
    Direction, ModelAlias, ModelChoice, ModelEvent, ModelName, ModelPlace, ModelQuery,
    ModelVersion, ModelVersionQuery, RegisteredModel, TagWanted, VersionKey,
};
use mlhub_core::{RegisteredModelId, Result, RunId, Timestamp, UserId, limits};

use super::super::seam::{Row, Tx, Value, stored};
use super::super::text::{Sql, query_in};

const MODELS: &str = "SELECT m.id, m.name, m.description, m.created_at, m.updated_at, \
    (SELECT count(*) FROM registry_version v WHERE v.model = m.id), \
    (SELECT max(v.version) FROM registry_version v WHERE v.model = m.id) FROM registry_model m";
const VERSIONS: &str = "SELECT v.model, m.name, v.version, v.run, v.source, v.place_run, \
    v.place_path, v.logged_model, v.description, v.stage, v.status, v.status_message, v.actor, \
    v.created_at, v.updated_at FROM registry_version v JOIN registry_model m ON m.id = v.model";
/// Columns of a line of the trail, as [`event`] reads them.
pub(super) const EVENT_COLUMNS: &str =
    "e.seq, e.model, e.number, e.name, e.version, e.action, e.detail, e.actor, e.at_ms";

/// A model with the key of its rows.
pub(super) async fn model(
    tx: &mut dyn Tx,
    name: &ModelName,
) -> Result<Option<(RegisteredModelId, RegisteredModel)>> {
    let mut sql = Sql::new(MODELS);
    sql.push(" WHERE m.name = ").bind(name.as_str());
    let rows = sql.query(tx).await?;
    let found = joined_models(tx, rows).await?.pop();
    Ok(found.map(|model| (model.id.clone(), model)))
}

/// A page of models.
pub(super) async fn models(tx: &mut dyn Tx, query: &ModelQuery) -> Result<Vec<RegisteredModel>> {
    let mut sql = Sql::new(MODELS);
    sql.push(" WHERE 1 = 1");
    if let Some(prefix) = &query.prefix {
        // The range is found by the index; what it has too much is compared.
        let count = prefix.chars().count() as i64;
        sql.push(" AND m.name >= ").bind(prefix.as_str());
        sql.push(" AND substr(m.name, 1, CAST(").bind(count);
        sql.push(" AS INTEGER)) = ").bind(prefix.as_str());
    }
    if let Some(names) = &query.names {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        sql.push(" AND m.name IN ");
        sql.bind_list(names.iter().map(|name| name.as_str().into()));
    }
    for wanted in &query.tags {
        let of = " AND EXISTS (SELECT 1 FROM registry_model_tag t WHERE t.model = m.id";
        push_tag(sql.push(of), wanted);
    }
    if let Some((name, value)) = &query.without {
        let of = " AND NOT EXISTS (SELECT 1 FROM registry_model_tag t WHERE t.model = m.id";
        push_tag(sql.push(of), &(name.clone(), Some(value.clone())));
    }
    let mut keys = Vec::new();
    if let Some(by_time) = query.by_time {
        let time = Value::from(query.after_time.0);
        keys.push(("m.updated_at", time, by_time.descends()));
    }
    let after = query.after.as_ref();
    let name = after.map_or("", ModelName::as_str).into();
    keys.push(("m.name", name, query.by_name.descends()));
    if after.is_some() {
        sql.push_behind(&keys);
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push_order(&keys).push(" LIMIT ").bind(limit);
    let rows = sql.query(tx).await?;
    joined_models(tx, rows).await
}

/// Appends the rest of a condition on a tag `t`.
fn push_tag(sql: &mut Sql, (name, value): &TagWanted) {
    sql.push(" AND t.name = ").bind(name.as_str());
    if let Some(value) = value {
        sql.push(" AND t.value = ").bind(value.as_str());
    }
    sql.push(")");
}

async fn joined_models(tx: &mut dyn Tx, rows: Vec<Row>) -> Result<Vec<RegisteredModel>> {
    let mut found = Vec::with_capacity(rows.len());
    for mut row in rows {
        found.push(RegisteredModel {
            id: row.parsed()?,
            name: row.parsed()?,
            description: row.text()?,
            tags: BTreeMap::new(),
            aliases: BTreeMap::new(),
            protections: BTreeMap::new(),
            created_at: Timestamp(row.i64()?),
            updated_at: Timestamp(row.i64()?),
            versions: row.int()?,
            latest: row.optional_i64()?.map(|number| number as u32),
        });
    }
    let ids: Vec<Value> = found.iter().map(|one| one.id.as_str().into()).collect();
    let places: BTreeMap<RegisteredModelId, usize> = found
        .iter()
        .enumerate()
        .map(|(at, one)| (one.id.clone(), at))
        .collect();
    let sql = "SELECT model, name, value FROM registry_model_tag WHERE model IN ";
    for mut row in query_in(tx, sql, &ids, "").await? {
        let model = &mut found[place(&places, &mut row)?];
        model.tags.insert(row.text()?, row.text()?);
    }
    let sql = "SELECT model, alias, version FROM registry_alias WHERE model IN ";
    for mut row in query_in(tx, sql, &ids, "").await? {
        let model = &mut found[place(&places, &mut row)?];
        model.aliases.insert(row.parsed()?, row.int()?);
    }
    let sql = "SELECT model, target, body FROM registry_protection WHERE model IN ";
    for mut row in query_in(tx, sql, &ids, "").await? {
        let model = &mut found[place(&places, &mut row)?];
        model.protections.insert(row.parsed()?, row.json()?);
    }
    Ok(found)
}

/// Where the model that a row begins with stands.
fn place(places: &BTreeMap<RegisteredModelId, usize>, row: &mut Row) -> Result<usize> {
    let id: RegisteredModelId = row.parsed()?;
    places.get(&id).copied().ok_or_else(|| {
        mlhub_core::Error::internal(
            "read registered models",
            "a model vanished in its transaction",
        )
    })
}

/// The version that is meant.
pub(super) async fn version(
    tx: &mut dyn Tx,
    model: &ModelName,
    choice: &ModelChoice,
) -> Result<Option<ModelVersion>> {
    let mut sql = Sql::new(VERSIONS);
    sql.push(" WHERE m.name = ").bind(model.as_str());
    match choice {
        ModelChoice::Latest => sql.push(" ORDER BY v.version DESC LIMIT 1"),
        ModelChoice::Number(number) => sql.push(" AND v.version = ").bind(*number),
        ModelChoice::Alias(alias) => sql
            .push(
                " AND v.version = (SELECT a.version FROM registry_alias a WHERE a.model = m.id \
                 AND a.alias = ",
            )
            .bind(alias.as_str())
            .push(")"),
    };
    let rows = sql.query(tx).await?;
    Ok(joined_versions(tx, rows).await?.pop())
}

/// A page of versions.
pub(super) async fn versions(
    tx: &mut dyn Tx,
    query: &ModelVersionQuery,
) -> Result<Vec<ModelVersion>> {
    let mut sql = Sql::new(VERSIONS);
    sql.push(" WHERE 1 = 1");
    if let Some(model) = &query.model {
        sql.push(" AND m.name = ").bind(model.as_str());
    }
    if let Some(run) = &query.run {
        sql.push(" AND (v.run = ").bind(run.as_str());
        sql.push(" OR v.place_run = ").bind(run.as_str()).push(")");
    }
    for wanted in &query.tags {
        let of = " AND EXISTS (SELECT 1 FROM registry_version_tag t \
                  WHERE t.model = v.model AND t.version = v.version";
        push_tag(sql.push(of), wanted);
    }
    if let Some((name, value)) = &query.without {
        let of = " AND v.model NOT IN (SELECT t.model FROM registry_version_tag t WHERE 1 = 1";
        push_tag(sql.push(of), &(name.clone(), Some(value.clone())));
    }
    let mut order = query.order.clone();
    // Together they tell any two versions apart.
    for (key, direction) in [
        (VersionKey::Model, Direction::Ascending),
        (VersionKey::Number, Direction::Descending),
    ] {
        if order.iter().all(|(there, _)| *there != key) {
            order.push((key, direction));
        }
    }
    let (name, number) = match &query.after {
        Some((name, number)) => (name.as_str(), *number),
        None => ("", 0),
    };
    let (created, updated) = query.after_times;
    let key = |(key, direction): (VersionKey, Direction)| -> (&str, Value, bool) {
        let (column, value) = match key {
            VersionKey::Model => ("m.name", name.into()),
            VersionKey::Number => ("v.version", number.into()),
            VersionKey::Created => ("v.created_at", created.0.into()),
            VersionKey::Updated => ("v.updated_at", updated.0.into()),
        };
        (column, value, direction.descends())
    };
    let keys: Vec<_> = order.into_iter().map(key).collect();
    if query.after.is_some() {
        sql.push_behind(&keys);
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push_order(&keys).push(" LIMIT ").bind(limit);
    let rows = sql.query(tx).await?;
    joined_versions(tx, rows).await
}

/// The newest version in each stage of models, by name and stage.
pub(super) async fn newest(tx: &mut dyn Tx, models: &[ModelName]) -> Result<Vec<ModelVersion>> {
    let names: Vec<Value> = models.iter().map(|name| name.as_str().into()).collect();
    let of = |select: &str| {
        format!(
            "{select} JOIN (SELECT w.model AS model, max(w.version) AS version \
             FROM registry_version w JOIN registry_model n ON n.id = w.model WHERE n.name IN "
        )
    };
    let end = |table: &str| {
        format!(
            " GROUP BY w.model, w.stage) q ON q.model = {table}.model AND q.version = {table}.version"
        )
    };
    let mut joining = Joining::default();
    joining.add(query_in(tx, &of(VERSIONS), &names, &end("v")).await?)?;
    let sql = of("SELECT t.model, t.version, t.name, t.value FROM registry_version_tag t");
    joining.tags(query_in(tx, &sql, &names, &end("t")).await?)?;
    let sql = of("SELECT a.model, a.version, a.alias FROM registry_alias a");
    joining.aliases(query_in(tx, &sql, &names, &end("a")).await?)?;
    let mut found = joining.found;
    found.sort_by(|a, b| (&a.model, a.stage).cmp(&(&b.model, b.stage)));
    Ok(found)
}

/// Versions that get their tags and aliases.
#[derive(Default)]
struct Joining {
    found: Vec<ModelVersion>,
    places: BTreeMap<(RegisteredModelId, u32), usize>,
}

impl Joining {
    fn add(&mut self, rows: Vec<Row>) -> Result<()> {
        for mut row in rows {
            let (id, version) = read_version(&mut row)?;
            self.places.insert((id, version.version), self.found.len());
            self.found.push(version);
        }
        Ok(())
    }

    /// The version that a row begins with, if it is one of these.
    fn of(&mut self, row: &mut Row) -> Result<Option<&mut ModelVersion>> {
        let at = self.places.get(&(row.parsed()?, row.int()?));
        Ok(at.and_then(|at| self.found.get_mut(*at)))
    }

    fn tags(&mut self, rows: Vec<Row>) -> Result<()> {
        for mut row in rows {
            if let Some(version) = self.of(&mut row)? {
                version.tags.insert(row.text()?, row.text()?);
            }
        }
        Ok(())
    }

    fn aliases(&mut self, rows: Vec<Row>) -> Result<()> {
        for mut row in rows {
            if let Some(version) = self.of(&mut row)? {
                let alias: ModelAlias = row.parsed()?;
                version.aliases.push(alias);
            }
        }
        for version in &mut self.found {
            version.aliases.sort();
        }
        Ok(())
    }
}

async fn joined_versions(tx: &mut dyn Tx, rows: Vec<Row>) -> Result<Vec<ModelVersion>> {
    let mut joining = Joining::default();
    joining.add(rows)?;
    let numbers = joining.found.iter().map(|one| one.version);
    let (Some(low), Some(high)) = (numbers.clone().min(), numbers.max()) else {
        return Ok(Vec::new());
    };
    let ids: BTreeSet<RegisteredModelId> =
        joining.places.keys().map(|(id, _)| id.clone()).collect();
    let ids: Vec<Value> = ids.iter().map(|id| id.as_str().into()).collect();
    let between = async |tx: &mut dyn Tx, before: &str| -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for slab in ids.chunks(512) {
            let mut sql = Sql::new(before);
            sql.bind_list(slab.iter().cloned());
            sql.push(" AND version >= ").bind(low);
            sql.push(" AND version <= ").bind(high);
            rows.extend(sql.query(tx).await?);
        }
        Ok(rows)
    };
    let sql = "SELECT model, version, name, value FROM registry_version_tag WHERE model IN ";
    joining.tags(between(tx, sql).await?)?;
    let sql = "SELECT model, version, alias FROM registry_alias WHERE model IN ";
    joining.aliases(between(tx, sql).await?)?;
    Ok(joining.found)
}

fn read_version(row: &mut Row) -> Result<(RegisteredModelId, ModelVersion)> {
    let id = row.parsed()?;
    let version = ModelVersion {
        model: row.parsed()?,
        version: row.int()?,
        run: run_of(row)?,
        source: row.text()?,
        place: match (run_of(row)?, row.optional_text()?) {
            (Some(run), path) => Some(ModelPlace {
                run,
                path: path.map(|path| stored(path.parse())).transpose()?,
            }),
            (None, _) => None,
        },
        logged_model: row.optional_text()?,
        description: row.text()?,
        tags: BTreeMap::new(),
        aliases: Vec::new(),
        stage: row.parsed()?,
        status: row.parsed()?,
        status_message: row.optional_text()?,
        created_by: UserId(row.text()?),
        created_at: Timestamp(row.i64()?),
        updated_at: Timestamp(row.i64()?),
    };
    Ok((id, version))
}

fn run_of(row: &mut Row) -> Result<Option<RunId>> {
    let text = row.optional_text()?;
    text.map(|text| stored(text.parse())).transpose()
}

/// A page of the trail, newest first.
pub(super) async fn events(
    tx: &mut dyn Tx,
    name: Option<&ModelName>,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<ModelEvent>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(EVENT_COLUMNS)
        .push(" FROM registry_event e WHERE e.seq < ")
        .bind(before.unwrap_or(i64::MAX));
    if let Some(name) = name {
        sql.push(" AND e.model IN (SELECT n.model FROM registry_event n WHERE n.name = ")
            .bind(name.as_str())
            .push(")");
    }
    sql.push(" ORDER BY e.seq DESC LIMIT ").bind(limit as i64);
    let rows = sql.query(tx).await?;
    rows.into_iter().map(event).collect()
}

/// A line of the trail.
pub(super) fn event(mut row: Row) -> Result<ModelEvent> {
    Ok(ModelEvent {
        seq: row.i64()?,
        model: row.parsed()?,
        number: row.int()?,
        name: row.parsed()?,
        version: row.optional_i64()?.map(|number| number as u32),
        action: row.text()?,
        detail: row.json()?,
        actor: UserId(row.text()?),
        at: Timestamp(row.i64()?),
    })
}
