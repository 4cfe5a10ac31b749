//! Logged models as they are; labels and metrics come in one query per page each.

use std::collections::BTreeMap;

use mlhub_core::logged_model::{LoggedModel, LoggedModelMetric, LoggedModelQuery, LoggedModelUse};
use mlhub_core::{Error, LoggedModelId, Result, RunId, Timestamp, limits};

use super::super::seam::{Row, Tx, Value};
use super::super::text::{Sql, query_in};

const MODELS: &str = "SELECT m.id, r.id, r.project, r.experiment, m.folder, m.source_run, m.name, \
    m.model_type, m.status, m.created_at, m.updated_at, m.deleted_at \
    FROM logged_model m JOIN run r ON r.seq = m.run";
/// What a row of labels is about.
pub(super) const PARAM: &str = "param";
/// See [`PARAM`].
pub(super) const TAG: &str = "tag";

/// One model, deleted or not.
pub(super) async fn one(tx: &mut dyn Tx, id: &LoggedModelId) -> Result<Option<LoggedModel>> {
    let mut sql = Sql::new(MODELS);
    sql.push(" WHERE m.id = ").bind(id.as_str());
    let rows = sql.query(tx).await?;
    Ok(joined(tx, rows).await?.pop())
}

/// The models with files of a run, by id, deleted ones too.
pub(super) async fn of_run(tx: &mut dyn Tx, run: i64) -> Result<Vec<LoggedModel>> {
    let mut sql = Sql::new(MODELS);
    sql.push(" WHERE m.run = ").bind(run).push(" ORDER BY m.id");
    let rows = sql.query(tx).await?;
    joined(tx, rows).await
}

/// A page of models, newest first.
pub(super) async fn list(tx: &mut dyn Tx, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>> {
    let mut sql = Sql::new(MODELS);
    sql.push(" WHERE 1 = 1");
    if let Some(run) = &query.run {
        sql.push(" AND r.id = ").bind(run.as_str());
    }
    if let Some(experiments) = &query.experiments {
        sql.push(" AND (1 = 0");
        for (project, experiment) in experiments {
            sql.push(" OR r.project = ").bind(project.as_str());
            sql.push(" AND r.experiment = ").bind(experiment.as_str());
        }
        sql.push(")");
    }
    if let Some(name) = &query.name {
        sql.push(" AND m.name = ").bind(name.as_str());
    }
    for (kind, wanted) in [(PARAM, &query.params), (TAG, &query.tags)] {
        for (name, value) in wanted {
            sql.push(" AND EXISTS (SELECT 1 FROM logged_model_label l WHERE l.model = m.id")
                .push(" AND l.kind = ")
                .bind(kind)
                .push(" AND l.name = ")
                .bind(name.as_str());
            if let Some(value) = value {
                sql.push(" AND l.value = ").bind(value.as_str());
            }
            sql.push(")");
        }
    }
    if !query.deleted {
        sql.push(" AND m.deleted_at IS NULL");
    }
    let (time, id) = match &query.after {
        Some((time, id)) => (time.0, id.as_str()),
        None => (0, ""),
    };
    let keys = [
        ("m.created_at", Value::from(time), true),
        ("m.id", id.into(), false),
    ];
    if query.after.is_some() {
        sql.push_behind(&keys);
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push_order(&keys).push(" LIMIT ").bind(limit);
    let rows = sql.query(tx).await?;
    joined(tx, rows).await
}

async fn joined(tx: &mut dyn Tx, rows: Vec<Row>) -> Result<Vec<LoggedModel>> {
    let mut found = Vec::with_capacity(rows.len());
    for mut row in rows {
        found.push(LoggedModel {
            id: row.parsed()?,
            run: row.parsed()?,
            project: row.parsed()?,
            experiment: row.parsed()?,
            folder: row.parsed()?,
            source_run: row.optional_text()?,
            name: row.text()?,
            model_type: row.optional_text()?,
            status: row.parsed()?,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            metrics: Vec::new(),
            created_at: Timestamp(row.i64()?),
            updated_at: Timestamp(row.i64()?),
            deleted_at: row.optional_i64()?.map(Timestamp),
        });
    }
    let ids: Vec<Value> = found.iter().map(|one| one.id.as_str().into()).collect();
    let places: BTreeMap<String, usize> = found
        .iter()
        .enumerate()
        .map(|(at, one)| (one.id.as_str().to_owned(), at))
        .collect();
    let sql = "SELECT model, kind, name, value FROM logged_model_label WHERE model IN ";
    for mut row in query_in(tx, sql, &ids, "").await? {
        let model = &mut found[place(&places, &mut row)?];
        let labels = match row.text()?.as_str() {
            PARAM => &mut model.params,
            _ => &mut model.tags,
        };
        labels.insert(row.text()?, row.text()?);
    }
    let sql = "SELECT model, name, run, dataset_name, dataset_digest, step, time_ms, value_bits \
               FROM logged_model_metric WHERE model IN ";
    let order = " ORDER BY name, run, dataset_name, dataset_digest";
    for mut row in query_in(tx, sql, &ids, order).await? {
        let model = &mut found[place(&places, &mut row)?];
        model.metrics.push(metric(&mut row)?);
    }
    Ok(found)
}

fn place(places: &BTreeMap<String, usize>, row: &mut Row) -> Result<usize> {
    places
        .get(&row.text()?)
        .copied()
        .ok_or_else(|| Error::internal("read logged models", "a model vanished in its transaction"))
}

fn metric(row: &mut Row) -> Result<LoggedModelMetric> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(LoggedModelMetric {
        name: row.text()?,
        run: row.parsed()?,
        dataset_name: some(row.text()?),
        dataset_digest: some(row.text()?),
        step: row.i64()?,
        time: Timestamp(row.i64()?),
        value: row.bits()?,
    })
}

/// What runs read and made.
pub(super) async fn uses(
    tx: &mut dyn Tx,
    runs: &[RunId],
) -> Result<BTreeMap<RunId, Vec<LoggedModelUse>>> {
    let ids: Vec<Value> = runs.iter().map(|run| run.as_str().into()).collect();
    let sql = "SELECT r.id, u.role, u.model, u.step FROM logged_model_use u \
               JOIN run r ON r.seq = u.run WHERE r.id IN ";
    let mut found: BTreeMap<RunId, Vec<LoggedModelUse>> = BTreeMap::new();
    for mut row in query_in(tx, sql, &ids, " ORDER BY u.role, u.model, u.step").await? {
        let run: RunId = row.parsed()?;
        found.entry(run).or_default().push(used(&mut row)?);
    }
    Ok(found)
}

/// What one run read and made.
pub(super) async fn uses_of(tx: &mut dyn Tx, run: i64) -> Result<Vec<LoggedModelUse>> {
    let sql = "SELECT role, model, step FROM logged_model_use WHERE run = $1 \
               ORDER BY role, model, step";
    let rows = tx.query(sql, &[run.into()]).await?;
    rows.into_iter().map(|mut row| used(&mut row)).collect()
}

fn used(row: &mut Row) -> Result<LoggedModelUse> {
    Ok(LoggedModelUse {
        role: row.parsed()?,
        model: row.parsed()?,
        step: row.i64()?,
    })
}
