//! Changes of logged models. The model's row is held while it is changed.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::logged_model::{
    LoggedModel, LoggedModelChange, LoggedModelMetric, LoggedModelUse, NewLoggedModel, check_labels,
};
use mlhub_core::registry::{ModelStatus, at_most};
use mlhub_core::{ArtifactPath, Error, LoggedModelId, Result, RunId, Timestamp, limits};

use super::super::runs;
use super::super::seam::{Tx, Value};
use super::super::text::{bits, insert_rows};
use super::read::{self, PARAM, TAG};

/// Stores a model with its labels; metrics are left to the caller.
pub(super) async fn insert(tx: &mut dyn Tx, run: i64, model: &LoggedModel) -> Result<()> {
    let id = &model.id;
    let sql = "SELECT 1 FROM logged_model WHERE id = $1";
    if !tx.query(sql, &[id.as_str().into()]).await?.is_empty() {
        return Err(Error::conflict(format!("a logged model `{id}` exists")));
    }
    let row = vec![
        id.as_str().into(),
        run.into(),
        model.folder.as_str().into(),
        model.source_run.as_deref().into(),
        model.name.as_str().into(),
        model.model_type.as_deref().into(),
        model.status.as_str().into(),
        model.created_at.0.into(),
        model.updated_at.0.into(),
        model.deleted_at.map(|time| time.0).into(),
    ];
    let head = "INSERT INTO logged_model (id, run, folder, source_run, name, model_type, status, \
                created_at, updated_at, deleted_at)";
    insert_rows(tx, head, vec![row], "").await?;
    labels_put(tx, id, PARAM, &model.params).await?;
    labels_put(tx, id, TAG, &model.tags).await
}

async fn labels_put(
    tx: &mut dyn Tx,
    id: &LoggedModelId,
    kind: &str,
    labels: &BTreeMap<String, String>,
) -> Result<()> {
    let row = |(name, value): (&String, &String)| {
        vec![
            id.as_str().into(),
            kind.into(),
            name.as_str().into(),
            value.as_str().into(),
        ]
    };
    let head = "INSERT INTO logged_model_label (model, kind, name, value)";
    let tail = " ON CONFLICT (model, kind, name) DO UPDATE SET value = excluded.value";
    insert_rows(tx, head, labels.iter().map(row).collect(), tail).await
}

pub(super) async fn create(tx: &mut dyn Tx, new: &NewLoggedModel) -> Result<()> {
    // Of two models of a run one comes first, so that folders are told apart.
    let run = runs::lock(tx, &new.run).await?.seq;
    let sql = "SELECT deleted_at, project, experiment FROM run WHERE seq = $1";
    let rows = tx.query(sql, &[run.into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::not_found("run", &new.run))?;
    if row.optional_i64()?.is_some() {
        return Err(Error::conflict(format!(
            "run `{}` is deleted; restore it before models are logged to it",
            new.run
        )));
    }
    let model = LoggedModel {
        id: new.id.clone(),
        run: new.run.clone(),
        project: row.parsed()?,
        experiment: row.parsed()?,
        folder: free_folder(tx, run, &new.wish).await?,
        source_run: new.source_run.clone(),
        name: new.name.clone(),
        model_type: new.model_type.clone(),
        status: ModelStatus::Pending,
        params: new.params.clone(),
        tags: new.tags.clone(),
        metrics: Vec::new(),
        created_at: new.now,
        updated_at: new.now,
        deleted_at: None,
    };
    insert(tx, run, &model).await
}

/// The folder that is wished for, or with the first number behind it that makes it nobody's.
async fn free_folder(tx: &mut dyn Tx, run: i64, wish: &ArtifactPath) -> Result<ArtifactPath> {
    let sql = "SELECT folder FROM logged_model WHERE run = $1";
    let mut taken = BTreeSet::new();
    for mut row in tx.query(sql, &[run.into()]).await? {
        taken.insert(row.text()?);
    }
    let max = limits::LOGGED_MODELS_PER_RUN_MAX;
    at_most("logged models of the run", taken.len() + 1, max)?;
    let parent = wish
        .as_str()
        .rsplit_once('/')
        .map_or("", |(parent, _)| parent);
    let beside = format!("{parent}/");
    let sql = "SELECT path FROM artifact WHERE run = $1 AND path >= $2 AND path < $3";
    // The sign that follows `/`.
    let values = [
        run.into(),
        beside.as_str().into(),
        format!("{parent}0").into(),
    ];
    for mut row in tx.query(sql, &values).await? {
        let path = row.text()?;
        let below = path.strip_prefix(&beside).unwrap_or_default();
        let first = below.split('/').next().unwrap_or_default();
        taken.insert(format!("{beside}{first}"));
    }
    let mut folder = wish.as_str().to_owned();
    let mut number = 1u32;
    while taken.contains(&folder) {
        number += 1;
        folder = format!("{wish}-{number}");
    }
    folder.parse()
}

/// Finds a model and holds its row.
async fn hold(tx: &mut dyn Tx, id: &LoggedModelId) -> Result<LoggedModel> {
    let sql = format!(
        "SELECT id FROM logged_model WHERE id = $1{}",
        tx.dialect().lock_rows()
    );
    tx.query(&sql, &[id.as_str().into()]).await?;
    let found = read::one(tx, id).await?;
    found.ok_or_else(|| Error::not_found("logged model", id))
}

pub(super) async fn change(
    tx: &mut dyn Tx,
    id: &LoggedModelId,
    change: &LoggedModelChange,
    now: Timestamp,
) -> Result<()> {
    let mut model = hold(tx, id).await?;
    for (name, value) in &change.params {
        let before = model.params.insert(name.clone(), value.clone());
        if let Some(before) = before.filter(|before| before != value) {
            return Err(Error::conflict(format!(
                "the param `{name}` of the logged model `{id}` has the value `{before}` already, so it cannot become `{value}`"
            )));
        }
    }
    labels_put(tx, id, PARAM, &change.params).await?;
    let mut set = BTreeMap::new();
    for (name, value) in &change.tags {
        match value {
            Some(value) => {
                model.tags.insert(name.clone(), value.clone());
                set.insert(name.clone(), value.clone());
            }
            None => {
                model.tags.remove(name);
                let sql =
                    "DELETE FROM logged_model_label WHERE model = $1 AND kind = $2 AND name = $3";
                let values = [id.as_str().into(), TAG.into(), name.as_str().into()];
                tx.execute(sql, &values).await?;
            }
        }
    }
    check_labels(&model.params, &model.tags)?;
    labels_put(tx, id, TAG, &set).await?;
    if let Some(status) = change.status {
        model.status = status;
    }
    if change.deleted {
        model.deleted_at = model.deleted_at.or(Some(now));
    }
    // Labels alone do not make it newer, as with other clients.
    if change.status.is_some() || change.deleted {
        model.updated_at = model.updated_at.max(now);
    }
    let sql = "UPDATE logged_model SET status = $1, updated_at = $2, deleted_at = $3 WHERE id = $4";
    let values = [
        model.status.as_str().into(),
        model.updated_at.0.into(),
        model.deleted_at.map(|time| time.0).into(),
        id.as_str().into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

/// Name, run and dataset of a metric.
type Place<'m> = (&'m str, &'m RunId, Option<&'m str>, Option<&'m str>);

fn place(metric: &LoggedModelMetric) -> Place<'_> {
    (
        &metric.name,
        &metric.run,
        metric.dataset_name.as_deref(),
        metric.dataset_digest.as_deref(),
    )
}

pub(super) async fn metrics(
    tx: &mut dyn Tx,
    metrics: &[(LoggedModelId, LoggedModelMetric)],
) -> Result<()> {
    let mut latest: BTreeMap<&LoggedModelId, BTreeMap<Place<'_>, &LoggedModelMetric>> =
        BTreeMap::new();
    for (id, metric) in metrics {
        let of = latest.entry(id).or_default();
        let there = of.entry(place(metric)).or_insert(metric);
        if metric.order() >= there.order() {
            *there = metric;
        }
    }
    for (id, of) in latest {
        let model = hold(tx, id).await?;
        let mut all: BTreeSet<Place<'_>> = model.metrics.iter().map(place).collect();
        all.extend(of.keys().copied());
        let max = limits::LOGGED_MODEL_METRICS_MAX;
        at_most("metrics of the logged model", all.len(), max)?;
        metrics_put(tx, id, of.into_values()).await?;
    }
    Ok(())
}

/// Stores metrics where they are later than what is there.
pub(super) async fn metrics_put(
    tx: &mut dyn Tx,
    id: &LoggedModelId,
    metrics: impl Iterator<Item = &LoggedModelMetric>,
) -> Result<()> {
    let row = |metric: &LoggedModelMetric| -> Vec<Value> {
        vec![
            id.as_str().into(),
            metric.name.as_str().into(),
            metric.run.as_str().into(),
            metric.dataset_name.as_deref().unwrap_or_default().into(),
            metric.dataset_digest.as_deref().unwrap_or_default().into(),
            metric.step.into(),
            metric.time.0.into(),
            bits(metric.value),
        ]
    };
    let head = "INSERT INTO logged_model_metric (model, name, run, dataset_name, dataset_digest, \
                step, time_ms, value_bits)";
    let tail = " ON CONFLICT (model, name, run, dataset_name, dataset_digest) DO UPDATE SET \
                step = excluded.step, time_ms = excluded.time_ms, \
                value_bits = excluded.value_bits \
                WHERE excluded.time_ms > logged_model_metric.time_ms \
                OR (excluded.time_ms = logged_model_metric.time_ms \
                AND excluded.step >= logged_model_metric.step)";
    insert_rows(tx, head, metrics.map(row).collect(), tail).await
}

pub(super) async fn use_add(tx: &mut dyn Tx, run: &RunId, uses: &[LoggedModelUse]) -> Result<()> {
    let seq = runs::lock(tx, run).await?.seq;
    uses_put(tx, seq, uses).await
}

/// Notes what a run read or made, once.
pub(super) async fn uses_put(tx: &mut dyn Tx, run: i64, uses: &[LoggedModelUse]) -> Result<()> {
    let row = |used: &LoggedModelUse| {
        vec![
            run.into(),
            used.role.as_str().into(),
            used.model.as_str().into(),
            used.step.into(),
        ]
    };
    let head = "INSERT INTO logged_model_use (run, role, model, step)";
    let tail = " ON CONFLICT (run, role, model, step) DO NOTHING";
    insert_rows(tx, head, uses.iter().map(row).collect(), tail).await
}
