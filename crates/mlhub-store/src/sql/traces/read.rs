//! Traces as they are; labels and assessments come in one query per page each.

use std::collections::BTreeMap;

use mlhub_core::registry::at_most;
use mlhub_core::trace::{Assessment, Trace, TraceQuery, TraceSpan};
use mlhub_core::{Error, Result, Timestamp, TraceId, limits};

use super::super::seam::{Row, Tx, Value};
use super::super::text::{Sql, query_in};

const TRACES: &str = "SELECT t.id, t.experiment, t.source_run, t.client_request, t.requested_at, \
    t.duration_ms, t.state, t.request_preview, t.response_preview, t.headed FROM trace t";
/// What a row of labels is about.
pub(super) const TAG: &str = "tag";
/// See [`TAG`].
pub(super) const METADATA: &str = "metadata";

fn values(ids: &[TraceId]) -> Vec<Value> {
    ids.iter().map(|id| id.as_str().into()).collect()
}

/// One trace.
pub(super) async fn one(tx: &mut dyn Tx, id: &TraceId) -> Result<Option<Trace>> {
    Ok(some(tx, std::slice::from_ref(id)).await?.pop())
}

/// The same, which has to be there.
pub(super) async fn exact(tx: &mut dyn Tx, id: &TraceId) -> Result<Trace> {
    let found = one(tx, id).await?;
    found.ok_or_else(|| Error::not_found("trace", id))
}

/// Those of some traces that there are, in the order asked for.
pub(super) async fn some(tx: &mut dyn Tx, ids: &[TraceId]) -> Result<Vec<Trace>> {
    let sql = format!("{TRACES} WHERE t.id IN ");
    let rows = query_in(tx, &sql, &values(ids), "").await?;
    let found = joined(tx, rows).await?;
    let mut found: BTreeMap<TraceId, Trace> = found
        .into_iter()
        .map(|trace| (trace.id.clone(), trace))
        .collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// A page of traces, newest first.
pub(super) async fn list(tx: &mut dyn Tx, query: &TraceQuery) -> Result<Vec<Trace>> {
    let mut sql = Sql::new(TRACES);
    sql.push(" WHERE 1 = 1");
    if let Some(experiments) = &query.experiments {
        sql.push(" AND (1 = 0");
        for experiment in experiments {
            sql.push(" OR t.experiment = ").bind(*experiment);
        }
        sql.push(")");
    }
    if let Some(run) = &query.run {
        sql.push(" AND (t.source_run = ").bind(run.as_str());
        sql.push(" OR t.id IN (SELECT l.trace FROM trace_link l WHERE l.run = ");
        sql.bind(run.as_str()).push("))");
    }
    if let Some(from) = query.from {
        sql.push(" AND t.requested_at >= ").bind(from.0);
    }
    if let Some(until) = query.until {
        sql.push(" AND t.requested_at <= ").bind(until.0);
    }
    if let Some((time, id)) = &query.after {
        sql.push(" AND (t.requested_at < ").bind(time.0);
        sql.push(" OR (t.requested_at = ").bind(time.0);
        sql.push(" AND t.id > ").bind(id.as_str()).push("))");
    }
    let limit = query.limit.min(limits::PAGE_MAX_ROWS) as i64;
    sql.push(" ORDER BY t.requested_at DESC, t.id LIMIT ")
        .bind(limit);
    let rows = sql.query(tx).await?;
    joined(tx, rows).await
}

async fn joined(tx: &mut dyn Tx, rows: Vec<Row>) -> Result<Vec<Trace>> {
    let mut found = Vec::with_capacity(rows.len());
    for mut row in rows {
        found.push(Trace {
            id: row.parsed()?,
            experiment: row.i64()?,
            run: row.optional_text()?,
            client_request: row.optional_text()?,
            requested_at: Timestamp(row.i64()?),
            duration_ms: row.optional_i64()?,
            state: row.parsed()?,
            request_preview: row.optional_text()?,
            response_preview: row.optional_text()?,
            tags: BTreeMap::new(),
            metadata: BTreeMap::new(),
            assessments: Vec::new(),
            headed: row.i64()? != 0,
        });
    }
    let ids: Vec<Value> = found.iter().map(|one| one.id.as_str().into()).collect();
    let places: BTreeMap<String, usize> = found
        .iter()
        .enumerate()
        .map(|(at, one)| (one.id.as_str().to_owned(), at))
        .collect();
    let place = |row: &mut Row| -> Result<usize> {
        let found = places.get(&row.text()?).copied();
        found.ok_or_else(|| Error::internal("read traces", "a trace vanished in its transaction"))
    };
    let sql = "SELECT trace, kind, name, value FROM trace_label WHERE trace IN ";
    for mut row in query_in(tx, sql, &ids, "").await? {
        let trace = &mut found[place(&mut row)?];
        let labels = match row.text()?.as_str() {
            TAG => &mut trace.tags,
            _ => &mut trace.metadata,
        };
        labels.insert(row.text()?, row.text()?);
    }
    let sql = "SELECT trace, body FROM trace_assessment WHERE trace IN ";
    for mut row in query_in(tx, sql, &ids, " ORDER BY place, id").await? {
        let trace = &mut found[place(&mut row)?];
        let body: Option<Assessment> = row.optional_json()?;
        trace.assessments.extend(body);
    }
    Ok(found)
}

/// The spans of some traces: roots first, then as they began.
pub(super) async fn spans(
    tx: &mut dyn Tx,
    ids: &[TraceId],
) -> Result<BTreeMap<TraceId, Vec<TraceSpan>>> {
    let ids = values(ids);
    let mut bytes = 0;
    for mut row in query_in(
        tx,
        "SELECT id, span_bytes FROM trace WHERE id IN ",
        &ids,
        "",
    )
    .await?
    {
        let _id = row.text()?;
        bytes += row.i64()?;
    }
    let max = limits::TRACES_ANSWER_MAX_BYTES;
    let what = "bytes of spans; ask for fewer traces at once, since";
    at_most(what, bytes.max(0) as usize, max as usize)?;
    let sql = "SELECT trace, id, parent, name, kind, state, started_ns, ended_ns, content \
               FROM trace_span WHERE trace IN ";
    let order = " ORDER BY CASE WHEN parent IS NULL THEN 0 ELSE 1 END, started_ns, id";
    let mut found: BTreeMap<TraceId, Vec<TraceSpan>> = BTreeMap::new();
    for mut row in query_in(tx, sql, &ids, order).await? {
        let trace: TraceId = row.parsed()?;
        found.entry(trace).or_default().push(span(&mut row)?);
    }
    Ok(found)
}

/// A span from its columns.
pub(super) fn span(row: &mut Row) -> Result<TraceSpan> {
    Ok(TraceSpan {
        id: row.text()?,
        parent: row.optional_text()?,
        name: row.text()?,
        kind: row.text()?,
        state: row.parsed()?,
        started_ns: row.i64()?,
        ended_ns: row.optional_i64()?,
        content: row.text()?,
    })
}
