//! Pages of runs: filters, orders and keyset cursors.
//!
//! Each order gives a run three sort columns: a rank (number, text, NaN, absent;
//! ascending in both directions), a number and a text. Ties go by creation,
//! newest first. The page's keys are found first, on narrow rows; whole runs
//! are read for the page alone.

use mlhub_core::run::Run;
use mlhub_core::store::{CursorKey, RunCursor, RunOrder, RunPage, RunQuery};
use mlhub_core::{Result, limits};

use super::labels;
use super::runs::{RUN_COLUMNS, run};
use super::seam::{Row, Tx, Value};
use super::text::{RANK_MISSING, RANK_NAN, RANK_NUMBER, RANK_TEXT, Sql, like_anywhere};
use crate::check;

const NO_NUMBER: &str = "CAST(NULL AS DOUBLE PRECISION)";
const NO_TEXT: &str = "CAST(NULL AS TEXT)";

/// Refuses what no backend could look for.
pub(crate) fn check(query: &RunQuery) -> Result<()> {
    check::optional("the adapter", query.adapter.as_deref())?;
    let text = query.text.as_deref().unwrap_or_default();
    check::text("the text to find", text, limits::KEY_MAX_BYTES)?;
    match &query.order {
        RunOrder::Metric(name) | RunOrder::Param(name) => check::key("the name to order by", name)?,
        RunOrder::Evaluated { split, name } => {
            check::name("the split to order by", split)?;
            check::name("the metric to order by", name)?;
        }
        _ => {}
    }
    match query.after.as_ref().map(|cursor| &cursor.key) {
        Some(CursorKey::Text(text)) => check::value("the cursor", text),
        _ => Ok(()),
    }
}

pub(crate) async fn page(tx: &mut dyn Tx, query: &RunQuery) -> Result<RunPage> {
    let mut count = Sql::new("SELECT count(*) FROM run r");
    filter(&mut count, query);
    let rows = count.query(tx).await?;
    let total = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;

    let limit = query.limit.clamp(1, limits::PAGE_MAX_ROWS);
    let mut sql = Sql::new("SELECT k.sort_rank, k.sort_number, k.sort_text, ");
    sql.push(RUN_COLUMNS).push(" FROM (SELECT * FROM (");
    keys(&mut sql, query);
    sql.push(") q");
    if let Some(cursor) = &query.after {
        sql.push(" WHERE ");
        beyond(&mut sql, query, cursor);
    }
    order(&mut sql, query, "q");
    sql.push(" LIMIT ").bind(limit as i64 + 1);
    sql.push(") k JOIN run r ON r.seq = k.seq JOIN run_text t ON t.run = r.seq");
    order(&mut sql, query, "k");

    let mut rows = sql.query(tx).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut found: Vec<(RunCursor, Run)> = rows.into_iter().map(read).collect::<Result<_>>()?;
    let next = match found.last_mut() {
        Some((cursor, _)) if more => Some(cursor.clone()),
        _ => None,
    };
    Ok(RunPage {
        runs: found.into_iter().map(|(_, run)| run).collect(),
        next,
        total,
    })
}

fn read(mut row: Row) -> Result<(RunCursor, Run)> {
    let (rank, number, text) = (row.i64()?, row.optional_f64()?, row.optional_text()?);
    let run = run(&mut row)?;
    let key = match (rank, number, text) {
        (RANK_NUMBER, Some(number), _) => CursorKey::Number(number),
        (RANK_TEXT, _, Some(text)) => CursorKey::Text(text),
        (RANK_NAN, ..) => CursorKey::NotANumber,
        _ => CursorKey::Missing,
    };
    Ok((RunCursor { key, seq: run.seq }, run))
}

/// The sequence number and the sort columns of every matching run.
fn keys(sql: &mut Sql, query: &RunQuery) {
    sql.push("SELECT r.seq AS seq, ");
    let columns = |sql: &mut Sql, rank: &str, number: &str, text: &str| {
        sql.push(&format!(
            "{rank} AS sort_rank, {number} AS sort_number, {text} AS sort_text FROM run r"
        ));
    };
    match &query.order {
        RunOrder::Created => {
            columns(
                sql,
                &RANK_NUMBER.to_string(),
                "CAST(r.seq AS DOUBLE PRECISION)",
                NO_TEXT,
            );
        }
        RunOrder::Name => columns(sql, &RANK_TEXT.to_string(), NO_NUMBER, "r.name"),
        RunOrder::State => columns(sql, &RANK_TEXT.to_string(), NO_NUMBER, "r.state"),
        RunOrder::Started => columns(
            sql,
            &format!("CASE WHEN r.started_at IS NULL THEN {RANK_MISSING} ELSE {RANK_NUMBER} END"),
            "CAST(r.started_at AS DOUBLE PRECISION)",
            NO_TEXT,
        ),
        RunOrder::Metric(name) => {
            columns(sql, &or_missing("v.sort_rank"), "v.sort_number", NO_TEXT);
            join_label(sql, "summary", name);
        }
        RunOrder::Param(name) => {
            columns(
                sql,
                &or_missing("v.sort_rank"),
                "v.sort_number",
                "v.sort_text",
            );
            join_label(sql, "param", name);
        }
        RunOrder::Evaluated { split, name } => {
            columns(sql, &or_missing("v.sort_rank"), "v.sort_number", NO_TEXT);
            sql.push(" LEFT JOIN evaluated_metric v ON v.run = r.seq AND v.split = ")
                .bind(split.as_str())
                .push(" AND v.name = ")
                .bind(name.as_str());
        }
    }
    filter(sql, query);
}

fn or_missing(column: &str) -> String {
    format!("coalesce({column}, {RANK_MISSING})")
}

fn join_label(sql: &mut Sql, table: &str, name: &str) {
    sql.push(&format!(
        " LEFT JOIN {table} v ON v.run = r.seq AND v.label = "
    ))
    .push("(SELECT l.id FROM label l WHERE l.hash = ")
    .bind(labels::hash(name))
    .push(")");
}

fn filter(sql: &mut Sql, query: &RunQuery) {
    sql.push(" WHERE r.deleted_at IS NULL");
    let mut joint = " AND ";
    let mut and = |sql: &mut Sql| {
        sql.push(std::mem::replace(&mut joint, " AND "));
    };
    let equal = [
        (
            "r.project",
            query.project.as_ref().map(|name| name.as_str()),
        ),
        (
            "r.experiment",
            query.experiment.as_ref().map(|name| name.as_str()),
        ),
        (
            "r.group_id",
            query.group.as_ref().map(|group| group.as_str()),
        ),
        ("r.adapter", query.adapter.as_deref()),
    ];
    for (column, value) in equal {
        if let Some(value) = value {
            and(sql);
            sql.push(column).push(" = ").bind(value);
        }
    }
    if !query.states.is_empty() {
        and(sql);
        let states = query.states.iter().map(|state| Value::from(state.as_str()));
        sql.push("r.state IN ").bind_list(states);
    }
    if let Some(text) = &query.text {
        and(sql);
        let pattern = like_anywhere(text);
        sql.push("(");
        for column in ["r.id", "r.name", "r.experiment", "r.adapter"] {
            sql.push(&format!("lower({column}) LIKE "));
            sql.bind(pattern.as_str()).push(" ESCAPE '\\' OR ");
        }
        sql.push("EXISTS (SELECT 1 FROM tag g WHERE g.run = r.seq AND lower(g.value) LIKE ")
            .bind(pattern.as_str())
            .push(" ESCAPE '\\'))");
    }
}

fn order(sql: &mut Sql, query: &RunQuery, from: &str) {
    let direction = if query.descending { "DESC" } else { "ASC" };
    if query.order == RunOrder::Created {
        sql.push(&format!(" ORDER BY {from}.seq {direction}"));
    } else {
        sql.push(&format!(
            " ORDER BY {from}.sort_rank, {from}.sort_number {direction}, \
             {from}.sort_text {direction}, {from}.seq DESC"
        ));
    }
}

/// Rows that come after the cursor.
fn beyond(sql: &mut Sql, query: &RunQuery, cursor: &RunCursor) {
    let past = if query.descending { " < " } else { " > " };
    if query.order == RunOrder::Created {
        sql.push("q.seq").push(past).bind(cursor.seq);
        return;
    }
    let (rank, column, key): (i64, &str, Value) = match &cursor.key {
        CursorKey::Number(number) if !number.is_nan() => {
            (RANK_NUMBER, "q.sort_number", (*number).into())
        }
        CursorKey::Text(text) => (RANK_TEXT, "q.sort_text", text.as_str().into()),
        CursorKey::NotANumber | CursorKey::Number(_) => (RANK_NAN, "", Value::Null),
        CursorKey::Missing => (RANK_MISSING, "", Value::Null),
    };
    sql.push("(q.sort_rank > ").bind(rank);
    sql.push(" OR (q.sort_rank = ").bind(rank).push(" AND ");
    if column.is_empty() {
        sql.push("q.seq < ").bind(cursor.seq);
    } else {
        sql.push("(").push(column).push(past).bind(key.clone());
        sql.push(" OR (").push(column).push(" = ").bind(key);
        sql.push(" AND q.seq < ").bind(cursor.seq).push("))");
    }
    sql.push("))");
}
