//! Models, versions and the trail as they are; tags and aliases come in one
//! query per page each.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::registry::{
    ModelAlias, ModelChoice, ModelEvent, ModelName, ModelPlace, ModelQuery, ModelVersion,
    ModelVersionQuery, RegisteredModel,
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
    sql.push(" WHERE m.name > ");
    sql.bind(query.after.as_ref().map_or("", ModelName::as_str));
    if let Some(prefix) = &query.prefix {
        // The range is found by the index; what it has too much is compared.
        let count = prefix.chars().count() as i64;
        sql.push(" AND m.name >= ").bind(prefix.as_str());
        sql.push(" AND substr(m.name, 1, CAST(").bind(count);
        sql.push(" AS INTEGER)) = ").bind(prefix.as_str());
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push(" ORDER BY m.name LIMIT ").bind(limit);
    let rows = sql.query(tx).await?;
    joined_models(tx, rows).await
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
    if let Some((name, number)) = &query.after {
        sql.push(" AND (m.name > ").bind(name.as_str());
        sql.push(" OR (m.name = ").bind(name.as_str());
        sql.push(" AND v.version < ").bind(*number).push("))");
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push(" ORDER BY m.name, v.version DESC LIMIT ")
        .bind(limit);
    let rows = sql.query(tx).await?;
    joined_versions(tx, rows).await
}

async fn joined_versions(tx: &mut dyn Tx, rows: Vec<Row>) -> Result<Vec<ModelVersion>> {
    let mut found = Vec::with_capacity(rows.len());
    let mut places = BTreeMap::new();
    for mut row in rows {
        let (id, version) = read_version(&mut row)?;
        places.insert((id, version.version), found.len());
        found.push(version);
    }
    let numbers = found.iter().map(|one: &ModelVersion| one.version);
    let (Some(low), Some(high)) = (numbers.clone().min(), numbers.max()) else {
        return Ok(found);
    };
    let ids: BTreeSet<RegisteredModelId> = places.keys().map(|(id, _)| id.clone()).collect();
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
    for mut row in between(tx, sql).await? {
        if let Some(at) = places.get(&(row.parsed()?, row.int()?)) {
            found[*at].tags.insert(row.text()?, row.text()?);
        }
    }
    let sql = "SELECT model, version, alias FROM registry_alias WHERE model IN ";
    for mut row in between(tx, sql).await? {
        if let Some(at) = places.get(&(row.parsed()?, row.int()?)) {
            let alias: ModelAlias = row.parsed()?;
            found[*at].aliases.push(alias);
        }
    }
    for version in &mut found {
        version.aliases.sort();
    }
    Ok(found)
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
