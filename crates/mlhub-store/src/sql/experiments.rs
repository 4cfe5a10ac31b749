//! Experiments: making, finding and changing them.

use std::collections::BTreeMap;

use mlhub_core::run::{Experiment, ExperimentChange, NewExperiment};
use mlhub_core::{Error, Name, Result, Timestamp, limits};

use super::projects;
use super::seam::{Row, Tx, Value};
use super::text::{Sql, insert_rows, query_in};
use crate::check;

const EXPERIMENTS: &str = "SELECT e.project, e.name, e.description, e.created_at, \
    (SELECT count(*) FROM run r WHERE r.project = e.project AND r.experiment = e.name \
    AND r.deleted_at IS NULL), e.seq, e.location, coalesce(e.changed_at, e.created_at), \
    e.deleted_at FROM experiment e";

/// The same of a single one, whose runs are counted in indexes alone: all of them, less
/// the deleted ones. `CASE` keeps those from being looked for among all runs of it.
const EXPERIMENT: &str = "SELECT e.project, e.name, e.description, e.created_at, \
    (SELECT count(*) FROM run r WHERE r.project = e.project AND r.experiment = e.name) - \
    (SELECT count(*) FROM run g WHERE g.deleted_at > -9223372036854775807 AND \
    CASE WHEN g.project = e.project AND g.experiment = e.name THEN 1 ELSE 0 END = 1), \
    e.seq, e.location, coalesce(e.changed_at, e.created_at), e.deleted_at FROM experiment e";

/// Those of a project, or all, newest first.
pub(super) async fn list(tx: &mut dyn Tx, project: Option<&Name>) -> Result<Vec<Experiment>> {
    let mut sql = Sql::new(EXPERIMENTS);
    if let Some(project) = project {
        sql.push(" WHERE e.project = ").bind(project.as_str());
    }
    sql.push(" ORDER BY e.seq DESC");
    let rows = sql.query(tx).await?;
    let mut found = rows
        .into_iter()
        .map(experiment)
        .collect::<Result<Vec<_>>>()?;
    let numbers: Vec<i64> = found.iter().map(|experiment| experiment.number).collect();
    let mut tags = tags_of(tx, &numbers).await?;
    for experiment in &mut found {
        experiment.tags = tags.remove(&experiment.number).unwrap_or_default();
    }
    Ok(found)
}

/// The one of a number.
pub(super) async fn get(tx: &mut dyn Tx, number: i64) -> Result<Option<Experiment>> {
    let sql = format!("{EXPERIMENT} WHERE e.seq = $1");
    one(tx, &sql, &[number.into()]).await
}

/// The one of a name.
pub(super) async fn named(
    tx: &mut dyn Tx,
    project: &Name,
    name: &Name,
) -> Result<Option<Experiment>> {
    let sql = format!("{EXPERIMENT} WHERE e.project = $1 AND e.name = $2");
    one(tx, &sql, &[project.as_str().into(), name.as_str().into()]).await
}

async fn one(tx: &mut dyn Tx, sql: &str, values: &[Value]) -> Result<Option<Experiment>> {
    let rows = tx.query(sql, values).await?;
    let Some(mut found) = rows.into_iter().next().map(experiment).transpose()? else {
        return Ok(None);
    };
    let mut tags = tags_of(tx, &[found.number]).await?;
    found.tags = tags.remove(&found.number).unwrap_or_default();
    Ok(Some(found))
}

/// Tags by the number of their experiment.
pub(super) async fn tags_of(
    tx: &mut dyn Tx,
    numbers: &[i64],
) -> Result<BTreeMap<i64, BTreeMap<String, String>>> {
    let numbers: Vec<Value> = numbers.iter().map(|number| (*number).into()).collect();
    let sql = "SELECT experiment, key, value FROM experiment_tag WHERE experiment IN ";
    let mut tags: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
    for mut row in query_in(tx, sql, &numbers, "").await? {
        let of = tags.entry(row.i64()?).or_default();
        of.insert(row.text()?, row.text()?);
    }
    Ok(tags)
}

pub(super) fn check_new(experiment: &NewExperiment) -> Result<()> {
    check_tags(
        experiment
            .tags
            .iter()
            .map(|(key, value)| (key, Some(value))),
    )?;
    let location = experiment.location.as_deref().unwrap_or_default();
    check::text("the location", location, limits::PATH_MAX_BYTES)
}

pub(super) fn check_change(change: &ExperimentChange) -> Result<()> {
    check_tags(change.tags.iter().map(|(key, value)| (key, value.as_ref())))
}

fn check_tags<'a>(
    tags: impl ExactSizeIterator<Item = (&'a String, Option<&'a String>)>,
) -> Result<()> {
    check::count("tags", tags.len())?;
    for (key, value) in tags {
        check::name("a tag's name", key)?;
        check::value("a tag's value", value.map_or("", String::as_str))?;
    }
    Ok(())
}

/// Makes one; refuses a taken name.
pub(super) async fn create(tx: &mut dyn Tx, new: &NewExperiment) -> Result<Experiment> {
    lock(tx).await?;
    projects::insert(tx, &new.project, new.created_at).await?;
    refuse_taken(tx, &new.project, &new.name).await?;
    let number = projects::take_numbers(tx, "experiment", 1).await?;
    let sql = "INSERT INTO experiment (project, name, seq, description, created_at, location) \
               VALUES ($1, $2, $3, '', $4, $5)";
    let values = [
        new.project.as_str().into(),
        new.name.as_str().into(),
        number.into(),
        new.created_at.0.into(),
        new.location.as_deref().into(),
    ];
    tx.execute(sql, &values).await?;
    put_tags(tx, number, &new.tags).await?;
    exact(tx, number).await
}

/// Changes one; its runs follow a new name.
pub(super) async fn change(
    tx: &mut dyn Tx,
    number: i64,
    change: &ExperimentChange,
    now: Timestamp,
) -> Result<Experiment> {
    lock(tx).await?;
    let before = exact(tx, number).await?;
    if let Some(name) = change.name.as_ref().filter(|name| **name != before.name) {
        rename(tx, &before, name).await?;
    }
    if let Some(deleted) = change
        .deleted
        .filter(|deleted| *deleted != before.deleted_at.is_some())
    {
        let sql = "UPDATE experiment SET deleted_at = $1 WHERE seq = $2";
        let at = deleted.then_some(now.0);
        tx.execute(sql, &[at.into(), number.into()]).await?;
    }
    let mut set = BTreeMap::new();
    for (key, value) in &change.tags {
        let sql = "DELETE FROM experiment_tag WHERE experiment = $1 AND key = $2";
        tx.execute(sql, &[number.into(), key.as_str().into()])
            .await?;
        if let Some(value) = value {
            set.insert(key.clone(), value.clone());
        }
    }
    put_tags(tx, number, &set).await?;
    let sql = "UPDATE experiment SET changed_at = $1 WHERE seq = $2";
    tx.execute(sql, &[now.0.into(), number.into()]).await?;
    exact(tx, number).await
}

/// Gives an experiment and its runs another name.
async fn rename(tx: &mut dyn Tx, before: &Experiment, name: &Name) -> Result<()> {
    refuse_taken(tx, &before.project, name).await?;
    let project = || Value::from(before.project.as_str());
    // Runs refer to the name, so the row is there under both while they move.
    let sql = "INSERT INTO experiment \
               (project, name, seq, description, created_at, location, changed_at, deleted_at) \
               SELECT project, $1, seq, description, created_at, location, changed_at, deleted_at \
               FROM experiment WHERE project = $2 AND name = $3";
    let names = [name.as_str().into(), project(), before.name.as_str().into()];
    tx.execute(sql, &names).await?;
    let sql = "UPDATE run SET experiment = $1 WHERE project = $2 AND experiment = $3";
    tx.execute(sql, &names).await?;
    let sql = "DELETE FROM experiment WHERE project = $1 AND name = $2";
    tx.execute(sql, &[project(), before.name.as_str().into()])
        .await
        .map(drop)
}

/// Makes an experiment unless it exists; one that was deleted is there again, since it
/// is to have a run. The caller holds the counter of runs, so nobody else makes one
/// meanwhile.
pub(super) async fn ensure(
    tx: &mut dyn Tx,
    project: &Name,
    name: &Name,
    now: Timestamp,
) -> Result<()> {
    let key = [project.as_str().into(), name.as_str().into()];
    let sql = "SELECT deleted_at FROM experiment WHERE project = $1 AND name = $2";
    if let Some(mut row) = tx.query(sql, &key).await?.into_iter().next() {
        if row.optional_i64()?.is_some() {
            let sql = "UPDATE experiment SET deleted_at = NULL WHERE project = $1 AND name = $2";
            tx.execute(sql, &key).await?;
        }
        return Ok(());
    }
    let number = projects::take_numbers(tx, "experiment", 1).await?;
    let [project, name] = key;
    let sql = "INSERT INTO experiment (project, name, seq, description, created_at) \
               VALUES ($1, $2, $3, '', $4)";
    tx.execute(sql, &[project, name, number.into(), now.0.into()])
        .await
        .map(drop)
}

/// Adds tags that are not there.
pub(super) async fn put_tags(
    tx: &mut dyn Tx,
    number: i64,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    let rows = tags
        .iter()
        .map(|(key, value)| vec![number.into(), key.as_str().into(), value.as_str().into()])
        .collect();
    let sql = "INSERT INTO experiment_tag (experiment, key, value)";
    insert_rows(tx, sql, rows, "").await
}

/// Whoever holds the counter of runs makes and changes experiments alone.
async fn lock(tx: &mut dyn Tx) -> Result<()> {
    projects::take_numbers(tx, "run", 0).await.map(drop)
}

async fn exact(tx: &mut dyn Tx, number: i64) -> Result<Experiment> {
    let found = get(tx, number).await?;
    found.ok_or_else(|| Error::not_found("experiment", number))
}

async fn refuse_taken(tx: &mut dyn Tx, project: &Name, name: &Name) -> Result<()> {
    match named(tx, project, name).await? {
        None => Ok(()),
        Some(other) => Err(Error::conflict(format!(
            "the project `{project}` has an experiment `{name}` already{}",
            if other.deleted_at.is_some() {
                ", which is deleted; restore it"
            } else {
                ""
            }
        ))),
    }
}

fn experiment(mut row: Row) -> Result<Experiment> {
    Ok(Experiment {
        project: row.parsed()?,
        name: row.parsed()?,
        description: row.text()?,
        created_at: Timestamp(row.i64()?),
        run_count: row.int()?,
        number: row.i64()?,
        tags: BTreeMap::new(),
        location: row.optional_text()?,
        changed_at: Timestamp(row.i64()?),
        deleted_at: row.optional_i64()?.map(Timestamp),
    })
}
