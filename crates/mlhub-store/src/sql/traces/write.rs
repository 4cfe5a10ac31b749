//! Changes of traces. The trace's row is held while it is changed.

use std::collections::BTreeMap;

use mlhub_core::registry::at_most;
use mlhub_core::trace::{ArrivedSpans, Trace, TraceDeletion, TraceSpan};
use mlhub_core::{Error, ErrorKind, Name, Result, RunId, TraceId, limits};

use super::super::runs;
use super::super::seam::{Tx, Value};
use super::super::text::{Sql, insert_rows, query_in};
use super::assessments;
use super::read::{self, METADATA, TAG};

/// Spans removed in one transaction when a run is purged.
const SPANS_PER_STEP: i64 = 64;

/// Refuses an experiment that is not there, or deleted.
async fn experiment(tx: &mut dyn Tx, number: i64) -> Result<()> {
    let sql = "SELECT project, name, deleted_at FROM experiment WHERE seq = $1";
    let rows = tx.query(sql, &[number.into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::not_found("experiment", number))?;
    let (project, name) = (row.text()?, row.text()?);
    match row.optional_i64()? {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!(
            "the experiment `{project}/{name}` is deleted; restore it first"
        ))),
    }
}

/// A trace that nobody else changes until the transaction ends; `fresh` where it was not
/// there.
async fn hold_or(tx: &mut dyn Tx, fresh: Trace) -> Result<Trace> {
    // Of two that make it one comes first, and the other finds it.
    let sql = "INSERT INTO trace (id, experiment, requested_at, state, headed, span_count, \
               span_bytes) VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (id) DO NOTHING";
    let values = [
        fresh.id.as_str().into(),
        fresh.experiment.into(),
        fresh.requested_at.0.into(),
        fresh.state.as_str().into(),
    ];
    if tx.execute(sql, &values).await? > 0 {
        return Ok(fresh);
    }
    hold(tx, &fresh.id).await
}

/// A trace that nobody else changes until the transaction ends.
pub(super) async fn hold(tx: &mut dyn Tx, id: &TraceId) -> Result<Trace> {
    let sql = format!(
        "SELECT id FROM trace WHERE id = $1{}",
        tx.dialect().lock_rows()
    );
    tx.query(&sql, &[id.as_str().into()]).await?;
    read::exact(tx, id).await
}

/// Stores all of a trace but its spans and files; its row is there.
pub(super) async fn save(tx: &mut dyn Tx, trace: &Trace) -> Result<()> {
    trace.check()?;
    let sql = "UPDATE trace SET experiment = $1, source_run = $2, client_request = $3, \
               requested_at = $4, duration_ms = $5, state = $6, request_preview = $7, \
               response_preview = $8, headed = $9 WHERE id = $10";
    let values = [
        trace.experiment.into(),
        trace.run.as_deref().into(),
        trace.client_request.as_deref().into(),
        trace.requested_at.0.into(),
        trace.duration_ms.into(),
        trace.state.as_str().into(),
        trace.request_preview.as_deref().into(),
        trace.response_preview.as_deref().into(),
        i64::from(trace.headed).into(),
        trace.id.as_str().into(),
    ];
    tx.execute(sql, &values).await?;
    labels_put(tx, &trace.id, TAG, &trace.tags).await?;
    labels_put(tx, &trace.id, METADATA, &trace.metadata).await
}

async fn labels_put(
    tx: &mut dyn Tx,
    id: &TraceId,
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
    let head = "INSERT INTO trace_label (trace, kind, name, value)";
    let tail = " ON CONFLICT (trace, kind, name) DO UPDATE SET value = excluded.value";
    insert_rows(tx, head, labels.iter().map(row).collect(), tail).await
}

pub(super) async fn put(tx: &mut dyn Tx, head: &Trace) -> Result<Trace> {
    experiment(tx, head.experiment).await?;
    let fresh = Trace {
        assessments: Vec::new(),
        ..head.clone()
    };
    let mut trace = hold_or(tx, fresh).await?;
    let known = trace.assessments.len();
    trace.follow_head(head.clone());
    save(tx, &trace).await?;
    assessments::insert(tx, &trace.id, known as i64, &trace.assessments[known..]).await?;
    Ok(trace)
}

pub(super) async fn spans_put(tx: &mut dyn Tx, all: &[ArrivedSpans]) -> Result<()> {
    // In one order, so that two requests never wait for each other.
    let mut all: Vec<&ArrivedSpans> = all.iter().collect();
    all.sort_by(|a, b| a.trace.cmp(&b.trace));
    for arrived in all {
        let mut trace = match read::one(tx, &arrived.trace).await? {
            Some(_) => hold(tx, &arrived.trace).await?,
            None => {
                experiment(tx, arrived.experiment).await?;
                hold_or(tx, Trace::of_spans(arrived)).await?
            }
        };
        trace.follow_spans(arrived);
        save(tx, &trace).await?;
        insert_spans(tx, &arrived.trace, &arrived.spans).await?;
    }
    Ok(())
}

/// Stores spans of a trace whose row is held; one that is there is replaced.
pub(super) async fn insert_spans(
    tx: &mut dyn Tx,
    trace: &TraceId,
    spans: &[TraceSpan],
) -> Result<()> {
    // The last of an id counts.
    let spans: BTreeMap<&str, &TraceSpan> =
        spans.iter().map(|one| (one.id.as_str(), one)).collect();
    let size = |span: &TraceSpan| (span.content.len() + span.name.len() + span.kind.len()) as i64;
    let mut count = spans.len() as i64;
    let mut bytes: i64 = spans.values().map(|span| size(span)).sum();
    let ids: Vec<Value> = spans.keys().map(|id| (*id).into()).collect();
    for slab in ids.chunks(limits::PAGE_MAX_ROWS / 2) {
        let mut sql = Sql::new("SELECT size_bytes FROM trace_span WHERE trace = ");
        sql.bind(trace.as_str()).push(" AND id IN ");
        sql.bind_list(slab.iter().cloned());
        for mut row in sql.query(tx).await? {
            count -= 1;
            bytes -= row.i64()?;
        }
    }
    let sql = "UPDATE trace SET span_count = span_count + $1, span_bytes = span_bytes + $2 \
               WHERE id = $3 RETURNING span_count, span_bytes";
    let values = [count.into(), bytes.into(), trace.as_str().into()];
    for mut row in tx.query(sql, &values).await? {
        let spans = (row.i64()?, limits::TRACE_SPANS_MAX);
        let bytes = (row.i64()?, limits::TRACE_SPANS_MAX_BYTES);
        for ((found, max), what) in [(spans, "spans"), (bytes, "bytes of spans")] {
            let what = format!("{what} of the trace `{trace}`");
            at_most(&what, found.max(0) as usize, max as usize)?;
        }
    }
    let row = |span: &&TraceSpan| -> Vec<Value> {
        vec![
            trace.as_str().into(),
            span.id.as_str().into(),
            span.parent.as_deref().into(),
            span.name.as_str().into(),
            span.kind.as_str().into(),
            span.state.as_str().into(),
            span.started_ns.into(),
            span.ended_ns.into(),
            size(span).into(),
            span.content.as_str().into(),
        ]
    };
    let head = "INSERT INTO trace_span (trace, id, parent, name, kind, state, started_ns, \
                ended_ns, size_bytes, content)";
    let tail = " ON CONFLICT (trace, id) DO UPDATE SET parent = excluded.parent, \
                name = excluded.name, kind = excluded.kind, state = excluded.state, \
                started_ns = excluded.started_ns, ended_ns = excluded.ended_ns, \
                size_bytes = excluded.size_bytes, content = excluded.content";
    insert_rows(tx, head, spans.values().map(row).collect(), tail).await
}

pub(super) async fn tags(
    tx: &mut dyn Tx,
    id: &TraceId,
    tags: &BTreeMap<String, Option<String>>,
) -> Result<()> {
    let mut trace = hold(tx, id).await?;
    for (name, value) in tags {
        match value {
            Some(value) => {
                trace.tags.insert(name.clone(), value.clone());
            }
            None => {
                let sql = "DELETE FROM trace_label WHERE trace = $1 AND kind = $2 AND name = $3";
                let values = [id.as_str().into(), TAG.into(), name.as_str().into()];
                if tx.execute(sql, &values).await? == 0 {
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        format!("the trace `{id}` has no tag `{name}`"),
                    ));
                }
                trace.tags.remove(name);
            }
        }
    }
    save(tx, &trace).await
}

pub(super) async fn link(tx: &mut dyn Tx, run: &RunId, ids: &[TraceId]) -> Result<()> {
    runs::lock(tx, run).await?;
    let found = read::some(tx, ids).await?;
    let row = |trace: &Trace| vec![trace.id.as_str().into(), run.as_str().into()];
    let head = "INSERT INTO trace_link (trace, run)";
    let tail = " ON CONFLICT (trace, run) DO NOTHING";
    insert_rows(tx, head, found.iter().map(row).collect(), tail).await?;
    let ids: Vec<Value> = found.iter().map(|one| one.id.as_str().into()).collect();
    let sql = "SELECT trace, count(*) FROM trace_link WHERE trace IN ";
    for mut row in query_in(tx, sql, &ids, " GROUP BY trace").await? {
        let trace = row.text()?;
        let max = limits::TRACE_LINKS_MAX;
        at_most(&format!("runs of the trace `{trace}`"), row.int()?, max)?;
    }
    Ok(())
}

pub(super) async fn delete(tx: &mut dyn Tx, experiment: i64, which: &TraceDeletion) -> Result<u64> {
    let mut gone = 0;
    match which {
        TraceDeletion::Ids(ids) => {
            for slab in ids.chunks(limits::PAGE_MAX_ROWS / 2) {
                let mut sql = Sql::new("DELETE FROM trace WHERE experiment = ");
                sql.bind(experiment).push(" AND id IN ");
                sql.bind_list(slab.iter().map(|id| id.as_str().into()));
                gone += tx.execute(&sql.text, &sql.values).await?;
            }
        }
        TraceDeletion::Until { time, max } => {
            let mut sql = Sql::new("DELETE FROM trace WHERE id IN (SELECT id FROM trace WHERE ");
            sql.push("experiment = ").bind(experiment);
            sql.push(" AND requested_at <= ").bind(time.0);
            sql.push(" ORDER BY requested_at, id");
            if let Some(max) = max {
                sql.push(" LIMIT ").bind(*max);
            }
            sql.push(")");
            gone = tx.execute(&sql.text, &sql.values).await?;
        }
    }
    Ok(gone)
}

/// Removes some spans of traces of a run; says whether there may be more.
pub(crate) async fn remove_spans_of_run(tx: &mut dyn Tx, run: &RunId) -> Result<bool> {
    let sql = format!(
        "DELETE FROM trace_span WHERE (trace, id) IN (SELECT s.trace, s.id FROM trace_span s \
         JOIN trace t ON t.id = s.trace WHERE t.source_run = $1 LIMIT {SPANS_PER_STEP})"
    );
    let gone = tx.execute(&sql, &[run.as_str().into()]).await?;
    Ok(gone.cast_signed() == SPANS_PER_STEP)
}

/// Removes the traces of a run, and the links of others to it.
pub(crate) async fn remove_of_run(tx: &mut dyn Tx, run: &RunId) -> Result<()> {
    for sql in [
        "DELETE FROM trace WHERE source_run = $1",
        "DELETE FROM trace_link WHERE run = $1",
    ] {
        tx.execute(sql, &[run.as_str().into()]).await?;
    }
    Ok(())
}

/// Removes the traces of a project.
pub(crate) async fn remove_of_project(tx: &mut dyn Tx, project: &Name) -> Result<()> {
    let sql = "DELETE FROM trace WHERE experiment IN \
               (SELECT seq FROM experiment WHERE project = $1)";
    tx.execute(sql, &[project.as_str().into()]).await.map(drop)
}
