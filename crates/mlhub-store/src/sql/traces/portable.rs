//! Traces out of and into archives, with the project of their experiment.

use std::fmt::Write as _;

use mlhub_core::portable::{PortableLine, PortableTrace, PortableTraceFile, PortableTraceSpan};
use mlhub_core::trace::{Trace, TraceSpan};
use mlhub_core::{Error, Name, Result, TraceId};

use super::super::portable_read::Out;
use super::super::seam::Tx;
use super::{assessments, files, read, write};

/// Traces read at once.
const TRACES_PER_PAGE: i64 = 100;
/// Spans read at once.
const SPANS_PER_PAGE: i64 = 16;

/// The traces of a project by id; those of runs that were deleted and not purged yet only
/// with `deleted`.
pub(crate) async fn portable(
    tx: &mut dyn Tx,
    project: &Name,
    deleted: bool,
    out: &Out<'_>,
) -> Result<()> {
    let sql = "SELECT t.id, e.name FROM trace t JOIN experiment e ON e.seq = t.experiment \
               WHERE e.project = $1 AND t.id > $2 AND ($3 = 1 OR NOT EXISTS (SELECT 1 FROM run r \
               WHERE r.id = t.source_run AND r.deleted_at IS NOT NULL)) ORDER BY t.id LIMIT $4";
    let mut after = String::new();
    loop {
        let values = [
            project.as_str().into(),
            after.as_str().into(),
            i64::from(deleted).into(),
            TRACES_PER_PAGE.into(),
        ];
        let rows = tx.query(sql, &values).await?;
        let last = (rows.len() as i64) < TRACES_PER_PAGE;
        for mut row in rows {
            let id: TraceId = row.parsed()?;
            id.as_str().clone_into(&mut after);
            one(tx, &id, row.parsed()?, out).await?;
        }
        if last {
            return Ok(());
        }
    }
}

async fn one(tx: &mut dyn Tx, id: &TraceId, experiment: Name, out: &Out<'_>) -> Result<()> {
    let trace = read::exact(tx, id).await?;
    let sql = "SELECT run FROM trace_link WHERE trace = $1 ORDER BY run";
    let rows = tx.query(sql, &[id.as_str().into()]).await?;
    let links = rows.into_iter().map(|mut row| row.text());
    let line = PortableTrace {
        id: trace.id,
        experiment,
        run: trace.run,
        client_request: trace.client_request,
        requested_at: trace.requested_at,
        duration_ms: trace.duration_ms,
        state: trace.state,
        request_preview: trace.request_preview,
        response_preview: trace.response_preview,
        tags: trace.tags,
        metadata: trace.metadata,
        assessments: trace.assessments,
        links: links.collect::<Result<_>>()?,
        headed: trace.headed,
    };
    out.line(PortableLine::Trace(Box::new(line))).await?;
    let sql = "SELECT id, parent, name, kind, state, started_ns, ended_ns, content \
               FROM trace_span WHERE trace = $1 AND id > $2 ORDER BY id LIMIT $3";
    let mut after = String::new();
    loop {
        let values = [
            id.as_str().into(),
            after.as_str().into(),
            SPANS_PER_PAGE.into(),
        ];
        let rows = tx.query(sql, &values).await?;
        let last = (rows.len() as i64) < SPANS_PER_PAGE;
        for mut row in rows {
            let span = read::span(&mut row)?;
            after.clone_from(&span.id);
            let line = Box::new(PortableTraceSpan { span });
            out.line(PortableLine::TraceSpan(line)).await?;
        }
        if last {
            break;
        }
    }
    for file in files::list(tx, id).await? {
        let content = files::get(tx, id, &file.path).await?.unwrap_or_default();
        let line = PortableTraceFile {
            path: file.path,
            content: hex(&content),
        };
        out.line(PortableLine::TraceFile(line)).await?;
    }
    Ok(())
}

/// Stores a trace of an archive; one that the project has already stays as it is, and `false`
/// says so. `Conflict` for one that is somewhere else.
pub(crate) async fn restore(tx: &mut dyn Tx, project: &Name, line: PortableTrace) -> Result<bool> {
    let sql = "SELECT seq FROM experiment WHERE project = $1 AND name = $2";
    let values = [project.as_str().into(), line.experiment.as_str().into()];
    let rows = tx.query(sql, &values).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::invalid("a trace stands before its experiment"))?;
    let experiment = row.i64()?;
    let links = line.links.clone();
    let trace = Trace {
        experiment,
        ..Trace::from(line)
    };
    let sql = "INSERT INTO trace (id, experiment, requested_at, state, headed, span_count, \
               span_bytes) VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (id) DO NOTHING";
    let values = [
        trace.id.as_str().into(),
        experiment.into(),
        trace.requested_at.0.into(),
        trace.state.as_str().into(),
    ];
    if tx.execute(sql, &values).await? == 0 {
        let sql = "SELECT e.project FROM trace t JOIN experiment e ON e.seq = t.experiment \
                   WHERE t.id = $1";
        let mut places = Vec::new();
        for mut row in tx.query(sql, &[trace.id.as_str().into()]).await? {
            places.push(row.parsed::<Name>()?);
        }
        return match places.contains(project) {
            true => Ok(false),
            false => Err(Error::conflict(format!(
                "a trace `{}` exists here already, in another project",
                trace.id
            ))),
        };
    }
    write::save(tx, &trace).await?;
    assessments::insert(tx, &trace.id, 0, &trace.assessments).await?;
    for run in links {
        let sql = "INSERT INTO trace_link (trace, run) VALUES ($1, $2) \
                   ON CONFLICT (trace, run) DO NOTHING";
        tx.execute(sql, &[trace.id.as_str().into(), run.into()])
            .await?;
    }
    Ok(true)
}

/// Stores a span of an archive.
pub(crate) async fn restore_span(tx: &mut dyn Tx, trace: &TraceId, span: TraceSpan) -> Result<()> {
    write::insert_spans(tx, trace, &[span]).await
}

/// Stores a file of an archive.
pub(crate) async fn restore_file(
    tx: &mut dyn Tx,
    trace: &TraceId,
    file: &PortableTraceFile,
) -> Result<()> {
    let content = bytes(&file.content);
    let content = content
        .ok_or_else(|| Error::invalid(format!("the file `{}` of a trace is no hex", file.path)))?;
    files::put(tx, trace, &file.path, &content).await
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
        _ => None,
    };
    pairs.map(byte).collect()
}
