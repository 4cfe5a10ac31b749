//! Names of metrics, params and tags, and the params and tags themselves.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::{Error, Result, RunId};

use super::seam::{Tx, Value};
use super::text::{RANK_TEXT, insert_rows, query_in, query_in_run, sort_columns};
use crate::check;

/// Bytes of a param's text that take part in sorting; longer texts that begin
/// alike keep their order of creation.
const PARAM_SORT_MAX_BYTES: usize = 256;

/// Inserts rows of [`param_row`].
pub(crate) const INSERT_PARAM: &str =
    "INSERT INTO param (run, label, value, sort_rank, sort_number, sort_text)";
/// Inserts rows of run, label and value.
pub(crate) const INSERT_TAG: &str = "INSERT INTO tag (run, label, value)";

/// How a name is found.
pub(crate) fn hash(name: &str) -> Value {
    Value::Blob(blake3::hash(name.as_bytes()).as_bytes().to_vec())
}

/// Numbers of those names that are known.
pub(crate) async fn find(tx: &mut dyn Tx, names: &[&str]) -> Result<BTreeMap<String, i64>> {
    let hashes: Vec<Value> = names.iter().map(|name| hash(name)).collect();
    let rows = query_in(tx, "SELECT name, id FROM label WHERE hash IN ", &hashes, "").await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text()?, row.i64()?)))
        .collect()
}

/// Numbers of all the names, made where they are new.
pub(crate) async fn ensure(
    tx: &mut dyn Tx,
    names: &BTreeSet<&str>,
) -> Result<BTreeMap<String, i64>> {
    let names: Vec<&str> = names.iter().copied().collect();
    let known = find(tx, &names).await?;
    let mut rows: Vec<_> = names
        .iter()
        .filter(|name| !known.contains_key(**name))
        .map(|name| (blake3::hash(name.as_bytes()), *name))
        .collect();
    if rows.is_empty() {
        return Ok(known);
    }
    // One order for everybody: two writers of the same new names cannot deadlock.
    rows.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let rows = rows
        .into_iter()
        .map(|(hash, name)| vec![hash.as_bytes().to_vec().into(), name.into()])
        .collect();
    insert_rows(
        tx,
        "INSERT INTO label (hash, name)",
        rows,
        " ON CONFLICT (hash) DO NOTHING",
    )
    .await?;
    find(tx, &names).await
}

/// The number [`ensure`] gave a name.
pub(crate) fn number_of(labels: &BTreeMap<String, i64>, name: &str) -> Result<i64> {
    labels
        .get(name)
        .copied()
        .ok_or_else(|| Error::internal("look up a name", "a name vanished in its transaction"))
}

/// Stores params that the run does not have; returns the names of those that
/// kept another value.
pub(crate) async fn params_add(
    tx: &mut dyn Tx,
    run: i64,
    labels: &BTreeMap<String, i64>,
    params: &[(String, String)],
) -> Result<Vec<String>> {
    let mut wanted: BTreeMap<i64, &str> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for (name, value) in params {
        let first = wanted.entry(number_of(labels, name)?).or_insert(value);
        if *first != value {
            kept.insert(name.clone());
        }
    }
    let ids: Vec<Value> = wanted.keys().map(|id| (*id).into()).collect();
    let before = "SELECT label, value FROM param WHERE label IN ";
    let mut stored = BTreeMap::new();
    for mut row in query_in_run(tx, before, &ids, run).await? {
        stored.insert(row.i64()?, row.text()?);
    }
    for (name, value) in params {
        let there = stored.get(&number_of(labels, name)?);
        if there.is_some_and(|there| there != value) {
            kept.insert(name.clone());
        }
    }
    wanted.retain(|id, _| !stored.contains_key(id));
    if !wanted.is_empty() {
        let rows = wanted.iter().map(|(id, value)| param_row(run, *id, value));
        insert_rows(tx, INSERT_PARAM, rows.collect(), "").await?;
        check_count(tx, run, "param").await?;
    }
    Ok(kept.into_iter().collect())
}

/// The row of a param.
pub(crate) fn param_row(run: i64, label: i64, value: &str) -> Vec<Value> {
    let (rank, number, text) = match value.trim().parse::<f64>() {
        Ok(number) => {
            let (rank, number) = sort_columns(number);
            (rank, number, Value::Null)
        }
        Err(_) => {
            let end = value.floor_char_boundary(PARAM_SORT_MAX_BYTES);
            (RANK_TEXT.into(), Value::Null, value[..end].into())
        }
    };
    vec![run.into(), label.into(), value.into(), rank, number, text]
}

/// Sets tags, whatever they were.
pub(crate) async fn tags_put<'a>(
    tx: &mut dyn Tx,
    run: i64,
    labels: &BTreeMap<String, i64>,
    tags: impl Iterator<Item = (&'a str, &'a str)> + Send,
) -> Result<()> {
    let mut last = BTreeMap::new();
    for (name, value) in tags {
        last.insert(number_of(labels, name)?, value);
    }
    if last.is_empty() {
        return Ok(());
    }
    let rows = last
        .into_iter()
        .map(|(label, value)| vec![run.into(), label.into(), value.into()])
        .collect();
    insert_rows(
        tx,
        INSERT_TAG,
        rows,
        " ON CONFLICT (run, label) DO UPDATE SET value = excluded.value",
    )
    .await?;
    check_count(tx, run, "tag").await
}

/// Removes tags.
pub(crate) async fn tags_remove(tx: &mut dyn Tx, run: i64, names: &[&str]) -> Result<()> {
    for label in find(tx, names).await?.into_values() {
        tx.execute(
            "DELETE FROM tag WHERE run = $1 AND label = $2",
            &[run.into(), label.into()],
        )
        .await?;
    }
    Ok(())
}

/// Refuses when the run now has more rows in `table` than it may.
pub(crate) async fn check_count(tx: &mut dyn Tx, run: i64, table: &'static str) -> Result<()> {
    let sql = format!("SELECT count(*) FROM {table} WHERE run = $1");
    let rows = tx.query(&sql, &[run.into()]).await?;
    let count: usize = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    let what = match table {
        "summary" => "metrics",
        "param" => "params",
        _ => "tags",
    };
    check::count(what, count)
}

/// Names and values of the runs, from `param` or `tag`.
pub(crate) async fn of_runs(
    tx: &mut dyn Tx,
    table: &'static str,
    runs: &[RunId],
) -> Result<BTreeMap<RunId, BTreeMap<String, String>>> {
    let ids: Vec<Value> = runs.iter().map(|id| id.as_str().into()).collect();
    let before = format!(
        "SELECT r.id, l.name, v.value FROM run r JOIN {table} v ON v.run = r.seq \
         JOIN label l ON l.id = v.label WHERE r.id IN "
    );
    let mut found: BTreeMap<RunId, BTreeMap<String, String>> = BTreeMap::new();
    for mut row in query_in(tx, &before, &ids, "").await? {
        let run = row.parsed()?;
        found
            .entry(run)
            .or_default()
            .insert(row.text()?, row.text()?);
    }
    Ok(found)
}
